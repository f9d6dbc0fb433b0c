//! The only door out: allow-listed hosts, private roots, timeouts, retries.
//!
//! A client is opened for the origins that the settings name and speaks to no other, whatever a peer answers: a link or a
//! redirect that leads elsewhere is refused, so that a hostile answer never gets a credential. There are no built-in root
//! certificates, no proxy from the environment and no cookies.
//!
//! Always true here:
//! - No connection is opened to an origin the client was not opened for.
//! - `Authorization` and `Cookie` go to the origin the request named, never further.
//! - An answer costs at most `answer_bytes_max` of memory, also when it arrives compressed.
//! - A wait that a peer asks for is at most `wait_s_max`.
//!
//! Uses: nothing of ours; keeps `ureq`. Begin at [`Outbound`].

mod patience;
mod syslog;

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::http;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider};

pub use self::syslog::{Message, Syslog, SyslogError};

/// How outgoing connections are made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// PEM files with root certificates to trust, besides none: there are no built-in roots in a closed network.
    pub roots: Vec<PathBuf>,
    /// An HTTP proxy for all connections; none is ever taken from the environment.
    pub proxy: Option<url::Url>,
    /// A file with `user:password` for the proxy.
    pub proxy_credential_file: Option<PathBuf>,
    /// Seconds to wait for a connection.
    pub connect_s: u64,
    /// Seconds to wait for a whole answer.
    pub answer_s: u64,
    /// The largest answer that is read, in bytes.
    pub answer_bytes_max: u64,
    /// How often a request that failed in passing (429, 502, 503, 504, reset) is tried again.
    pub retries: u32,
    /// The longest wait that a peer may ask for (`Retry-After`), in seconds: one that asks for a day must not hold us for it.
    pub wait_s_max: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            roots: Vec::new(),
            proxy: None,
            proxy_credential_file: None,
            connect_s: 10,
            answer_s: 60,
            answer_bytes_max: 64 << 20,
            retries: 3,
            wait_s_max: 60,
        }
    }
}

/// A client that speaks only to the origins it was opened for. It may be used from several threads at once.
pub struct Outbound {
    agent: ureq::Agent,
    origins: Vec<url::Origin>,
    answer_bytes_max: u64,
    retries: u32,
    wait_max: Duration,
}

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

impl Response {
    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
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
    /// The proxy, or the file of its credential, cannot be used.
    #[error("the proxy {0} cannot be used: {1}")]
    Proxy(String, String),
    /// A file of root certificates cannot be used.
    #[error("the root certificates in {0} cannot be used: {1}")]
    Roots(String, String),
}

/// Redirects followed for one request; a chain longer than this is a loop.
const REDIRECTS_MAX: usize = 5;
/// Connections kept open for the next request.
const IDLE_MAX: usize = 8;

impl Outbound {
    /// Opens a client for these origins (`https://host:port`); redirects to others are not followed.
    pub fn open(settings: &Settings, origins: &[url::Url]) -> Result<Outbound, Error> {
        Outbound::open_with_roots(settings, origins, "")
    }

    /// The same, trusting the root certificates in `roots_pem` (PEM text) besides those of the settings.
    pub fn open_with_roots(settings: &Settings, origins: &[url::Url], roots_pem: &str) -> Result<Outbound, Error> {
        Outbound::opened(settings, origins, roots_pem, IDLE_MAX)
    }

    /// The same with a new connection for each request. One that was kept may be closed by its other end at the moment it
    /// is used again, and then nobody knows whether the request was heard: for whoever must not ask twice.
    pub fn open_without_reuse(settings: &Settings, origins: &[url::Url], roots_pem: &str) -> Result<Outbound, Error> {
        Outbound::opened(settings, origins, roots_pem, 0)
    }

    fn opened(settings: &Settings, origins: &[url::Url], roots_pem: &str, idle: usize) -> Result<Outbound, Error> {
        let mut roots = certificates("the given text", roots_pem.as_bytes(), Empty::Fine)?;
        for path in &settings.roots {
            let name = path.display().to_string();
            let pem = std::fs::read(path).map_err(|error| Error::Roots(name.clone(), error.to_string()))?;
            roots.extend(certificates(&name, &pem, Empty::Wrong)?);
        }
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(RootCerts::from(roots))
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            // The environment must not be able to send our requests through somebody else's machine.
            .proxy(proxy(settings)?)
            // Redirects are followed here, where the allow-list is known.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("sotto/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(settings.connect_s.max(1))))
            .timeout_global(Some(Duration::from_secs(settings.answer_s.max(1))))
            .max_idle_connections(idle)
            .max_idle_connections_per_host(idle)
            .build()
            .new_agent();
        Ok(Outbound {
            agent,
            origins: origins.iter().map(url::Url::origin).collect(),
            answer_bytes_max: settings.answer_bytes_max,
            retries: settings.retries,
            wait_max: Duration::from_secs(settings.wait_s_max),
        })
    }

    /// Whether this client may speak to the origin of `url`.
    pub fn allows(&self, url: &url::Url) -> bool {
        // Opaque origins (file:, data:) are equal to nothing, so they are never allowed.
        matches!(url.scheme(), "http" | "https") && self.origins.contains(&url.origin())
    }

    /// Sends a request, trying again what failed in passing (only `GET`), and obeying `Retry-After` up to a cap. Redirects
    /// of a `GET` are followed: within the origin as they are, to another allowed origin without credentials, and nowhere
    /// else.
    pub fn send(&self, request: &Request) -> Result<Response, Error> {
        let mut request = request.clone();
        for _ in 0..=REDIRECTS_MAX {
            if !self.allows(&request.url) {
                return Err(Error::NotAllowed(origin_of(&request.url)));
            }
            let response = self.send_patiently(&request)?;
            let Some(next) = redirect(&request, &response) else {
                return Ok(response);
            };
            if next.origin() != request.url.origin() {
                // A download that moves to another host must not carry our credential there.
                request.headers.retain(|(name, _)| !is_credential(name));
            }
            request.url = next;
        }
        Err(Error::Unreachable(origin_of(&request.url), "it redirects in a circle".into()))
    }

    /// Sends a request once and gives what came back, a redirect too: for a client that keeps its own cookies.
    pub fn step(&self, request: &Request) -> Result<Response, Error> {
        if !self.allows(&request.url) {
            return Err(Error::NotAllowed(origin_of(&request.url)));
        }
        self.send_once(request).map_err(Attempt::into_error)
    }

    fn send_patiently(&self, request: &Request) -> Result<Response, Error> {
        let mut tried = 0;
        loop {
            let outcome = self.send_once(request);
            // Only GET: anything else may have been done although its answer was lost.
            let may_retry = tried < self.retries && request.method == "GET";
            let wait = match &outcome {
                Ok(response) if patience::is_passing(response.status) => patience::wait(response, tried, self.wait_max),
                Err(Attempt::Passing(_)) => patience::backoff(tried),
                Ok(_) | Err(Attempt::Lasting(_)) => return outcome.map_err(Attempt::into_error),
            };
            if !may_retry {
                return outcome.map_err(Attempt::into_error);
            }
            std::thread::sleep(wait);
            tried += 1;
        }
    }

    fn send_once(&self, request: &Request) -> Result<Response, Attempt> {
        let origin = origin_of(&request.url);
        let lasting =
            |why: Box<dyn std::error::Error + Send + Sync>| Attempt::Lasting(Error::Unreachable(origin.clone(), why));

        let mut head = http::Request::builder().method(request.method).uri(bare(&request.url).as_str());
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        let bodiless = request.body.is_empty() && matches!(request.method, "GET" | "DELETE");
        let sent = if bodiless {
            self.agent.run(head.body(()).map_err(|error| lasting(error.into()))?)
        } else {
            self.agent.run(head.body(request.body.as_slice()).map_err(|error| lasting(error.into()))?)
        };
        let (parts, body) = sent.map_err(|error| attempt(&origin, error))?.into_parts();

        let mut bytes = Vec::new();
        let most = self.answer_bytes_max;
        // Counted after decompression: a small answer that unpacks to gigabytes stops here too.
        let mut reader = body.into_with_config().limit(u64::MAX).reader().take(most.saturating_add(1));
        reader.read_to_end(&mut bytes).map_err(|error| attempt(&origin, ureq::Error::from(error)))?;
        if bytes.len() as u64 > most {
            return Err(Attempt::Lasting(Error::TooLarge(origin, most)));
        }
        let headers = parts
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        Ok(Response { status: parts.status.as_u16(), headers, body: bytes })
    }
}

/// The proxy of the settings. It is named without a user: a password stands in a file of its own.
fn proxy(settings: &Settings) -> Result<Option<ureq::Proxy>, Error> {
    let Some(url) = &settings.proxy else { return Ok(None) };
    let wrong = |why: &str| Error::Proxy(origin_of(url), why.to_owned());
    let is_plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    let (Some(host), Some(port), true) = (url.host_str(), url.port_or_known_default(), is_plain) else {
        return Err(wrong("an address such as http://proxy.example.com:3128 is expected, without a password"));
    };
    let mut proxy = ureq::Proxy::builder(ureq::ProxyProtocol::Http).host(host).port(port);
    if let Some(file) = &settings.proxy_credential_file {
        let text = std::fs::read_to_string(file).map_err(|error| wrong(&format!("{}: {error}", file.display())))?;
        let pair = text.trim().split_once(':');
        let (user, password) = pair.ok_or_else(|| wrong(&format!("{} holds no user:password", file.display())))?;
        proxy = proxy.username(user).password(password);
    }
    proxy.build().map(Some).map_err(|_| wrong("it is no address of a proxy"))
}

/// How one attempt failed.
enum Attempt {
    /// The next attempt may succeed: the connection was reset or ended early.
    Passing(Error),
    /// It would fail again.
    Lasting(Error),
}

impl Attempt {
    fn into_error(self) -> Error {
        match self {
            Attempt::Passing(error) | Attempt::Lasting(error) => error,
        }
    }
}

fn attempt(origin: &str, error: ureq::Error) -> Attempt {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    if let Some(tls) = tls_error(&error) {
        let untrusted = matches!(tls, rustls::Error::InvalidCertificate(_));
        return Attempt::Lasting(if untrusted {
            Error::Untrusted(origin.to_owned())
        } else {
            Error::Unreachable(origin.to_owned(), error.into())
        });
    }
    let is_passing = if let ureq::Error::Io(io) = &error {
        matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    } else {
        // An answer that ends in the middle of its head or of a chunk.
        matches!(error, ureq::Error::Protocol(_))
    };
    let error = Error::Unreachable(origin.to_owned(), error.into());
    if is_passing { Attempt::Passing(error) } else { Attempt::Lasting(error) }
}

/// The TLS failure inside an error: the handshake reports it wrapped as an IO error.
fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    if let ureq::Error::Rustls(tls) = error {
        return Some(tls);
    }
    let ureq::Error::Io(io) = error else { return None };
    io.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Where a redirect of a `GET` leads; `None` where the response is no redirect we follow.
fn redirect(request: &Request, response: &Response) -> Option<url::Url> {
    let follows = request.method == "GET" && matches!(response.status, 301 | 302 | 303 | 307 | 308);
    request.url.join(response.header("location").filter(|_| follows)?).ok()
}

fn is_credential(header: &str) -> bool {
    ["authorization", "cookie", "proxy-authorization"].iter().any(|name| header.eq_ignore_ascii_case(name))
}

/// The address without a user, a password or a fragment, none of which belongs on the wire.
fn bare(url: &url::Url) -> url::Url {
    let mut url = url.clone();
    // Both refuse only addresses that cannot have a user, and those have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

/// Scheme, host and port, for error texts: paths and queries may hold names of pages.
fn origin_of(url: &url::Url) -> String {
    url.origin().ascii_serialization()
}

/// Whether a text without any certificate is an error.
#[derive(PartialEq)]
enum Empty {
    Fine,
    Wrong,
}

fn certificates(name: &str, pem: &[u8], empty: Empty) -> Result<Vec<Certificate<'static>>, Error> {
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        let item = item.map_err(|error| Error::Roots(name.to_owned(), error.to_string()))?;
        if let PemItem::Certificate(certificate) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() && empty == Empty::Wrong {
        return Err(Error::Roots(name.to_owned(), "it holds no PEM certificate".to_owned()));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests;
