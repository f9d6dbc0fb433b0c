//! The settings of every lower room, handed down by `main`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::backup;
use crate::names::ProviderId;
use crate::{
    analytics, answer, application, audit, crawl, directory, extract, history, index, model, outbound, scim, session,
    sso, vault,
};

/// A token that one provider's SCIM calls bear. Others are made on the desk.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScimToken {
    /// A short word for the log, for example `company`.
    pub name: ProviderId,
    /// A file with the token; at least 20 characters.
    pub token_file: PathBuf,
    /// Whether versions (entity tags) are announced to this sender and heeded.
    #[serde(default = "ScimToken::etags")]
    pub etags: bool,
    /// Requests in a minute, a bulk as many as it has operations; more are answered 429. 0 is no limit.
    #[serde(default = "ScimToken::requests_per_minute")]
    pub requests_per_minute: u32,
    /// The keys that the file sets.
    #[serde(skip)]
    pub written: BTreeSet<String>,
}

impl ScimToken {
    fn etags() -> bool {
        scim::Habits::default().etags
    }

    fn requests_per_minute() -> u32 {
        scim::Habits::default().requests_per_minute
    }
}

/// What the desk says needs somebody.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeskSettings {
    /// Days before its end from which the certificate of the page is said to end.
    pub certificate_days: u64,
    /// Percent of the data folder's file system below which it is said to be nearly full.
    pub disk_free_percent: u8,
    /// Hours after which a checkpoint of the audit log should be taken outside again; 0 for never.
    pub checkpoint_hours: u64,
    /// The share of the active people, 0 to 1, beyond which a page counts as open to many in the report of what is exposed.
    pub wide_share: f32,
}

impl Default for DeskSettings {
    fn default() -> DeskSettings {
        DeskSettings { certificate_days: 30, disk_free_percent: 10, checkpoint_hours: 24, wide_share: 0.5 }
    }
}

/// The settings of every lower room.
#[derive(Debug, Clone)]
pub struct Settings {
    /// SHA-256 of all settings, as they were read.
    pub digest: [u8; 32],
    /// Where our state is kept.
    pub data: PathBuf,
    /// The folder whose files may be named on the desk; `None` where none may.
    pub desk_files: Option<PathBuf>,
    /// The one address people use.
    pub public_url: url::Url,
    /// Questions that the model answers at once; as many more are answered by quoting, and beyond these told that the
    /// appliance is busy.
    pub turns_max: usize,
    /// Seconds that a question waits for the model before it is answered by quoting.
    pub turn_wait_s: u64,
    /// The program that reads attachments; `None` for this program's own file (a test's own file is not the appliance).
    pub extract_program: Option<PathBuf>,
    /// See [`outbound::Settings`].
    pub outbound: outbound::Settings,
    /// See [`model::Settings`].
    pub model: model::Settings,
    /// See [`vault::Settings`].
    pub vault: vault::Settings,
    /// See [`session::Settings`].
    pub session: session::Settings,
    /// See [`extract::Settings`].
    pub extract: extract::Settings,
    /// See [`directory::Settings`].
    pub directory: directory::Settings,
    /// See [`index::Settings`].
    pub index: index::Settings,
    /// See [`audit::Settings`].
    pub audit: audit::Settings,
    /// See [`application::Settings`].
    pub application: application::Settings,
    /// See [`answer::Settings`].
    pub answer: answer::Settings,
    /// See [`history::Settings`].
    pub history: history::Settings,
    /// See [`analytics::Settings`].
    pub analytics: analytics::Settings,
    /// See [`DeskSettings`].
    pub desk: DeskSettings,
    /// All settings as they stand, for support; told only with what anybody wrote left out.
    pub shown: serde_json::Value,
    /// The sources of pages.
    pub source: Vec<crawl::Settings>,
    /// The identity providers.
    pub provider: Vec<sso::Settings>,
    /// To whom backups are encrypted.
    pub backup: backup::Settings,
    /// The tokens of SCIM senders.
    pub scim: Vec<ScimToken>,
}
