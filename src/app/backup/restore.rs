//! The way back: a backup is read and checked whole, then put into an empty folder, and what may not come back is taken out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::frame::{End, Frame, Head, Misread, Reader};
use super::shut::{self, Closed, Key};
use super::{APPLIANCE_KEY, AUDIT, KEYS, SEALED};
use crate::app::restored;
use crate::audit::{Event, Log};
use crate::clock::Clock;
use crate::history::History;
use crate::names::{ConversationId, UserId};
use crate::store::durable::{self, Growing};
use crate::store::{Filling, Store};
use crate::vault::{Passphrase, Vault};
use crate::{audit, history, store, vault};

/// Where a backup is restored to, and by what its conversations may be opened.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// An empty folder, or one that is not there yet; `None` looks only.
    pub data: Option<PathBuf>,
    /// The newest list of destroyed keys that was kept outside.
    pub destroyed: Option<PathBuf>,
    /// Whether conversations open without such a list, by keys that may have been destroyed since.
    pub accepts_older_keys: bool,
    /// The root key, where it is kept outside the data folder.
    pub root_key: Option<PathBuf>,
    /// The passphrase that the root key is sealed under, where it is.
    pub root_passphrase: Option<Passphrase>,
}

/// What a backup holds, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Restored {
    /// The version of the binary that wrote it.
    pub version: String,
    /// When, RFC 3339.
    pub made: String,
    /// The log's name.
    pub origin: String,
    /// The log's C2SP verifier key.
    pub public_key: String,
    /// SHA-256 of the settings in force then, hexadecimal.
    pub settings: String,
    /// Whether the root key is in it.
    pub has_root_key: bool,
    /// Records of each tree, changes included.
    pub records: BTreeMap<String, u64>,
    /// Records whose checksum does not fit.
    pub damaged: u64,
    /// Files.
    pub files: u64,
    /// Leaves of its log.
    pub audit_size: u64,
    /// The root of their tree, hexadecimal.
    pub audit_root: String,
    /// By what conversations open: `destroyed`, `older` or `none`; absent where the backup was only looked at.
    pub keys: Option<&'static str>,
    /// Conversations whose keys were destroyed since the backup.
    pub dropped: u64,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file is no whole backup.
    #[error("{0} cannot be restored: {1}")]
    Unfit(PathBuf, String),
    /// It does not open.
    #[error("{0} does not open: {1}")]
    Closed(PathBuf, &'static str),
    /// Something is in the folder.
    #[error("{0} is not empty: a backup is restored into an empty folder")]
    NotEmpty(PathBuf),
    /// The root key is not in it.
    #[error("the root key is not in this backup; give it with --root-key")]
    NeedsRootKey,
    /// The root key in it is sealed.
    #[error("the root key in this backup is sealed under a passphrase; give it with --root-passphrase-file")]
    NeedsPassphrase,
    /// The list of destroyed keys cannot be used.
    #[error("the list of destroyed keys {0} cannot be used: {1}")]
    List(PathBuf, String),
    /// What was restored does not fit together.
    #[error("what was restored does not fit together: {0}")]
    Unsound(String),
    /// The disk, or the machine.
    #[error("the backup cannot be restored")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

macro_rules! broken_by {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Fault {
            fn from(cause: $error) -> Fault {
                Fault::Broken(Box::new(cause))
            }
        })+
    };
}

broken_by!(std::io::Error, store::Error, history::Error);

impl From<vault::Error> for Fault {
    fn from(cause: vault::Error) -> Fault {
        if let vault::Error::Broken(cause) = cause {
            Fault::Broken(Box::new(cause))
        } else {
            Fault::Unsound(cause.to_string())
        }
    }
}

impl From<audit::Error> for Fault {
    fn from(cause: audit::Error) -> Fault {
        if let audit::Error::Store(cause) = cause {
            Fault::Broken(Box::new(cause))
        } else {
            Fault::Unsound(cause.to_string())
        }
    }
}

/// Which conversations come back.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Keys {
    /// All but those of the list.
    Listed(Vec<(UserId, Option<ConversationId>)>),
    /// All, by the operator's word.
    Older,
    /// None: nobody says which were destroyed since.
    None,
}

impl Keys {
    fn word(&self) -> &'static str {
        match self {
            Keys::Listed(_) => "destroyed",
            Keys::Older => "older",
            Keys::None => "none",
        }
    }
}

/// Reads and checks a backup whole; then, where a folder is named, makes that folder of it.
pub fn restore(file: &Path, key: &Key, terms: &Terms) -> Result<Restored, Fault> {
    let mut restored = look(file, key)?;
    let Some(data) = &terms.data else { return Ok(restored) };
    if fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Fault::NotEmpty(data.clone()));
    }
    if !restored.has_root_key && terms.root_key.is_none() {
        return Err(Fault::NeedsRootKey);
    }
    let keys = keys(terms, &restored)?;
    let was_there = data.exists();
    let filled = fill(file, key, data, &keys).and_then(|filling| {
        let dropped = settle(&filling.trees_are_whole()?, &restored, terms, &keys)?;
        filling.finish()?;
        Ok(dropped)
    });
    if filled.is_err() {
        clear(data, was_there);
    }
    restored.dropped = filled?;
    restored.keys = Some(keys.word());
    Ok(restored)
}

fn keys(terms: &Terms, restored: &Restored) -> Result<Keys, Fault> {
    let Some(path) = &terms.destroyed else {
        return Ok(if terms.accepts_older_keys { Keys::Older } else { Keys::None });
    };
    let refuse = |why: String| Fault::List(path.clone(), why);
    let text = fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    if !audit::is_destroyed(&text) {
        return Err(refuse("it is no list of destroyed keys".to_owned()));
    }
    let listed = audit::read_destroyed(&text, &restored.public_key).map_err(|error| refuse(error.to_string()))?;
    Ok(Keys::Listed(listed))
}

/// Whether a list from outside is older than the backup: it lacks a key that had been destroyed by then.
fn is_older(listed: &[(UserId, Option<ConversationId>)], by_then: &[(UserId, Option<ConversationId>)]) -> bool {
    by_then.iter().any(|(owner, what)| !listed.contains(&(*owner, *what)) && !listed.contains(&(*owner, None)))
}

/// Reads it to its end.
fn look(file: &Path, key: &Key) -> Result<Restored, Fault> {
    let mut reader = reader(file, key)?;
    let (mut records, mut damaged, mut files) = (BTreeMap::new(), 0, 0);
    let end = loop {
        match reader.next().map_err(|why| misread(file, why))? {
            Frame::Part(part) => {
                damaged += u64::from(!part.is_sound());
                *records.entry(part.tree().to_owned()).or_insert(0) += 1;
            }
            Frame::File(name) => {
                files += 1;
                inside(&name)
                    .ok_or_else(|| Fault::Unfit(file.to_owned(), "a file in it has no plain name".to_owned()))?;
            }
            Frame::Bytes(_) => {}
            Frame::End(end) => break end,
        }
    };
    if records.values().sum::<u64>() != end.records || files != end.files {
        return Err(Fault::Unfit(file.to_owned(), "parts of it are missing".to_owned()));
    }
    let Head { version, made, origin, public_key, settings, has_root_key } = reader.head;
    let End { audit_size, audit_root, .. } = end;
    Ok(Restored {
        version,
        made,
        origin,
        public_key,
        settings,
        has_root_key,
        records,
        damaged,
        files,
        audit_size,
        audit_root,
        keys: None,
        dropped: 0,
    })
}

fn reader(file: &Path, key: &Key) -> Result<Reader<impl std::io::Read + use<>>, Fault> {
    let unfit = |why: &str| Fault::Unfit(file.to_owned(), why.to_owned());
    let open = shut::open(file, key).map_err(|closed| match closed {
        Closed::Foreign => unfit("it is no backup of sotto"),
        Closed::WrongKey(why) => Fault::Closed(file.to_owned(), why),
        Closed::CutOff => unfit("it ends in the middle: it was cut off"),
        Closed::Damaged => unfit("it is damaged: its head was changed"),
        Closed::Io(error) => unfit(&error.to_string()),
    })?;
    Reader::begin(std::io::BufReader::new(open)).map_err(|why| misread(file, why))
}

fn misread(file: &Path, why: Misread) -> Fault {
    Fault::Unfit(file.to_owned(), why.to_string())
}

/// Puts trees and files into the folder.
fn fill(file: &Path, key: &Key, data: &Path, keys: &Keys) -> Result<Filling, Fault> {
    let mut reader = reader(file, key)?;
    let mut filling = Filling::begin(data)?;
    let mut growing: Option<Growing> = None;
    loop {
        match reader.next().map_err(|why| misread(file, why))? {
            Frame::Part(part) if comes_back(part.tree(), keys) => filling.take(part)?,
            Frame::Part(_) => {}
            Frame::File(name) => {
                end_file(growing.take())?;
                // The appliance's own key is nobody's history: the log goes on with it.
                let has_key = name.split('/').next() == Some(KEYS) && name != APPLIANCE_KEY;
                let path = inside(&name).filter(|_| *keys != Keys::None || !has_key);
                growing = path.map(|path| begin_file(&data.join(path))).transpose()?;
            }
            Frame::Bytes(bytes) => growing.as_mut().map_or(Ok(()), |file| file.append(&bytes))?,
            Frame::End(_) => {
                end_file(growing.take())?;
                return Ok(filling);
            }
        }
    }
}

/// Whether a tree's records come back. Sessions of that time do not: people signed out since, or lost their place. Without a
/// word on which keys were destroyed since, no conversation does.
fn comes_back(tree: &str, keys: &Keys) -> bool {
    !tree.starts_with("session.") && (*keys != Keys::None || !tree.starts_with("history."))
}

/// A path below the folder; `None` where a name would lead out of it.
fn inside(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let is_plain = !name.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
    is_plain.then(|| path.to_owned())
}

fn begin_file(path: &Path) -> Result<Growing, Fault> {
    if let Some(folder) = path.parent() {
        durable::make_folder(folder)?;
    }
    Ok(Growing::open(path)?)
}

fn end_file(file: Option<Growing>) -> Result<(), Fault> {
    match file {
        Some(file) => Ok(file.syncer()?.sync()?),
        None => Ok(()),
    }
}

/// Opens what was restored, so that it is known to be whole; takes out what was destroyed since, and says in the log what
/// was done. Gives how many conversations were taken out.
fn settle(store: &Store, restored: &Restored, terms: &Terms, keys: &Keys) -> Result<u64, Fault> {
    let clock = Clock::System;
    let is_sealed = terms.root_key.is_none() && store.folder().join(SEALED).exists();
    let settings = vault::Settings {
        root_key: if is_sealed { vault::Keeping::Passphrase } else { vault::Keeping::File },
        root_key_file: terms.root_key.clone(),
        passphrase: terms.root_passphrase.clone(),
        ..vault::Settings::default()
    };
    if is_sealed && settings.passphrase.is_none() {
        return Err(Fault::NeedsPassphrase);
    }
    let vault = Vault::open(store, &settings)?;
    let settings = audit::Settings { origin: restored.origin.clone(), ..audit::Settings::default() };
    durable::make_folder(&store.folder().join(AUDIT))?;
    let log = Log::open(store, &vault, clock.clone(), &settings)?;
    let last = log.last_checkpoint();
    let root = last.filter(|last| last.size == log.size()).map(|last| last.root);
    let fits = log.public_key() == restored.public_key
        && log.size() == restored.audit_size
        && root.is_some_and(|root| hex::encode(root) == restored.audit_root);
    let Some(root) = root.filter(|_| fits) else {
        return Err(Fault::Unsound("its audit log is not the one that it names".to_owned()));
    };
    let (mut dropped, mut listed) = (0, None);
    if let Keys::Listed(list) = keys {
        if is_older(list, &vault.destroyed()?) && !terms.accepts_older_keys {
            let why = "it is older than the backup, which knows of more destroyed keys; give the newest one".to_owned();
            return Err(Fault::List(terms.destroyed.clone().unwrap_or_default(), why));
        }
        vault.destroy_listed(list)?;
        dropped = History::open(store, &history::Settings::default())?.drop_destroyed(&vault)?;
        listed = Some(list.len() as u64);
    }
    restored::mark(store, clock.now())?;
    let size = restored.audit_size;
    let _receipt = log.append(&Event::Restored { size, root, keys: keys.word(), listed })?;
    log.checkpoint()?;
    Ok(dropped)
}

/// Takes out again what was put into a folder that was empty. What cannot be removed stays behind its mark: it opens for
/// nobody.
fn clear(data: &Path, was_there: bool) {
    if !was_there {
        let _ = fs::remove_dir_all(data);
        return;
    }
    for entry in fs::read_dir(data).into_iter().flatten().flatten() {
        let path = entry.path();
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
}
