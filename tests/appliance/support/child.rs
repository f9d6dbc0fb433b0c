//! An appliance in a process of its own, that can be killed at any moment; its wiki and its people go on in this one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use sotto::app::nouns::{Clock, Ids, Mode, Scripted, SourceId};
use sotto::app::{App, Models};
use sotto::config::Settings;
use sotto::standin::browser::Browser;
use sotto::standin::confluence::Confluence;
use sotto::standin::idp::{Client, Idp, Person};
use sotto::standin::push;
use sotto::web;
use sotto::web::control::{self, Command as Control};
use url::Url;

use super::appliance::{CLIENT_SECRET, PATIENCE, SCIM_TOKEN, direct, free_port, people_of, settings};
use super::{Site, put};

/// Names the settings of the process.
const SETTINGS: &str = "SOTTO_TEST_CHILD_SETTINGS";
/// `NAME@N`: it dies when it comes to the point of this name for the N-th time after it was armed.
const POINT: &str = "SOTTO_TEST_CHILD_DIES_AT";
/// A file beside the settings: while it is not there no point counts.
const ARMED: &str = "armed";
/// A file beside the settings: what the process says, for who must know why it died.
const SAID: &str = "said";
/// The test that is the process.
const ITSELF: &str = "kills::an_appliance_in_a_process_of_its_own_is_ready_and_stops";

/// Everything but the appliance: the wiki, the provider, the people, and the folder that survives.
pub struct Stage {
    pub confluence: Confluence,
    idp: Idp,
    people: Vec<Person>,
    folder: tempfile::TempDir,
    base: Url,
}

/// The process. It is killed when this is dropped.
pub struct Child {
    process: std::process::Child,
}

impl Stage {
    /// Sets the stage over this site. What is deleted is destroyed at once.
    pub fn set(site: &Site) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let confluence = Confluence::start(any, site.json(), "dc-10", &[]).unwrap();
        let people = people_of(&site.json(), "dc-10");
        let client = Client { id: "sotto".to_owned(), secret: CLIENT_SECRET.to_owned(), redirects: Vec::new() };
        let idp = Idp::start_by(Clock::System, any, people.clone(), vec![client]).unwrap();
        let port = free_port();
        let mut settings = settings(folder.path(), port, &confluence.url(), &idp.issuer(), "dc-10");
        settings.history.undo_s = 0;
        put(&folder.path().join("sotto.toml"), &toml::to_string(&settings).unwrap());
        let base = Url::parse(&format!("https://localhost:{port}")).unwrap();
        idp.set_callback("sotto", vec![base.join("/auth/oidc/company/callback").unwrap().to_string()]);
        Stage { confluence, idp, people, folder, base }
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("kept")
    }

    /// Starts the appliance, and waits until it is ready; gives how long that took.
    pub fn start(&self) -> (Child, Duration) {
        let (mut child, took) = self.start_by(Command::new(std::env::current_exe().unwrap()), None);
        let said = || std::fs::read_to_string(self.folder.path().join(SAID)).unwrap();
        assert!(!child.is_dead(), "it died while it came up:\n{}", said());
        (child, took)
    }

    /// The same for one that dies at a point, as `NAME@N`, once it is armed.
    pub fn start_to_die(&self, point: &str) -> (Child, Duration) {
        // It was armed for the one before.
        let _ = std::fs::remove_file(self.folder.path().join(ARMED));
        self.start_by(Command::new(std::env::current_exe().unwrap()), Some(point))
    }

    /// From now on the point counts.
    pub fn arm(&self) {
        put(&self.folder.path().join(ARMED), "");
    }

    /// The same under `strace`, which lets calls on sled's file fail: `inject` as strace has it, such as
    /// `pwrite64:error=EIO:when=3`.
    pub fn start_with_fault(&self, inject: &str) -> (Child, Duration) {
        let calls = inject.split(':').next().unwrap();
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
        command
            .args(["-e", &format!("inject={inject}"), "-P"])
            .arg(self.data().canonicalize().unwrap().join("state/db"));
        command.arg(std::env::current_exe().unwrap());
        self.start_by(command, None)
    }

    fn start_by(&self, mut command: Command, point: Option<&str>) -> (Child, Duration) {
        let began = Instant::now();
        command.args(["--exact", ITSELF, "--nocapture"]).env(SETTINGS, self.folder.path().join("sotto.toml"));
        let said = std::fs::File::create(self.folder.path().join(SAID)).unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(said);
        point.map(|point| command.env(POINT, point));
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = Child { process: command.spawn().unwrap() };
        while self.tell(&Control::Status).is_err()
            || self.roots().is_none()
            || self.browser().send("GET", "/readyz", None).is_err()
        {
            if child.is_dead() {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "it does not come up");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        (child, began.elapsed())
    }

    /// The provider pushes its people.
    pub fn push(&self) {
        let roots = self.data().join("tls").join("authority.pem");
        push::push(&self.idp, &self.people, &self.base.join("/scim/v2").unwrap(), SCIM_TOKEN, &roots).unwrap();
    }

    fn roots(&self) -> Option<String> {
        std::fs::read_to_string(self.data().join("tls").join("authority.pem")).ok()
    }

    /// A browser of somebody who is not signed in.
    pub fn browser(&self) -> Browser {
        let issuer = Url::parse(&self.idp.issuer()).unwrap();
        Browser::open(&self.base, &[issuer], &self.roots().unwrap_or_default()).unwrap()
    }

    /// A browser in which this person is signed in.
    pub fn sign_in(&self, username: &str) -> anyhow::Result<Browser> {
        let mut browser = self.browser();
        browser.sign_in("company", username)?;
        Ok(browser)
    }

    /// Says something to the running appliance by its owner's socket.
    pub fn tell(&self, command: &Control) -> anyhow::Result<Value> {
        control::ask(&self.data(), command, &mut |_| Ok(()))
    }

    /// Writes the export of the audit log to a file.
    pub fn export(&self, to: &Path) -> anyhow::Result<()> {
        use std::io::Write as _;
        let mut file = std::fs::File::create(to)?;
        control::ask(&self.data(), &Control::AuditExport, &mut |line| writeln!(file, "{line}"))?;
        Ok(())
    }

    /// Changes the wiki.
    pub fn change_wiki(&self, method: &str, path: &str, body: &Value) {
        direct(&self.confluence, method, path, body);
    }

    /// Runs a sync to its end; an error where the appliance died before, or the sync failed.
    pub fn sync(&self) -> anyhow::Result<()> {
        let source = SourceId::parse("wiki").unwrap();
        let last = || -> anyhow::Result<Value> { Ok(self.tell(&Control::Status)?["sources"][0]["runs"][0].clone()) };
        let before = last()?["number"].as_u64().unwrap_or(0);
        let began = Instant::now();
        loop {
            // What was due, or broken off, may be running already.
            let _ = self.tell(&Control::Sync { source: source.clone(), mode: Mode::Changes, allow_removal: true });
            let run = last()?;
            if run["number"].as_u64().unwrap_or(0) > before && run["ended_at"].is_string() {
                anyhow::ensure!(run["state"] == "succeeded", "the sync ended as {run}");
                return Ok(());
            }
            assert!(began.elapsed() < PATIENCE, "the sync does not end: {run}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Child {
    /// As `kill -9` does it. What a tracer had started goes with it.
    pub fn kill(&mut self) {
        // It may be dead already.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }

    /// Its number among the machine's processes.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it died.
    pub fn is_dead(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The process itself: it serves until it is killed. `false` where this is no such process.
pub fn serve_until_killed() -> bool {
    let Some(path) = std::env::var_os(SETTINGS) else { return false };
    if let Some(point) = std::env::var_os(POINT) {
        die_at(point.to_str().unwrap(), Path::new(&path).with_file_name(ARMED));
    }
    let text = std::fs::read_to_string(path).unwrap();
    let (below, server) = Settings::parse(&text).unwrap().hand_down();
    let data = below.data.clone();
    let models = Models { generate: Some(Arc::new(Scripted::default())), embed: None };
    let app = App::open(below, Clock::System, Ids::Random, models).unwrap();
    let _server = web::serve(app, &server, &data).unwrap();
    // Whoever started it holds the other end: without them it is over.
    let _ = std::io::Read::read_to_end(&mut std::io::stdin(), &mut Vec::new());
    std::process::exit(0);
}

/// Arms a point: nothing is flushed, closed or unwound when it is met.
fn die_at(point: &str, armed: PathBuf) {
    let (name, times) = point.split_once('@').unwrap();
    let left = AtomicU32::new(times.parse().unwrap());
    fail::cfg_callback(name, move || {
        if armed.exists() && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    })
    .unwrap();
}
