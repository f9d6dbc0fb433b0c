//! The tokens of SCIM senders on the wire. A token itself is in the reply that made it, and nowhere else.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app;
use crate::scim::{Secret, Sender};

/// Every sender that may provision.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScimTokens {
    /// The address that a provider is given.
    pub address: String,
    /// The senders, by name.
    pub tokens: Vec<ScimToken>,
}

/// One sender.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScimToken {
    /// The word by which the log knows it.
    pub name: String,
    /// `desk`, or `file` where it is set in the settings and changed there alone.
    pub origin: &'static str,
    /// The file that holds its token.
    #[schema(required)]
    pub token_file: Option<String>,
    /// Whether versions (entity tags) are announced to it and heeded.
    pub etags: bool,
    /// Requests in a minute; 0 is no limit.
    pub requests_per_minute: u32,
    /// Of the two, those that the settings' file sets.
    pub set_in_file: Vec<&'static str>,
    /// When one of its tokens was last used; to the minute after a restart.
    #[schema(required)]
    pub last_used_at: Option<String>,
    /// Its tokens that are good now, the newest first.
    pub lives: Vec<ScimTokenLife>,
}

/// How long a token is good. The token itself is not kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScimTokenLife {
    /// When it was made; `null` for one of a file.
    #[schema(required)]
    pub made_at: Option<String>,
    /// When it ends, because a newer one took its place; `null` where it does not.
    #[schema(required)]
    pub ends_at: Option<String>,
}

/// A sender with the token that was made for it just now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownScimToken {
    /// The sender.
    pub token: ScimToken,
    /// The token. It is shown this once.
    pub secret: String,
}

/// A new sender.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewScimToken {
    /// 1 to 40 lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Whether versions are announced to it; so where absent.
    pub etags: Option<bool>,
    /// Requests in a minute; 30,000 where absent, 0 is no limit.
    pub requests_per_minute: Option<u32>,
}

/// How a sender is treated. What is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScimHabits {
    /// Whether versions are announced to it.
    pub etags: Option<bool>,
    /// Requests in a minute; 0 is no limit.
    pub requests_per_minute: Option<u32>,
}

/// For how long the old token goes on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateScimToken {
    /// Hours, 0 to 168.
    pub overlap_hours: u32,
}

impl From<ScimHabits> for app::HabitChange {
    fn from(ScimHabits { etags, requests_per_minute }: ScimHabits) -> app::HabitChange {
        app::HabitChange { etags, requests_per_minute }
    }
}

impl ScimTokens {
    /// The senders of the appliance at this public address.
    pub fn of(senders: &[Sender], public: &str) -> ScimTokens {
        ScimTokens { address: format!("{public}/scim/v2"), tokens: senders.iter().map(ScimToken::from).collect() }
    }
}

impl From<&Sender> for ScimToken {
    fn from(sender: &Sender) -> ScimToken {
        let is_set = |key: &&str| sender.written.as_ref().is_some_and(|written| written.keys.contains(*key));
        ScimToken {
            name: sender.name.to_string(),
            origin: if sender.written.is_some() { "file" } else { "desk" },
            token_file: sender.written.as_ref().map(|written| written.token_file.display().to_string()),
            etags: sender.habits.etags,
            requests_per_minute: sender.habits.requests_per_minute,
            set_in_file: ["etags", "requests_per_minute"].into_iter().filter(is_set).collect(),
            last_used_at: sender.used.map(|at| at.rfc3339()),
            lives: sender.secrets.iter().map(ScimTokenLife::from).collect(),
        }
    }
}

impl From<&Secret> for ScimTokenLife {
    fn from(secret: &Secret) -> ScimTokenLife {
        ScimTokenLife { made_at: secret.made.map(|at| at.rfc3339()), ends_at: secret.ends.map(|at| at.rfc3339()) }
    }
}

impl From<(Sender, String)> for ShownScimToken {
    fn from((sender, secret): (Sender, String)) -> ShownScimToken {
        ShownScimToken { token: ScimToken::from(&sender), secret }
    }
}
