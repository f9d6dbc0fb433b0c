//! Checkpoints leave the machine: to a folder, to a real syslog server over TLS, to another host. Who fails says why, and what
//! to do.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};

use super::{LEAVE, audited, audited_with};
use crate::support::{Appliance, PATIENCE, is_skipped, put};

/// Who signs what a test's server shows, and the server's own certificate and key, as PEM.
struct Papers {
    authority: String,
    certificate: String,
    key: String,
    der: (Vec<u8>, Vec<u8>),
}

fn papers() -> Papers {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
    let signing = rcgen::KeyPair::generate().unwrap();
    let signed = authority.self_signed(&signing).unwrap();
    let issuer = rcgen::Issuer::new(authority, signing);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    leaf.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    let certificate = leaf.signed_by(&key, &issuer).unwrap();
    Papers {
        authority: signed.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        der: (certificate.der().to_vec(), key.serialize_der()),
    }
}

/// A host that takes what is posted to it, over HTTPS, and answers with the status it is told to.
struct Host {
    port: u16,
    status: Arc<Mutex<u16>>,
    posted: Receiver<(String, Value)>,
}

impl Host {
    fn start(papers: &Papers) -> Host {
        let (listener, status) =
            (TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap(), Arc::new(Mutex::new(204)));
        let key = PrivateKeyDer::try_from(papers.der.1.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![papers.der.0.clone().into()], key)
            .unwrap();
        let (config, port, answers) = (Arc::new(config), listener.local_addr().unwrap().port(), Arc::clone(&status));
        let (send, posted) = channel();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, socket);
                let Some((head, body)) = request(&mut stream) else { continue };
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let status = *answers.lock().unwrap();
                // Whoever does not trust us has left already.
                let _ = write!(stream, "HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.conn.send_close_notify();
                let _ = stream.flush();
                if send.send((head, body)).is_err() {
                    return;
                }
            }
        });
        Host { port, status, posted }
    }

    fn answer(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }
}

fn request(stream: &mut impl std::io::Read) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(bytes[..end].to_vec()).ok()?.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some((head, bytes[end + 4..].to_vec()));
            }
        }
        match stream.read(&mut part) {
            Ok(read @ 1..) => bytes.extend_from_slice(&part[..read]),
            Ok(0) | Err(_) => return None,
        }
    }
}

fn send(house: &Appliance) -> Value {
    let heard = house.sign_in("ana").send("POST", "/api/v1/admin/checkpoints", None).unwrap();
    assert_eq!(heard.status, 200, "{}", heard.text);
    heard.json()
}

fn overview(house: &Appliance) -> Value {
    house.sign_in("ana").json("/api/v1/admin/overview").unwrap()["outside"].clone()
}

#[test]
fn a_checkpoint_and_the_list_of_destroyed_keys_are_put_into_a_folder_elsewhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    let house = audited_with(|settings| {
        settings.audit.outside_folder = Some(elsewhere.path().to_owned());
        settings.audit.outside_minutes = 0;
        settings.history.undo_s = 0;
    });
    assert_eq!(overview(&house)["newest_at"], Value::Null);
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let conversation = answer["conversation_id"].as_str().unwrap();
    mateo.send("DELETE", &format!("/api/v1/conversations/{conversation}"), None).unwrap();
    house.wait_until("its key is destroyed", |house| house.audited("key_forgotten") == 1);

    let sent = send(&house);

    let size = sent["places"][0]["taken_size"].as_u64().unwrap();
    assert_eq!((&sent["places"][0]["place"], &sent["places"][0]["cause"]), (&json!("folder"), &Value::Null), "{sent}");
    let read = |name: &str| std::fs::read_to_string(elsewhere.path().join(name)).unwrap();
    let (key, note) = (read("verifier.key"), read(&format!("checkpoint-{size:012}.txt")));
    assert_eq!(key.trim(), house.app().audit_key());
    assert_eq!(sotto::app::read_checkpoint(&note, key.trim()).unwrap().0, size);
    let list = read(&format!("destroyed-{size:012}.txt"));
    assert!(list.contains(&format!("{} {conversation}\n", house.person_id("mateo"))), "{list}");
    assert_eq!(sotto::app::verify_proof(&list, key.trim(), None).unwrap(), "verified a list of 1 destroyed keys");
    let told = overview(&house);
    assert_eq!((&told["newest_size"], told["leaves_since"].as_u64().unwrap() > 0), (&json!(size), true), "{told}");
    // What was not destroyed since is not written again, and what is held proves that the log goes on from it.
    send(&house);
    let lists = std::fs::read_dir(elsewhere.path()).unwrap().flatten();
    assert_eq!(lists.filter(|file| file.file_name().to_string_lossy().starts_with("destroyed")).count(), 1);
    let mut nora = house.sign_in("nora");
    let extension = nora.send("GET", &format!("/api/v1/admin/proofs?old={size}"), None).unwrap().text;
    sotto::app::verify_proof(&extension, key.trim(), Some(&note)).unwrap();
    assert_eq!(house.audited("checkpoint_sent"), 2);
}

#[test]
fn a_folder_that_is_not_there_or_is_anothers_is_said_with_what_to_do_and_is_never_made() {
    let elsewhere = tempfile::tempdir().unwrap();
    let missing = elsewhere.path().join("not-mounted");
    let house = audited_with(|settings| {
        settings.audit.outside_folder = Some(missing.clone());
        settings.audit.outside_minutes = 1;
    });
    house.wait_until("it was tried", |house| overview(house)["places"][0]["cause"] != Value::Null);
    let told = overview(&house);
    assert!(told["places"][0]["cause"].as_str().unwrap().contains("is not there"), "{told}");
    assert!(told["places"][0]["remedy"].as_str().unwrap().contains("mount it again"), "{told}");
    assert!(!missing.exists());

    std::fs::create_dir(&missing).unwrap();
    put(&missing.join("verifier.key"), "another.example/log+00000000+AAAA");
    let sent = send(&house);
    assert!(sent["places"][0]["cause"].as_str().unwrap().contains("another log"), "{sent}");

    std::fs::remove_file(missing.join("verifier.key")).unwrap();
    assert_eq!(send(&house)["places"][0]["cause"], Value::Null);
    let doubt = send(&house)["places"][0]["doubt"].clone();
    assert!(doubt.as_str().unwrap().contains("same file system"), "both are in the test's folder: {doubt}");
}

#[test]
fn by_itself_only_what_is_new_is_sent_and_only_a_change_of_how_it_went_is_a_leaf() {
    let elsewhere = tempfile::tempdir().unwrap();
    let house = audited_with(|settings| {
        settings.audit.outside_folder = Some(elsewhere.path().to_owned());
        settings.audit.outside_minutes = 60;
    });
    house.wait_until("it was sent", |house| house.app().outside().unwrap().newest.is_some());
    house.wait_until("it is on record", |house| house.audited("checkpoint_sent") == 1);

    let house = house.restart();

    // The hour has not passed, so nothing is sent; what was sent before is remembered.
    assert!(house.app().outside().unwrap().since > 0);
    assert_eq!(house.audited("checkpoint_sent"), 1);
    let house = house.restart_with(|settings| settings.audit.outside_minutes = 0);
    let nowhere = house.restart_with(|settings| settings.audit.outside_folder = None);
    let told = overview(&nowhere);
    assert_eq!((&told["places"], &told["newest_at"]), (&json!([]), &Value::Null));
    let refused = nowhere.sign_in("ana").send("POST", "/api/v1/admin/checkpoints", None).unwrap();
    assert_eq!(refused.status, 400);
    assert!(refused.json()["detail"].as_str().unwrap().contains("outside_folder"), "{}", refused.text);
}

#[test]
fn another_host_is_posted_the_checkpoint_over_https_with_its_token_and_its_refusal_is_told() {
    let (papers, folder) = (papers(), tempfile::tempdir().unwrap());
    let host = Host::start(&papers);
    let (roots, token) = (folder.path().join("roots.pem"), folder.path().join("token"));
    put(&roots, &papers.authority);
    put(&token, "token-of-the-second-host\n");
    let house = audited_with(|settings| {
        settings.outbound.roots = vec![roots.clone()];
        settings.audit.outside_minutes = 0;
        settings.audit.outside_url = Some(format!("https://localhost:{}/checkpoints", host.port).parse().unwrap());
        settings.audit.outside_token_file = Some(token.clone());
    });

    let sent = send(&house);

    assert_eq!(sent["places"][0]["cause"], Value::Null, "{sent}");
    let (head, body) = host.posted.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("post /checkpoints http/1.1"), "{head}");
    assert!(head.contains("authorization: bearer token-of-the-second-host"), "{head}");
    let key = house.app().audit_key();
    let (size, _) = sotto::app::read_checkpoint(body["checkpoint"].as_str().unwrap(), &key).unwrap();
    assert_eq!((json!(size), &body["key"]), (sent["newest_size"].clone(), &json!(key)));
    assert_eq!(
        sotto::app::verify_proof(body["destroyed"].as_str().unwrap(), &key, None).unwrap(),
        "verified a list of 0 destroyed keys"
    );

    for (status, cause, remedy) in
        [(401, "refused us", "outside_token_file"), (500, "status 500", "look why in its log")]
    {
        host.answer(status);
        let sent = send(&house);
        let _ = host.posted.recv_timeout(PATIENCE).unwrap();
        assert!(sent["places"][0]["cause"].as_str().unwrap().contains(cause), "{sent}");
        assert!(sent["places"][0]["remedy"].as_str().unwrap().contains(remedy), "{sent}");
        assert_eq!(sent["newest_size"], json!(size), "what it holds, it still holds");
    }
    let house = house.restart_with(|settings| settings.outbound.roots = Vec::new());
    let untrusted = send(&house);
    assert!(untrusted["places"][0]["remedy"].as_str().unwrap().contains("outbound.roots"), "{untrusted}");
    let plain =
        house.restart_with(|settings| settings.audit.outside_url = Some("http://localhost:1/".parse().unwrap()));
    assert!(send(&plain)["places"][0]["remedy"].as_str().unwrap().contains("https"));
}

/// A real syslog server with a TLS listener, ended when this is dropped.
struct Rsyslog(Child);

impl Drop for Rsyslog {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it; it asks for a certificate of ours where `asks`. `None` where rsyslog or its TLS is not installed.
fn rsyslog(folder: &Path, papers: &Papers, port: u16, asks: bool) -> Option<Rsyslog> {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        put(&path, text);
        path.display().to_string()
    };
    let module =
        Path::new("/usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH)).join("rsyslog/lmnsd_gtls.so");
    let program = Path::new("/usr/sbin/rsyslogd");
    if !program.exists() || !module.exists() {
        return None;
    }
    let mode = if asks { "x509/certvalid" } else { "anon" };
    let config = format!(
        "global(workDirectory=\"{0}\" defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"{1}\" \
         defaultNetstreamDriverCertFile=\"{2}\" defaultNetstreamDriverKeyFile=\"{3}\")\n\
         module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"{mode}\")\n\
         template(name=\"parts\" type=\"list\") {{ property(name=\"pri\") constant(value=\" \") property(name=\"app-name\") \
         constant(value=\" \") property(name=\"msgid\") constant(value=\" \") property(name=\"msg\") constant(value=\"\\n\") }}\n\
         input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
         action(type=\"omfile\" file=\"{0}/received\" template=\"parts\")\n",
        folder.display(),
        file("authority.pem", &papers.authority),
        file("server.pem", &papers.certificate),
        file("server.key", &papers.key),
    );
    let config = file("rsyslog.conf", &config);
    let child = Command::new(program)
        .args(["-n", "-f", &config, "-i", &folder.join("pid").display().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Rsyslog(child);
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < PATIENCE, "rsyslog does not listen");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Some(server)
}

#[test]
fn a_real_syslog_server_receives_the_checkpoint_and_the_list_over_tls_and_one_that_is_away_is_told() {
    let (papers, folder) = (papers(), tempfile::tempdir().unwrap());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = rsyslog(folder.path(), &papers, port, true);
    if is_skipped("rsyslog with rsyslog-gnutls", server.is_some()) {
        return;
    }
    let path = |name: &str| folder.path().join(name);
    let house = audited_with(|settings| {
        settings.outbound.roots = vec![path("authority.pem")];
        settings.audit.outside_minutes = 0;
        settings.audit.outside_syslog = Some(format!("tls://localhost:{port}").parse().unwrap());
        settings.audit.outside_certificate_file = Some(path("server.pem"));
        settings.audit.outside_key_file = Some(path("server.key"));
    });

    let sent = send(&house);

    assert_eq!(sent["places"][0]["cause"], Value::Null, "{sent}");
    let received = || std::fs::read_to_string(path("received")).unwrap_or_default();
    house.wait_until("both messages are in the server's file", |_| {
        let text = received();
        text.contains("sotto checkpoint {") && text.contains("sotto destroyed {") && text.ends_with('\n')
    });
    let text = received();
    let (key, mut list) = (house.app().audit_key(), String::new());
    for line in text.lines() {
        let (head, message) = line.split_once('{').unwrap();
        assert!(head.starts_with("109 sotto ") || head.starts_with("<109> sotto "), "{line}");
        let message: Value = serde_json::from_str(&format!("{{{message}")).unwrap();
        match message["checkpoint"].as_str() {
            Some(note) => {
                let (size, _) = sotto::app::read_checkpoint(note, &key).unwrap();
                assert_eq!(json!(size), sent["newest_size"]);
            }
            None => list.push_str(message["text"].as_str().unwrap()),
        }
    }
    assert_eq!(sotto::app::verify_proof(&list, &key, None).unwrap(), "verified a list of 0 destroyed keys");

    let without = house.restart_with(|settings| settings.audit.outside_certificate_file = None);
    let refused = send(&without);
    assert!(refused["places"][0]["cause"] != Value::Null, "it asks for a certificate: {refused}");
    drop(server);
    let house = without.restart_with(|settings| settings.audit.outside_certificate_file = Some(path("server.pem")));
    let away = send(&house);
    assert!(away["places"][0]["remedy"].as_str().unwrap().contains("see that it runs"), "{away}");
    assert_eq!(away["newest_size"], sent["newest_size"]);
}

#[test]
fn the_owner_of_the_machine_sends_a_checkpoint_and_proves_by_the_command_line() {
    let elsewhere = tempfile::tempdir().unwrap();
    let house = audited_with(|settings| {
        settings.audit.outside_folder = Some(elsewhere.path().to_owned());
        settings.audit.outside_minutes = 0;
    });
    let config = elsewhere.path().join("sotto.toml");
    put(&config, &format!("[data]\nfolder = {:?}\n", house.folder().display().to_string()));
    let sotto = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sotto"));
        command.arg("audit").args(arguments).output().unwrap()
    };
    let config = config.display().to_string();
    let file = |name: &str| elsewhere.path().join(name).display().to_string();

    let pushed = sotto(&["checkpoint", "--push", "--config", &config]);
    assert!(pushed.status.success(), "{pushed:?}");
    let held =
        std::fs::read_dir(elsewhere.path()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let held = file(&held.into_iter().find(|name| name.starts_with("checkpoint-")).unwrap());

    let consistent = sotto(&["consistency", &held, "--config", &config]);
    assert!(consistent.status.success() && consistent.stdout.starts_with(b"old "), "{consistent:?}");
    put(Path::new(&file("older.proof")), &String::from_utf8(consistent.stdout).unwrap());
    let proved = sotto(&["prove", "2", "--config", &config]);
    assert!(proved.status.success() && proved.stdout.starts_with(b"c2sp.org/tlog-proof@v1"), "{proved:?}");
    put(Path::new(&file("leaf.proof")), &String::from_utf8(proved.stdout).unwrap());
    let none = sotto(&["prove", "1000000", "--config", &config]);
    assert_eq!(none.status.code(), Some(3), "{none:?}");
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no leaf 1000000"), "{none:?}");

    // All of it offline, with nothing but the key.
    let key = file("verifier.key");
    let verify = |arguments: &[&str]| {
        let found = sotto(&[&["verify"], arguments, &["--key", &key]].concat());
        (
            found.status.code(),
            String::from_utf8_lossy(&found.stdout).into_owned(),
            String::from_utf8_lossy(&found.stderr).into_owned(),
        )
    };
    assert!(verify(&[&file("leaf.proof")]).1.starts_with("verified leaf 2 of "));
    assert!(verify(&[&file("older.proof"), "--checkpoint", &held]).1.starts_with("verified "));
    let (code, _, said) = verify(&[&file("older.proof")]);
    assert!(code == Some(1) && said.contains("--checkpoint"), "{said}");
    let export = file("export.jsonl");
    assert!(sotto(&["export", "--out", &export, "--config", &config]).status.success());
    assert!(verify(&[&export, "--checkpoint", &held]).1.starts_with("verified "));
    let other = audited();
    put(Path::new(&file("other.key")), &other.app().audit_key());
    let wrong = sotto(&["verify", &file("leaf.proof"), "--key", &file("other.key")]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("not signed by the key given"), "{wrong:?}");
    assert_eq!(
        house.audited("audit_read"),
        4,
        "the owner's own looks are on record, the one for a leaf that is none too"
    );
}
