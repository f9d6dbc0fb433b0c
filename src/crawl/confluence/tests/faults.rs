//! The stand-in's misbehaviours, each met by the crawler over real sockets: what is taken out of the handling of one fails here.
//! Those that a whole appliance must stand are in `tests/appliance/crawl.rs`.

use std::io::Write as _;

use std::time::{Duration, Instant};

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
    started_with(site(), flavour, faults)
}

fn started_with(site: Value, flavour: &str, faults: &[&str]) -> Standin {
    let faults: Vec<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
    Standin::start(([127, 0, 0, 1], 0).into(), site, flavour, &faults).unwrap()
}

/// Asks a wiki of this flavour that misbehaves so.
fn with<T>(flavour: &str, faults: &[&str], more: Value, ask: impl FnOnce(&dyn Source) -> T) -> T {
    over(site(), flavour, faults, &more, &outbound::Settings::default(), ask)
}

/// The same of another site, with other settings of what goes out.
fn over<T>(
    site: Value,
    flavour: &str,
    faults: &[&str],
    more: &Value,
    outbound: &outbound::Settings,
    ask: impl FnOnce(&dyn Source) -> T,
) -> T {
    let standin = started_with(site, flavour, faults);
    let (settings, _token) = settings(&standin, flavour == "cloud", more);
    let extractor = Extractor::in_process(&extract::Settings::default());
    match flavour {
        "cloud" => ask(&Cloud::open(&settings, outbound, &extractor).unwrap()),
        _ => ask(&Confluence::open(&settings, outbound, &extractor).unwrap()),
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
        Block::Heading { .. } | Block::Item { .. } | Block::Table { .. } | Block::Code { .. } | Block::Quote { .. } => {
            format!("{block:?}")
        }
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

fn titles(listing: &Listing) -> Vec<&str> {
    let mut titles: Vec<&str> = listing.items.iter().map(|item| item.title.as_str()).collect();
    titles.sort_unstable();
    titles
}

#[test]
fn a_wait_of_seconds_is_waited_and_one_of_a_day_is_capped() {
    with("dc-10", &["rate-limit"], json!({}), |source| {
        let began = Instant::now();
        (0..5).for_each(|_| drop(source.connect().unwrap()));
        assert!(began.elapsed() >= Duration::from_secs(2), "the fifth request was asked to wait for two seconds");
    });
    let capped = outbound::Settings { wait_s_max: 1, ..outbound::Settings::default() };
    over(site(), "dc-10", &["rate-limit-long"], &json!({}), &capped, |source| {
        let began = Instant::now();
        (0..21).for_each(|_| drop(source.connect().unwrap()));
        assert!(
            began.elapsed() >= Duration::from_secs(1),
            "the twentieth request was asked to wait for more than a day"
        );
    });
}

#[test]
fn a_login_page_and_half_an_answer_by_turns_are_failures_and_no_empty_listing() {
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        with(flavour, &["garbage"], json!({}), |source| {
            let mut codes: Vec<String> = (0..2).map(|_| source.spaces().unwrap_err().code).collect();
            codes.sort();
            assert_eq!(codes, ["garbage", "web_page"], "{flavour}");
        });
    }
}

#[test]
fn what_breaks_off_is_asked_for_again_and_nothing_is_lost() {
    for flavour in ["dc-10", "cloud"] {
        let listing = with(flavour, &["broken-off"], json!({}), eng);
        assert!(listing.is_whole, "{flavour}: {:?}", listing.failures);
        assert_eq!(titles(&listing), ["Breaks", "Home"], "{flavour}");
    }
}

#[test]
fn a_wiki_that_is_away_is_a_failure_and_no_wiki_without_spaces() {
    let impatient = outbound::Settings { retries: 0, ..outbound::Settings::default() };
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        over(site(), flavour, &["away"], &json!({"admin_key": false}), &impatient, |source| {
            assert_eq!(source.connect().unwrap_err().code, "server_error", "{flavour}");
            assert_eq!(source.spaces().unwrap_err().code, "server_error", "{flavour}");
        });
    }
}

#[test]
fn a_restriction_that_is_refused_is_unknown_and_a_page_without_one_stays_open() {
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        let listing = with(flavour, &["restriction-403"], json!({}), eng);
        let level = |title: &str| listing.items.iter().find(|item| item.title == title).map(|item| item.level.clone());
        assert_eq!((level("Home"), level("Breaks")), (Some(Level::Unknown), Some(Level::Open)), "{flavour}");
    }
}

#[test]
fn what_hinders_remote_calls_leaves_a_space_to_nobody_and_is_said_with_its_remedy() {
    for (fault, remedy) in [("remote-api-off", "remote API"), ("websudo", "secure administrator sessions")] {
        let failure = with("dc-8.5", &[fault], json!({}), |source| {
            let spaces = source.spaces().unwrap();
            source.may_view(&spaces[0]).unwrap_err()
        });
        assert_eq!(failure.code, "space_permissions_unknown", "{fault}");
        assert!(failure.remedy.contains(remedy), "{fault}: {failure:?}");
    }
}

#[test]
fn a_row_that_the_wiki_breaks_under_costs_itself_alone_and_the_listing_says_that_it_is_not_whole() {
    for flavour in ["dc-10", "dc-7.19"] {
        let listing = with(flavour, &["bad-row"], json!({}), eng);
        assert_eq!((titles(&listing), listing.is_whole), (vec!["Home"], false), "{flavour}");
        let is_said = listing.failures.iter().any(|failure| failure.code == "rows_broken");
        assert!(is_said, "{flavour}: {:?}", listing.failures);
    }
}

#[test]
fn attachments_that_are_refused_in_passing_are_asked_for_again() {
    let mut site = site();
    let content = site["content"].as_array_mut().unwrap();
    content.extend((0..450).map(|number| {
        json!({"id": format!("att{number}"), "type": "attachment", "space": "ENG", "container": "1001",
               "title": format!("note {number}.txt"), "media_type": "text/plain", "base64": "YQ=="})
    }));

    let listing = over(site, "dc-10", &["attachment-paging"], &json!({}), &outbound::Settings::default(), eng);

    assert_eq!((listing.items.len(), listing.is_whole), (452, true), "{:?}", listing.failures);
}

#[test]
fn rows_that_move_up_while_they_are_listed_are_not_lost() {
    let mut site = site();
    let spaces = site["spaces"].as_array_mut().unwrap();
    spaces.extend((0..250).map(|number| {
        let key = format!("S{number}");
        json!({"key": key, "name": key, "view": {"groups": ["all"]}})
    }));

    for flavour in ["dc-10", "dc-7.19"] {
        let outbound = outbound::Settings::default();
        let spaces =
            over(site.clone(), flavour, &["shifting"], &json!({}), &outbound, |source| source.spaces().unwrap());
        // Two went from the head after they had been listed.
        assert_eq!(spaces.len(), 253, "{flavour}");
    }
}

#[test]
fn what_the_search_has_not_seen_yet_is_listed_under_its_own_restriction_and_its_words_are_read() {
    for flavour in ["dc-10", "cloud"] {
        with(flavour, &["index-lag"], json!({}), |source| {
            let listing = eng(source);
            assert_eq!(titles(&listing), ["Breaks", "Home"], "{flavour}");
            assert!(listing.items.iter().all(|item| item.level != Level::Unknown), "{flavour}");
            let items: Vec<&Item> = listing.items.iter().collect();
            assert!(source.fetch(&items, &|_| None).iter().all(Result::is_ok), "{flavour}");
        });
    }
}

#[test]
fn an_answer_is_as_large_as_what_it_unpacks_to() {
    let listing = with("dc-10", &["gzip"], json!({}), eng);
    assert_eq!(titles(&listing), ["Breaks", "Home"]);

    // The page left to 250 users is some ten thousand bytes, and a tenth of that when it is packed.
    let small = outbound::Settings { answer_bytes_max: 5_000, ..outbound::Settings::default() };
    let cut = over(site(), "dc-10", &["gzip"], &json!({}), &small, eng);
    assert!(!cut.is_whole && cut.failures.iter().any(|failure| failure.code == "too_large"), "{:?}", cut.failures);
}

#[test]
fn a_date_in_the_hour_that_summer_time_leaves_out_is_asked_for_an_hour_earlier() {
    for flavour in ["dc-10", "cloud"] {
        let since = crate::clock::Clock::System.now().plus_ms(-26 * 60 * 60 * 1000);
        with(flavour, &["date-gap"], json!({}), |source| assert!(source.changed(since).is_ok(), "{flavour}"));
    }
}

#[test]
fn a_file_at_another_origin_is_fetched_there_without_the_credential_and_only_where_the_settings_name_it() {
    let mut site = site();
    site["content"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "att1", "type": "attachment", "space": "ENG", "container": "1002", "title": "note.txt",
               "media_type": "text/plain", "base64": "VGhlIGNhbnRlZW4gb3BlbnMgYXQgZWxldmVuLg=="}));
    let standin = started_with(site, "dc-10", &["download-elsewhere"]);
    let read = |more: Value| {
        let (settings, _token) = settings(&standin, false, &more);
        let extractor = Extractor::in_process(&extract::Settings::default());
        let confluence = Confluence::open(&settings, &outbound::Settings::default(), &extractor).unwrap();
        let listing = eng(&confluence);
        let file = listing.items.iter().find(|item| item.file.is_some()).unwrap();
        confluence.fetch(&[file], &|_| None).remove(0)
    };

    assert_eq!(read(json!({})).unwrap_err().code, "not_allowed");
    // The place refuses whoever shows Confluence's credential.
    let elsewhere = standin.url().replace("127.0.0.1", "localhost");
    assert_eq!(said(&read(json!({"hosts": [elsewhere]}))), ["The canteen opens at eleven."]);
}

#[test]
fn an_export_tells_who_may_view_a_space_where_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let (file, export) = (folder.path().join("site.json"), folder.path().join("export.zip"));
    std::fs::File::create(&file).unwrap().write_all(site().to_string().as_bytes()).unwrap();
    let bytes = Standin::export(&file, "dc-8.5", None).unwrap();
    std::fs::File::create(&export).unwrap().write_all(&bytes).unwrap();
    let told =
        |more: Value| with("dc-8.5", &["remote-api-off"], more, |source| source.may_view(&source.spaces().unwrap()[0]));

    let by_export = told(json!({"space_permissions_file": export})).unwrap();

    let by_rest = with("dc-10", &[], json!({}), |source| source.may_view(&source.spaces().unwrap()[0])).unwrap();
    assert_eq!(by_export, by_rest);
    assert_eq!(told(json!({})).unwrap_err().code, "space_permissions_unknown");
}
