//! The stand-in Confluence: real HTTP, the site format of the contract's §4.

use std::net::SocketAddr;

/// A running stand-in; it stops when it is dropped.
pub struct Confluence {}

impl Confluence {
    /// Starts it on `listen` (port 0 for any) with a site.
    pub fn start(
        listen: SocketAddr,
        site: serde_json::Value,
        flavour: &str,
        faults: &[String],
    ) -> anyhow::Result<Confluence> {
        todo!("{listen} {site} {flavour} {faults:?}")
    }

    /// The base address, for example `http://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        todo!()
    }
}
