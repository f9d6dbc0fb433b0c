//! SCIM 2.0: resources, filters and patches over the directory; it returns the changes it made.
//!
//! Uses: `clock`, `names`, `directory`; keeps `scim_v2`. Begin at [`serve`].

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
    let _ = directory;
    todo!("{request:?} {now:?}")
}
