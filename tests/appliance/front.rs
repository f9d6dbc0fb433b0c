//! The front of the house: the protocol, headers, the whole answer at once, the owner's socket, metrics.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use sotto::app::nouns::{Mode, SourceId};
use sotto::web::control::{self, Command};

use crate::support::{Appliance, Site, claims};

const LEAVE: &str = "How many days of annual leave does an employee have?";

/// The protocol the server chooses for a client that speaks these, best first.
fn chosen(house: &Appliance, offered: &[&str]) -> Option<Vec<u8>> {
    let mut roots = rustls::RootCertStore::empty();
    let authority = rustls_pki_types::CertificateDer::from_pem_slice(house.roots_pem.as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", house.base.port().unwrap())).unwrap();
    connection.complete_io(&mut stream).unwrap();
    connection.alpn_protocol().map(<[u8]>::to_vec)
}

#[test]
fn both_versions_of_http_are_spoken_under_a_certificate_of_our_own_authority() {
    let house = Appliance::without_sync(&Site::new(), |_| {});

    assert_eq!(chosen(&house, &["h2", "http/1.1"]).as_deref(), Some(&b"h2"[..]));
    assert_eq!(chosen(&house, &["http/1.1"]).as_deref(), Some(&b"http/1.1"[..]));
}

#[test]
fn every_reply_has_its_request_id_and_a_problem_repeats_it() {
    let house = Appliance::without_sync(&Site::new(), |_| {});
    let mut browser = house.browser();

    let missing = browser.send("GET", "/no/such/place", None).unwrap();
    let wrong = browser.send("PUT", "/api/v1/ask", None).unwrap();

    assert_eq!((missing.status, wrong.status), (404, 405));
    assert_eq!(missing.json()["request_id"], missing.header("x-request-id").unwrap());
    assert_eq!(wrong.header("allow"), Some("POST"));
    for heard in [missing, wrong] {
        assert!(heard.header("content-type").unwrap().starts_with("application/problem+json"), "{}", heard.text);
        assert_eq!(heard.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(heard.header("referrer-policy"), Some("no-referrer"));
    }
}

#[test]
fn who_asks_for_json_is_given_the_answer_at_once() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let heard = mateo.send("POST", "/api/v1/ask", Some(&json!({ "question": LEAVE }))).unwrap();

    assert_eq!(heard.header("content-type"), Some("application/json"));
    assert_eq!(heard.json()["outcome"], "answered", "{}", heard.text);
    assert!(claims(&heard.json()).concat().contains("28 days"), "{}", heard.text);
    assert!(heard.header("server-timing").is_some_and(|timing| timing.starts_with("answer;dur=")));
}

#[test]
fn a_refused_sign_in_ends_on_the_sign_in_page_with_a_code_and_the_requests_id() {
    let house = Appliance::without_sync(&Site::two_projects(), |_| {});

    let heard = house.browser().send("GET", "/auth/oidc/company/callback?code=x&state=y", None).unwrap();

    let to = heard.header("location").unwrap();
    assert_eq!(heard.status, 303);
    assert!(to.starts_with("/sign-in?refused="), "{to}");
    assert!(to.ends_with(&format!("id={}", heard.header("x-request-id").unwrap())), "{to}");
}

#[test]
fn who_is_not_signed_in_is_led_to_sign_in_and_back() {
    let house = Appliance::without_sync(&Site::new(), |_| {});

    let heard = house.browser().send("GET", "/conversations/0a", None).unwrap();

    assert_eq!((heard.status, heard.header("location")), (303, Some("/sign-in?return_to=%2Fconversations%2F0a")));
}

#[test]
fn the_owner_asks_the_running_server_by_its_socket() {
    let house = Appliance::with(&Site::two_projects());
    let folder = house.folder().to_owned();
    let mut lines = Vec::new();

    let status = control::ask(&folder, &Command::Status, &mut |_| Ok(())).unwrap();
    let exported = control::ask(&folder, &Command::AuditExport, &mut |line| {
        lines.push(line.to_owned());
        Ok(())
    });
    let unknown =
        Command::Sync { source: SourceId::parse("nowhere").unwrap(), mode: Mode::Changes, allow_removal: false };

    assert_eq!(status["documents"], 3, "{status}");
    assert_eq!(exported.unwrap()["size"], lines.len() - 1);
    assert_eq!(lines, house.audit_lines());
    let refused = control::ask(&folder, &unknown, &mut |_| Ok(())).unwrap_err();
    assert!(refused.to_string().contains("no such thing"), "{refused}");
}

#[test]
fn metrics_count_by_template_and_name_no_document() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    mateo.json("/api/v1/documents/wiki:101").unwrap();
    let mut stream = TcpStream::connect(house.metrics_address()).unwrap();

    write!(stream, "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();

    assert!(text.contains("route=\"/api/v1/documents/{id}\",status=\"200\"} 1"), "{text}");
    assert!(text.contains("\nsotto_documents 3\n"), "{text}");
    assert!(text.contains("sotto_source_state{source=\"wiki\",state=\"succeeded\"} 1"), "{text}");
    assert!(!text.contains("wiki:101") && !text.contains("mateo"), "{text}");
}
