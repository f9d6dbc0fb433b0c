//! What went wrong, as a status and RFC 9457 problem details: the only place that turns [`app::Error`] into either.

use std::error::Error as StdError;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{self, chain};

/// The media type of RFC 9457 §3.
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// Seconds after which a busy appliance should be asked again.
const RETRY_S: u32 = 3;

/// A reply that is not what was asked for. `edge` writes its body, because only there the request's id is known.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    code: &'static str,
    detail: String,
    /// The methods that a 405 names.
    allow: String,
    /// What lies behind it, for the log; never shown.
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// RFC 9457 problem details.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status's own phrase.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: &'static str,
    /// One plain sentence.
    pub detail: String,
    /// What to tell an administrator, who finds it in the log.
    pub request_id: String,
}

impl Reply {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Reply {
        Reply { status, code, detail: detail.into(), allow: String::new(), cause: None }
    }

    /// 404, for what does not exist and what may not be seen alike.
    pub fn not_there() -> Reply {
        Reply::new(StatusCode::NOT_FOUND, "not_there", "there is no such thing here")
    }

    /// 401.
    pub fn signed_out() -> Reply {
        Reply::new(StatusCode::UNAUTHORIZED, "signed_out", "you are not signed in")
    }

    /// 403 for a changing request that another site's page could have sent.
    pub fn foreign(detail: &'static str) -> Reply {
        Reply::new(StatusCode::FORBIDDEN, "foreign", detail)
    }

    /// 400 with what to mend.
    pub fn unreadable(detail: impl Into<String>) -> Reply {
        Reply::new(StatusCode::BAD_REQUEST, "unreadable", detail)
    }

    /// 413 with the limit.
    pub fn too_large(limit_bytes: usize) -> Reply {
        let detail = format!("the request's body is larger than {limit_bytes} bytes");
        Reply::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 415: a JSON body was expected.
    pub fn not_json() -> Reply {
        let detail = "the body must be JSON, with the header Content-Type: application/json";
        Reply::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail)
    }

    /// 405: the path exists, with these methods and no other.
    pub fn wrong_method(allow: &[&str]) -> Reply {
        let allow = allow.join(", ");
        let detail = format!("this address takes {allow} and no other method");
        Reply { allow, ..Reply::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", detail) }
    }

    /// 409: what was asked for is being done already.
    pub fn at_work(detail: &'static str) -> Reply {
        Reply::new(StatusCode::CONFLICT, "at_work", detail)
    }

    /// 503: not ready, or no longer.
    pub fn not_ready(detail: impl Into<String>) -> Reply {
        Reply::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail)
    }

    /// 500: a bug or a broken disk; the cause goes to the log.
    pub fn broken(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Reply {
        let reply = Reply::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", "something went wrong here");
        Reply { cause: Some(cause.into()), ..reply }
    }

    /// A reply of a library below us that has a status and nothing else.
    pub fn bare(status: StatusCode) -> Reply {
        match status {
            StatusCode::NOT_FOUND => Reply::not_there(),
            _ if status.is_server_error() => Reply::broken("a library below us failed"),
            _ => Reply::new(status, "unreadable", "the request cannot be read"),
        }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether it says that no turn was free.
    pub fn is_busy(&self) -> bool {
        self.code == "busy"
    }

    /// Its stable word.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Its sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The problem details, with the id of the request.
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            request_id: request_id.to_owned(),
        }
    }

    /// The whole response.
    pub fn response(&self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.content_type(PROBLEM_TYPE);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, RETRY_S.to_string()));
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            // RFC 9110 §15.5.6: a 405 must name the methods there are.
            response.insert_header((ALLOW, self.allow.as_str()));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §11.6.1 asks for a challenge; no browser shows a dialog for this scheme.
            response.insert_header((WWW_AUTHENTICATE, "Session"));
        }
        response.body(serde_json::to_vec(&self.problem(request_id)).expect("a problem is plain text and numbers"))
    }

    /// The title and the advice of the page that a browser shows instead. Fixed words: nothing of the request stands in them,
    /// and what may not be seen reads like what does not exist.
    pub fn page_words(&self) -> (&'static str, &'static str) {
        match self.status {
            StatusCode::NOT_FOUND => (
                "There is no such page here",
                "The address may be misspelt, or what it named was deleted, or it is not yours to open.",
            ),
            StatusCode::SERVICE_UNAVAILABLE => ("Sotto is busy", "Nothing was lost. Please try again in a moment."),
            StatusCode::INSUFFICIENT_STORAGE => {
                ("Sotto has no room left", "Nothing that was kept is lost. Please tell your administrator.")
            }
            status if status.is_server_error() => (
                "Something went wrong here",
                "It was written to the log. Please try again, or tell your administrator.",
            ),
            _ => ("This did not work", "The request cannot be taken as it is. Please go back and try again."),
        }
    }

    /// Writes what lies behind it to the log, once, with the id that the reply shows.
    pub fn log(&self, request_id: &str) {
        if let Some(cause) = &self.cause {
            tracing::error!(request_id, code = self.code, cause = %chain(cause.as_ref()), "a request failed");
        }
    }
}

impl From<app::Error> for Reply {
    fn from(error: app::Error) -> Reply {
        match error {
            app::Error::SignedOut => Reply::signed_out(),
            // What one may not do is not there: a 403 would tell that it exists.
            app::Error::NotYours | app::Error::NotThere => Reply::not_there(),
            app::Error::NotInSeat => {
                Reply::new(StatusCode::FORBIDDEN, "not_in_seat", app::Error::NotInSeat.to_string())
            }
            app::Error::Busy => Reply::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "too many requests are at work; try again in a moment",
            ),
            app::Error::Locked(standing) => {
                let code = match standing {
                    app::Standing::Unbound => "history_unbound",
                    app::Standing::Locked | app::Standing::Open => "history_locked",
                };
                // RFC 4918 §11.3.
                Reply::new(StatusCode::LOCKED, code, error.to_string())
            }
            app::Error::Wrong => Reply::new(StatusCode::FORBIDDEN, "wrong", error.to_string()),
            app::Error::Unproven(how) => Reply::new(StatusCode::UNAUTHORIZED, "unproven", how),
            app::Error::Unreadable(what) => Reply::unreadable(what),
            app::Error::Conflict(what) => Reply::new(StatusCode::CONFLICT, "conflict", what),
            // The detail is for the log and the auditor: an attacker who probes a login learns the code alone.
            app::Error::Refused(refusal) => Reply::new(StatusCode::FORBIDDEN, refusal.code, "this sign-in was refused"),
            app::Error::Full => {
                let detail = "the appliance has no room left; nothing that was kept is lost";
                Reply::new(StatusCode::INSUFFICIENT_STORAGE, "full", detail)
            }
            app::Error::Broken(cause) => Reply::broken(cause),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Reply {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Only the status: `edge` finds the reply in the response and writes its body.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(error: app::Error) -> String {
        serde_json::to_string(&Reply::from(error).problem("r1")).unwrap()
    }

    #[test]
    fn what_may_not_be_seen_and_what_is_missing_have_one_body() {
        assert_eq!(body(app::Error::NotYours), body(app::Error::NotThere));
        assert_eq!(Reply::from(app::Error::NotYours).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_problem_has_the_members_of_rfc_9457_and_the_request_id() {
        let problem: serde_json::Value = serde_json::from_str(&body(app::Error::SignedOut)).unwrap();

        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["title"], "Unauthorized");
        assert_eq!(problem["status"], 401);
        assert_eq!(problem["request_id"], "r1");
    }

    #[test]
    fn what_lies_behind_a_broken_reply_is_not_shown() {
        let shown = body(app::Error::Broken("the key file /var/lib/sotto/root is damaged".into()));

        assert!(!shown.contains("/var/lib"), "{shown}");
    }

    #[test]
    fn every_cause_of_an_error_is_logged_in_order() {
        let error = app::Error::Broken(Box::new(std::io::Error::other("the disk is on fire")));

        assert_eq!(chain(&error), "something went wrong here: the disk is on fire");
    }
}
