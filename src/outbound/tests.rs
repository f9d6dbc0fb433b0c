//! The client against small servers on loopback sockets.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::*;

/// A server that gives each connection the next of its answers and notes the requests' heads.
struct Peer {
    url: url::Url,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    fn answering(answers: Vec<String>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = heads.clone();
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while reader.read_line(&mut head).unwrap_or(0) > 2 {}
                noted.lock().unwrap().push(head);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Peer { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn get(url: url::Url) -> Request {
    let headers = vec![("Authorization".to_owned(), "Bearer secret".to_owned())];
    Request { method: "GET", url, headers, body: Vec::new() }
}

fn open(origins: &[&Peer]) -> Outbound {
    let origins: Vec<url::Url> = origins.iter().map(|peer| peer.url.clone()).collect();
    Outbound::open(&Settings::default(), &origins).unwrap()
}

#[test]
fn an_address_that_is_not_allowed_is_never_connected_to() {
    let (allowed, other) = (Peer::answering(vec![]), Peer::answering(vec![answer("200 OK", "", "x")]));

    let refused = open(&[&allowed]).send(&get(other.url.clone()));

    assert!(matches!(refused, Err(Error::NotAllowed(_))));
    assert!(other.heads().is_empty());
}

#[test]
fn a_redirect_to_an_origin_that_is_not_allowed_is_refused() {
    let other = Peer::answering(vec![answer("200 OK", "", "x")]);
    let peer = Peer::answering(vec![answer("302 Found", &format!("location: {}steal\r\n", other.url), "")]);

    let refused = open(&[&peer]).send(&get(peer.url.clone()));

    assert!(matches!(refused, Err(Error::NotAllowed(_))));
    assert!(other.heads().is_empty());
}

#[test]
fn a_redirect_to_another_allowed_origin_carries_no_credential() {
    let media = Peer::answering(vec![answer("200 OK", "", "file")]);
    let peer = Peer::answering(vec![answer("302 Found", &format!("location: {}file\r\n", media.url), "")]);

    let response = open(&[&peer, &media]).send(&get(peer.url.clone())).unwrap();

    assert_eq!(response.body, b"file");
    assert!(peer.heads()[0].contains("Bearer secret"));
    assert!(!media.heads()[0].contains("Bearer secret"));
}

#[test]
fn a_redirect_within_the_origin_keeps_the_credential() {
    let peer = Peer::answering(vec![answer("302 Found", "location: /there\r\n", ""), answer("200 OK", "", "here")]);

    let response = open(&[&peer]).send(&get(peer.url.clone())).unwrap();

    assert_eq!(response.body, b"here");
    assert!(peer.heads()[1].starts_with("GET /there ") && peer.heads()[1].contains("Bearer secret"));
}

#[test]
fn what_failed_in_passing_is_tried_again() {
    let peer = Peer::answering(vec![answer("503 Busy", "retry-after: 0\r\n", ""), answer("200 OK", "", "ok")]);

    assert_eq!(open(&[&peer]).send(&get(peer.url.clone())).unwrap().status, 200);
}

#[test]
fn an_answer_cut_short_is_tried_again() {
    let short = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 50\r\n\r\n{\"results\":".to_owned();
    let peer = Peer::answering(vec![short, answer("200 OK", "", "whole")]);

    assert_eq!(open(&[&peer]).send(&get(peer.url.clone())).unwrap().body, b"whole");
}

#[test]
fn a_post_is_sent_once_whatever_happens() {
    let peer = Peer::answering(vec![answer("503 Busy", "", ""), answer("200 OK", "", "ok")]);
    let request = Request { method: "POST", url: peer.url.clone(), headers: vec![], body: b"x=1".to_vec() };

    assert_eq!(open(&[&peer]).send(&request).unwrap().status, 503);
    assert_eq!(peer.heads().len(), 1);
}

#[test]
fn the_last_answer_is_given_when_trying_again_did_not_help() {
    let peer = Peer::answering(vec![answer("502 Bad", "", ""); 3]);
    let settings = Settings { retries: 2, ..Settings::default() };
    let outbound = Outbound::open(&settings, std::slice::from_ref(&peer.url)).unwrap();

    assert_eq!(outbound.send(&get(peer.url.clone())).unwrap().status, 502);
    assert_eq!(peer.heads().len(), 3);
}

#[test]
fn an_answer_larger_than_allowed_is_refused() {
    let peer = Peer::answering(vec![answer("200 OK", "", &"x".repeat(100))]);
    let settings = Settings { answer_bytes_max: 99, ..Settings::default() };
    let outbound = Outbound::open(&settings, std::slice::from_ref(&peer.url)).unwrap();

    assert!(matches!(outbound.send(&get(peer.url.clone())), Err(Error::TooLarge(_, 99))));
}

/// A server with a certificate of its own, and that certificate as PEM.
fn tls_peer() -> (url::Url, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut head = String::new();
            let mut reader = BufReader::new(&mut stream);
            while reader.read_line(&mut head).unwrap_or(0) > 2 {}
            let _ = stream.write_all(answer("200 OK", "", "secret").as_bytes());
        }
    });
    (url, made.cert.pem())
}

#[test]
fn a_certificate_is_trusted_only_through_a_root_that_was_given() {
    let (url, pem) = tls_peer();
    let stranger = Outbound::open(&Settings::default(), std::slice::from_ref(&url)).unwrap();
    let friend = Outbound::open_with_roots(&Settings::default(), std::slice::from_ref(&url), &pem).unwrap();

    let refused = stranger.send(&get(url.clone()));
    let accepted = friend.send(&get(url.clone()));

    assert!(matches!(refused, Err(Error::Untrusted(_))), "{refused:?}");
    assert_eq!(accepted.unwrap().body, b"secret");
}

#[test]
fn a_root_file_without_a_certificate_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings = Settings { roots: vec![file.path().to_owned()], ..Settings::default() };

    let refused = Outbound::open(&settings, &[]);

    assert!(matches!(refused, Err(Error::Roots(name, _)) if name == file.path().display().to_string()));
}

#[test]
fn a_proxy_of_the_settings_is_asked_for_the_way_and_given_its_own_credential_alone() {
    // It answers the request for the way, and then the request itself on the same connection.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy: url::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let heads = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        ["HTTP/1.1 200 OK\r\n\r\n".to_owned(), answer("200 OK", "", "through")].map(|answer| {
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap_or(0) > 2 {}
            stream.write_all(answer.as_bytes()).unwrap();
            head
        })
    });
    let credential = tempfile::NamedTempFile::new().unwrap();
    writeln!(credential.as_file(), "gate:keeper").unwrap();
    let file = Some(credential.path().to_owned());
    let settings = Settings { proxy: Some(proxy), proxy_credential_file: file, ..Settings::default() };
    let wiki: url::Url = "http://wiki.nowhere.invalid/".parse().unwrap();

    let outbound = Outbound::open(&settings, std::slice::from_ref(&wiki)).unwrap();
    let response = outbound.send(&get(wiki)).unwrap();

    let [way, request] = heads.join().unwrap();
    assert_eq!(response.body, b"through");
    let (way, request) = (way.to_ascii_lowercase(), request.to_ascii_lowercase());
    assert!(way.starts_with("connect wiki.nowhere.invalid:80"), "{way}");
    assert!(way.contains("proxy-authorization: basic z2f0ztprzwvwzxi="), "{way}");
    assert!(!way.contains("bearer secret") && request.contains("authorization: bearer secret"), "{way}{request}");
}

#[test]
fn a_proxy_with_a_password_in_its_address_is_refused() {
    for text in ["http://gate:keeper@proxy.example:3128", "socks5://proxy.example", "https://proxy.example"] {
        let settings = Settings { proxy: Some(text.parse().unwrap()), ..Settings::default() };
        let Err(error) = Outbound::open(&settings, &[]) else { panic!("{text}") };
        assert!(matches!(&error, Error::Proxy(..)) && !error.to_string().contains("keeper"), "{error}");
    }
}
