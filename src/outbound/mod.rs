//! The only door out: allow-listed hosts, private roots, timeouts, retries.
//!
//! Uses: nothing of ours; keeps `ureq`. Begin at [`Outbound`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How outgoing connections are made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// PEM files with root certificates to trust, besides none: there are no built-in roots in a closed network.
    pub roots: Vec<PathBuf>,
    /// Seconds to wait for a connection.
    pub connect_s: u64,
    /// Seconds to wait for a whole answer.
    pub answer_s: u64,
    /// The largest answer that is read, in bytes.
    pub answer_bytes_max: u64,
    /// How often a request that failed in passing (429, 502, 503, 504, reset) is tried again.
    pub retries: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { roots: Vec::new(), connect_s: 10, answer_s: 60, answer_bytes_max: 64 << 20, retries: 3 }
    }
}

/// A client that speaks only to the origins it was opened for.
pub struct Outbound {}

/// A request. The path is joined to the base it goes to.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The whole address; its origin must be allowed.
    pub url: url::Url,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The body, at most `answer_bytes_max`.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one this client was opened for.
    #[error("{0} is not among the hosts the settings allow")]
    NotAllowed(String),
    /// The peer's certificate does not lead to a trusted root.
    #[error("the certificate of {0} is not trusted; add its root to [outbound] roots")]
    Untrusted(String),
    /// The answer was larger than allowed.
    #[error("the answer of {0} is larger than {1} bytes")]
    TooLarge(String, u64),
    /// The connection failed or timed out, also when tried again.
    #[error("{0} does not answer")]
    Unreachable(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Outbound {
    /// Opens a client for these origins (`https://host:port`); redirects to others are not followed.
    pub fn open(settings: &Settings, origins: &[url::Url]) -> Result<Outbound, Error> {
        todo!("{settings:?} {origins:?}")
    }

    /// Sends a request, trying again what failed in passing (only `GET`), and obeying `Retry-After` up to a cap.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        todo!("{request:?}")
    }
}
