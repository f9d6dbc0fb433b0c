//! HTTPS: routes, guards, wire shapes, replies, metrics and the built-in pages.
//!
//! Uses: `app`, and the nouns of every lower room. Begin at [`serve`].

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::app::App;

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

/// A running server.
pub struct Server {}

/// Starts listening; `data` is where a certificate is made. Returns once the port is open.
pub fn serve(app: Arc<App>, settings: &Settings, data: &std::path::Path) -> anyhow::Result<Server> {
    let _ = (app, data);
    todo!("{settings:?}")
}

impl Server {
    /// The address it listens on (a test asks for port 0).
    pub fn address(&self) -> std::net::SocketAddr {
        todo!()
    }

    /// The PEM of the authority that signed the certificate it made, for clients on the same machine.
    pub fn authority_pem(&self) -> Option<&str> {
        todo!()
    }

    /// Where metrics are, if anywhere.
    pub fn metrics_address(&self) -> Option<std::net::SocketAddr> {
        todo!()
    }

    /// Stops taking requests, lets running ones end (at most ten seconds), returns when all have.
    pub fn stop(self) {
        todo!()
    }
}
