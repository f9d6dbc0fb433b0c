//! Turns an OIDC code into a proven login.
//!
//! Uses: `clock`, `names`, `store`, `outbound`; keeps `openidconnect`. Begin at [`oidc::Provider`].

pub mod oidc;
mod pendings;

use crate::clock::Moment;
use crate::names::{ProviderId, UserName};

pub use pendings::Pendings;

/// Who proved to be whom, where and when.
#[derive(Debug, Clone)]
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

/// Why a login was refused: data, audited, shown in one calm sentence; not a fault of the machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// A stable word, for the log and the error page.
    pub code: &'static str,
    /// What an administrator needs to mend it; no secrets.
    pub detail: String,
}
