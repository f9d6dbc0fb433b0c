//! SCIM 2.0 (RFC 7643, RFC 7644): resources, filters and patches over the directory; it returns the changes it made.
//!
//! A company's identity provider keeps our directory true by calling us. It looks first (`GET /Users?filter=userName eq
//! "mateo"`), then makes (`POST`), replaces (`PUT`) or patches; groups come after the people they list. Here a request and its
//! reply are plain values: no server, no headers but the two that matter, so that the protocol is tested as text scripts.
//!
//! Mateo is hired. The provider asks for `externalId eq "u-17"`, finds nobody, posts him, and patches him into the group
//! `anyorg-team`; he can sign in with the `sub` that equals his `externalId`. Months later it sends `{"op":"Replace",
//! "path":"active","value":"False"}`: the reply says so, and before it does [`Change::PersonChanged`] tells the caller to end
//! his sessions, in a bulk before its next operation.
//!
//! Always true here:
//! - One request changes everything it asks for, or nothing: a patch is worked out on a copy and kept once. A bulk is many
//!   requests, and its reply tells what became of each.
//! - What a reply tells is on disk, also what another sender changed a moment ago.
//! - Of a token only digests are kept.
//! - A password is dropped where it arrives: it is neither kept nor returned.
//! - A person whose `active` is not mentioned stays as they were; nobody is woken by leaving a word out.
//! - Attribute names, operations and booleans are read in whatever case real providers send them.
//!
//! Uses: `clock`, `names`, `directory`; for the tokens `store` and `vault`; keeps `scim_v2`. Begin at [`serve`].

mod attributes;
mod body;
mod bulk;
mod discovery;
mod filter;
mod group;
mod list;
mod patch;
mod path;
mod problem;
mod route;
mod schema;
mod sort;
#[cfg(test)]
mod tests;
mod token;
mod user;

use crate::clock::Moment;
use crate::directory::Directory;
use crate::names::UserId;
pub use token::{Admission, Error, Habits, Secret, Sender, Tokens, Written};

/// A SCIM request as a value, so the protocol is tested without a server.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: &'a str,
    /// The path below `/scim/v2`, percent-decoded, for example `/Users/0a…`.
    pub path: &'a str,
    /// The query's names and values, decoded.
    pub query: &'a [(String, String)],
    /// `If-Match`, where sent.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`, where sent.
    pub if_none_match: Option<&'a str>,
    /// Whether this sender is told of entity tags. One that is not may send versions of its own, which are not heeded.
    pub etags: bool,
    /// The body.
    pub body: &'a [u8],
    /// The address of `/scim/v2` under the public URL, for `meta.location`.
    pub base: &'a str,
}

/// A SCIM reply as a value.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `ETag`, where there is one.
    pub etag: Option<String>,
    /// `Location` of what was made.
    pub location: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// How many operations it answers: one, save for a bulk.
    pub operations: usize,
    /// The body, `application/scim+json`; `None` for 204.
    pub body: Option<serde_json::Value>,
}

/// What a request changed, for the log and for ending sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A person was made.
    PersonMade(UserId),
    /// A person was changed; `active` as it is now.
    PersonChanged(UserId, bool),
    /// A person was removed.
    PersonRemoved(UserId),
    /// A group was made, by its id.
    GroupMade(String),
    /// A group was changed; the people who left it.
    GroupChanged(String, Vec<UserId>),
    /// A group was removed; the people who were in it.
    GroupRemoved(String, Vec<UserId>),
}

/// Why what had to follow from a change could not be done. The change itself is made.
#[derive(Debug, Clone)]
pub struct Unfollowed {
    /// The HTTP status that the sender is told.
    pub status: u16,
    /// Words for the sender.
    pub detail: String,
}

/// What must follow from a change before its sender is told that it was made: sessions end, and it is put on record.
pub type Follow<'a> = dyn FnMut(&Change) -> Result<(), Unfollowed> + 'a;

/// Answers one request.
pub fn serve(directory: &Directory, request: &Request<'_>, now: Moment, follow: &mut Follow<'_>) -> Reply {
    let answered = match request.path.trim_matches('/') {
        "Bulk" => bulk::answer(directory, request, now, follow),
        _ => route::answer(directory, request, now, follow),
    };
    answered.unwrap_or_else(problem::Problem::reply)
}

impl Reply {
    /// A refusal because too much was sent: when to send again.
    pub fn later(seconds: u64) -> Reply {
        let detail = format!("this token has sent too many requests; send again in {seconds} s");
        Reply { retry_after_s: Some(seconds), ..problem::Problem::new(429, detail).reply() }
    }

    fn of(status: u16, body: Option<serde_json::Value>) -> Reply {
        Reply { status, etag: None, location: None, retry_after_s: None, operations: 1, body }
    }
}

/// Reads any text as a filter and as a path over both kinds of resource: for fuzzing.
#[cfg(feature = "probe")]
pub fn read_any(text: &str) {
    for kind in [schema::Kind::User, schema::Kind::Group] {
        drop((filter::parse(kind, text), path::Target::parse(kind, text), sort::Order::parse(kind, text, None)));
    }
}
