//! The settings of every lower room, handed down by `main`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::names::ProviderId;
use crate::{
    answer, application, audit, crawl, directory, extract, history, index, model, outbound, scim, session, sso, vault,
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

/// The settings of every lower room.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where our state is kept.
    pub data: PathBuf,
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
    /// The sources of pages.
    pub source: Vec<crawl::Settings>,
    /// The identity providers.
    pub provider: Vec<sso::Settings>,
    /// The tokens of SCIM senders.
    pub scim: Vec<ScimToken>,
}
