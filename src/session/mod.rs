//! Who is signed in at which browser, and until when.
//!
//! Uses: `clock`, `names`, `store`, `vault`. Begin at [`Sessions`].

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::names::{ProviderId, UserId};
use crate::store::{self, Store};

/// How long a session lasts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Minutes without a request after which a session ends.
    pub idle_minutes: u64,
    /// Hours after which a session ends in any case.
    pub age_hours: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { idle_minutes: 60, age_hours: 12 }
    }
}

/// The secret a browser holds: 32 random bytes, base64url. Only its SHA-256 is kept.
pub struct Token(pub secrecy::SecretString);

/// One session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Who is signed in.
    pub user: UserId,
    /// Through which provider.
    pub provider: ProviderId,
    /// The provider's own session, where it named one.
    pub provider_session: Option<String>,
    /// The ID token, for RP-initiated logout.
    pub id_token: Option<String>,
    /// When it began.
    pub began: Moment,
    /// When it was used last; kept to the minute.
    pub used: Moment,
}

/// All sessions; they live over a restart.
pub struct Sessions {}

impl Sessions {
    /// Opens the sessions kept in the store.
    pub fn open(store: &Store, settings: &Settings) -> Result<Sessions, store::Error> {
        let _ = (store, settings);
        todo!()
    }

    /// Starts a session under a new token.
    pub fn start(&self, session: Session) -> Result<Token, store::Error> {
        todo!("{session:?}")
    }

    /// The session of a token, where it has not ended; notes that it was used. A clock set back revives none.
    pub fn find(&self, token: &str, now: Moment) -> Result<Option<Session>, store::Error> {
        todo!("{token} {now:?}")
    }

    /// Ends one session and gives back what it was.
    pub fn end(&self, token: &str) -> Result<Option<Session>, store::Error> {
        todo!("{token}")
    }

    /// Ends all sessions of a person; gives how many.
    pub fn end_all(&self, user: &UserId) -> Result<usize, store::Error> {
        todo!("{user}")
    }

    /// Removes what has ended; gives how many.
    pub fn sweep(&self, now: Moment) -> Result<usize, store::Error> {
        todo!("{now:?}")
    }
}
