//! What came of trying a provider.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app;

/// What came of trying a provider. Nobody was signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trial {
    /// The provider's id.
    pub provider: String,
    /// When it was tried, RFC 3339.
    pub at: String,
    /// Why a login would be refused; `null` where it would not be.
    pub refused: Option<Refused>,
    /// What the provider proved; `null` where it proved nothing.
    pub proven: Option<Proven>,
    /// The user name, in the directory, of whom it would sign in.
    pub person: Option<String>,
    /// The decoded response (XML) or claims (JSON) as they came. Where nothing is proven, anybody may have written them.
    pub shown: Option<String>,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused {
    /// A stable word.
    pub code: String,
    /// What to mend.
    pub detail: String,
}

/// What a provider proved of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Proven {
    /// The immutable id, which must be somebody's `externalId`.
    pub subject: String,
    /// The user name that was sent.
    pub user_name: Option<String>,
    /// The e-mail address that was sent.
    pub email: Option<String>,
    /// When the provider's session ends, RFC 3339.
    pub session_ends: Option<String>,
}

impl From<&app::Trial> for Trial {
    fn from(trial: &app::Trial) -> Trial {
        Trial {
            provider: trial.provider.to_string(),
            at: trial.at.rfc3339(),
            refused: trial
                .refused
                .as_ref()
                .map(|refusal| Refused { code: refusal.code.to_owned(), detail: refusal.detail.clone() }),
            proven: trial.login.as_ref().map(|login| Proven {
                subject: login.subject.clone(),
                user_name: login.name.as_ref().map(ToString::to_string),
                email: login.email.clone(),
                session_ends: login.not_after.map(|end| end.rfc3339()),
            }),
            person: trial.person.clone(),
            shown: trial.shown.clone(),
        }
    }
}
