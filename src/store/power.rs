//! Power cuts at file level, for tests of every room: what was done to the disk is noted, and the folder is laid out as a cut
//! after any step may leave it.
//!
//! What a disk keeps for certain: the bytes of a file up to its last sync, and the names of a folder up to that folder's last
//! sync. Of what came after, it may keep all, nothing, the names without the bytes, the bytes without the names, the last
//! write in half, or a length whose bytes were never written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// One step. Files are known by their number in the file system.
#[derive(Debug, Clone)]
pub enum Deed {
    Make(PathBuf, u64),
    Write(u64, u64, Vec<u8>),
    Length(u64, u64),
    Sync(u64),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncNames(PathBuf),
    /// So much was acknowledged.
    Acknowledged(u64),
}

thread_local! {
    static NOTES: RefCell<Option<Vec<Deed>>> = const { RefCell::new(None) };
}

/// Notes a step of this thread, where a test records.
pub(super) fn note(deed: impl FnOnce() -> Deed) {
    NOTES.with_borrow_mut(|notes| notes.as_mut().map(|notes| notes.push(deed())));
}

/// A file's number.
pub(super) fn number(file: &File) -> u64 {
    file.metadata().unwrap().ino()
}

/// Notes that so much was acknowledged.
pub fn acknowledge(much: u64) {
    note(|| Deed::Acknowledged(much));
}

/// What was done to the files of a folder.
pub struct Recording {
    folder: PathBuf,
    /// The files at the beginning, all on disk.
    start: BTreeMap<PathBuf, (u64, Vec<u8>)>,
    deeds: Vec<Deed>,
}

/// What a cut takes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Nothing: only the process died.
    Nothing,
    /// All of it.
    All,
    /// The bytes, while the names are kept.
    Bytes,
    /// The names, while the bytes are kept.
    Names,
    /// Half of the last write.
    Half,
    /// The bytes, while the length is kept: zeros stand there.
    Zeroed,
}

/// A moment and what is lost then.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Steps before it.
    pub after: usize,
    /// What is lost.
    pub lost: Lost,
    /// How much had been acknowledged.
    pub acknowledged: u64,
}

/// Records what `work` does, in this thread, to the durable files below a folder.
pub fn record(folder: &Path, work: impl FnOnce()) -> Recording {
    let mut start = BTreeMap::new();
    for path in files(folder) {
        let file = File::open(&path).unwrap();
        start.insert(path.clone(), (number(&file), fs::read(&path).unwrap()));
    }
    NOTES.set(Some(Vec::new()));
    work();
    let deeds = NOTES.take().unwrap();
    Recording { folder: folder.to_owned(), start, deeds }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// A file as it is on disk, and what is on its way there.
#[derive(Default)]
struct Simulated {
    disk: Vec<u8>,
    waiting: Vec<Deed>,
}

impl Simulated {
    fn bytes(&self, lost: Lost) -> Vec<u8> {
        let mut bytes = self.disk.clone();
        for (at, deed) in self.waiting.iter().enumerate() {
            let is_last = at + 1 == self.waiting.len();
            match (lost, deed) {
                (Lost::All | Lost::Bytes, _) => {}
                (Lost::Half, Deed::Write(_, place, written)) if is_last => {
                    put(&mut bytes, *place, &written[..written.len() / 2])
                }
                (Lost::Zeroed, Deed::Write(_, place, written)) => put(&mut bytes, *place, &vec![0; written.len()]),
                (_, Deed::Write(_, place, written)) => put(&mut bytes, *place, written),
                (_, Deed::Length(_, len)) => bytes.resize(*len as usize, 0),
                (_, _) => {}
            }
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, place: u64, written: &[u8]) {
    let (start, end) = (place as usize, place as usize + written.len());
    bytes.resize(bytes.len().max(end), 0);
    bytes[start..end].copy_from_slice(written);
}

fn name(names: &mut BTreeMap<PathBuf, usize>, deed: &Deed, of: &BTreeMap<u64, usize>) {
    if let Deed::Make(path, number) = deed {
        names.insert(path.clone(), of[number]);
    } else if let Deed::Rename(from, to) = deed
        && let Some(file) = names.remove(from)
    {
        names.insert(to.clone(), file);
    } else if let Deed::Remove(path) = deed {
        names.remove(path);
    }
}

/// The name that a step gives or takes.
fn named(deed: &Deed) -> Option<&Path> {
    if let Deed::Make(path, _) | Deed::Remove(path) | Deed::Rename(_, path) = deed { Some(path) } else { None }
}

impl Recording {
    /// Every cut: after each step, with each loss.
    pub fn cuts(&self) -> Vec<Cut> {
        let mut cuts = Vec::new();
        let mut acknowledged = 0;
        for after in 0..=self.deeds.len() {
            if let Some(Deed::Acknowledged(much)) = after.checked_sub(1).map(|last| &self.deeds[last]) {
                acknowledged = *much;
            }
            for lost in [Lost::Nothing, Lost::All, Lost::Bytes, Lost::Names, Lost::Half, Lost::Zeroed] {
                cuts.push(Cut { after, lost, acknowledged });
            }
        }
        cuts
    }

    /// Lays the files out below another folder as the cut leaves them; what stood there is removed.
    pub fn lay_out(&self, cut: &Cut, into: &Path) {
        let mut all: Vec<Simulated> = Vec::new();
        let (mut of, mut disk_names, mut waiting) = (BTreeMap::new(), BTreeMap::new(), Vec::<Deed>::new());
        for (path, (number, bytes)) in &self.start {
            of.insert(*number, all.len());
            disk_names.insert(path.clone(), all.len());
            all.push(Simulated { disk: bytes.clone(), waiting: Vec::new() });
        }
        // Names of files whose number is used again afterwards must keep the file they were given.
        let mut names_then: Vec<BTreeMap<u64, usize>> = Vec::new();
        for deed in &self.deeds[..cut.after] {
            match deed {
                Deed::Make(path, number) => {
                    let existing = names_now(&disk_names, &waiting, &names_then).get(path).copied();
                    match existing {
                        // Made anew under a name that is there: the same file, emptied.
                        Some(file) if of.get(number) == Some(&file) => all[file].waiting.push(Deed::Length(*number, 0)),
                        _ => {
                            of.insert(*number, all.len());
                            all.push(Simulated::default());
                        }
                    }
                    waiting.push(deed.clone());
                    names_then.push(of.clone());
                }
                Deed::Rename(..) | Deed::Remove(_) => {
                    waiting.push(deed.clone());
                    names_then.push(of.clone());
                }
                Deed::Write(number, ..) | Deed::Length(number, _) => {
                    if let Some(file) = of.get(number) {
                        all[*file].waiting.push(deed.clone());
                    }
                }
                Deed::Sync(number) => {
                    if let Some(file) = of.get(number) {
                        let file = &mut all[*file];
                        file.disk = file.bytes(Lost::Nothing);
                        file.waiting.clear();
                    }
                }
                Deed::SyncNames(folder) => {
                    let is_here = |deed: &Deed| named(deed).and_then(Path::parent) == Some(folder);
                    let (mut kept, mut kept_then) = (Vec::new(), Vec::new());
                    for (deed, then) in waiting.into_iter().zip(names_then) {
                        if is_here(&deed) {
                            name(&mut disk_names, &deed, &then);
                        } else {
                            kept.push(deed);
                            kept_then.push(then);
                        }
                    }
                    (waiting, names_then) = (kept, kept_then);
                }
                Deed::Acknowledged(_) => {}
            }
        }
        let names = match cut.lost {
            Lost::All | Lost::Names => disk_names,
            Lost::Nothing | Lost::Bytes | Lost::Half | Lost::Zeroed => names_now(&disk_names, &waiting, &names_then),
        };
        fs::remove_dir_all(into).unwrap_or_default();
        for (path, file) in names {
            let Ok(inside) = path.strip_prefix(&self.folder) else { continue };
            let path = into.join(inside);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::io::Write::write_all(&mut File::create(&path).unwrap(), &all[file].bytes(cut.lost)).unwrap();
        }
        fs::create_dir_all(into).unwrap();
    }
}

fn names_now(
    disk: &BTreeMap<PathBuf, usize>,
    waiting: &[Deed],
    then: &[BTreeMap<u64, usize>],
) -> BTreeMap<PathBuf, usize> {
    let mut names = disk.clone();
    waiting.iter().zip(then).for_each(|(deed, of)| name(&mut names, deed, of));
    names
}

mod tests {
    use super::super::durable;
    use super::*;

    /// What stands at a name after each cut that had acknowledged at least `from`.
    fn seen(recording: &Recording, name: &str, from: u64) -> Vec<(Cut, Option<Vec<u8>>)> {
        let into = tempfile::tempdir().unwrap();
        let cuts = recording.cuts().into_iter().filter(|cut| cut.acknowledged >= from);
        cuts.map(|cut| {
            recording.lay_out(&cut, into.path());
            (cut, fs::read(into.path().join(name)).ok())
        })
        .collect()
    }

    #[test]
    fn whatever_a_power_cut_takes_a_replaced_file_is_the_old_one_or_the_new_one_and_once_acknowledged_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        durable::write(&path, b"the old bytes").unwrap();

        let recording = record(folder.path(), || {
            durable::write(&path, b"the new bytes, longer").unwrap();
            acknowledge(1);
        });

        for (cut, bytes) in seen(&recording, "keys", 0) {
            let bytes = bytes.unwrap_or_else(|| panic!("{cut:?}: it is gone"));
            assert!(bytes == b"the old bytes" || bytes == b"the new bytes, longer", "{cut:?}: {bytes:?}");
        }
        assert!(
            seen(&recording, "keys", 1).iter().all(|(_, bytes)| bytes.as_deref() == Some(b"the new bytes, longer"))
        );
    }

    #[test]
    fn whatever_a_power_cut_takes_a_removed_file_does_not_come_back_once_that_was_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        durable::write(&path, b"a key").unwrap();

        let recording = record(folder.path(), || {
            durable::remove(&path).unwrap();
            acknowledge(1);
        });

        for (cut, bytes) in seen(&recording, "keys", 0) {
            assert!(bytes.is_none() || bytes.as_deref() == Some(b"a key"), "{cut:?}: {bytes:?}");
        }
        assert!(seen(&recording, "keys", 1).iter().all(|(_, bytes)| bytes.is_none()));
    }

    #[test]
    fn whatever_a_power_cut_takes_what_was_appended_and_synced_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leaves");

        let recording = record(folder.path(), || {
            let mut file = durable::Growing::open(&path).unwrap();
            for (number, line) in [&b"one\n"[..], b"two\n", b"three\n"].into_iter().enumerate() {
                file.append(line).unwrap();
                file.syncer().unwrap().sync().unwrap();
                acknowledge(number as u64 + 1);
            }
        });

        let whole = b"one\ntwo\nthree\n";
        for (cut, bytes) in seen(&recording, "leaves", 1) {
            let ends = [0, 4, 8, 14];
            let sure = ends[cut.acknowledged as usize];
            let bytes = bytes.unwrap_or_else(|| panic!("{cut:?}: it is gone"));
            assert_eq!(bytes.get(..sure), Some(&whole[..sure]), "{cut:?}");
        }
    }

    #[test]
    fn without_a_sync_the_simulated_disk_loses_what_a_real_one_may_lose() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        durable::write(&path, b"old").unwrap();

        // As `durable::write` would do it, had it forgotten both syncs.
        let recording = record(folder.path(), || {
            let new = folder.path().join("keys.new");
            let file = super::super::disk::make(&new).unwrap();
            super::super::disk::write_at(&file, b"new", 0).unwrap();
            super::super::disk::rename(&new, &path).unwrap();
            acknowledge(1);
        });

        let left: Vec<(Lost, Option<Vec<u8>>)> =
            seen(&recording, "keys", 1).into_iter().map(|(cut, bytes)| (cut.lost, bytes)).collect();
        let of = |lost: Lost| left.iter().find(|(one, _)| *one == lost).unwrap().1.clone().unwrap();
        assert_eq!(of(Lost::Nothing), b"new");
        assert_eq!(of(Lost::All), b"old");
        assert_eq!(of(Lost::Bytes), b"");
        assert_eq!(of(Lost::Names), b"old");
        assert_eq!(of(Lost::Half), b"n");
        assert_eq!(of(Lost::Zeroed), [0; 3]);
    }
}
