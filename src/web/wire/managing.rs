//! What is done with people and their sessions, and which part of the desk is whose, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app;

/// A change of a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUser {
    /// Whether they may sign in.
    pub active: bool,
}

/// A part of the sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sessions {
    /// The last seen first.
    pub sessions: Vec<Session>,
    /// Where the next part begins.
    pub next_cursor: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// What it is named by; it lets nobody in.
    pub id: String,
    /// Whose it is.
    pub user: SessionUser,
    /// The provider's id; `emergency` where there was none.
    pub provider: String,
    /// Whether it was begun without a provider.
    pub emergency: bool,
    /// When it began, RFC 3339.
    pub began_at: String,
    /// When it was used last, RFC 3339, to the minute.
    pub used_at: String,
    /// When it ends in any case, RFC 3339, where the provider or we said so.
    pub ends_at: Option<String>,
}

/// Whose a session is.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionUser {
    /// Ours; `null` for an emergency administrator.
    pub id: Option<String>,
    /// What they sign in by.
    pub user_name: String,
    /// What the page calls them.
    pub display_name: String,
}

impl From<&app::Rows<app::Visit>> for Sessions {
    fn from(rows: &app::Rows<app::Visit>) -> Sessions {
        let session = |visit: &app::Visit| Session {
            id: visit.id.to_string(),
            user: SessionUser {
                id: visit.person.as_ref().map(|person| person.id.to_string()),
                display_name: visit
                    .person
                    .as_ref()
                    .map_or_else(|| visit.user_name.clone(), |person| person.display_name.clone()),
                user_name: visit.user_name.clone(),
            },
            provider: visit.provider.to_string(),
            emergency: visit.is_emergency,
            began_at: visit.began.rfc3339(),
            used_at: visit.used.rfc3339(),
            ends_at: visit.ends.map(|end| end.rfc3339()),
        };
        Sessions { sessions: rows.rows.iter().map(session).collect(), next_cursor: rows.next.clone() }
    }
}

/// Who is at the desk, and what is theirs there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Standing {
    /// What the page calls them.
    pub display_name: String,
    /// `administrator`, `directory`, `auditor`, `support`.
    pub roles: Vec<&'static str>,
    /// When the session ends, RFC 3339, where it was begun without a provider; `null` for everybody else.
    pub emergency_ends_at: Option<String>,
}

impl From<&app::Asker> for Standing {
    fn from(asker: &app::Asker) -> Standing {
        Standing {
            display_name: asker.person().display_name.clone(),
            roles: asker.roles().iter().map(|role| role.word()).collect(),
            emergency_ends_at: asker.emergency_ends().map(|end| end.rfc3339()),
        }
    }
}

/// What an emergency administrator signs in by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmergencySignIn {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// Six digits, good once.
    pub code: String,
}

/// An emergency administrator signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmergencySignedIn {
    /// Where to go: the desk, for there is nothing else that they may see.
    pub to: &'static str,
}
