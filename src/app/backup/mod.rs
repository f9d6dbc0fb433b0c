//! A backup: the whole state of one moment in one encrypted file, and the way back from it.
//!
//! The running appliance copies its trees while it goes on ([`App::back_up`]); the command that asked for it encrypts what
//! comes ([`Shut`]), so no file of it is ever in clear. What is derived (the index, the log's hashes) is left out and made
//! again. Back in an empty folder ([`restore`]) the log goes on with a leaf that says so; conversations open only by the newest
//! list of destroyed keys, which was kept outside, or by the operator's word; nobody's session is still good; and no source
//! answers before its permissions were read anew, because what was revoked since must not come back.

mod frame;
mod restore;
mod shut;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use restore::{Fault, Restored, Terms, restore};
pub use shut::{Key, Shut};

use self::frame::{End, Head, Writer};
use super::{App, Error};
use crate::audit::{Checkpoint, Event};
use crate::store;

/// To whom backups are encrypted where the command does not say.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Public keys (`age1…`): whoever has the secret key of one of them can open the backup.
    pub recipients: Vec<String>,
    /// A file with a passphrase, in the place of public keys.
    pub passphrase_file: Option<PathBuf>,
}

/// What becomes of the root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootKey {
    /// It goes in, where it stands in the data folder.
    Included,
    /// It is kept elsewhere: without it nobody reads a conversation of the backup.
    LeftOut,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Records of all trees, changes included.
    pub records: u64,
    /// Files.
    pub files: u64,
    /// Records whose checksum does not fit: they were damaged before, and are in the backup as they are.
    pub damaged: u64,
    /// Leaves of the log.
    pub audit_size: u64,
}

/// Names in the data folder that no backup has: what is derived, or belongs to one process. (`state` is in it as records.)
const LEFT_OUT: &[&str] = &["state", "index", "lock", "probe", "control.sock", "copying", "restoring"];
/// The log's folder, and what in it is derived.
const AUDIT: &str = "audit";
const DERIVED: &str = "audit/hashes";
/// The folder of wrapped keys.
const KEYS: &str = "keys";
/// What in it is no person's.
const APPLIANCE_KEY: &str = "keys/appliance";
/// The root key's names where the settings name no other: in clear, and sealed under a passphrase.
const ROOT_KEYS: [&str; 2] = ["root.key", SEALED];
/// The second of them.
const SEALED: &str = "root.sealed";
/// Bytes of a file in one frame.
const PIECE: usize = 48 * 1024;

impl App {
    /// Writes the plain form of a backup: everything as it is at one moment, which lies between the call and its end.
    pub fn back_up(&self, root_key: RootKey, out: &mut dyn Write) -> Result<Written, Error> {
        let folder = self.store.folder();
        let mut writer = Writer::begin(out, &self.backup_head(root_key)).map_err(broken)?;
        let (mut records, mut damaged, mut keys) = (0, 0, Vec::new());
        // Each conversation of the trees has its key: keys are made before, and destroyed after, their list is written, which
        // nobody does meanwhile.
        let mut at_rest = || {
            for path in files_below(&folder.join(KEYS))? {
                keys.extend(store::durable::read(&path)?.map(|bytes| (path, bytes)));
            }
            Ok(())
        };
        self.store.copy(&mut at_rest, &mut |part| {
            records += 1;
            damaged += u64::from(!part.is_sound());
            Ok(writer.part(&part)?)
        })?;
        if damaged > 0 {
            tracing::error!(damaged, "records of the data folder are damaged; the backup has them as they are");
        }
        // After the trees, so that the log has what they rest on.
        let receipt = self.audit.append(&Event::BackedUp { records })?;
        tracing::info!(leaf = receipt.leaf(), records, "a backup is being written");
        let (checkpoint, end) = self.audit.end_for_copy()?;
        let mut files = 0;
        for (path, bytes) in &keys {
            writer.file(&name_in(folder, path), &mut bytes.as_slice(), PIECE).map_err(broken)?;
            files += 1;
        }
        for path in files_below(folder).map_err(Error::from)? {
            let name = name_in(folder, &path);
            let first = name.split('/').next().unwrap_or_default();
            let is_left_out = LEFT_OUT.contains(&first) || first == KEYS || name == DERIVED || name.ends_with(".new");
            if is_left_out || (root_key == RootKey::LeftOut && ROOT_KEYS.contains(&name.as_str())) {
                continue;
            }
            let copied = match name.as_str() {
                "audit/checkpoint" => writer.file(&name, &mut checkpoint_bytes(&checkpoint).as_slice(), PIECE),
                // It only grows: what it has beyond this was not there at this moment.
                "audit/leaves" => fs::File::open(&path).and_then(|file| writer.file(&name, &mut file.take(end), PIECE)),
                _ => match fs::File::open(&path) {
                    Ok(mut file) => writer.file(&name, &mut file, PIECE),
                    // Somebody removed it meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => Err(error),
                },
            };
            copied.map_err(broken)?;
            files += 1;
        }
        let end = End { records, files, audit_size: checkpoint.size, audit_root: hex::encode(checkpoint.root) };
        writer.finish(&end).map_err(broken)?;
        Ok(Written { records, files, damaged, audit_size: checkpoint.size })
    }

    fn backup_head(&self, root_key: RootKey) -> Head {
        Head {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made: self.now().rfc3339(),
            origin: self.settings.audit.origin.clone(),
            public_key: self.audit.public_key(),
            settings: hex::encode(self.settings.digest),
            has_root_key: root_key == RootKey::Included
                && ROOT_KEYS.iter().any(|name| self.store.folder().join(name).exists()),
        }
    }

    /// The list of keys that were destroyed until now, signed, to be kept outside beside a checkpoint.
    pub fn destroyed_keys(&self) -> Result<String, Error> {
        Ok(self.audit.sign_destroyed(&self.vault.destroyed()?))
    }
}

fn checkpoint_bytes(checkpoint: &Checkpoint) -> Vec<u8> {
    serde_json::to_vec(checkpoint).expect("a checkpoint is plain JSON")
}

/// All files below a folder, in order; none where it is not there. Links are not followed: they lead out of what is ours.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, store::Error> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A file's name in the data folder, with `/` between its parts.
fn name_in(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside.iter().filter_map(|part| part.to_str()).collect::<Vec<_>>().join("/")
}

fn broken(error: io::Error) -> Error {
    Error::from(store::Error::from(error))
}
