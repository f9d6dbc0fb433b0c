//! A copy of all trees as they were at one moment, taken while others go on writing; and the way back.
//!
//! The trees are read one after the other, and nobody waits. What is written meanwhile is applied and noted in one order. At
//! the end writers wait for a moment; what was noted follows the trees. Whoever makes the copy good puts the records first
//! and then the changes, in their order: a change that the reading had seen already is only made twice.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::tree::Untyped;
use super::{Error, RESERVE_BYTES, Store, durable, make_private, record};

/// Stands in a folder from the beginning of a restore to its end.
pub(super) const UNFINISHED: &str = "restoring";

/// The tree that sled makes by itself; nothing of ours is in it.
const SLEDS_OWN: &[u8] = b"__sled__default";

/// A part of a copy. Names and bytes are as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A record as the reading met it.
    Record {
        /// Its tree.
        tree: String,
        /// Its key.
        key: Vec<u8>,
        /// Its version, checksum and bytes.
        value: Vec<u8>,
    },
    /// A change that was made meanwhile; without a value the record goes. All of them follow all records.
    Change {
        /// Its tree.
        tree: String,
        /// Its key.
        key: Vec<u8>,
        /// What stands there from then on.
        value: Option<Vec<u8>>,
    },
}

impl Part {
    /// Whether its checksum fits; a removal has none.
    pub fn is_sound(&self) -> bool {
        match self {
            Part::Record { tree, key, value } | Part::Change { tree, key, value: Some(value) } => {
                record::is_sound(tree, key, value)
            }
            Part::Change { value: None, .. } => true,
        }
    }

    /// The tree it belongs to.
    pub fn tree(&self) -> &str {
        match self {
            Part::Record { tree, .. } | Part::Change { tree, .. } => tree,
        }
    }
}

/// What is written while a copy is taken, in the order in which it is applied. It may become long, so it is a file, which
/// has no name any more and goes with the process.
pub(super) struct Journal {
    file: io::BufWriter<File>,
    notes: u64,
    /// The copy fails by it; whoever writes to the trees does not.
    failed: Option<io::Error>,
}

impl Journal {
    fn new(folder: &Path) -> Result<Journal, Error> {
        let path = folder.join("copying");
        let file = File::options().read(true).write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        Ok(Journal { file: io::BufWriter::new(file), notes: 0, failed: None })
    }

    /// Notes changes of one tree.
    pub(super) fn note(&mut self, tree: &[u8], changes: &Untyped) {
        if self.failed.is_some() {
            return;
        }
        for (key, change) in changes {
            let written =
                [Some(tree), Some(key.as_slice()), change.as_deref()].into_iter().try_for_each(|part| self.write(part));
            if let Err(error) = written {
                self.failed = Some(error);
                return;
            }
            self.notes += 1;
        }
    }

    fn write(&mut self, part: Option<&[u8]>) -> io::Result<()> {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        self.file.write_all(&length.to_be_bytes())?;
        self.file.write_all(part.unwrap_or_default())
    }

    /// Reads it from its beginning.
    fn tell(self, each: &mut dyn FnMut(Part) -> Result<(), Error>) -> Result<(), Error> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        let mut from = BufReader::new(file);
        let missing = || Error::Broken("the notes of a copy have a gap".into());
        for _ in 0..self.notes {
            let tree = name_of(&read_part(&mut from)?.ok_or_else(missing)?)?;
            let key = read_part(&mut from)?.ok_or_else(missing)?;
            each(Part::Change { tree, key, value: read_part(&mut from)? })?;
        }
        Ok(())
    }
}

fn read_part(from: &mut impl Read) -> Result<Option<Vec<u8>>, Error> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_be_bytes(length);
    if length == u64::MAX {
        return Ok(None);
    }
    let mut part = Vec::new();
    from.take(length).read_to_end(&mut part)?;
    Ok(Some(part))
}

fn name_of(bytes: &[u8]) -> Result<String, Error> {
    String::from_utf8(bytes.to_vec()).map_err(|error| Error::Broken(Box::new(error)))
}

impl Store {
    /// Copies every record of every tree, as all of them are at one moment: the one in which `at_rest` is called. Nobody
    /// writes to a tree while that runs, so it must be short and must not write to one either. One copy at a time.
    pub fn copy(
        &self,
        at_rest: &mut dyn FnMut() -> Result<(), Error>,
        each: &mut dyn FnMut(Part) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let journal = Journal::new(self.folder())?;
        {
            let mut copying = self.open.copying.write().unwrap_or_else(PoisonError::into_inner);
            if copying.is_some() {
                return Err(Error::Broken("a copy is being taken already; wait for its end".into()));
            }
            *copying = Some(Mutex::new(journal));
        }
        let read = self.read_all(each);
        // Whoever writes now waits; whatever happens, they go on afterwards.
        let mut copying = self.open.copying.write().unwrap_or_else(PoisonError::into_inner);
        let journal = copying.take();
        let rested = read.and_then(|()| at_rest());
        drop(copying);
        rested?;
        let journal = journal.ok_or_else(|| Error::Broken("the notes of a copy are gone".into()))?;
        journal.into_inner().unwrap_or_else(PoisonError::into_inner).tell(each)
    }

    fn read_all(&self, each: &mut dyn FnMut(Part) -> Result<(), Error>) -> Result<(), Error> {
        for name in self.open.db.tree_names().into_iter().filter(|name| **name != *SLEDS_OWN) {
            let tree = name_of(&name)?;
            for record in self.open.db.open_tree(&name)?.iter() {
                let (key, value) = record?;
                each(Part::Record { tree: tree.clone(), key: key.to_vec(), value: value.to_vec() })?;
            }
        }
        Ok(())
    }

    /// Applies a change, and notes it where a copy is being taken: then one at a time, so that the notes have their order.
    pub(super) fn change(
        &self,
        apply: impl FnOnce() -> Result<(), Error>,
        note: impl FnOnce(&mut Journal),
    ) -> Result<(), Error> {
        self.begin_change()?;
        let copying = self.open.copying.read().unwrap_or_else(PoisonError::into_inner);
        match &*copying {
            None => apply(),
            Some(journal) => {
                let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
                // Where it fails it may still be there in part of sled's memory; the call fails, and so does a restart.
                apply()?;
                note(&mut journal);
                Ok(())
            }
        }
    }
}

/// A folder that is being filled from a copy. Until [`Filling::finish`] it opens for nobody.
pub struct Filling {
    store: Store,
    trees: HashMap<String, sled::Tree>,
}

impl Filling {
    /// Begins in a folder that is empty, or not there.
    pub fn begin(folder: &Path) -> Result<Filling, Error> {
        make_private(folder)?;
        if fs::read_dir(folder)?.next().is_some() {
            return Err(Error::Broken(format!("{} is not empty", folder.display()).into()));
        }
        durable::write(&folder.join(UNFINISHED), b"a restore has begun and is not at its end\n")?;
        Ok(Filling { store: Store::open_as_it_is(folder, RESERVE_BYTES)?, trees: HashMap::new() })
    }

    /// Puts a part in its place. Nothing is synced before [`Filling::trees_are_whole`].
    pub fn take(&mut self, part: Part) -> Result<(), Error> {
        let name = part.tree();
        if !self.trees.contains_key(name) {
            self.store.check_room()?;
            self.trees.insert(name.to_owned(), self.store.open.db.open_tree(name)?);
        }
        let tree = &self.trees[name];
        match part {
            Part::Record { key, value, .. } | Part::Change { key, value: Some(value), .. } => {
                tree.insert(key, value)?
            }
            Part::Change { key, value: None, .. } => tree.remove(key)?,
        };
        Ok(())
    }

    /// Syncs what was put so far, and gives the store, for what must be done before others may open it.
    pub fn trees_are_whole(&self) -> Result<Store, Error> {
        self.store.flush()?;
        Ok(self.store.clone())
    }

    /// From now on the folder opens.
    pub fn finish(self) -> Result<(), Error> {
        self.store.flush()?;
        durable::remove(&self.store.folder().join(UNFINISHED))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::{Batch, Changes, Tree};
    use super::*;

    fn numbers(store: &Store, name: &'static str) -> Tree<u64, u64> {
        store.tree(name).unwrap()
    }

    /// Moves one from a random purse to another, in two trees at once: what all purses hold never changes.
    fn move_one(store: &Store, from: u64, to: u64) {
        let (left, right) = (numbers(store, "left"), numbers(store, "right"));
        let (mut less, mut more) = (Batch::new(), Batch::new());
        let has = left.get(&from).unwrap().unwrap();
        if has == 0 {
            return;
        }
        less.put(&from, &(has - 1));
        more.put(&to, &(right.get(&to).unwrap().unwrap() + 1));
        let mut changes = Changes::new();
        changes.add(&left, less);
        changes.add(&right, more);
        store.make(changes).unwrap();
    }

    fn total(store: &Store) -> u64 {
        let sum = |name| numbers(store, name).all().map(|record| record.unwrap().1).sum::<u64>();
        sum("left") + sum("right")
    }

    #[test]
    fn a_copy_taken_while_others_write_is_of_one_moment() {
        const PURSES: u64 = 600;
        let (folder, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(folder.path()).unwrap();
        for name in ["left", "right"] {
            let mut batch = Batch::new();
            (0..PURSES).for_each(|purse| batch.put(&purse, &20));
            numbers(&store, name).apply(batch).unwrap();
        }
        let is_over = AtomicBool::new(false);
        let mut parts = Vec::new();
        let mut at_rest = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut at = 0;
                while !is_over.load(Ordering::SeqCst) {
                    at = (at + 7) % PURSES;
                    move_one(&store, at, PURSES - 1 - at);
                }
            });
            // Slower than the writer, so that it is overtaken again and again.
            let mut each = |part| {
                parts.push(part);
                std::thread::yield_now();
                if parts.len() % 40 == 0 {
                    std::thread::park_timeout(std::time::Duration::from_millis(2));
                }
                Ok(())
            };
            let mut rest = || {
                at_rest = total(&store);
                Ok(())
            };
            store.copy(&mut rest, &mut each).unwrap();
            is_over.store(true, Ordering::SeqCst);
        });

        let mut filling = Filling::begin(&into.path().join("new")).unwrap();
        let changes = parts.iter().filter(|part| matches!(part, Part::Change { .. })).count();
        parts.into_iter().for_each(|part| filling.take(part).unwrap());
        filling.finish().unwrap();

        let copied = Store::open(&into.path().join("new")).unwrap();
        assert_eq!((at_rest, total(&copied)), (2 * PURSES * 20, 2 * PURSES * 20));
        assert!(changes > 10, "nothing was written meanwhile: {changes}");
    }

    #[test]
    fn a_folder_that_is_not_filled_to_its_end_opens_for_nobody_and_a_full_one_is_not_filled() {
        let into = tempfile::tempdir().unwrap();
        let folder = into.path().join("new");
        drop(Filling::begin(&folder).unwrap());

        assert!(matches!(Store::open(&folder), Err(Error::Unfinished(_))));
        assert!(Filling::begin(&folder).is_err());
    }

    #[test]
    fn damage_is_seen_in_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        numbers(&store, "left").put(&1, &2).unwrap();
        let sound = |store: &Store| {
            let mut all = Vec::new();
            let mut each = |part: Part| {
                // The store's own counters stand in a tree beside it.
                all.extend((part.tree() == "left").then(|| part.is_sound()));
                Ok(())
            };
            store.copy(&mut || Ok(()), &mut each).unwrap();
            all
        };
        assert_eq!(sound(&store), [true]);

        numbers(&store, "left").damage(&1, |bytes| bytes[7] ^= 1);

        assert_eq!(sound(&store), [false]);
    }
}
