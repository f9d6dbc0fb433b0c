//! Turns an OIDC code or a SAML response into a proven login.
//!
//! Mateo opens a page and has no session. We send his browser to the company's provider with three things that we made up
//! for this one sign-in and keep on our side: a `state` (so that the answer belongs to this browser), a `nonce` (so that the
//! token belongs to this request) and a PKCE verifier (so that the code is worth nothing to whoever steals it). The provider
//! asks him for his password and sends him back with a code; we exchange it for an ID token, verify that, and have a
//! [`Login`]: the provider says that its subject `u-17` was here just now. Whose person that is, the directory knows, by the
//! `externalId` that the same provider sent when he was hired; an e-mail or a name that somebody could choose never decides.
//!
//! A SAML provider is asked by a request that has an id, and answers by a signed response that the browser posts to us from
//! the provider's own page: the id stands for state and nonce, and a cookie of its own binds it to the browser.
//!
//! On the day on which no provider answers, a local administrator signs in by a password and a one-time code ([`local`]); what
//! is kept of them is sealed by the vault.
//!
//! Always true here:
//! - A login is made only from what was signed by a key of the provider's own key set or metadata, with an algorithm that
//!   needs a private key, for us, for this request, and now, within the clock skew of the settings.
//! - A sign-in is used once, within ten minutes, by the provider it was begun with.
//! - After a sign-in a browser is sent to a path of ours and nowhere else.
//! - A refusal is data with a stable code. Its words never hold a token, a code or a secret.
//!
//! Uses: `clock`, `names`, `outbound`, `store`, `vault`; keeps `openidconnect`, `saml_rs`, `argon2` and `totp_rs`. Begin at
//! [`oidc::Provider`] or [`saml::Provider`].

pub mod local;
pub mod oidc;
mod own_path;
mod pendings;
pub mod saml;
mod seen;
mod settings;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::clock::Moment;
use crate::names::{ProviderId, UserName};
use crate::store;

pub use pendings::Pendings;
pub use seen::Seen;
pub use settings::Settings;

/// A provider of either kind.
pub enum Provider {
    /// OpenID Connect.
    Oidc(Box<oidc::Provider>),
    /// SAML 2.0.
    Saml(Box<saml::Provider>),
}

impl Provider {
    /// Its id.
    pub fn id(&self) -> &ProviderId {
        match self {
            Provider::Oidc(provider) => provider.id(),
            Provider::Saml(provider) => provider.id(),
        }
    }

    /// Since when it could not be reached. A SAML provider is never asked: what is known of it stands in a file.
    pub fn away(&self) -> Option<Moment> {
        match self {
            Provider::Oidc(provider) => provider.away(),
            Provider::Saml(_) => None,
        }
    }

    /// What the button says.
    pub fn name(&self) -> &str {
        match self {
            Provider::Oidc(provider) => provider.name(),
            Provider::Saml(provider) => provider.name(),
        }
    }
}

/// Where a browser is to be sent, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onward {
    /// By a redirect.
    Redirect(url::Url),
    /// By a form that it posts.
    Post {
        /// Where to.
        action: url::Url,
        /// The names and values of its fields.
        fields: Vec<(String, String)>,
    },
}

/// Who proved to be whom, where and when.
#[derive(Clone)]
pub struct Login {
    /// The provider that vouches.
    pub provider: ProviderId,
    /// OIDC `sub`, a persistent NameID or the attribute of the settings: what a person is known by. A name or an e-mail never
    /// is.
    pub subject: String,
    /// `preferred_username` or the attribute of the settings, where it is sent and acceptable.
    pub name: Option<UserName>,
    /// `email`, only where `email_verified` is true; the attribute of the settings.
    pub email: Option<String>,
    /// Names, from the attributes of the settings.
    pub names: Names,
    /// The groups that it names, where the settings say that they count; empty where it names none.
    pub groups: Option<Vec<String>>,
    /// What the provider calls the person when it ends a session: OIDC `sub`, SAML NameID.
    pub called: String,
    /// The provider's session id (OIDC `sid`, SAML SessionIndex), for logout.
    pub provider_session: Option<String>,
    /// When the provider's own session ends (SAML SessionNotOnOrAfter).
    pub not_after: Option<Moment>,
    /// The ID token, kept in the session for RP-initiated logout.
    pub id_token: Option<String>,
    /// When it was proved.
    pub at: Moment,
}

/// What a provider says that a person is called. None of it proves who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// As a page shows it.
    pub display: Option<String>,
    /// The given name.
    pub given: Option<String>,
    /// The family name.
    pub family: Option<String>,
}

/// The most groups that a login may name: beyond that providers leave groups out, and a list with gaps is no list.
const GROUPS_MAX: usize = 200;

/// Refuses a list of groups that may have gaps.
fn check_groups(groups: &[String]) -> Result<(), Refusal> {
    match groups.iter().find(|name| crate::names::GroupName::parse(name).is_err()) {
        _ if groups.len() > GROUPS_MAX => Err(Refusal::new(
            "groups_too_many",
            format!(
                "the login names more than {GROUPS_MAX} groups; let the provider send fewer, or provision them by SCIM"
            ),
        )),
        Some(_) => Err(Refusal::new("groups_invalid", "the login names a group by what is no name")),
        None => Ok(()),
    }
}

impl std::fmt::Debug for Login {
    /// Without the token, which would let its reader be this person at a careless relying party.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("provider", &self.provider)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Why a login was refused: data, audited, shown in one calm sentence; not a fault of the machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// A stable word, for the log and the error page.
    pub code: &'static str,
    /// What an administrator needs to mend it; no secrets.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its code.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Refusal {
        Refusal { code, detail: detail.into() }
    }
}

/// Why nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What was seen cannot be kept, so nothing is accepted.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Whether an address is https, or does not leave this machine.
fn is_secure(address: &url::Url) -> bool {
    let is_loopback = match address.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    address.scheme() == "https" || (address.scheme() == "http" && is_loopback)
}

/// 32 random bytes, as text: nobody can guess it.
fn random_text() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers: without them we must stop");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// How much of a provider's own words about an error is kept, in characters.
const DESCRIPTION_CHARS_MAX: usize = 200;

/// A provider's own words about an error, short and on one line: they come by the browser, so anybody can write them.
fn told(error: &str, description: Option<&str>) -> String {
    let words = [Some(error), description].into_iter().flatten().collect::<Vec<_>>().join(": ");
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(DESCRIPTION_CHARS_MAX).collect()
}
