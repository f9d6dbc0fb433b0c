//! What stays in the memory of the real process after somebody signed out: of what unlocks a history nothing, of words what is
//! reported.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sotto::standin::browser::Browser;
use url::Url;

const PASSPHRASE: &str = "canary passphrase of mine";
const QUESTION: &str = "How many days of annual leave has the canary-employee?";
/// As the promise has it.
const MINUTE: Duration = Duration::from_secs(60);

/// A demo that runs beside the test and ends with it.
struct Demo {
    process: Child,
    base: Url,
    issuer: Url,
    folder: tempfile::TempDir,
    /// Kept until the end: a demo that cannot print what it has still to say ends.
    _lines: Box<dyn Iterator<Item = String>>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Demo {
    fn start() -> Demo {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_sotto"))
            .args(["demo", "--listen", "127.0.0.1:0", "--model", "scripted", "--data"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut lines = Box::new(lines.map_while(Result::ok));
        let mut named = |what: &str| {
            let line = lines.by_ref().find(|line| line.contains(what)).unwrap();
            let address =
                line.split(what).nth(1).unwrap().split_whitespace().next().unwrap().trim_end_matches('.').to_owned();
            Url::parse(&address).unwrap()
        };
        let (base, issuer) = (named("ready at "), named("identity provider at "));
        Demo { process, base, issuer, folder, _lines: lines }
    }

    fn browser(&self) -> Browser {
        let roots = std::fs::read_to_string(self.folder.path().join("tls/authority.pem")).unwrap();
        Browser::open(&self.base, std::slice::from_ref(&self.issuer), &roots).unwrap()
    }

    /// How often these words stand in what the process may write to.
    fn counted(&self, words: &str) -> usize {
        let of = |what: &str| File::open(format!("/proc/{}/{what}", self.process.id())).unwrap();
        let memory = of("mem");
        let mut count = 0;
        for line in BufReader::new(of("maps")).lines() {
            let line = line.unwrap();
            let mut parts = line.split_whitespace();
            let (range, rights) = (parts.next().unwrap(), parts.next().unwrap());
            if !rights.starts_with("rw") {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
            // What was given back to the system meanwhile holds nothing.
            let read = memory.read_at(&mut bytes, start).unwrap_or(0);
            let bytes = &bytes[..read];
            // Few places have even the first byte, and these tests are built without optimisation.
            let begin = bytes.iter().enumerate().filter(|(_, byte)| **byte == words.as_bytes()[0]);
            count += begin.filter(|(at, _)| bytes[*at..].starts_with(words.as_bytes())).count();
        }
        count
    }
}

#[test]
fn a_minute_after_sign_out_nothing_that_unlocks_a_history_is_in_the_memory_of_the_process() {
    let demo = Demo::start();
    let mut mateo = demo.browser();
    mateo.sign_in("company", "mateo.jackson").unwrap();
    let bound = mateo.send("POST", "/api/v1/protection", Some(&json!({ "passphrase": PASSPHRASE }))).unwrap();
    assert_eq!(bound.status, 200, "{}", bound.text);
    let code = bound.json()["recovery_code"].as_str().unwrap().to_owned();
    mateo.answer(QUESTION).unwrap();
    for path in ["/api/v1/protection/lock", "/api/v1/protection/unlock"] {
        let body = path.ends_with("unlock").then(|| json!({ "passphrase": PASSPHRASE }));
        assert_eq!(mateo.send("POST", path, body.as_ref()).unwrap().status, 204);
    }
    assert_eq!(mateo.send("GET", "/api/v1/conversations", None).unwrap().status, 200);

    mateo.sign_out().unwrap();
    drop(mateo);

    // The control: a search that finds nothing ever would find nothing here.
    assert!(demo.counted(demo.base.as_str().trim_end_matches('/')) > 0, "its own address is in its memory");
    let began = Instant::now();
    let mut left = [1; 2];
    while left != [0; 2] && began.elapsed() < MINUTE {
        std::thread::park_timeout(Duration::from_secs(1));
        left = [PASSPHRASE, &code].map(|words| demo.counted(words));
    }
    // Words are reported and not promised.
    eprintln!(
        "after {:?}: passphrase and code {left:?}, words of the question {}",
        began.elapsed(),
        demo.counted(QUESTION)
    );
    assert_eq!(left, [0; 2]);
}
