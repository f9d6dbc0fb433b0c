//! SCIM 2.0 (RFC 7643, RFC 7644): resources, filters and patches over the directory; it returns the changes it made.
//!
//! A company's identity provider keeps our directory true by calling us. It looks first (`GET /Users?filter=userName eq
//! "mateo"`), then makes (`POST`), replaces (`PUT`) or patches; groups come after the people they list. Here a request and its
//! reply are plain values: no server, no headers but the two that matter, so that the protocol is tested as text scripts.
//!
//! Mateo is hired. The provider asks for `externalId eq "u-17"`, finds nobody, posts him, and patches him into the group
//! `anyorg-team`; he can sign in with the `sub` that equals his `externalId`. Months later it sends `{"op":"Replace",
//! "path":"active","value":"False"}`: the reply says so, and [`Change::PersonChanged`] tells the caller to end his sessions
//! before the provider is told that it was done.
//!
//! Always true here:
//! - One request changes everything it asks for, or nothing: a patch is worked out on a copy and kept once.
//! - A password is dropped where it arrives: it is neither kept nor returned.
//! - A person whose `active` is not mentioned stays as they were; nobody is woken by leaving a word out.
//! - Attribute names, operations and booleans are read in whatever case real providers send them.
//!
//! Uses: `clock`, `names`, `directory`; keeps `scim_v2`. Begin at [`serve`].

mod attributes;
mod body;
mod discovery;
mod filter;
mod group;
mod list;
mod patch;
mod path;
mod problem;
mod route;
mod schema;
#[cfg(test)]
mod tests;
mod user;

use crate::clock::Moment;
use crate::directory::Directory;
use crate::names::UserId;

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

/// Answers one request.
pub fn serve(directory: &Directory, request: &Request<'_>, now: Moment) -> (Reply, Vec<Change>) {
    let mut changes = Vec::new();
    let reply = route::answer(directory, request, now, &mut changes).unwrap_or_else(problem::Problem::reply);
    (reply, changes)
}
