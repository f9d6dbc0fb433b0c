//! The stand-in Confluence: real HTTP, the site format of the contract's §4, the rights and the traps of the real one.
//!
//! Always true here: a caller is shown only what the product's own rule admits ([`view`]); a token that is wrong or has
//! expired makes an anonymous caller, as Data Center does (CONFSERVER-98199).
//!
//! Begin at [`Confluence`].

mod audit;
mod change;
mod cloud;
mod cloud_shape;
mod cql;
mod export;
mod fault;
mod files;
mod flavour;
mod html;
mod login;
mod markdown;
mod page;
mod paging;
mod routes;
mod rpc;
mod shape;
mod site;
mod view;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::server::{Call, Reply, Server};
use crate::clock::{Clock, Moment};
use fault::Fault;
use flavour::Flavour;
use login::Logins;
use site::Site;

/// The most requests that are remembered; the oldest go first.
const LOG_LINES_MAX: usize = 100_000;

/// A running stand-in; it stops when it is dropped.
pub struct Confluence {
    server: Server,
    context_path: String,
    /// The certificate it shows, as PEM, where it speaks TLS.
    certificate: Option<String>,
}

/// What the requests share.
struct Shared {
    flavour: Flavour,
    site: RwLock<Arc<Site>>,
    /// Where files that a site names are looked for.
    folder: PathBuf,
    faults: RwLock<Vec<Fault>>,
    log: Mutex<Log>,
    /// What was changed while it ran.
    audit: Mutex<audit::Audit>,
    logins: Logins,
    /// Until when the admin keys of Confluence Cloud open everything, by the user's key.
    admin_keys: Mutex<HashMap<String, Moment>>,
    /// Paths of listings from which rows went while they were read.
    shifted: Mutex<HashSet<String>>,
    clock: Clock,
}

#[derive(Default)]
struct Log {
    /// How many requests were ever served.
    count: u64,
    lines: std::collections::VecDeque<Value>,
}

impl Confluence {
    /// Starts it on `listen` (port 0 for any) with a site; files that the site names are looked for in the working folder.
    pub fn start(listen: SocketAddr, site: Value, flavour: &str, faults: &[String]) -> anyhow::Result<Confluence> {
        Confluence::start_in(Path::new("."), listen, site, flavour, faults)
    }

    /// Starts it with a site file; files that it names are looked for beside it.
    pub fn open(listen: SocketAddr, file: &Path, flavour: &str, faults: &[String]) -> anyhow::Result<Confluence> {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let site = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))?;
        let folder = file.parent().unwrap_or(Path::new("."));
        Confluence::start_in(folder, listen, site, flavour, faults).with_context(|| format!("{}", file.display()))
    }

    fn start_in(
        folder: &Path,
        listen: SocketAddr,
        site: Value,
        flavour: &str,
        faults: &[String],
    ) -> anyhow::Result<Confluence> {
        let flavour = Flavour::parse(flavour)?;
        let site = Site::read(flavour.of(site), folder)?;
        let context_path = site.spec.context_path.clone();
        let shared = Shared {
            flavour,
            site: RwLock::new(Arc::new(site)),
            folder: folder.to_owned(),
            faults: RwLock::new(fault::parse(faults)?),
            log: Mutex::default(),
            audit: Mutex::default(),
            logins: Logins::default(),
            admin_keys: Mutex::default(),
            shifted: Mutex::default(),
            clock: Clock::System,
        };
        let secure = fault::parse(faults)?.contains(&Fault::SelfSigned).then(super::secure::self_signed).transpose()?;
        let (config, certificate) = secure.unzip();
        let server = Server::start_by(config, "standin-confluence", listen, move |call| shared.serve(call))?;
        Ok(Confluence { server, context_path, certificate })
    }

    /// The bytes of an XML export, a zip file, as this product and version would make it: of one space, or of the whole site.
    pub fn export(site: &Path, flavour: &str, space: Option<&str>) -> anyhow::Result<Vec<u8>> {
        let text = std::fs::read(site).with_context(|| format!("cannot read {}", site.display()))?;
        let value = serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", site.display()))?;
        let flavour = Flavour::parse(flavour)?;
        let read = Site::read(flavour.of(value), site.parent().unwrap_or(Path::new(".")))?;
        export::packed(&read, flavour, space)
    }

    /// The base address, for example `http://127.0.0.1:41234`, with the context path the site began with.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.server.address(), self.context_path)
    }

    /// The certificate it shows, as PEM; `None` where it does not speak TLS.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }
}

impl Shared {
    /// The site of this moment.
    fn site(&self) -> Arc<Site> {
        self.site.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers one request.
    fn serve(&self, call: &Call) -> Reply {
        if let Some(what) = call.path.strip_prefix("/_standin/") {
            return self.direct(call, what);
        }
        let site = self.site();
        if let Some(id) = call.path.strip_prefix("/_media/") {
            return page::kept(&site, &super::server::decode(id).unwrap_or_default(), call);
        }
        let faults = self.faults.read().unwrap_or_else(PoisonError::into_inner).clone();
        let who = self.logins.caller(self.flavour, &site, call, self.clock.now());
        let number = {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.count += 1;
            log.count
        };
        let reply = fault::instead(&faults, number).unwrap_or_else(|| {
            let reply = match &who {
                Ok(user) => routes::serve(self, &site, &faults, *user, call),
                Err(refusal) => refusal.clone(),
            };
            fault::spoil(&faults, number, call, reply)
        });
        let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
        let line = json!({"at": self.clock.now().rfc3339(), "method": call.method, "path": format!("{}{query}", call.path),
                          "status": reply.status, "user": who.ok().flatten().map(|user| &user.username)});
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.lines.len() == LOG_LINES_MAX {
            log.lines.pop_front();
        }
        log.lines.push_back(line);
        reply
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
