//! Which assistants exist, what each may use and say, who is assigned.
//!
//! Uses: `names`, `store`, `directory`. Begin at [`Applications`].

use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::names::{SourceId, UserId};
use crate::store::{self, Store};

/// The default application's looks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What the page is called.
    pub title: String,
    /// One line under the greeting.
    pub welcome: String,
    /// Provisioned groups (display names) whose members may use it; empty: everybody in the directory.
    pub groups: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            title: "Sotto".to_owned(),
            welcome: "Answers come from the pages you can open.".to_owned(),
            groups: Vec::new(),
        }
    }
}

/// One assistant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// A short word; `default` for the one that always exists.
    pub id: String,
    /// What the page is called.
    pub title: String,
    /// One line under the greeting.
    pub welcome: String,
    /// The sources it may use; `None` for all.
    pub sources: Option<Vec<SourceId>>,
}

/// The assistants.
pub struct Applications {}

impl Applications {
    /// Opens them; the default one is made from the settings.
    pub fn open(store: &Store, settings: &Settings) -> Result<Applications, store::Error> {
        let _ = (store, settings);
        todo!()
    }

    /// The application of that id, where this person is assigned to it.
    pub fn of(&self, directory: &Directory, user: &UserId, id: &str) -> Result<Option<Application>, store::Error> {
        let _ = directory;
        todo!("{user} {id}")
    }
}
