//! Killed at every named point, and at random moments: after each restart one checker holds the appliance to what it had
//! acknowledged.
//!
//! I1 what was acknowledged is there · I2 nothing is there in part · I3 what was taken away stays away · I4 the log extends
//! the last checkpoint held outside · I5 history opens, and no question stands in clear · I6 it comes back by itself, in
//! seconds · I7 no number of the log is used twice · I8 what was shredded stays shredded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sotto::app::nouns::{Clock, Moment};
use sotto::standin::browser::Browser;
use sotto::web::control::Command as Control;

use crate::support::{
    Appliance, Child, PATIENCE, Parts, Site, Stage, assert_nowhere, claims, files, serve_until_killed,
};

const LEAVE: &str = "How many days of annual leave does an employee have?";
const TEAM: &str = "Who leads the AnyOrg team?";
const SECRET: &str = "What does the vermilion annex hold?";
/// Random kills where nobody asks for more.
const KILLS: usize = 10;
/// It must be back after this. It takes a second; a machine may be busy with something else.
const BACK: Duration = Duration::from_secs(60);

/// Every point, the deed that comes to it, and how often it is passed before (a sync writes more than once).
const POINTS: &[(&str, Deed)] = &[
    ("question recorded@1", Deed::Ask),
    ("audit written@2", Deed::Ask),
    ("audit synced@2", Deed::Ask),
    ("audit signed@1", Deed::Ask),
    ("file written@1", Deed::Ask),
    ("file renamed@1", Deed::Ask),
    ("turn keyed@1", Deed::Ask),
    ("turn kept@1", Deed::Ask),
    ("store applied@1", Deed::Ask),
    ("store flushed@1", Deed::Ask),
    ("turns read@1", Deed::Recall),
    ("store applied@1", Deed::Delete),
    ("store flushed@1", Deed::Delete),
    ("key listed@1", Deed::Delete),
    ("file written@1", Deed::Delete),
    ("file renamed@1", Deed::Delete),
    ("key destroyed@1", Deed::Delete),
    ("pages withheld@1", Deed::Sync),
    ("pages reclassed@1", Deed::Sync),
    ("pages put@1", Deed::Sync),
    ("pages removed@1", Deed::Sync),
    ("index told@1", Deed::Sync),
    ("index committed@1", Deed::Sync),
    ("store applied@3", Deed::Sync),
    ("store flushed@9", Deed::Sync),
    ("run learned@1", Deed::Sync),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Ask,
    Recall,
    Delete,
    Sync,
}

/// By itself a start and a stop. With settings in the environment it is the process that the tests below kill.
#[test]
fn an_appliance_in_a_process_of_its_own_is_ready_and_stops() {
    if serve_until_killed() {
        return;
    }
    let world = World::new();

    assert!(world.stage.browser().send("GET", "/readyz", None).unwrap().status == 200);
}

/// What was acknowledged to mateo, and what was done to the wiki.
struct World {
    stage: Stage,
    child: Child,
    mateo: Browser,
    /// By conversation: its sentences.
    kept: BTreeMap<String, Vec<String>>,
    /// Asked for and not answered: they may be there or not.
    deleting: BTreeSet<String>,
    deleted: BTreeSet<String>,
    /// Whether mateo may read the annex's page, as far as a sync that was acknowledged has seen; `None` while one is under way.
    may_read: Option<bool>,
    /// How often the wiki was changed.
    changes: u64,
    /// A checkpoint held outside, and the key.
    outside: Option<(String, String)>,
    folder: tempfile::TempDir,
    slowest: Duration,
}

impl World {
    fn new() -> World {
        let site = Site::two_projects().page(
            "ANY",
            "202",
            None,
            "The vermilion annex",
            "<p>The vermilion annex holds the spare keys of the AnyOrg team.</p>",
        );
        let stage = Stage::set(&site);
        let (child, _) = stage.start();
        stage.push();
        stage.sync().unwrap();
        let mateo = stage.sign_in("mateo").unwrap();
        World {
            stage,
            child,
            mateo,
            kept: BTreeMap::new(),
            deleting: BTreeSet::new(),
            deleted: BTreeSet::new(),
            may_read: Some(true),
            changes: 0,
            outside: None,
            folder: tempfile::tempdir().unwrap(),
            slowest: Duration::ZERO,
        }
    }

    /// Does something; an error where it was not acknowledged.
    fn act(&mut self, deed: Deed) -> anyhow::Result<()> {
        match deed {
            Deed::Ask => {
                let question = if self.kept.len().is_multiple_of(2) { LEAVE } else { TEAM };
                let answer = self.mateo.answer(question)?;
                let id = answer["conversation_id"].as_str().unwrap_or_default().to_owned();
                self.kept.insert(id, claims(&answer));
            }
            Deed::Recall => {
                if let Some(id) = self.kept.keys().next() {
                    let _ = self.mateo.json(&format!("/api/v1/conversations/{id}"))?;
                }
            }
            Deed::Delete => {
                let Some(id) = self.kept.keys().next_back().cloned() else { return self.act(Deed::Ask) };
                self.deleting.insert(id.clone());
                let heard = self.mateo.send("DELETE", &format!("/api/v1/conversations/{id}"), None)?;
                assert_eq!(heard.status, 204, "{}", heard.text);
                self.kept.remove(&id);
                self.deleted.insert(id);
            }
            Deed::Sync => {
                self.changes += 1;
                let is_open = self.changes.is_multiple_of(2);
                self.may_read = None;
                let read = if is_open { Value::Null } else { json!({ "users": ["ana"], "groups": [] }) };
                let words =
                    format!("<p>Every employee has 28 days of annual leave in a year.</p><p>{}</p>", self.changes);
                let status = if is_open { "current" } else { "trashed" };
                self.stage.change_wiki("PATCH", "/_standin/content/202", &json!({ "read": read }));
                self.stage.change_wiki("PATCH", "/_standin/content/101", &json!({ "body": words }));
                self.stage.change_wiki("PATCH", "/_standin/content/301", &json!({ "status": status }));
                self.stage.sync()?;
                self.may_read = Some(is_open);
            }
        }
        Ok(())
    }

    /// Kills what is left of the process, starts another, and holds it to everything that was acknowledged.
    fn restart_and_check(&mut self, what: &str) {
        self.child.kill();
        let (child, took) = self.stage.start();
        self.child = child;
        assert!(took < BACK, "I6 {what}: it took {took:?} to come back");
        self.slowest = self.slowest.max(took);
        self.check_history(what);
        self.check_rights(what);
        self.check_log(what);
        self.check_keys(what);
        for question in [LEAVE, TEAM, SECRET] {
            assert_nowhere(&self.stage.data(), question);
        }
    }

    fn check_history(&mut self, what: &str) {
        let list = self.mateo.json("/api/v1/conversations?limit=200");
        let list = list.unwrap_or_else(|error| panic!("I1 {what}: the acknowledged session is gone: {error:#}"));
        let there: BTreeSet<String> = list["conversations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["conversation_id"].as_str().unwrap().to_owned())
            .collect();
        let mut lost = Vec::new();
        for (id, sentences) in &self.kept {
            if !there.contains(id) {
                // A deletion that was asked for and not acknowledged may have been made.
                assert!(self.deleting.contains(id), "I1 {what}: the acknowledged conversation {id} is gone");
                lost.push(id.clone());
                continue;
            }
            let read = self.mateo.json(&format!("/api/v1/conversations/{id}")).unwrap();
            let shown = claims(&read["messages"][0]["answer"]);
            // A page that was changed since keeps its sentence: it was read again, and may still be opened.
            assert_eq!(&shown, sentences, "I1 {what}: {id} is another");
        }
        lost.iter().for_each(|id| drop(self.kept.remove(id)));
        self.deleting.clear();
        for id in &there {
            let read = self.mateo.json(&format!("/api/v1/conversations/{id}")).unwrap();
            let messages = read["messages"].as_array().unwrap();
            assert!(
                !messages.is_empty() && messages.iter().all(|message| message["is_unreadable"] == false),
                "I2, I5 {what}: {id} does not open whole: {read}"
            );
        }
        for id in &self.deleted {
            assert!(!there.contains(id), "I3 {what}: the deleted conversation {id} is back");
            let heard = self.mateo.send("GET", &format!("/api/v1/conversations/{id}"), None).unwrap();
            assert_eq!(heard.status, 404, "I3 {what}: {}", heard.text);
        }
    }

    fn check_rights(&mut self, what: &str) {
        let found =
            self.mateo.send("POST", "/api/v1/search", Some(&json!({ "query": "vermilion annex" }))).unwrap().json();
        let is_found = found["results"].as_array().unwrap().iter().any(|one| one["document_id"] == "wiki:202");
        if let Some(may_read) = self.may_read {
            assert_eq!(is_found, may_read, "I1, I3 {what}: {found}");
        }
        // What was under way is gone on with, and ends.
        self.stage.sync().unwrap_or_else(|error| panic!("I6 {what}: {error:#}"));
        let is_open = self.changes.is_multiple_of(2);
        self.may_read = Some(is_open);
        let found =
            self.mateo.send("POST", "/api/v1/search", Some(&json!({ "query": "vermilion annex" }))).unwrap().json();
        let is_found = found["results"].as_array().unwrap().iter().any(|one| one["document_id"] == "wiki:202");
        assert_eq!(is_found, is_open, "I3 {what}: after the next sync: {found}");
    }

    fn check_log(&mut self, what: &str) {
        let export: PathBuf = self.folder.path().join("export");
        self.stage.export(&export).unwrap();
        let head = self.stage.tell(&Control::AuditCheckpoint).unwrap();
        let key = head["key"].as_str().unwrap().to_owned();
        let older = self.outside.as_ref().map(|(note, _)| note.as_str());
        let verified = sotto::app::verify_audit(&export, &key, older);
        assert!(verified.is_ok(), "I4, I7 {what}: {:#}", verified.unwrap_err());
        assert!(self.outside.as_ref().is_none_or(|(_, known)| *known == key), "I4 {what}: the log has another key");
        self.outside = Some((head["note"].as_str().unwrap().to_owned(), key));
        let leaves = std::fs::read_to_string(&export).unwrap();
        let leaves: Vec<Value> = leaves.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
        let runs = |event: &str| -> Vec<u64> {
            let mut runs: Vec<u64> =
                leaves.iter().filter(|leaf| leaf["event"] == event).map(|leaf| leaf["run"].as_u64().unwrap()).collect();
            runs.sort_unstable();
            runs
        };
        let (ended, learned) = (runs("sync_ended"), runs("permissions_changed"));
        let is_once = |runs: &[u64]| runs.windows(2).all(|two| two[0] < two[1]);
        assert!(is_once(&ended) && is_once(&learned), "I4 {what}: a run stands twice in {ended:?} or {learned:?}");
        let endless: Vec<&u64> = learned.iter().filter(|run| ended.binary_search(run).is_err()).collect();
        assert!(endless.is_empty(), "I4 {what}: the runs {endless:?} have no end");
    }

    fn check_keys(&mut self, what: &str) {
        // A deletion that was acknowledged just before the kill is carried out by the process that came back, while this looks.
        let began = Instant::now();
        while !self.are_keys_gone() {
            assert!(
                began.elapsed() < PATIENCE,
                "I8 {what}: the keys of {:?} are not all listed and gone",
                self.deleted
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Whether the keys of what was deleted are on the list and in no file.
    fn are_keys_gone(&self) -> bool {
        let list = self.stage.tell(&Control::DestroyedKeys).unwrap();
        let list = list["note"].as_str().unwrap();
        let bytes: Vec<u8> = files(&self.stage.data().join("keys"))
            .iter()
            .flat_map(|path| std::fs::read(path).unwrap_or_default())
            .collect();
        self.deleted.iter().all(|id| {
            // A wrapped key begins with its conversation's id.
            let wrapped: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()).collect();
            list.contains(id.as_str()) && !bytes.windows(16).any(|window| window == wrapped)
        })
    }
}

#[test]
fn killed_at_every_named_point_it_comes_back_with_all_it_had_acknowledged_and_nothing_it_had_taken_away() {
    let mut world = World::new();
    for (point, deed) in POINTS {
        let what = format!("{point} in {deed:?}");
        world.restart_and_check(&what);
        world.act(Deed::Ask).unwrap();
        world.child.kill();
        let (child, _) = world.stage.start_to_die(point);
        world.child = child;
        world.stage.arm();
        let began = Instant::now();
        // Some points are passed only at the second deed of a kind.
        while !world.child.is_dead() {
            assert!(began.elapsed() < PATIENCE, "{what}: the point is never met");
            let _ = world.act(*deed);
            std::thread::park_timeout(Duration::from_millis(50));
        }
        world.restart_and_check(&what);
    }
    eprintln!("it was back after {:?} at most", world.slowest);
}

#[test]
fn killed_at_random_moments_it_comes_back_with_all_it_had_acknowledged_and_nothing_it_had_taken_away() {
    let kills = std::env::var("SOTTO_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let seed = std::env::var("SOTTO_SEED").map_or(20_261_128, |seed| seed.parse().unwrap());
    let mut world = World::new();
    let mut random = Random(seed);
    for kill in 0..kills {
        let what = format!("kill {kill} of seed {seed}");
        let after = Duration::from_millis(random.below(700));
        // The one that kills does not wait for the one that asks.
        let pid = world.child.id();
        let killer = std::thread::spawn(move || {
            std::thread::park_timeout(after);
            let _ = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
        });
        loop {
            let deed = [Deed::Ask, Deed::Ask, Deed::Recall, Deed::Delete, Deed::Sync][random.below(5) as usize];
            if world.act(deed).is_err() || world.child.is_dead() {
                break;
            }
        }
        killer.join().unwrap();
        world.restart_and_check(&what);
    }
    eprintln!("{kills} kills; it was back after {:?} at most", world.slowest);
}

#[test]
fn a_clock_set_back_or_far_ahead_between_two_starts_stops_nothing_and_brings_nothing_back() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let clock = Clock::held(Moment::parse("2026-11-28T12:00:00Z").unwrap());
    let parts = Parts { clock: clock.clone(), ..Parts::plain() };
    let mut house = Appliance::made_of(parts, &Site::two_projects(), |settings| settings.history.undo_s = 0);
    house.refresh();
    let mut mateo = house.sign_in("mateo");
    let (kept, gone) = (house.ask(&mut mateo, LEAVE), house.ask(&mut mateo, TEAM));
    let path = |answer: &Value| format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap());
    assert_eq!(mateo.send("DELETE", &path(&gone), None).unwrap().status, 204);
    house.wait_until("the key is destroyed", |house| house.audited("key_forgotten") == 1);

    for days in [-1, 400, -399] {
        clock.advance(days * DAY_MS);
        house = house.restart();
        let mut mateo = house.sign_in("mateo");
        let read = mateo.json(&path(&kept)).unwrap();
        assert_eq!(claims(&read["messages"][0]["answer"]), claims(&kept), "{days} days");
        assert_eq!(mateo.send("GET", &path(&gone), None).unwrap().status, 404, "{days} days");
        assert_eq!(claims(&house.ask(&mut mateo, LEAVE)), claims(&kept), "{days} days");
    }
    assert!(house.audit_lines().iter().any(|line| line.contains("\"clock_behind_ms\"")), "the log says so");
}

/// Numbers that a seed repeats (splitmix64, public domain).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
