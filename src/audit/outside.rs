//! What of the log is held outside this machine: the newest checkpoint that each place took, and why one did not take it.

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::store::{self, Store, Tree};

/// A kind of place outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A folder on another file system.
    Folder,
    /// A syslog server.
    Syslog,
    /// Another host, over HTTPS.
    Url,
}

impl Place {
    /// Every kind.
    pub const ALL: [Place; 3] = [Place::Folder, Place::Syslog, Place::Url];

    /// Its word, in the log and on the desk.
    pub const fn word(self) -> &'static str {
        match self {
            Place::Folder => "folder",
            Place::Syslog => "syslog",
            Place::Url => "url",
        }
    }
}

/// How a place stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// Where it is, as it was at the last attempt; what another place of this kind took is no longer held there.
    pub address: String,
    /// The newest checkpoint that it took: when, and how many leaves were signed.
    pub taken: Option<(Moment, u64)>,
    /// SHA-256 of the list of destroyed keys that it took last, in hex.
    pub destroyed: Option<String>,
    /// When something was last sent there.
    pub tried: Option<Moment>,
    /// Why the last attempt failed, and what to do; `None` where it did not.
    pub failed: Option<(String, String)>,
    /// What is odd about a place that takes what is sent.
    #[serde(default)]
    pub doubt: Option<String>,
}

store::json_record!(Stand, 1);

/// All places, as they stood at the last attempt.
pub struct Outside(Tree<String, Stand>);

impl Outside {
    /// Opens what is kept in the store.
    pub fn open(store: &Store) -> Result<Outside, store::Error> {
        Ok(Outside(store.tree("audit.outside")?))
    }

    /// How a place stands; as if nothing was ever sent there where its record cannot be read.
    pub fn stand(&self, place: Place) -> Result<Stand, store::Error> {
        match self.0.get(&place.word().to_owned()) {
            Ok(stand) => Ok(stand.unwrap_or_default()),
            Err(store::Error::Unreadable { .. }) => Ok(Stand::default()),
            Err(error) => Err(error),
        }
    }

    /// Keeps how a place stands.
    pub fn keep(&self, place: Place, stand: &Stand) -> Result<(), store::Error> {
        self.0.put(&place.word().to_owned(), stand)
    }
}
