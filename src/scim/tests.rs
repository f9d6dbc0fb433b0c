//! The protocol as text scripts: each file in `tests/data/scim/` is one story over an empty directory.
//!
//! A request line begins a step; `if-match`, `if-none-match`, `no-etags` (this sender is not told of versions) and `body` (which
//! goes on over indented lines) belong to it; `status` ends it and
//! sends it. Then `json POINTER == VALUE`, `json POINTER absent`, `json POINTER size N`, `etag VALUE`, `location VALUE`,
//! `changes NAMES` check the reply, and `keep NAME POINTER` remembers a value, which later stands for `{NAME}`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::directory::Settings;
use crate::names::Ids;
use crate::store::Store;

const BASE: &str = "https://sotto.example/scim/v2";

#[derive(Default)]
struct Step {
    request: String,
    if_match: Option<String>,
    if_none_match: Option<String>,
    no_etags: bool,
    body: String,
}

struct Story {
    _folder: tempfile::TempDir,
    directory: Directory,
    now_ms: i64,
    kept: BTreeMap<String, String>,
    step: Step,
    reply: Option<(Reply, Vec<Change>)>,
}

impl Story {
    fn new() -> Story {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Story {
            directory: Directory::open(&store, Ids::held(), &Settings::default()).unwrap(),
            _folder: folder,
            now_ms: Moment::parse("2026-11-24T09:00:00Z").unwrap().ms(),
            kept: BTreeMap::new(),
            step: Step::default(),
            reply: None,
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let indented = line.starts_with(' ');
        let line = self
            .kept
            .iter()
            .fold(line.trim().to_owned(), |line, (name, value)| line.replace(&format!("{{{name}}}"), value));
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match word {
            "" | "#" => {}
            _ if indented => self.step.body.push_str(&line),
            "GET" | "POST" | "PUT" | "PATCH" | "DELETE" => self.step = Step { request: line, ..Step::default() },
            "if-match" => self.step.if_match = Some(rest.to_owned()),
            "if-none-match" => self.step.if_none_match = Some(rest.to_owned()),
            "no-etags" => self.step.no_etags = true,
            "body" => self.step.body = rest.to_owned(),
            "status" => return self.send(rest.parse().map_err(|_| "no status")?),
            "json" => return self.check_json(rest),
            "etag" if rest == "absent" => return same(self.reply().0.etag.as_deref(), None),
            "etag" => return same(self.reply().0.etag.as_deref(), Some(rest)),
            "location" => return same(self.reply().0.location.as_deref(), Some(rest)),
            "changes" => return same(names(&self.reply().1).as_str(), rest),
            "keep" => {
                let (name, pointer) = rest.split_once(' ').ok_or("keep NAME POINTER")?;
                let value = self.at(pointer).and_then(Value::as_str).ok_or("nothing to keep")?.to_owned();
                self.kept.insert(name.to_owned(), value);
            }
            other => return Err(format!("{other} is no word of a script")),
        }
        Ok(())
    }

    fn send(&mut self, status: u16) -> Result<(), String> {
        let (method, target) = self.step.request.split_once(' ').ok_or("no request")?;
        let url = url::Url::parse(BASE).and_then(|base| base.join(target)).map_err(|error| error.to_string())?;
        let query: Vec<(String, String)> =
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let path = url.path().strip_prefix("/scim/v2").ok_or("not below /scim/v2")?;
        let request = Request {
            method,
            path,
            query: &query,
            if_match: self.step.if_match.as_deref(),
            if_none_match: self.step.if_none_match.as_deref(),
            etags: !self.step.no_etags,
            body: self.step.body.as_bytes(),
            base: BASE,
        };
        self.now_ms += 1_000;
        let reply = served(&self.directory, &request, Moment::from_ms(self.now_ms));
        let outcome = same(reply.0.status, status).map_err(|error| format!("{error}; {:?}", reply.0.body));
        self.reply = Some(reply);
        outcome
    }

    fn reply(&self) -> &(Reply, Vec<Change>) {
        self.reply.as_ref().expect("a script sends before it checks")
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.reply().0.body.as_ref()?.pointer(pointer)
    }

    fn check_json(&self, rest: &str) -> Result<(), String> {
        let (pointer, check) = rest.split_once(' ').ok_or("json POINTER CHECK")?;
        let found = self.at(pointer);
        match check.split_once(' ') {
            None if check == "absent" => same(found, None),
            Some(("==", value)) => same(found, Some(&serde_json::from_str(value).map_err(|error| error.to_string())?)),
            Some(("size", size)) => {
                same(found.and_then(Value::as_array).map(Vec::len), Some(size.parse().map_err(|_| "no size")?))
            }
            _ => Err(format!("{check} is no check")),
        }
    }
}

/// The reply, and what was told to follow.
fn served(directory: &Directory, request: &Request<'_>, now: Moment) -> (Reply, Vec<Change>) {
    let mut changes = Vec::new();
    let reply = serve(directory, request, now, &mut |change| {
        changes.push(change.clone());
        Ok(())
    });
    (reply, changes)
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, wanted: T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("found {found:?}, wanted {wanted:?}")) }
}

fn names(changes: &[Change]) -> String {
    let name = |change: &Change| match change {
        Change::PersonMade(_) => "made-person".to_owned(),
        Change::PersonChanged(_, active) => format!("changed-person:{}", if *active { "active" } else { "inactive" }),
        Change::PersonRemoved(_) => "removed-person".to_owned(),
        Change::GroupMade(_) => "made-group".to_owned(),
        Change::GroupChanged(_, left) => format!("changed-group:{}-left", left.len()),
        Change::GroupRemoved(_, left) => format!("removed-group:{}-left", left.len()),
    };
    if changes.is_empty() { "none".to_owned() } else { changes.iter().map(name).collect::<Vec<_>>().join(" ") }
}

#[test]
fn every_story_goes_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scim");
    let mut wrong = Vec::new();
    let mut stories = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut story = Story::new();
        stories += 1;
        for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            if let Err(error) = story.line(line) {
                wrong.push(format!("{}:{}: {line}: {error}", path.display(), number + 1));
            }
        }
    }

    assert!(stories >= 9, "only {stories} stories were found");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A request of a test that is not a story.
fn send(story: &Story, method: &str, path: &str, body: &[u8]) -> u16 {
    let (if_match, if_none_match) = (None, None);
    let request = Request { method, path, query: &[], if_match, if_none_match, etags: true, body, base: BASE };
    served(&story.directory, &request, Moment::from_ms(1)).0.status
}

#[test]
fn a_body_that_is_too_large_too_deep_or_no_text_is_refused() {
    let story = Story::new();
    let deep = format!("{{\"userName\":\"a\",\"x\":{}{}}}", "[".repeat(100), "]".repeat(100));
    let deeper_than_the_parser = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));

    assert_eq!(send(&story, "POST", "/Users", deep.as_bytes()), 400);
    assert_eq!(send(&story, "POST", "/Users", deeper_than_the_parser.as_bytes()), 400);
    assert_eq!(send(&story, "POST", "/Users", &[0xff, 0xfe]), 400);
    assert_eq!(send(&story, "POST", "/Users", &vec![b' '; body::BODY_BYTES_MAX + 1]), 413);
    assert!(story.directory.people().is_empty());
}

#[test]
fn a_bulk_of_too_many_operations_is_refused_and_changes_nothing() {
    let story = Story::new();
    let operation = |n: usize| {
        format!("{{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"{n}\",\"data\":{{\"userName\":\"u{n}\"}}}}")
    };
    let bulk = |count: usize| {
        let operations = (0..count).map(operation).collect::<Vec<_>>().join(",");
        format!("{{\"Operations\":[{operations}]}}")
    };

    assert_eq!(send(&story, "POST", "/Bulk", bulk(bulk::OPERATIONS_MAX + 1).as_bytes()), 413);
    assert!(story.directory.people().is_empty());
    assert_eq!(send(&story, "POST", "/Bulk", bulk(20).as_bytes()), 200);
    assert_eq!(story.directory.people().len(), 20);
}

#[test]
fn what_does_not_follow_from_one_operation_of_a_bulk_is_told_of_that_one() {
    let story = Story::new();
    let body = br#"{"Operations":[
        {"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"ada"}},
        {"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"bob"}}]}"#;
    let (if_match, if_none_match) = (None, None);
    let request =
        Request { method: "POST", path: "/Bulk", query: &[], if_match, if_none_match, etags: true, body, base: BASE };
    let mut told = 0;

    let reply = serve(&story.directory, &request, Moment::from_ms(1), &mut |_| {
        told += 1;
        if told == 1 { Ok(()) } else { Err(Unfollowed { status: 507, detail: "no room".to_owned() }) }
    });

    let operations = &reply.body.unwrap()["Operations"];
    assert_eq!((&operations[0]["status"], &operations[1]["status"]), (&"201".into(), &"507".into()));
    assert_eq!(reply.operations, 2);
}

#[test]
fn a_group_of_many_members_is_not_told_after_a_patch() {
    let story = Story::new();
    let people: Vec<String> = (0..101)
        .map(|n| {
            let body = format!("{{\"userName\":\"u{n}\"}}");
            assert_eq!(send(&story, "POST", "/Users", body.as_bytes()), 201);
            format!("{{\"value\":\"{}\"}}", story.directory.people()[n].id)
        })
        .collect();
    let group = |count: usize| format!("{{\"displayName\":\"G{count}\",\"members\":[{}]}}", people[..count].join(","));
    assert_eq!(send(&story, "POST", "/Groups", group(100).as_bytes()), 201);
    assert_eq!(send(&story, "POST", "/Groups", group(101).as_bytes()), 201);
    let patch = br#"{"Operations":[{"op":"replace","path":"nickName","value":"x"}]}"#;

    let paths: Vec<String> = story.directory.groups().iter().map(|group| format!("/Groups/{}", group.id)).collect();

    assert_eq!(send(&story, "PATCH", &paths[0], patch), 200);
    assert_eq!(send(&story, "PATCH", &paths[1], patch), 204);
}

#[test]
fn a_filter_that_is_nested_without_end_or_enormous_is_refused() {
    let nested = format!("{}title pr{}", "(".repeat(500), ")".repeat(500));
    let endless = vec!["title pr"; 5_000].join(" or ");

    for filter in [nested, endless] {
        assert_eq!(filter::parse(schema::Kind::User, &filter).unwrap_err().reply().status, 400);
    }
}

#[test]
fn no_text_makes_the_filter_or_the_path_reader_panic() {
    let pieces =
        ["emails", "[", "]", ".", "value", " eq ", "\"", "\\", "x", " and ", "(", ")", "not ", "é", " pr", "]."];
    for seed in 0_usize..20_000 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        let text: String = (0..seed % 9 + 1)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                pieces[(state >> 33) % pieces.len()]
            })
            .collect();

        drop((filter::parse(schema::Kind::User, &text), path::Target::parse(schema::Kind::User, &text)));
    }
}
