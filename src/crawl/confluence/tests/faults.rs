//! The stand-in's misbehaviours, each met by the crawler over real sockets: what is taken out of the handling of one fails here.
//! Those that a whole appliance must stand are in `tests/appliance/crawl.rs`.

use std::io::Write as _;

use serde_json::{Value, json};

use super::super::cloud::Cloud;
use super::super::*;
use crate::corpus::Block;
use crate::crawl::restriction::Level;
use crate::extract;
use crate::names::GroupId;
use crate::standin::confluence::Confluence as Standin;

/// Three spaces, a page titled Breaks, a group with a slash in its name, and a page left to many.
fn site() -> Value {
    let everybody: Vec<String> = (0..250).map(|number| format!("u{number}")).collect();
    let users = everybody.iter().map(|name| json!({"key": format!("k-{name}"), "username": name, "display_name": name, "email": format!("{name}@example.com")}));
    let crawler = json!({"key": "k0", "username": "crawler", "display_name": "Crawler", "email": "crawler@example.com",
                         "tokens": [{"token": "secret"}], "administrator": true});
    let users: Vec<Value> = [crawler].into_iter().chain(users).collect();
    let space = |key: &str| json!({"key": key, "name": key, "view": {"groups": ["all"]}});
    json!({
        "users": users,
        "groups": [{"name": "all", "members": ["crawler", "u1", "u2"]}, {"name": "ops/night", "members": ["u1"]}],
        "global_use": {"groups": ["all"]},
        "spaces": [space("ENG"), space("HR"), space("QA")],
        "content": [
            {"id": "1001", "type": "page", "space": "ENG", "title": "Home", "body": "<p>Welcome.</p>", "read": {"users": everybody}},
            {"id": "1002", "type": "page", "space": "ENG", "title": "Breaks",
             "body": "<p>Own words.</p><ac:structured-macro ac:name=\"include\"><ac:parameter ac:name=\"\"><ac:link><ri:page ri:content-title=\"Home\"/></ac:link></ac:parameter></ac:structured-macro>"},
            {"id": "1003", "type": "page", "space": "ENG", "title": "Stored away", "status": "archived", "body": "<p>Long ago.</p>"},
            {"id": "1004", "type": "page", "space": "ENG", "title": "Thrown away", "status": "trashed", "body": "<p>No.</p>"}]
    })
}

fn settings(standin: &Standin, cloud: bool, more: &Value) -> (Settings, tempfile::NamedTempFile) {
    let token = tempfile::NamedTempFile::new().unwrap();
    writeln!(token.as_file(), "secret").unwrap();
    let (kind, user) = if cloud { ("confluence_cloud", "crawler@example.com") } else { ("confluence", "crawler") };
    let mut all = json!({"name": "wiki", "kind": kind, "url": standin.url(), "user": user, "token_file": token.path(),
                         "use_groups": ["all"], "admin_key": cloud});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (serde_json::from_value(all).unwrap(), token)
}

fn started(flavour: &str, faults: &[&str]) -> Standin {
    let faults: Vec<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
    Standin::start(([127, 0, 0, 1], 0).into(), site(), flavour, &faults).unwrap()
}

/// Asks a wiki of this flavour that misbehaves so.
fn with<T>(flavour: &str, faults: &[&str], more: Value, ask: impl FnOnce(&dyn Source) -> T) -> T {
    let standin = started(flavour, faults);
    let (settings, _token) = settings(&standin, flavour == "cloud", &more);
    let extractor = Extractor::in_process(&extract::Settings::default());
    let outbound = outbound::Settings::default();
    match flavour {
        "cloud" => ask(&Cloud::open(&settings, &outbound, &extractor).unwrap()),
        _ => ask(&Confluence::open(&settings, &outbound, &extractor).unwrap()),
    }
}

fn eng(source: &dyn Source) -> Listing {
    let spaces = source.spaces().unwrap();
    let space = spaces.iter().find(|space| space.key == "ENG").unwrap();
    source.list(space, &mut |_| ControlFlow::Continue(()))
}

fn said(words: &Result<Words, Failure>) -> Vec<String> {
    let text = |block: &Block| match block {
        Block::Paragraph { text } => text.clone(),
        other => format!("{other:?}"),
    };
    words.as_ref().unwrap().blocks.iter().map(text).collect()
}

#[test]
fn a_row_past_the_end_of_a_listing_makes_no_space_of_itself() {
    for flavour in ["dc-10", "dc-7.19"] {
        let keys = with(flavour, &["past-end-row"], json!({}), |source| source.spaces().unwrap());
        assert_eq!(keys.iter().map(|space| space.key.as_str()).collect::<Vec<_>>(), ["ENG", "HR", "QA"], "{flavour}");
    }
}

#[test]
fn whoever_is_asked_to_wait_waits_and_loses_nothing() {
    // Without an admin key one of the pages is not there.
    for (flavour, pages) in [("dc-10", 2), ("cloud", 1)] {
        with(flavour, &["rate-limit"], json!({"admin_key": false}), |source| {
            source.connect().unwrap();
            source.may_use().unwrap();
            let spaces = source.spaces().unwrap();
            assert_eq!(spaces.len(), 3, "{flavour}");
            assert_eq!(source.may_view(&spaces[0]).unwrap().groups.len(), 1, "{flavour}");
            let listing = eng(source);
            assert!(listing.is_whole && listing.items.len() == pages, "{flavour}: {listing:?}");
        });
    }
}

#[test]
fn of_a_restriction_to_more_than_are_told_the_rest_do_not_find_the_page_and_it_is_said() {
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        let listing = with(flavour, &["restriction-paging"], json!({}), eng);
        let home = listing.items.iter().find(|item| item.id.local() == "1001").unwrap();
        let Level::Only(subjects) = &home.level else { panic!("{flavour}: {home:?}") };
        assert_eq!(subjects.accounts.len(), 200, "{flavour}");
        let distinct: std::collections::BTreeSet<_> = subjects.accounts.iter().collect();
        assert_eq!(distinct.len(), 200, "{flavour}");
        assert!(listing.failures.iter().any(|failure| failure.code == "restriction_cut"), "{flavour}");
    }
}

#[test]
fn a_group_whose_name_has_a_slash_keeps_its_members() {
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        let people = with(flavour, &[], json!({}), |source| source.people().unwrap());
        let group = people.groups.iter().find(|group| group.name == "ops/night").unwrap();
        assert_eq!(group.members.len(), 1, "{flavour}");
        if flavour != "cloud" {
            assert!(matches!(&group.id, GroupId::Of(_, key) if &**key == "ops/night"), "{flavour}");
            assert_eq!(*group.members, ["k-u1".into()], "{flavour}");
        }
    }
}

#[test]
fn whoever_hides_their_address_is_tied_to_nobody_on_cloud_and_is_known_by_name_elsewhere() {
    let names = |flavour: &str| {
        let people = with(flavour, &["hidden-mail"], json!({}), |source| source.people().unwrap());
        let mut names: Vec<String> = people.accounts.into_iter().map(|account| account.user_name).collect();
        names.sort();
        names.dedup();
        names
    };

    assert_eq!(names("cloud"), [""]);
    assert!(names("dc-10").contains(&"u1".to_owned()));
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_until_the_settings_do() {
    let standin = started("dc-10", &["self-signed"]);
    let code = |more: &Value| {
        let (settings, _token) = settings(&standin, false, more);
        let extractor = Extractor::in_process(&extract::Settings::default());
        let confluence = Confluence::open(&settings, &outbound::Settings::default(), &extractor).unwrap();
        confluence.connect().map_err(|failure| failure.code)
    };

    assert_eq!(code(&json!({})), Err("untrusted".to_owned()));
    let root = tempfile::NamedTempFile::new().unwrap();
    root.as_file().write_all(standin.certificate().unwrap().as_bytes()).unwrap();
    assert!(code(&json!({"roots": [root.path()]})).is_ok());
}

#[test]
fn an_answer_that_does_not_come_in_time_is_a_failure_and_no_silence() {
    let standin = started("dc-10", &["slow"]);
    let (settings, _token) = settings(&standin, false, &json!({}));
    let extractor = Extractor::in_process(&extract::Settings::default());
    let outbound = outbound::Settings { answer_s: 1, retries: 0, ..outbound::Settings::default() };

    let confluence = Confluence::open(&settings, &outbound, &extractor).unwrap();

    assert_eq!(confluence.connect().unwrap_err().code, "unreachable");
}

#[test]
fn a_page_whose_source_cannot_be_given_is_read_otherwise_where_nothing_of_other_pages_comes_in() {
    let read = |flavour: &str, more: Value| {
        with(flavour, &["storage-broken"], more, |source| {
            let listing = eng(source);
            let item = listing.items.iter().find(|item| item.title == "Breaks").unwrap();
            source.fetch(&[item], &|_| None).remove(0)
        })
    };

    // On Cloud its document has no words of others.
    assert_eq!(said(&read("cloud", json!({})))[0], "Own words.");
    assert_eq!(read("dc-10", json!({})).unwrap_err().code, "server_error");
    let shown = said(&read("dc-10", json!({"take_shown": true})));
    assert!(shown[0].starts_with("(This page was read as it is shown") && shown[1] == "Own words.", "{shown:?}");
    assert!(!shown.concat().contains("Welcome"), "{shown:?}");
}

#[test]
fn archived_pages_are_taken_where_the_settings_say_so_and_what_is_in_the_bin_never() {
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        let titles = |more: Value| {
            with(flavour, &[], more, |source| {
                let listing = eng(source);
                assert!(listing.is_whole && listing.items.iter().all(|item| item.level != Level::Unknown), "{flavour}");
                let archived = listing.items.iter().find(|item| item.title == "Stored away");
                let words = archived.map(|item| said(&source.fetch(&[item], &|_| None)[0]));
                (listing.items.len(), words)
            })
        };

        assert_eq!(titles(json!({})), (2, None), "{flavour}");
        assert_eq!(titles(json!({"archived_pages": true})), (3, Some(vec!["Long ago.".to_owned()])), "{flavour}");
    }
}
