//! A whole appliance in this process: its wiki, its provider, its people, its server on a port of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use sotto::app::nouns::{Clock, Embed, Generate, Ids, Mode, Moment, Scripted, SourceId, State};
use sotto::app::{App, Models, Removal};
use sotto::config::Settings;
use sotto::standin::browser::Browser;
use sotto::standin::confluence::Confluence;
use sotto::standin::idp::{Client, Idp, Person};
use sotto::standin::push;
use sotto::web;
use url::Url;

use super::Site;
use super::site::CRAWLER_TOKEN;

/// The bearer token of the provider's pushes.
pub const SCIM_TOKEN: &str = "scim-token-of-this-test-only";
pub(super) const CLIENT_SECRET: &str = "client-secret-of-this-test";
/// How long anything is waited for that must happen. Nothing hangs on it but when a test that fails says so: a machine may
/// be busy with something else for a minute, and no test is to fail by that.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A running appliance. When it is dropped it verifies its own audit log, and that no question that was asked stands in
/// clear in any file of the data folder.
pub struct Appliance {
    app: Option<Arc<App>>,
    parts: Parts,
    pub base: Url,
    pub roots_pem: String,
    pub confluence: Confluence,
    pub idp: Idp,
    server: Option<web::Server>,
    folder: tempfile::TempDir,
    people: Vec<Person>,
    settings: Settings,
    asked: std::sync::Mutex<Vec<String>>,
}

/// What an appliance is made of besides its settings.
#[derive(Clone)]
pub struct Parts {
    pub clock: Clock,
    pub ids: Ids,
    pub generate: Option<Arc<dyn Generate>>,
    pub embed: Option<Arc<dyn Embed>>,
    /// The product and version that the wiki plays; `archive` for an export of it, and `archive-old` for one in the form of
    /// earlier versions.
    pub flavour: &'static str,
}

impl Parts {
    /// The same with a wiki of another product or version.
    pub fn of_flavour(flavour: &'static str) -> Parts {
        Parts { flavour, ..Parts::plain() }
    }

    /// The machine's clock, random ids, the model by rule, no embedder.
    pub fn plain() -> Parts {
        let generate: Option<Arc<dyn Generate>> = Some(Arc::new(Scripted::default()));
        Parts { clock: Clock::System, ids: Ids::Random, generate, embed: None, flavour: "dc-10" }
    }

    /// A clock that stands still and ids that repeat: two worlds made of these can be compared byte for byte.
    pub fn held(at: Moment, embed: Arc<dyn Embed>) -> Parts {
        Parts { clock: Clock::held(at), ids: Ids::held(), embed: Some(embed), ..Parts::plain() }
    }
}

impl Appliance {
    /// An appliance over this site, with its users provisioned (all but the crawler) and its first sync done.
    pub fn with(site: &Site) -> Appliance {
        Appliance::with_settings(site, |_| {})
    }

    /// The same with other settings.
    pub fn with_settings(site: &Site, change: impl FnOnce(&mut Settings)) -> Appliance {
        let appliance = Appliance::without_sync(site, change);
        appliance.refresh();
        appliance
    }

    /// The same before its first sync.
    pub fn without_sync(site: &Site, change: impl FnOnce(&mut Settings)) -> Appliance {
        Appliance::made_of(Parts::plain(), site, change)
    }

    /// The same of other parts.
    pub fn made_of(parts: Parts, site: &Site, change: impl FnOnce(&mut Settings)) -> Appliance {
        let folder = tempfile::tempdir().unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let confluence = Confluence::start(any, site.json(), wiki_of(parts.flavour), &[]).unwrap();
        let people = people_of(&site.json(), parts.flavour);
        let client = Client { id: "sotto".to_owned(), secret: CLIENT_SECRET.to_owned(), redirects: Vec::new() };
        let idp = Idp::start_by(parts.clock.clone(), any, people.clone(), vec![client]).unwrap();
        let port = free_port();
        let mut settings = settings(folder.path(), port, &confluence.url(), &idp.issuer(), parts.flavour);
        change(&mut settings);
        let (app, server) = open(&settings, &parts);
        let base = Url::parse(&format!("https://localhost:{port}")).unwrap();
        idp.set_callback("sotto", vec![base.join("/auth/oidc/company/callback").unwrap().to_string()]);
        let roots_pem = server.authority_pem().unwrap().to_owned();
        let appliance = Appliance {
            app: Some(app),
            parts,
            base,
            roots_pem,
            confluence,
            idp,
            server: Some(server),
            folder,
            people,
            settings,
            asked: std::sync::Mutex::default(),
        };
        appliance.push();
        appliance
    }

    /// The provider pushes its people.
    pub fn push(&self) {
        let base = self.base.join("/scim/v2").unwrap();
        let roots = self.folder.path().join("roots.pem");
        super::put(&roots, &self.roots_pem);
        push::push(&self.idp, &self.people, &base, SCIM_TOKEN, &roots).unwrap();
    }

    /// Runs a sync to its end, which must be a success.
    pub fn refresh(&self) {
        let state = self.sync(Mode::Changes);
        assert_eq!(
            state,
            State::Succeeded,
            "{:?}",
            self.app().overview_as_owner().unwrap().sources[0].status.runs[0].failures
        );
    }

    /// Runs a sync to its end, however it ends.
    pub fn sync(&self, mode: Mode) -> State {
        self.sync_with(mode, Removal::Guarded)
    }

    /// Runs a sync that may remove more than the guard lets it, to its end.
    pub fn sync_allowing_removal(&self) -> State {
        self.sync_with(Mode::Changes, Removal::Allowed)
    }

    /// An export of the wiki as it is now.
    pub fn export(&self) -> Vec<u8> {
        self.direct_wiki_for("GET", "/_standin/export", &Value::Null)
    }

    fn put_export(&self, bytes: &[u8]) {
        let path = self.folder.path().join(EXPORT);
        std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), bytes).unwrap();
    }

    fn sync_with(&self, mode: Mode, removal: Removal) -> State {
        if self.parts.flavour.starts_with("archive") {
            self.put_export(&self.export());
        }
        self.sync_to_the_end(mode, removal)
    }

    /// Puts this in the place of the export that an archive is read from, and reads it.
    pub fn sync_export(&self, bytes: &[u8]) -> State {
        self.put_export(bytes);
        self.sync_to_the_end(Mode::Changes, Removal::Guarded)
    }

    fn sync_to_the_end(&self, mode: Mode, removal: Removal) -> State {
        let source = SourceId::parse("wiki").unwrap();
        // By its number, for only the last runs are remembered.
        let last = |app: &App| {
            let runs = &app.overview_as_owner().unwrap().sources[0].status.runs;
            runs.iter().find(|run| run.ended.is_some()).map_or(0, |run| run.number)
        };
        let before = last(self.app());
        self.app().refresh_as_owner(&source, mode, removal).unwrap();
        let began = Instant::now();
        while last(self.app()) <= before || self.app().is_syncing(&source) {
            assert!(began.elapsed() < PATIENCE, "the sync does not end");
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(5));
        }
        self.app().overview_as_owner().unwrap().sources[0].status.runs[0].state.clone()
    }

    /// Changes the wiki: `PATCH` or `PUT` to one of the stand-in's own addresses.
    pub fn change_wiki(&self, method: &str, path: &str, body: &Value) {
        direct(&self.confluence, method, path, body);
    }

    /// The requests that the wiki served.
    pub fn wiki_log(&self) -> Vec<Value> {
        serde_json::from_str(&direct(&self.confluence, "GET", "/_standin/log", &Value::Null)).unwrap()
    }

    fn direct_wiki_for(&self, method: &str, path: &str, body: &Value) -> Vec<u8> {
        direct_for(&self.confluence, method, path, body)
    }

    /// A browser of somebody who is not signed in.
    pub fn browser(&self) -> Browser {
        let issuer = Url::parse(&self.idp.issuer()).unwrap();
        Browser::open(&self.base, &[issuer], &self.roots_pem).unwrap()
    }

    /// A browser in which this person is signed in.
    pub fn sign_in(&self, username: &str) -> Browser {
        let mut browser = self.browser();
        browser.sign_in("company", &login(username, self.parts.flavour)).unwrap();
        browser
    }

    /// Asks, and remembers that the question must not be found on disk.
    pub fn ask(&self, browser: &mut Browser, question: &str) -> Value {
        self.asked.lock().unwrap().push(question.to_owned());
        browser.answer(question).unwrap()
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &Clock {
        &self.parts.clock
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.settings.data.folder
    }

    /// Where its metrics are.
    pub fn metrics_address(&self) -> SocketAddr {
        self.server.as_ref().and_then(web::Server::metrics_address).unwrap()
    }

    /// The lines of an export of the audit log, the header first.
    pub fn audit_lines(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.app().export_audit(&mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    /// Puts this site in the place of the wiki's, reads it, and waits until each passage has its vector.
    pub fn replace_wiki(&self, site: &Site) {
        self.change_wiki("PUT", "/_standin/site", &site.json());
        self.refresh();
        self.embed();
    }

    /// Waits until each passage has its vector.
    pub fn embed(&self) {
        self.wait_until("each passage has its vector", |house| {
            house.app().overview_as_owner().unwrap().without_vectors == 0
        });
    }

    /// How often an event stands in the audit log.
    pub fn audited(&self, event: &str) -> usize {
        let mark = format!("\"event\":\"{event}\"");
        self.audit_lines().iter().filter(|line| line.contains(&mark)).count()
    }

    /// Waits for what the rounds do by themselves.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&Appliance) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "still not: {what}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// A SCIM request with the good token: status and body.
    pub fn scim(&self, method: &'static str, path: &str, body: &str) -> (u16, Value) {
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {SCIM_TOKEN}")),
            ("content-type".to_owned(), "application/scim+json".to_owned()),
        ];
        let heard = self.browser().send_raw(method, &format!("/scim/v2{path}"), &headers, body.into()).unwrap();
        (heard.status, heard.json())
    }

    /// Our id of a person.
    pub fn person_id(&self, username: &str) -> String {
        let (_, found) = self.scim("GET", &format!("/Users?filter=userName%20eq%20%22{username}%22"), "");
        found["Resources"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The appliance itself, as the owner of the machine has it.
    pub fn app(&self) -> &Arc<App> {
        self.app.as_ref().expect("it is taken only while it restarts")
    }

    /// Stops the appliance and starts it again over the same folder and port. The wiki and the provider go on.
    pub fn restart(self) -> Appliance {
        self.restart_with(|_| {})
    }

    /// The same with other settings.
    pub fn restart_with(mut self, change: impl FnOnce(&mut Settings)) -> Appliance {
        self.halt();
        change(&mut self.settings);
        let (app, server) = open(&self.settings, &self.parts);
        self.app = Some(app);
        self.server = Some(server);
        self
    }

    /// Stops the appliance; its folder is free when this returns.
    fn halt(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        let Some(app) = self.app.take() else { return };
        app.close();
        let held = Arc::downgrade(&app);
        drop(app);
        let began = Instant::now();
        while held.strong_count() > 0 {
            assert!(began.elapsed() < PATIENCE, "somebody still holds the stopped appliance");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let export = self.folder.path().join("export.jsonl");
        let mut file = std::fs::File::create(&export).unwrap();
        let size = self.app().export_audit(&mut file).unwrap().size;
        let (verified, _) = sotto::app::verify_audit(&export, &self.app().audit_key(), None).unwrap();
        assert_eq!(size, verified);
        self.halt();
        for question in self.asked.get_mut().unwrap() {
            assert_nowhere(&self.settings.data.folder, question);
        }
    }
}

/// Asks one of the stand-in's own addresses; its answer.
pub fn direct(wiki: &Confluence, method: &str, path: &str, body: &Value) -> String {
    String::from_utf8(direct_for(wiki, method, path, body)).unwrap()
}

fn direct_for(wiki: &Confluence, method: &str, path: &str, body: &Value) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    let url = Url::parse(&wiki.url()).unwrap();
    let host = url.host_str().unwrap();
    let mut stream = std::net::TcpStream::connect((host, url.port().unwrap())).unwrap();
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    assert!(answer.starts_with(b"HTTP/1.1 2"), "the stand-in said {:?} {:?}", answer.utf8_chunks(), body.utf8_chunks());
    body
}

/// No file below the folder holds these words: as they are, in both orders of UTF-16, or in base64 at any alignment.
pub fn assert_nowhere(folder: &Path, words: &str) {
    let forms = forms_of(words);
    for path in files(folder) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        for needle in &forms {
            let found = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "{words:?} stands in clear in {}", path.display());
        }
    }
}

fn forms_of(words: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let little = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big = words.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let in_base64 = (0..3).map(|before| {
        let bytes = [&b"\0\0\0"[..before], words.as_bytes()].concat();
        let all = base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes).into_bytes();
        // The first and the last characters depend on the neighbours too.
        all[[0, 2, 3][before]..all.len() - 2].to_vec()
    });
    [words.as_bytes().to_vec(), little, big].into_iter().chain(in_base64).collect()
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.push(path),
            }
        }
    }
    found
}

/// A real model of this name and the real embedder, where their weights are at hand.
pub fn real_models(name: &str) -> Option<Models> {
    let folder = std::env::var_os("SOTTO_MODELS").map_or_else(|| PathBuf::from("models"), PathBuf::from);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if !folder.join(format!("{name}.gguf")).exists() || !folder.join("all-minilm-l6-v2.safetensors").exists() {
        return None;
    }
    let text = format!("[model]\nname = {name:?}\nfolder = {:?}\n", folder.display().to_string());
    let (below, _) = Settings::parse(&text).unwrap().hand_down();
    Some(sotto::app::open_models(&below).unwrap())
}

/// A port for an appliance, below those that the system gives out by itself (Linux: from 32768 on): it must be known before
/// the server takes it, is left for a moment when an appliance starts again, and no other socket may be given it meanwhile.
pub(super) fn free_port() -> u16 {
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two programs of tests at once begin at different ports.
    let begin = (std::process::id() % u32::from(COUNT)) as u16;
    loop {
        let port = FIRST + (begin + NEXT.fetch_add(1, Ordering::SeqCst) % COUNT) % COUNT;
        if std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).is_ok() {
            return port;
        }
    }
}

fn open(settings: &Settings, parts: &Parts) -> (Arc<App>, web::Server) {
    let (mut below, server) = settings.clone().hand_down();
    below.extract_program = Some(PathBuf::from(env!("CARGO_BIN_EXE_sotto")));
    let models = Models { generate: parts.generate.clone(), embed: parts.embed.clone() };
    let app = App::open(below, parts.clock.clone(), parts.ids.clone(), models).unwrap();
    let server = web::serve(app.clone(), &server, &settings.data.folder).unwrap();
    (app, server)
}

/// The file an archive is read from, in the folder of the appliance.
const EXPORT: &str = "export.zip";

/// What the stand-in plays: an archive is an export of a wiki.
fn wiki_of(flavour: &'static str) -> &'static str {
    match flavour {
        "archive" => "dc-10",
        "archive-old" => "dc-7.19",
        flavour => flavour,
    }
}

/// What a person signs in by at the company: on Confluence Cloud an account is tied to it by its e-mail address.
fn login(username: &str, flavour: &str) -> String {
    if flavour == "cloud" { format!("{username}@example.com") } else { username.to_owned() }
}

/// Everybody on the wiki but its crawler, with their groups there as groups of the company; `ana` administers.
pub(super) fn people_of(site: &Value, flavour: &str) -> Vec<Person> {
    let groups = site["groups"].as_array().unwrap();
    let member_of = |username: &str| {
        let mut names: Vec<String> = groups
            .iter()
            .filter(|group| group["members"].as_array().unwrap().iter().any(|member| member == username))
            .map(|group| group["name"].as_str().unwrap().to_owned())
            .collect();
        if username == "ana" {
            names.push("sotto-administrators".to_owned());
        }
        names
    };
    let users = site["users"].as_array().unwrap().iter();
    users
        .map(|user| user["username"].as_str().unwrap())
        .filter(|username| *username != "sotto-crawler")
        .map(|username| Person {
            username: login(username, flavour),
            password: format!("{username}-password"),
            email: format!("{username}@example.com"),
            name: username.to_owned(),
            groups: member_of(username),
        })
        .collect()
}

/// What a source of this flavour needs besides.
fn of_flavour(flavour: &str, wiki: &str, folder: &Path) -> String {
    // Who may use it cannot be asked of these.
    let named = "use_groups = [\"confluence-users\"]";
    // The service that keeps Cloud's attachments.
    let host = Url::parse(wiki).unwrap().port().unwrap();
    match flavour {
        "cloud" => format!(
            "kind = \"confluence_cloud\"\nuser = \"sotto-crawler@example.com\"\nadmin_key = true\n\
             hosts = [\"http://localhost:{host}\"]\n{named}"
        ),
        "archive" | "archive-old" => {
            format!("kind = \"confluence_archive\"\nfile = {:?}", folder.join(EXPORT).display().to_string())
        }
        "dc-10" | "dc-9.2.18" => "kind = \"confluence\"\nuser = \"sotto-crawler\"".to_owned(),
        _ => format!("kind = \"confluence\"\nuser = \"sotto-crawler\"\n{named}"),
    }
}

pub(super) fn settings(folder: &Path, port: u16, wiki: &str, issuer: &str, flavour: &str) -> Settings {
    let secret = |name: &str, text: &str| {
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = folder.join(name);
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        path.display().to_string()
    };
    Settings::parse(&format!(
        r#"
        [server]
        listen = "127.0.0.1:{port}"
        public_url = "https://localhost:{port}"
        metrics_listen = "127.0.0.1:0"
        [data]
        folder = {data:?}
        [outbound]
        retries = 0
        answer_s = 60
        [directory]
        administrators = ["sotto-administrators"]
        [[provider]]
        id = "company"
        name = "Company"
        issuer = "{issuer}"
        client_id = "sotto"
        client_secret_file = {client:?}
        [[scim]]
        name = "company"
        token_file = {scim:?}
        [[source]]
        name = "wiki"
        {of_flavour}
        url = "{wiki}"
        token_file = {token:?}
        every_minutes = 0
        removal_guard_percent = 100
        "#,
        of_flavour = of_flavour(flavour, wiki, folder),
        data = folder.join("kept").display().to_string(),
        client = secret("client", CLIENT_SECRET),
        scim = secret("scim", SCIM_TOKEN),
        token = secret("token", CRAWLER_TOKEN),
    ))
    .unwrap()
}
