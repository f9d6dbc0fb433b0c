//! A syslog server that is spoken to over TLS: messages of RFC 5424, framed as RFC 5425 has them.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Empty, Error, Settings, certificates};

/// RFC 5425 §4.1: the port where none is named.
/// How long a server is given to end the stream before anything is sent.
const LOOK: Duration = Duration::from_secs(1);
const PORT: u16 = 6514;
/// RFC 5424 §6.2.1: facility 13 (log audit), severity 5 (notice).
const PRIORITY: u8 = 13 * 8 + 5;
/// RFC 5424 §6: the longest name of a host, in bytes.
const HOST_BYTES_MAX: usize = 255;

/// A syslog server. A connection is opened for each batch of messages.
pub struct Syslog {
    host: String,
    port: u16,
    tls: Arc<ClientConfig>,
    connect: Duration,
    answer: Duration,
}

/// Why nothing was sent by syslog.
#[derive(Debug, thiserror::Error)]
pub enum SyslogError {
    /// The address is none of a syslog server over TLS.
    #[error("{0} is no address such as tls://syslog.example.com:6514")]
    Address(String),
    /// The client certificate or its key cannot be used.
    #[error("the client certificate {0} cannot be used: {1}")]
    Certificate(String, String),
    /// What every way out can meet.
    #[error(transparent)]
    Way(#[from] Error),
}

/// One message. All of it is printable ASCII.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// When it was made, RFC 3339.
    pub at: &'a str,
    /// Which host sends it.
    pub host: &'a str,
    /// What kind of message it is (RFC 5424's MSGID), one word.
    pub kind: &'a str,
    /// What it says.
    pub text: &'a str,
}

impl Message<'_> {
    /// RFC 5424 §6, with the length in bytes before it (RFC 5425 §4.3.1).
    fn framed(&self) -> Vec<u8> {
        let Message { at, host, kind, text } = self;
        let printable = |text: &str, most: usize| -> String {
            text.chars().filter(char::is_ascii_graphic).take(most).collect::<String>()
        };
        let host = printable(host, HOST_BYTES_MAX);
        let host = if host.is_empty() { "-" } else { &host };
        let message = format!("<{PRIORITY}>1 {} {host} sotto - {} - {text}", printable(at, 32), printable(kind, 32));
        [message.len().to_string().as_bytes(), b" ", message.as_bytes()].concat()
    }
}

impl Syslog {
    /// A client of the server at `url` (`tls://host:port`), which is trusted by the roots of the settings; with a client
    /// certificate and its key where the server asks for one. There is no way to it through an HTTP proxy.
    pub fn open(settings: &Settings, url: &url::Url, client: Option<(&Path, &Path)>) -> Result<Syslog, SyslogError> {
        let host = url.host_str().filter(|_| url.scheme() == "tls").unwrap_or_default().to_owned();
        if host.is_empty() {
            return Err(SyslogError::Address(url.to_string()));
        }
        let mut roots = RootCertStore::empty();
        for path in &settings.roots {
            let name = path.display().to_string();
            let pem = std::fs::read(path).map_err(|error| Error::Roots(name.clone(), error.to_string()))?;
            for root in certificates(&name, &pem, Empty::Wrong)? {
                let root = CertificateDer::from(root.der().to_vec());
                roots.add(root).map_err(|error| Error::Roots(name.clone(), error.to_string()))?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Unreachable(host.clone(), error.into()))?
            .with_root_certificates(roots);
        let tls = match client {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let wrong = |path: &Path, why: String| SyslogError::Certificate(path.display().to_string(), why);
                let certificates = CertificateDer::pem_file_iter(chain)
                    .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                    .map_err(|error| wrong(chain, error.to_string()))?;
                let der = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
                builder.with_client_auth_cert(certificates, der).map_err(|error| wrong(chain, error.to_string()))?
            }
        };
        Ok(Syslog {
            host,
            port: url.port().unwrap_or(PORT),
            tls: Arc::new(tls),
            connect: Duration::from_secs(settings.connect_s.max(1)),
            answer: Duration::from_secs(settings.answer_s.clamp(1, 30)),
        })
    }

    /// Sends messages over one connection. Syslog acknowledges nothing; what can be known is that the server read the stream to
    /// its end, because it then ends it too (RFC 5425 §4.4). Where it does not, that is an error.
    pub fn send(&self, messages: &[Message<'_>]) -> Result<(), SyslogError> {
        let mut stream = self.connected()?;
        let sent = || -> io::Result<()> {
            for message in messages {
                stream.write_all(&message.framed())?;
            }
            stream.conn.send_close_notify();
            stream.flush()?;
            // Nothing is said by a syslog server; what is read here is the end of its stream, or an alert.
            io::copy(&mut io::Read::by_ref(&mut stream).take(64 * 1024), &mut io::sink())?;
            Ok(())
        };
        Ok(sent_all(sent).map_err(|error| self.failed(error))?)
    }

    fn connected(&self) -> Result<StreamOwned<ClientConnection, TcpStream>, Error> {
        let io = |error: io::Error| self.failed(error);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
        let mut socket = None;
        for address in (self.host.trim_matches(['[', ']']), self.port).to_socket_addrs().map_err(io)? {
            match TcpStream::connect_timeout(&address, self.connect) {
                Ok(connected) => {
                    socket = Some(connected);
                    break;
                }
                Err(error) => last = error,
            }
        }
        let Some(socket) = socket else { return Err(self.failed(last)) };
        socket.set_read_timeout(Some(self.answer)).map_err(io)?;
        socket.set_write_timeout(Some(self.answer)).map_err(io)?;
        let name = ServerName::try_from(self.host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| Error::Unreachable(self.place(), error.into()))?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), name)
            .map_err(|error| Error::Unreachable(self.place(), error.into()))?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(io)?;
        }
        stays(&mut stream).map_err(io)?;
        stream.sock.set_read_timeout(Some(self.answer)).map_err(io)?;
        Ok(stream)
    }

    fn place(&self) -> String {
        format!("tls://{}:{}", self.host, self.port)
    }

    fn failed(&self, error: io::Error) -> Error {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(_)) => Error::Untrusted(self.place()),
            Some(_) | None => Error::Unreachable(self.place(), error.into()),
        }
    }
}

/// Waits a moment whether the server ends the stream before anything was sent. In TLS 1.3 the handshake is over for us before
/// the server has looked at our certificate (RFC 8446 §4.4.2.4), and one that does not like it may end the stream as it does
/// after messages that it took.
fn stays(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> io::Result<()> {
    stream.sock.set_read_timeout(Some(LOOK))?;
    match io::Read::read(stream, &mut [0]) {
        Ok(0) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "it ended the stream before anything was sent")),
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A server that ends its stream without a word of TLS has read ours to its end all the same.
fn sent_all(sent: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match sent() {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Err(io::Error::new(error.kind(), "it took the connection and did not confirm its end"))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_framed_by_its_length_and_nothing_in_it_breaks_its_head() {
        let message = Message {
            at: "2026-11-28T06:00:00.000Z",
            host: "sotto example",
            kind: "check\npoint",
            text: "{\"size\":3}",
        };

        let framed = String::from_utf8(message.framed()).unwrap();

        let (length, rest) = framed.split_once(' ').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), rest.len());
        assert_eq!(rest, "<109>1 2026-11-28T06:00:00.000Z sottoexample sotto - checkpoint - {\"size\":3}");
    }

    #[test]
    fn an_address_that_is_not_over_tls_is_refused() {
        for address in ["tcp://localhost:514", "udp://localhost", "https://localhost"] {
            let opened = Syslog::open(&Settings::default(), &address.parse().unwrap(), None);
            assert!(matches!(opened, Err(SyslogError::Address(_))), "{address}");
        }
    }
}
