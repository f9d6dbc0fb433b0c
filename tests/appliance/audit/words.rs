//! Nobody's words are anywhere but where they belong: canaries in questions, titles, pages and feedback, looked for in the
//! process's log, the audit log and every form of it, the metrics, errors, and every file of the data folder.

use std::io::Read as _;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use super::taken;
use crate::support::{Appliance, Site};

/// Every canary has this in it, in any case.
const MARK: &str = "canarybird";
const QUESTION: &str = "Which shed keeps the canarybirdquestion?";
const QUERY: &str = "canarybirdquery";
const PAGE: &str = "canarybirdpage";
const TITLE: &str = "Canarybirdtitle";
const COMMENT: &str = "canarybirdcomment was kind";
const NAME: &str = "canarybirdname of mine";

/// Lines of the process's log that have a canary in them. Other tests of this program log too; theirs have none.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl std::io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).into_owned();
        if line.to_lowercase().contains(MARK) {
            self.0.lock().unwrap().push(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Listens to all that this process logs from now on, down to the last word.
fn listen() -> Heard {
    static HEARD: OnceLock<Heard> = OnceLock::new();
    let heard = HEARD.get_or_init(|| {
        let heard = Heard::default();
        let writer = heard.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let registry = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::TRACE));
        tracing::subscriber::set_global_default(registry).unwrap();
        heard
    });
    heard.clone()
}

fn site() -> Site {
    Site::new()
        .user("mateo")
        .user("mary")
        .user("ana")
        .user("nora")
        .group("sheds", &["mateo"], &[])
        .group("auditors", &["nora"], &[])
        .space("SHED", &["sheds"])
        .page("SHED", "901", None, TITLE, &format!("<p>The north shed keeps the {PAGE} and the keys.</p>"))
}

/// Everything in a file, or the folder's part of one that the source's own words belong in.
fn is_pages_own(path: &std::path::Path) -> bool {
    let path = path.display().to_string();
    // The index and the truth store hold what was read from the wiki; that is what they are for.
    path.contains("/index/") || path.contains("/store") || path.ends_with("/db") || path.contains("/blobs/")
}

#[test]
fn no_word_of_a_question_a_title_a_page_or_feedback_is_in_a_log_a_metric_an_error_or_a_file() {
    let heard = listen();
    tracing::info!("a control: {MARK}");
    assert_eq!(heard.0.lock().unwrap().len(), 1, "what is logged is heard");
    heard.0.lock().unwrap().clear();
    let house = Appliance::with_settings(&site(), |settings| {
        settings.directory.auditors = vec!["auditors".to_owned()];
        settings.audit.names = vec!["auditors".to_owned()];
    });
    let (mut mateo, mut mary, mut ana, mut nora) =
        (house.sign_in("mateo"), house.sign_in("mary"), house.sign_in("ana"), house.sign_in("nora"));

    // Everything that carries words is done once.
    let answer = house.ask(&mut mateo, QUESTION);
    let (conversation, message) = (answer["conversation_id"].as_str().unwrap(), answer["message_id"].as_str().unwrap());
    assert!(answer.to_string().contains(PAGE), "the control: the page is told to who may read it: {answer}");
    house.ask(&mut mary, QUESTION);
    let changed = |who: &mut sotto::standin::browser::Browser, method, path: &str, body| {
        let heard = who.send(method, path, Some(&body)).unwrap();
        (heard.status, heard.text)
    };
    assert_eq!(changed(&mut mateo, "POST", "/api/v1/search", json!({ "query": format!("{QUERY} {PAGE}") })).0, 200);
    let feedback = json!({ "rating": "down", "reasons": ["incomplete"], "comment": COMMENT });
    assert!(changed(&mut mateo, "POST", &format!("/api/v1/messages/{message}/feedback"), feedback).0 < 300);
    let path = format!("/api/v1/conversations/{conversation}");
    assert!(changed(&mut mateo, "PATCH", &path, json!({ "title": NAME })).0 < 300);
    for path in [path.clone(), format!("{path}/export?format=md"), "/api/v1/documents/wiki:901".to_owned()] {
        assert_eq!(mateo.send("GET", &path, None).unwrap().status, 200, "{path}");
    }
    let mut errors = Vec::new();
    for path in [path.as_str(), "/api/v1/documents/wiki:901", "/api/v1/documents/wiki:901/access"] {
        errors.push(mary.send("GET", path, None).unwrap().text);
    }
    errors
        .push(changed(&mut mateo, "POST", "/api/v1/ask", json!({ "question": format!("{QUESTION} ").repeat(500) })).1);
    errors.push(changed(&mut mateo, "POST", "/api/v1/search", json!({ "query": QUERY, "limit": 0 })).1);
    errors.push(changed(&mut mateo, "PATCH", &path, json!({ "title": format!("{NAME}\n") .repeat(90) })).1);
    for path in ["overview", "sources", "users", "access?user=mateo&document=wiki:901", "sources/wiki/runs"] {
        errors.push(ana.send("GET", &format!("/api/v1/admin/{path}"), None).unwrap().text);
    }
    house.refresh();

    let mut told: Vec<(String, String)> =
        errors.into_iter().map(|text| ("an error, or the desk".to_owned(), text)).collect();
    for format in ["jsonl", "csv", "ocsf", "values"] {
        told.push((format!("the log as {format}"), taken(&mut nora, &format!("format={format}"))));
    }
    for path in ["audit?limit=200", "audit/documents/wiki:901", "audit/people/mateo", "checkpoints", "audit/filters"] {
        told.push((path.to_owned(), nora.send("GET", &format!("/api/v1/admin/{path}"), None).unwrap().text));
    }
    let mut metrics = String::new();
    let mut stream = std::net::TcpStream::connect(house.metrics_address()).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    stream.read_to_string(&mut metrics).unwrap();
    assert!(metrics.contains("sotto_audit_leaves"), "{metrics}");
    told.push(("the metrics".to_owned(), metrics));
    for (what, text) in &told {
        assert!(!text.to_lowercase().contains(MARK), "{what} has a canary: {text}");
    }
    assert_eq!(*heard.0.lock().unwrap(), Vec::<String>::new(), "the process's log has a canary");
    assert!(house.audit_lines().iter().any(|line| line.contains("wiki:901")), "the control: the log knows of the page");

    // What people said is in no file at all; what the page says is only where pages are kept.
    for path in files(house.folder()) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        for words in ["canarybirdquestion", QUERY, "canarybirdcomment", "canarybirdname"] {
            assert!(!holds(&bytes, words), "{words} is in {}", path.display());
        }
        if !is_pages_own(&path) {
            for words in [PAGE, TITLE] {
                assert!(!holds(&bytes, words), "{words} is in {}", path.display());
            }
        }
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found
}

/// As UTF-8, as UTF-16, or in base64 at any of its three places.
fn holds(bytes: &[u8], words: &str) -> bool {
    let wide: Vec<u8> = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let base64 = (0..3).map(|shift| {
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(format!("{}{words}", "x".repeat(shift)));
        // Letters at both ends depend on what stands beside the words.
        text.as_bytes()[4..text.len() - 4].to_vec()
    });
    [words.as_bytes().to_vec(), wide]
        .into_iter()
        .chain(base64)
        .any(|needle| bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(&needle)))
}
