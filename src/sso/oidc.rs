//! OpenID Connect: the code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9207).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Login, Refusal};
use crate::clock::Moment;
use crate::names::ProviderId;
use crate::outbound;

/// One OpenID Connect provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A short word for addresses, for example `company`.
    pub id: ProviderId,
    /// What the sign-in button says.
    pub name: String,
    /// The issuer, exactly as the provider announces it.
    pub issuer: url::Url,
    /// Our client id there.
    pub client_id: String,
    /// A file with our client secret; none for a public client.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// Scopes asked for besides `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Seconds by which the provider's clock may differ from ours.
    #[serde(default = "sixty")]
    pub skew_s: u64,
}

fn sixty() -> u64 {
    60
}

/// A provider we can send people to. Discovery is done at first use and again when its keys change.
pub struct Provider {}

/// A sign-in under way in one browser: state, nonce and PKCE verifier. Kept on our side for ten minutes at most.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    /// The `state` parameter; also the key it is found by.
    pub state: String,
    /// The nonce the ID token must carry.
    pub nonce: String,
    /// The PKCE verifier.
    pub verifier: String,
    /// The path to return to, one of ours.
    pub return_to: String,
    /// When it began.
    pub began: Moment,
}

/// What the browser brought back.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Callback {
    /// The code.
    pub code: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// RFC 9207: who issued it.
    pub iss: Option<String>,
    /// An error code instead.
    pub error: Option<String>,
    /// What the provider says of the error.
    pub error_description: Option<String>,
}

impl Provider {
    /// From settings. `redirect` is our callback address under the public URL of the settings, never from a request.
    pub fn open(settings: &Settings, redirect: &url::Url, outbound: &outbound::Settings) -> anyhow::Result<Provider> {
        todo!("{settings:?} {redirect} {outbound:?}")
    }

    /// Its id.
    pub fn id(&self) -> &ProviderId {
        todo!()
    }

    /// What the button says.
    pub fn name(&self) -> &str {
        todo!()
    }

    /// Where to send the browser, and what to remember of it.
    pub fn begin(&self, return_to: &str, now: Moment) -> Result<(url::Url, Pending), Refusal> {
        todo!("{return_to} {now:?}")
    }

    /// Turns what came back into a login, or refuses it.
    pub fn accept(&self, callback: &Callback, pending: &Pending, now: Moment) -> Result<Login, Refusal> {
        todo!("{callback:?} {pending:?} {now:?}")
    }

    /// Where to send the browser to end the provider's own session (RP-initiated logout), where it announces that.
    pub fn logout(&self, id_token: &str, after: &url::Url) -> Option<url::Url> {
        todo!("{id_token} {after}")
    }
}
