//! HTTPS: routes, guards, wire shapes, replies, metrics, the owner's control socket and the built-in pages.
//!
//! The only async room besides `standin`: each route takes its guard as an argument, hands a deed of `app` to the blocking
//! pool, and converts what comes back into the shapes of `wire`.
//!
//! Always true here:
//! - Every route stands in the table of `router`, and so in the OpenAPI document.
//! - Every response passes `edge`: request id, security headers, problem details, one log line without words of anybody's.
//! - What may not be seen is answered exactly as what does not exist.
//!
//! Uses: `app`, and the nouns of every lower room. Begin at [`serve`], then read `router`.

mod applications;
mod ask;
mod asked;
mod assets;
mod audit;
mod body;
mod check;
pub mod control;
mod conversations;
mod desk;
mod documents;
mod edge;
mod export;
mod front;
mod guard;
mod health;
mod hooks;
mod managing;
mod metrics;
mod narrowing;
mod pages;
mod people;
mod proof;
mod protection;
mod provision;
mod reply;
mod router;
mod saml;
mod scim_tokens;
mod seats;
mod server;
mod sign_in;
mod sources;
mod tls;
mod trial;
mod wire;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use check::check;
pub use server::{Server, serve, wait_for_signal};

/// Where and how the appliance listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port.
    pub listen: std::net::SocketAddr,
    /// The one address people use; never taken from a request.
    pub public_url: url::Url,
    /// PEM certificate chain; none: one is made at the first run under a local authority in the data folder.
    pub certificate_file: Option<PathBuf>,
    /// PEM private key.
    pub key_file: Option<PathBuf>,
    /// Serve pages from this folder instead of the binary's own, while working on them.
    pub static_dir: Option<PathBuf>,
    /// The loopback address of `/metrics`; none switches it off.
    pub metrics_listen: Option<std::net::SocketAddr>,
    /// The largest request body, in bytes.
    pub body_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: std::net::SocketAddr::from(([0, 0, 0, 0], 8443)),
            public_url: url::Url::parse("https://localhost:8443").expect("a constant address parses"),
            certificate_file: None,
            key_file: None,
            static_dir: None,
            metrics_listen: Some(std::net::SocketAddr::from(([127, 0, 0, 1], 9464))),
            body_bytes_max: 1 << 20,
        }
    }
}
