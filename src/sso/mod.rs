//! Turns an OIDC code into a proven login.
//!
//! Mateo opens a page and has no session. We send his browser to the company's provider with three things that we made up
//! for this one sign-in and keep on our side: a `state` (so that the answer belongs to this browser), a `nonce` (so that the
//! token belongs to this request) and a PKCE verifier (so that the code is worth nothing to whoever steals it). The provider
//! asks him for his password and sends him back with a code; we exchange it for an ID token, verify that, and have a
//! [`Login`]: the provider says that its subject `u-17` was here just now. Whose person that is, the directory knows, by the
//! `externalId` that the same provider sent when he was hired; an e-mail or a name that somebody could choose never decides.
//!
//! Always true here:
//! - A login is made only from a token that was signed by a key of the provider's own key set, with an algorithm that needs
//!   a private key, for us, for this request, and now, within the clock skew of the settings.
//! - A sign-in is used once, within ten minutes, by the provider it was begun with.
//! - After a sign-in a browser is sent to a path of ours and nowhere else.
//! - A refusal is data with a stable code. Its words never hold a token, a code or a secret.
//!
//! Uses: `clock`, `names`, `outbound`; keeps `openidconnect`. Begin at [`oidc::Provider`].

pub mod oidc;
mod own_path;
mod pendings;

use crate::clock::Moment;
use crate::names::{ProviderId, UserName};

pub use pendings::Pendings;

/// Who proved to be whom, where and when.
#[derive(Clone)]
pub struct Login {
    /// The provider that vouches.
    pub provider: ProviderId,
    /// OIDC `sub`: what a person is known by. A name or an e-mail never is.
    pub subject: String,
    /// `preferred_username`, where it is sent and acceptable.
    pub name: Option<UserName>,
    /// `email`, only where `email_verified` is true.
    pub email: Option<String>,
    /// The provider's session id (`sid`), for back-channel logout.
    pub provider_session: Option<String>,
    /// The ID token, kept in the session for RP-initiated logout.
    pub id_token: String,
    /// When it was proved.
    pub at: Moment,
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
