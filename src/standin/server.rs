//! The socket both stand-ins listen on: a thread of its own, a request and a reply as plain values.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::{StatusCode, header};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context as _;

/// The largest body that is read: a whole site may be put while the stand-in runs.
const BODY_BYTES_MAX: usize = 64 << 20;

/// A request, read whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    /// `GET`, `POST` …
    pub method: String,
    /// The path as it was sent, still percent-encoded: `%2F` and `/` differ.
    pub path: String,
    /// The query as it was sent, without `?`.
    pub query: String,
    /// Header names (lower case) and values; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        first(self.query.as_bytes(), name)
    }

    /// The first value of a field of a form body (`application/x-www-form-urlencoded`).
    pub fn field(&self, name: &str) -> Option<String> {
        first(&self.body, name)
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.header("cookie")?
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// The first value of a name in form encoding.
fn first(encoded: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(encoded).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// What is sent back.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values; the content type among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Milliseconds to wait before the first byte.
    pub wait_ms: u64,
    /// The connection is broken off before the body is complete.
    pub broken_off: bool,
}

impl Reply {
    /// A body of a media type.
    pub fn of(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        let headers = vec![("content-type", media_type.to_owned())];
        Reply { status, headers, body: body.into(), wait_ms: 0, broken_off: false }
    }

    /// A JSON body.
    pub fn json(status: u16, value: &serde_json::Value) -> Reply {
        Reply::of(status, "application/json", value.to_string())
    }

    /// An HTML page that may load nothing.
    pub fn html(status: u16, page: String) -> Reply {
        // form-action is not narrowed: a provider's form ends, through a redirect, at its client.
        Reply::of(status, "text/html; charset=utf-8", page)
            .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
            .with("cache-control", "no-store")
            .with("referrer-policy", "no-referrer")
    }

    /// A redirect by which the browser comes with `GET`.
    pub fn see_other(location: &str) -> Reply {
        let headers = vec![("location", location.to_owned()), ("cache-control", "no-store".to_owned())];
        Reply { status: 303, headers, body: Vec::new(), wait_ms: 0, broken_off: false }
    }

    /// With one header more.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
}

/// A running server; it stops when it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    handle: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `listen` (port 0 for any) and answers each request by `serve`, on a thread of its own.
    pub fn start<S>(name: &str, listen: SocketAddr, serve: S) -> anyhow::Result<Server>
    where
        S: Fn(&Call) -> Reply + Send + Sync + 'static,
    {
        Server::start_by(None, name, listen, serve)
    }

    /// The same, over TLS where there is a certificate.
    pub fn start_by<S>(
        secure: Option<rustls::ServerConfig>,
        name: &str,
        listen: SocketAddr,
        serve: S,
    ) -> anyhow::Result<Server>
    where
        S: Fn(&Call) -> Reply + Send + Sync + 'static,
    {
        // Bound here and not on the thread, so that a port in use is the caller's error.
        let listener = TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr()?;
        let serve: Arc<dyn Fn(&Call) -> Reply + Send + Sync> = Arc::new(serve);
        let (started, is_started) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(web::Data::from(serve.clone()))
                        .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
                        .default_service(web::to(answer))
                })
                .workers(2)
                .shutdown_timeout(1)
                .disable_signals();
                let server = match secure {
                    Some(config) => server.listen_rustls_0_23(listener, config),
                    None => server.listen(listener),
                };
                match server {
                    Ok(server) => {
                        let server = server.run();
                        // The caller waits for this; where it has gone away, nobody needs the server.
                        if started.send(Ok(server.handle())).is_ok()
                            && let Err(error) = server.await
                        {
                            tracing::error!(%error, "a stand-in stopped");
                        }
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
            });
        })?;
        let handle = is_started.recv().context("the stand-in's thread ended before it listened")??;
        Ok(Server { address, handle, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The command is sent by the call itself; the future only tells when it was done, and the thread tells that too.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a stand-in's thread panicked");
        }
    }
}

/// Hands one request to the stand-in, and its reply back.
async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    serve: web::Data<dyn Fn(&Call) -> Reply + Send + Sync>,
) -> HttpResponse {
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let call = Call {
        method: request.method().as_str().to_owned(),
        path: request.uri().path().to_owned(),
        query: request.query_string().to_owned(),
        headers,
        body: body.to_vec(),
    };
    let reply = serve(&call);
    if reply.wait_ms > 0 {
        actix_web::rt::time::sleep(Duration::from_millis(reply.wait_ms)).await;
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for (name, value) in reply.headers {
        response.append_header((name, value));
    }
    if reply.broken_off {
        response.insert_header((header::CONNECTION, "close"));
        return response.body(BrokenOff { rest: Some(reply.body.into()), is_flushed: false });
    }
    response.body(reply.body)
}

/// A body that announces more than it sends.
struct BrokenOff {
    rest: Option<web::Bytes>,
    is_flushed: bool,
}

impl MessageBody for BrokenOff {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.as_ref().map_or(1, |rest| rest.len() as u64 + 1))
    }

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<web::Bytes, std::io::Error>>> {
        use std::task::Poll;
        let this = self.get_mut();
        if let Some(rest) = this.rest.take() {
            return Poll::Ready(Some(Ok(rest)));
        }
        if !this.is_flushed {
            // What was given out is written only while the body has nothing more to give.
            this.is_flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionAborted.into())))
    }
}

/// Escapes text for HTML, also inside a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Decodes one path segment; `None` where it is not UTF-8. A `+` stays a `+` in a path (RFC 3986).
pub(super) fn decode(segment: &str) -> Option<String> {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// Encodes a path segment: everything but RFC 3986's unreserved characters.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_segment_is_decoded_as_it_was_encoded() {
        for text in ["Plan & budget (v2).pdf", "50%", "a/b", "Überblick", "a+b"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(decode("a%zz+b").as_deref(), Some("a%zz+b"));
        assert_eq!(decode("%ff"), None);
    }

    fn ask(address: SocketAddr) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /here HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        // A broken connection may end in an error; what came before it counts.
        drop(stream.read_to_end(&mut answer));
        String::from_utf8(answer).unwrap()
    }

    #[test]
    fn a_server_answers_on_a_free_port_and_frees_it_when_dropped() {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start("test", local, |call| Reply::of(200, "text/plain", call.path.clone())).unwrap();
        let address = server.address();

        let answer = ask(address);
        drop(server);

        assert!(answer.ends_with("/here"), "{answer}");
        assert!(TcpListener::bind(address).is_ok());
    }

    #[test]
    fn a_reply_that_is_broken_off_announces_more_than_comes() {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let broken = |_: &Call| Reply { broken_off: true, ..Reply::of(200, "text/plain", "12345") };
        let server = Server::start("test", local, broken).unwrap();

        let answer = ask(server.address());

        assert!(answer.contains("content-length: 6") && answer.ends_with("12345"), "{answer}");
    }
}
