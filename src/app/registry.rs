//! Which sources there are: those of the settings file, and those that were made on the desk and are kept in the store.
//!
//! A source of the file is locked here; one of the desk with the same name is left aside for as long as the file has it. Secrets
//! are entered once, sealed by `vault`, and never told again. When a source is let go it answers nothing from that moment on; what
//! is kept of it goes in the rounds, and its name is free when all of it has gone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::crawl::{self, Changes, Origin, Secret};
use crate::names::SourceId;
use crate::store::{self, Store, Tree, json_record};
use crate::vault::{ExposeSecret as _, Label, Own, Vault};

/// Secrets of sources are sealed under this label.
const SECRET: Label = Label("source secret");

/// Sources that can be made on the desk.
const SOURCES_MAX: usize = 100;

/// A source that was made on the desk, as it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Made {
    /// The keys that were set.
    settings: Changes,
    /// What was entered, each sealed for this source, in hex.
    secrets: BTreeMap<Secret, String>,
    /// It was let go, and what is kept of it goes.
    is_going: bool,
}

json_record!(Made, 1);

/// What an administrator wants of a source's settings.
#[derive(Debug, Default)]
pub struct Draft {
    /// Keys, as in the settings file; `null` puts one back to its default.
    pub changes: Changes,
    /// Secrets that are entered, or taken back.
    pub secrets: BTreeMap<Secret, Option<Hush>>,
}

/// A secret as it was entered; it does not print.
pub struct Hush(pub String);

impl std::fmt::Debug for Hush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hush")
    }
}

/// A draft that fits, not kept yet.
pub(super) struct Fitting {
    /// The settings that it comes to.
    pub(super) settings: Arc<crawl::Settings>,
    /// The keys that it sets, by name; never what they are set to.
    pub(super) keys: Vec<String>,
    /// Whether there was no such source.
    pub(super) is_new: bool,
    made: Made,
}

/// Which sources there are.
pub(super) struct Registry {
    file: Vec<Arc<crawl::Settings>>,
    desk: RwLock<Vec<Arc<crawl::Settings>>>,
    kept: Tree<String, Made>,
    seal: Arc<Own>,
    /// The folder whose files may be named on the desk.
    files: Option<PathBuf>,
    /// Held from reading what is kept until it was changed.
    changing: Mutex<()>,
}

impl Registry {
    /// Opens it. Two sources of the file that give one name to different fields are an error.
    pub(super) fn open(
        file: &[crawl::Settings],
        files: Option<PathBuf>,
        store: &Store,
        vault: &Vault,
    ) -> anyhow::Result<Registry> {
        if let Some(name) = crawl::clash(file) {
            anyhow::bail!("two sources call different fields {name:?}; give one of them another name in fields.names");
        }
        let registry = Registry {
            file: file.iter().cloned().map(Arc::new).collect(),
            desk: RwLock::default(),
            kept: store.tree("app.sources")?,
            seal: Arc::new(vault.own(&SECRET)),
            files,
            changing: Mutex::new(()),
        };
        registry.read_again()?;
        Ok(registry)
    }

    /// Every source that may answer: those of the file first.
    pub(super) fn all(&self) -> Vec<Arc<crawl::Settings>> {
        let desk = self.desk.read().unwrap_or_else(PoisonError::into_inner);
        self.file.iter().chain(desk.iter()).cloned().collect()
    }

    /// One source, by its name.
    pub(super) fn find(&self, name: &SourceId) -> Option<Arc<crawl::Settings>> {
        self.all().into_iter().find(|source| source.name == *name)
    }

    /// Sources that were let go and of which something may still be kept.
    pub(super) fn going(&self) -> Result<Vec<SourceId>, store::Error> {
        let mut going = Vec::new();
        for read in self.kept.all() {
            let (name, made) = read?;
            going.extend(SourceId::parse(&name).filter(|_| made.is_going));
        }
        Ok(going)
    }

    /// Holds off whoever else would change a source.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        // A change is one record: nothing is left half done by a panic.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings that a draft comes to, over what is kept of the source, if anything is.
    pub(super) fn fit(&self, name: &SourceId, draft: &Draft) -> Result<Fitting, Error> {
        self.unlocked(name)?;
        let was = self.kept.get(&name.to_string())?;
        if was.as_ref().is_some_and(|was| was.is_going) {
            let why = format!("{name} was removed, and what was kept of it is still going; try again in a moment");
            return Err(Error::Conflict(why));
        }
        let is_new = was.is_none();
        let mut made = was.unwrap_or_default();
        let old = crawl::changed(&made.settings, &Changes::new()).ok();
        made.settings.insert("name".to_owned(), name.as_str().into());
        let (keys, settings) = crawl::changed(&made.settings, &draft.changes).map_err(Error::Unreadable)?;
        if let Some(key) = crawl::outside_of(&settings, self.files.as_deref()) {
            return Err(Error::Unreadable(match &self.files {
                Some(folder) => format!("{key} names a file that is not below {}", folder.display()),
                None => format!(
                    "{key} names a file, and no folder is set whose files may be named here ([data] desk_files)"
                ),
            }));
        }
        if old.is_some_and(|(_, old)| crawl::needs_secrets_again(&old, &settings)) {
            made.secrets.retain(|secret, _| !secret.is_sent());
        }
        for (secret, entered) in &draft.secrets {
            match entered {
                Some(Hush(text)) => {
                    let sealed = self.seal.seal(&place(name, *secret), text.as_bytes());
                    made.secrets.insert(*secret, hex::encode(sealed));
                }
                None => {
                    made.secrets.remove(secret);
                }
            }
        }
        made.settings = keys;
        let settings = self.settings(name, &made).map_err(Error::Unreadable)?;
        let others: Vec<_> = self.all().into_iter().filter(|source| source.name != *name).collect();
        if let Some(name) = crawl::clash(others.iter().map(AsRef::as_ref).chain([&settings])) {
            return Err(Error::Unreadable(format!("fields: {name:?} is another field's name in another source")));
        }
        let secrets = draft.secrets.keys().map(|secret| secret.word().to_owned());
        let keys = draft.changes.keys().cloned().chain(secrets).collect();
        Ok(Fitting { settings: Arc::new(settings), keys, is_new, made })
    }

    /// Keeps a draft that fits: it is in force when this returns. Whoever calls holds the turn since it was made.
    pub(super) fn keep(&self, fitting: &Fitting) -> Result<(), Error> {
        let others = self.kept.all().filter(|read| read.is_ok()).count();
        if fitting.is_new && others >= SOURCES_MAX {
            return Err(Error::Conflict(format!("at most {SOURCES_MAX} sources are made on the desk")));
        }
        self.kept.put(&fitting.settings.name.to_string(), &fitting.made)?;
        Ok(self.read_again()?)
    }

    /// Lets a source go: it answers nothing from now on. Whoever calls holds the turn.
    pub(super) fn let_go(&self, name: &SourceId) -> Result<(), Error> {
        self.may_go(name)?;
        // Its secrets are of no use to what is left to do.
        let going = Made { is_going: true, ..Made::default() };
        self.kept.put_on_reserve(&name.to_string(), &going)?;
        Ok(self.read_again()?)
    }

    /// Whether a source can be let go.
    pub(super) fn may_go(&self, name: &SourceId) -> Result<(), Error> {
        self.unlocked(name)?;
        match self.kept.get(&name.to_string())? {
            Some(made) if !made.is_going => Ok(()),
            Some(_) | None => Err(Error::NotThere),
        }
    }

    /// Nothing is kept of a source any more: its name is free.
    pub(super) fn forget(&self, name: &SourceId) -> Result<(), store::Error> {
        let _turn = self.turn();
        self.kept.remove(&name.to_string())?;
        Ok(())
    }

    fn unlocked(&self, name: &SourceId) -> Result<(), Error> {
        match self.file.iter().any(|source| source.name == *name) {
            true => Err(Error::Conflict(format!("{name} is set in the settings file, and is changed there"))),
            false => Ok(()),
        }
    }

    fn read_again(&self) -> Result<(), store::Error> {
        let mut desk = Vec::new();
        for read in self.kept.all() {
            let (name, made) = read?;
            let Some(id) = SourceId::parse(&name).filter(|_| !made.is_going) else { continue };
            if self.file.iter().any(|source| source.name == id) {
                tracing::warn!(source = %id, "the settings file has a source of this name; that of the desk is left aside");
                continue;
            }
            match self.settings(&id, &made) {
                Ok(settings) => desk.push(Arc::new(settings)),
                // What cannot be read answers nothing, and can be removed on the desk.
                Err(why) => {
                    tracing::error!(source = %id, why, "the settings of a source do not fit; it answers nothing")
                }
            }
        }
        *self.desk.write().unwrap_or_else(PoisonError::into_inner) = desk;
        Ok(())
    }

    fn settings(&self, name: &SourceId, made: &Made) -> Result<crawl::Settings, String> {
        let (_, mut settings) = crawl::changed(&made.settings, &Changes::new())?;
        if let Some(key) = crawl::outside_of(&settings, self.files.as_deref()) {
            return Err(format!("{key} names a file that may not be named on the desk ([data] desk_files)"));
        }
        settings.origin = Origin::Desk;
        for (secret, sealed) in &made.secrets {
            let (seal, place) = (Arc::clone(&self.seal), place(name, *secret));
            let sealed = hex::decode(sealed).map_err(|_| format!("{} is no sealed secret", secret.word()))?;
            let lost = || "what was entered does not open any more; enter it again".to_owned();
            let open = move || -> Result<String, String> {
                let open = seal.open(&place, &sealed).map_err(|_| lost())?;
                String::from_utf8(open.expose_secret().clone()).map_err(|_| lost())
            };
            settings.entered.put(*secret, Arc::new(open));
        }
        Ok(settings)
    }
}

/// What a sealed secret is bound to: moved to another source it does not open.
fn place(name: &SourceId, secret: Secret) -> Vec<u8> {
    format!("{name}/{}", secret.word()).into_bytes()
}
