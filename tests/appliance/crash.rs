//! The process dies at any moment: what was kept is kept, and is not read again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sotto::app::nouns::{Clock, Ids, Mode, SourceId, State};
use sotto::app::{App, Models, Removal};
use sotto::config::Settings;
use sotto::standin::confluence::Confluence;

use crate::support::{PATIENCE, direct, put};

const PAGES: usize = 1_200;
/// Bodies that are on their way at most: nine groups of fifty (`crawl/run.rs`).
const ON_THE_WAY: usize = 450;
/// Names the settings of the process that is killed.
const SETTINGS: &str = "SOTTO_TEST_CRASH_SETTINGS";

fn settings(folder: &Path, wiki: &Confluence) -> String {
    let token = folder.join("token");
    put(&token, "generated-crawler-token");
    format!(
        "[data]\nfolder = {:?}\n[[source]]\nname = \"wiki\"\nkind = \"confluence\"\nuser = \"crawler\"\nurl = \"{}\"\n\
         token_file = {:?}\nevery_minutes = 0\n",
        folder.join("kept").display().to_string(),
        wiki.url(),
        token.display().to_string()
    )
}

fn open(settings: &str) -> Arc<App> {
    let (below, _) = Settings::parse(settings).unwrap().hand_down();
    App::open(below, Clock::System, Ids::Random, Models { generate: None, embed: None }).unwrap()
}

/// Crawls all of it, to the end.
fn crawl(app: &App) -> State {
    let source = SourceId::parse("wiki").unwrap();
    app.refresh_as_owner(&source, Mode::Full, Removal::Guarded).unwrap();
    let began = Instant::now();
    while app.is_syncing(&source) {
        assert!(began.elapsed() < PATIENCE, "the sync does not end");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    app.overview_as_owner().unwrap().sources[0].status.runs[0].state.clone()
}

/// How often the body of each page was asked for.
fn bodies(wiki: &Confluence) -> BTreeMap<String, usize> {
    let log: Vec<Value> = serde_json::from_str(&direct(wiki, "GET", "/_standin/log", &Value::Null)).unwrap();
    let mut asked = BTreeMap::new();
    for line in log {
        let url = url::Url::parse(&wiki.url()).unwrap().join(line["path"].as_str().unwrap()).unwrap();
        let of: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        if !of.get("expand").is_some_and(|expand| expand.contains("body")) {
            continue;
        }
        let ids = match of.get("cql").and_then(|cql| cql.strip_prefix("id in (")?.strip_suffix(')')) {
            // Further pages of one answer are no further bodies.
            Some(_) if of.get("start").is_some_and(|start| start != "0") => continue,
            Some(ids) => ids.split(',').map(str::to_owned).collect(),
            None => vec![url.path().rsplit('/').next().unwrap().to_owned()],
        };
        ids.into_iter().for_each(|id| *asked.entry(id).or_insert(0) += 1);
    }
    asked
}

/// By itself a small crawl. With settings in the environment it is the process that the test below starts and kills.
#[test]
fn a_crawl_in_a_process_of_its_own_comes_to_its_end() {
    let (folder, any) = (tempfile::tempdir().unwrap(), SocketAddr::from(([127, 0, 0, 1], 0)));
    let wiki = Confluence::generated(any, &"pages=20,rules=3".parse().unwrap(), "dc-10", &[]).unwrap();
    let (text, pages) = match std::env::var_os(SETTINGS) {
        Some(path) => (std::fs::read_to_string(path).unwrap(), PAGES),
        None => (settings(folder.path(), &wiki), 20),
    };
    let app = open(&text);

    assert_eq!(crawl(&app), State::Succeeded);
    assert_eq!(app.overview_as_owner().unwrap().documents, pages as u64);
    app.close();
}

fn start(settings: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::a_crawl_in_a_process_of_its_own_comes_to_its_end"])
        .env(SETTINGS, settings)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_crawl_that_is_killed_again_and_again_goes_on_and_reads_again_only_what_was_on_its_way() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let size = format!("pages={PAGES},rules=40").parse().unwrap();
    let wiki = Confluence::generated(any, &size, "dc-10", &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = settings(folder.path(), &wiki);
    let file = folder.path().join("sotto.toml");
    put(&file, &text);

    let kills = [0, 1, 350, 700];
    for after in kills {
        let mut child = start(&file);
        let began = Instant::now();
        // Killed while it connects or lists, at the first body, and later.
        while bodies(&wiki).len() < after || (after == 0 && requests(&wiki) < 4) {
            assert!(began.elapsed() < PATIENCE, "the crawl does not come so far");
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself after {:?}", bodies(&wiki).len());
            std::thread::park_timeout(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let app = open(&text);
    let state = crawl(&app);
    is_on_record(&app, kills.len() + 1);

    let asked = bodies(&wiki);
    let again = asked.values().sum::<usize>() - asked.len();
    assert_eq!((state, asked.len()), (State::Succeeded, PAGES));
    assert!(again <= (kills.len() - 1) * ON_THE_WAY, "{again} bodies were read again");
    assert!(asked.values().all(|times| *times <= kills.len()), "{asked:?}");
    let unbroken = tempfile::tempdir().unwrap();
    let whole = open(&settings(unbroken.path(), &wiki));
    assert_eq!(crawl(&whole), State::Succeeded);
    let counts = |app: &App| {
        let overview = app.overview_as_owner().unwrap();
        (overview.documents, overview.passages, overview.without_vectors)
    };
    assert_eq!(counts(&app), counts(&whole));
    app.close();
    whole.close();
}

/// Each run's end is in the log once, also of those that were killed; and what they learned of permissions, between them, is
/// each page, space and restriction once.
fn is_on_record(app: &App, runs: usize) {
    let mut log = Vec::new();
    app.export_audit(&mut log).unwrap();
    let leaves = log.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty());
    let leaves: Vec<Value> = leaves.map(|line| serde_json::from_slice(line).unwrap()).collect();
    let of = |event: &str| leaves.iter().filter(|leaf| leaf["event"] == event).collect::<Vec<_>>();

    let ends = of("sync_ended");
    let by_run: BTreeMap<u64, &str> =
        ends.iter().map(|leaf| (leaf["run"].as_u64().unwrap(), leaf["outcome"].as_str().unwrap())).collect();
    let expected: BTreeMap<u64, &str> = (1..).zip(["stopped"; 4].into_iter().chain(["succeeded"])).collect();
    assert_eq!((ends.len(), by_run), (runs, expected));
    let learned = of("permissions_changed");
    let sum = |count: &str| learned.iter().map(|leaf| leaf[count].as_u64().unwrap()).sum::<u64>();
    let each_once: std::collections::BTreeSet<u64> = learned.iter().map(|leaf| leaf["run"].as_u64().unwrap()).collect();
    assert_eq!((sum("places"), each_once.len()), (PAGES as u64, learned.len()));
    assert!(
        learned.len() > 1 || learned[0]["run"].as_u64().unwrap() < runs as u64,
        "no killed run had learned anything"
    );
}

/// How many requests the wiki served.
fn requests(wiki: &Confluence) -> usize {
    let log: Vec<Value> = serde_json::from_str(&direct(wiki, "GET", "/_standin/log", &Value::Null)).unwrap();
    log.len()
}
