//! The file of an export, or the folder it was unpacked to: its entries are read where they lie, and nothing is unpacked to
//! the disk.
//!
//! An export may have come by any hand. What it says of its own sizes is not believed, no name in it is ever a path of this
//! machine, and in a folder no link is followed out of it.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zip::ZipArchive;
use zip::result::ZipError;

use crate::crawl::Failure;

/// The file with everything but the attachments.
const ENTITIES: &str = "entities.xml";

/// The file that says what is exported.
const DESCRIPTOR: &str = "exportDescriptor.properties";

/// The most bytes that the objects may unpack to: 32 GiB are a wiki of millions of versions.
const ENTITIES_BYTES_MAX: u64 = 32 << 30;

/// How much larger than its packed form the text of a wiki may be, and what is never too much. A bomb has a thousand times.
const UNPACKED_TIMES_MAX: u64 = 200;
const UNPACKED_BYTES_FREE: u64 = 64 << 20;

/// The most bytes of a descriptor.
const DESCRIPTOR_BYTES_MAX: u64 = 1 << 20;

/// The most entries of one archive; each costs memory before an entry is read.
const ENTRIES_MAX: usize = 2_000_000;

/// Bytes read from the file at once.
const WINDOW_BYTES: usize = 64 << 10;

/// Why an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    /// It is not there, or not ours to read.
    #[error("cannot read {0}: {1}")]
    Unreadable(String, String),
    /// It is something else than an export.
    #[error("{0}")]
    Other(String),
    /// It is an export that ends in the middle or is damaged.
    #[error("the export is damaged: {0}")]
    Broken(String),
    /// It is made so that reading it costs too much.
    #[error("the export is refused: {0}")]
    Hostile(String),
    /// It was written anew while it was read.
    #[error("the export was written anew while it was read")]
    Changed,
}

impl Wrong {
    /// For an administrator.
    pub(super) fn failure(&self) -> Failure {
        let (code, remedy) = match self {
            Wrong::Unreadable(..) => ("archive_missing", "look whether file names the export and Sotto may read it"),
            Wrong::Other(_) => {
                ("archive_unknown", "export the space as XML (\"full export\"), and let file name the zip as it came")
            }
            Wrong::Broken(_) => ("archive_broken", "copy the export once more, or make it anew"),
            Wrong::Hostile(_) => ("archive_hostile", "make the export anew, and look where this one came from"),
            Wrong::Changed => ("archive_changed", "sync again when the file is complete"),
        };
        Failure { what: String::new(), code: code.to_owned(), cause: self.to_string(), remedy: remedy.to_owned() }
    }
}

/// An open export.
pub(super) struct Package {
    path: PathBuf,
    form: Form,
    seen: Fingerprint,
}

enum Form {
    Zip(ZipArchive<Window>),
    Folder,
}

/// What tells a file from the one it was before.
#[derive(PartialEq, Eq)]
struct Fingerprint {
    bytes: u64,
    changed: (i64, i64),
    inode: u64,
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Fingerprint {
        let changed = (metadata.mtime(), metadata.mtime_nsec());
        Fingerprint { bytes: metadata.len(), changed, inode: metadata.ino() }
    }
}

impl Package {
    /// Opens an export.
    pub(super) fn open(path: &Path) -> Result<Package, Wrong> {
        let unreadable = |error: io::Error| Wrong::Unreadable(path.display().to_string(), error.to_string());
        let path = path.canonicalize().map_err(unreadable)?;
        let metadata = path.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            let entities = within(&path, ENTITIES)?.ok_or_else(|| no_entities("the folder"))?;
            let seen = Fingerprint::of(&entities.metadata().map_err(unreadable)?);
            return Ok(Package { path, form: Form::Folder, seen });
        }
        if !metadata.is_file() {
            return Err(Wrong::Other(format!("{} is neither a file nor a folder", path.display())));
        }
        let file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let archive = ZipArchive::new(Window::of(file, metadata.len()))
            .map_err(|_| Wrong::Other("it is no zip file, or it is cut off at its end".to_owned()))?;
        if archive.len() > ENTRIES_MAX {
            return Err(Wrong::Hostile(format!("it has {} entries; at most {ENTRIES_MAX} are read", archive.len())));
        }
        if archive.index_for_name(ENTITIES).is_none() {
            return Err(no_entities("the zip file"));
        }
        Ok(Package { path, form: Form::Zip(archive), seen: Fingerprint::of(&metadata) })
    }

    /// Whether the file is still the one that was opened.
    fn is_as_it_was(&self) -> bool {
        let path = match self.form {
            Form::Zip(_) => self.path.clone(),
            Form::Folder => self.path.join(ENTITIES),
        };
        path.metadata().is_ok_and(|metadata| Fingerprint::of(&metadata) == self.seen)
    }

    /// Gives the text of all objects to `read`.
    pub(super) fn entities<T>(&self, read: impl FnOnce(&mut Limited<'_>) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let done = match &self.form {
            Form::Folder => {
                let path = within(&self.path, ENTITIES)?.ok_or_else(|| no_entities("the folder"))?;
                let file = File::open(&path).map_err(|error| broken(&error))?;
                read(&mut Limited::of(&mut BufReader::with_capacity(WINDOW_BYTES, file), ENTITIES_BYTES_MAX))
            }
            Form::Zip(archive) => {
                let mut archive = archive.clone();
                let entry = archive.by_name(ENTITIES).map_err(|error| unzipped(&error))?;
                let likely = entry.compressed_size().saturating_mul(UNPACKED_TIMES_MAX);
                let most = likely.saturating_add(UNPACKED_BYTES_FREE).min(ENTITIES_BYTES_MAX);
                if entry.size() > most {
                    return Err(too_large());
                }
                read(&mut Limited::of(&mut BufReader::with_capacity(WINDOW_BYTES, entry), most))
            }
        };
        // What was read of two files at once is neither.
        if self.is_as_it_was() { done } else { Err(Wrong::Changed) }
    }

    /// What the descriptor says, by its keys.
    pub(super) fn descriptor(&self) -> Result<Vec<(String, String)>, Wrong> {
        let bytes = self.bytes(DESCRIPTOR, DESCRIPTOR_BYTES_MAX)?.unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|_| Wrong::Broken("its descriptor is no text".to_owned()))?;
        Ok(properties(&text))
    }

    /// The bytes of an attached file, one more than `most` where it is larger; `None` where it is not in the export.
    pub(super) fn file(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Wrong> {
        self.bytes(name, most)
    }

    /// Whether there are attached files at all: an export can be made without.
    pub(super) fn has_files(&self) -> bool {
        match &self.form {
            Form::Folder => self.path.join("attachments").is_dir(),
            Form::Zip(archive) => archive.file_names_raw().any(|name| name.starts_with(b"attachments/")),
        }
    }

    fn bytes(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Wrong> {
        let mut bytes = Vec::new();
        match &self.form {
            Form::Folder => {
                let Some(path) = within(&self.path, name)? else { return Ok(None) };
                let file = File::open(&path).map_err(|error| broken(&error))?;
                file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
            }
            Form::Zip(archive) => {
                let mut archive = archive.clone();
                let entry = match archive.by_name(name) {
                    Ok(entry) => entry,
                    Err(ZipError::FileNotFound) => return Ok(None),
                    Err(error) => return Err(unzipped(&error)),
                };
                // What an archive says of an entry's size is not believed.
                entry.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
            }
        }
        Ok(Some(bytes))
    }
}

fn no_entities(what: &str) -> Wrong {
    Wrong::Other(format!("{what} has no {ENTITIES}, so it is no XML export of Confluence"))
}

fn too_large() -> Wrong {
    Wrong::Hostile(format!("its {ENTITIES} unpacks to far more than any wiki has"))
}

fn broken(error: &io::Error) -> Wrong {
    Wrong::Broken(error.to_string())
}

fn unzipped(error: &ZipError) -> Wrong {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            Wrong::Other("it is protected by a password".to_owned())
        }
        error => Wrong::Broken(error.to_string()),
    }
}

/// The file of a name below a folder; `None` where there is none. A link that leads out of the folder is refused.
fn within(folder: &Path, name: &str) -> Result<Option<PathBuf>, Wrong> {
    let path = match folder.join(name).canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(broken(&error)),
    };
    if !path.starts_with(folder) {
        return Err(Wrong::Hostile(format!("{name} leads out of the folder")));
    }
    Ok(path.is_file().then_some(path))
}

/// The lines of a properties file: `key=value`, with `\` before what has a meaning of its own.
fn properties(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with(['#', '!']));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let plain = |text: &str| text.trim().replace('\\', "");
    pairs.map(|(key, value)| (plain(key), plain(value))).collect()
}

/// A place in a file that several readers have open, each at a place of its own.
#[derive(Clone)]
struct Window {
    file: Arc<File>,
    bytes: u64,
    at: u64,
    /// What was read last, and where that begins.
    held: Vec<u8>,
    held_at: u64,
}

impl Window {
    fn of(file: File, bytes: u64) -> Window {
        Window { file: Arc::new(file), bytes, at: 0, held: Vec::new(), held_at: 0 }
    }
}

impl Read for Window {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let is_held = self.at >= self.held_at && self.at - self.held_at < self.held.len() as u64;
        if !is_held {
            self.held.resize(WINDOW_BYTES, 0);
            let read = self.file.read_at(&mut self.held, self.at)?;
            self.held.truncate(read);
            self.held_at = self.at;
        }
        let from = usize::try_from(self.at - self.held_at).unwrap_or(usize::MAX).min(self.held.len());
        let given = (&self.held[from..]).read(into)?;
        self.at += given as u64;
        Ok(given)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Text that ends with an error when there is too much of it, as a whole or between two places that its reader marks: a
/// reader of XML holds each piece of text whole.
pub(super) struct Limited<'a> {
    text: &'a mut dyn BufRead,
    left: u64,
    left_of_piece: u64,
    is_over: bool,
}

impl<'a> Limited<'a> {
    fn of(text: &'a mut dyn BufRead, most: u64) -> Limited<'a> {
        Limited { text, left: most, left_of_piece: most, is_over: false }
    }

    /// A text in memory.
    #[cfg(test)]
    pub(super) fn of_text(text: &'a mut &[u8]) -> Limited<'a> {
        Limited::of(text, ENTITIES_BYTES_MAX)
    }

    /// From here on at most so many bytes may come before the next mark.
    pub(super) fn mark(&mut self, most: u64) {
        self.left_of_piece = most;
    }

    /// Whether it ended because there was too much.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

impl Read for Limited<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let given = self.fill_buf()?.read(into)?;
        self.consume(given);
        Ok(given)
    }
}

impl BufRead for Limited<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 || self.left_of_piece == 0 {
            self.is_over = true;
            return Err(io::Error::other("there is too much of it"));
        }
        self.text.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes as u64);
        self.left_of_piece = self.left_of_piece.saturating_sub(bytes as u64);
        self.text.consume(bytes);
    }
}
