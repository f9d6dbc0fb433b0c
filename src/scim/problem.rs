//! Refusals, as RFC 7644 §3.12 has them.

use serde_json::json;

use super::{Reply, Unfollowed};
use crate::directory;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: u16,
    /// One of the words of RFC 7644 §3.12, table 9, where one fits.
    kind: Option<&'static str>,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: u16, detail: impl Into<String>) -> Problem {
        Problem { status, kind: None, detail: detail.into() }
    }

    fn of(status: u16, kind: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, kind: Some(kind), detail: detail.into() }
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Problem {
        Problem::of(400, "invalidSyntax", detail)
    }

    pub(super) fn value(detail: impl Into<String>) -> Problem {
        Problem::of(400, "invalidValue", detail)
    }

    pub(super) fn filter(detail: impl Into<String>) -> Problem {
        Problem::of(400, "invalidFilter", detail)
    }

    pub(super) fn path(detail: impl Into<String>) -> Problem {
        Problem::of(400, "invalidPath", detail)
    }

    pub(super) fn no_target(detail: impl Into<String>) -> Problem {
        Problem::of(400, "noTarget", detail)
    }

    pub(super) fn mutability(detail: impl Into<String>) -> Problem {
        Problem::of(400, "mutability", detail)
    }

    pub(super) fn not_there(what: &str) -> Problem {
        Problem::new(404, format!("{what} not found"))
    }

    pub(super) fn reply(self) -> Reply {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            // RFC 7644 §3.12: the status is a string.
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let Some(kind) = self.kind {
            body["scimType"] = kind.into();
        }
        Reply::of(self.status, Some(body))
    }
}

impl From<Unfollowed> for Problem {
    fn from(Unfollowed { status, detail }: Unfollowed) -> Problem {
        Problem::new(status, detail)
    }
}

impl From<directory::Error> for Problem {
    fn from(error: directory::Error) -> Problem {
        match error {
            directory::Error::Taken(_) => Problem::of(409, "uniqueness", error.to_string()),
            directory::Error::NotThere(id) => Problem::not_there(&id),
            directory::Error::NoSuchMember(_) | directory::Error::Name(_) => Problem::value(error.to_string()),
            directory::Error::Changed => Problem::new(412, "the resource was changed meanwhile; read it again"),
            directory::Error::Broken(error) => {
                tracing::error!(%error, "a provisioning request could not be kept");
                // RFC 4918 §11.5 where the disk is full: the sender may try again later.
                let status = if matches!(error, crate::store::Error::Full) { 507 } else { 500 };
                Problem::new(status, format!("the change could not be kept: {error}"))
            }
        }
    }
}
