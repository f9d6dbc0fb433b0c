//! The crawl: all kinds of content, and a wiki that misbehaves costs nothing that was there.

use serde_json::{Value, json};
use sotto::app::nouns::{Mode, State};

use crate::support::{Appliance, Parts, Site, claims};

const LEAVE: &str = "How many days of annual leave does an employee have?";

#[test]
fn a_page_that_is_changed_moved_to_the_trash_or_new_is_so_after_the_next_sync() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    house.change_wiki(
        "PATCH",
        "/_standin/content/101",
        &json!({ "version": 2, "updated_at": "2026-11-20T09:00:00.000Z", "body": "<p>Every employee has 31 days of annual leave in a year.</p>" }),
    );
    house.refresh();
    assert!(claims(&house.ask(&mut mateo, LEAVE)).concat().contains("31 days"));

    house.change_wiki("DELETE", "/_standin/content/101", &json!({}));
    house.refresh();
    assert_eq!(house.ask(&mut mateo, LEAVE)["outcome"], "refused");
}

#[test]
fn a_wiki_that_is_away_or_talks_nonsense_deletes_nothing_and_questions_go_on() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    for fault in ["away", "garbage"] {
        house.change_wiki("PUT", "/_standin/faults", &json!([fault]));
        let state = house.sync(Mode::Full);
        assert!(matches!(state, State::Failed | State::Incomplete), "{fault}: {state:?}");
        let health = house.app().overview_as_owner().unwrap();
        let failures = &health.sources[0].status.runs[0].failures;
        assert!(!failures.is_empty() && !failures[0].remedy.is_empty(), "{fault}: {failures:?}");
        assert!(claims(&house.ask(&mut mateo, LEAVE)).concat().contains("28 days"), "{fault}");
    }

    house.change_wiki("PUT", "/_standin/faults", &json!([]));
    house.refresh();
}

#[test]
fn a_large_removal_waits_for_somebodys_word() {
    let mut site = Site::two_projects();
    for id in 501..509 {
        site = site
            .content(json!({ "id": id.to_string(), "type": "page", "space": "HR", "title": format!("Note {id}"),
                                    "body": "<p>The orchid on the sill wants water.</p>" }));
    }
    let house = Appliance::with_settings(&site, |settings| settings.source[0].removal_guard_percent = 15);
    let mut mateo = house.sign_in("mateo");
    let mut finds = || {
        let found = mateo.send("POST", "/api/v1/search", Some(&json!({ "query": "orchid" }))).unwrap().json();
        found["results"] != json!([])
    };
    for id in 501..509 {
        house.change_wiki("DELETE", &format!("/_standin/content/{id}"), &json!({}));
    }

    assert_eq!((house.sync(Mode::Changes), finds()), (State::Held, true));
    assert_eq!((house.sync(Mode::Full), finds()), (State::Held, true));
    assert_eq!((house.sync_allowing_removal(), finds()), (State::Succeeded, false));
}

#[test]
fn a_restriction_that_cannot_be_read_admits_nobody_until_it_can() {
    let house = Appliance::without_sync(&Site::two_projects().restrict("101", &["mateo"], &[]), |_| {});
    let mut mateo = house.sign_in("mateo");
    let mut may_open = || mateo.send("GET", "/api/v1/documents/wiki:101", None).unwrap().status == 200;

    house.change_wiki("PUT", "/_standin/faults", &json!(["restriction-403"]));
    let state = house.sync(Mode::Full);
    let may_while_unreadable = may_open();
    house.change_wiki("PUT", "/_standin/faults", &json!([]));
    house.refresh();

    assert_eq!(state, State::Incomplete);
    assert!(!may_while_unreadable);
    assert!(may_open());
}

#[test]
fn a_credential_that_became_anonymous_reads_nothing_and_deletes_nothing() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let mut site = Site::two_projects().json();
    site["users"][0]["tokens"] = json!([]);
    site["global_use"]["anonymous"] = json!(true);
    house.change_wiki("PUT", "/_standin/site", &site);

    let state = house.sync(Mode::Full);

    assert_eq!(state, State::Failed);
    assert!(claims(&house.ask(&mut mateo, LEAVE)).concat().contains("28 days"));
}

#[test]
fn blog_posts_comments_and_attachments_are_found_under_their_containers_rule() {
    let site = Site::two_projects()
        .content(json!({ "id": "401", "type": "blogpost", "space": "HR", "title": "Summer party",
                         "body": "<p>The summer party is on the roof terrace.</p>" }))
        .content(
            json!({ "id": "402", "type": "comment", "space": "ACME", "container": "301", "title": "Re: The ACME team",
                         "body": "<p>Viktor keeps a parrot named Admiral.</p>" }),
        );
    let house = Appliance::with(&site);
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));

    let party = house.ask(&mut mateo, "Where is the summer party?");
    let hers = house.ask(&mut mary, "What parrot does Viktor keep?");
    let his = house.ask(&mut mateo, "What parrot does Viktor keep?");

    assert!(claims(&party).concat().contains("roof terrace"), "{party}");
    assert!(claims(&hers).concat().contains("Admiral"), "{hers}");
    assert_eq!(his["outcome"], "refused", "{his}");
}

/// Ids of everything that mateo finds with a word that stands in all of it, sorted.
fn found(house: &Appliance) -> Vec<String> {
    let body = json!({ "query": "orchid", "limit": 50 });
    let found = house.sign_in("mateo").send("POST", "/api/v1/search", Some(&body)).unwrap().json();
    let results = found["results"].as_array().unwrap().clone();
    let mut ids: Vec<String> =
        results.iter().map(|one| one["document_id"].as_str().unwrap().trim_start_matches("wiki:").to_owned()).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Pages with an orchid in four spaces, a comment, and two files.
fn orchids() -> Site {
    let page = |id: &str, space: &str, labels: &[&str]| {
        json!({ "id": id, "type": "page", "space": space, "title": format!("Plant {id}"), "labels": labels,
                "body": "<p>The orchid wants water.</p>" })
    };
    let file = |id: &str, name: &str, media_type: &str| {
        json!({ "id": id, "type": "attachment", "space": "ANY", "container": "501", "title": name,
                "media_type": media_type, "base64": "VGhlIG9yY2hpZCB3YW50cyB3YXRlci4K" })
    };
    let all = &["confluence-users"];
    Site::two_projects()
        .space_of("~mateo", all, "personal", "current")
        .space_of("OLD", all, "global", "archived")
        .content(page("501", "ANY", &["plants"]))
        .content(page("502", "ANY", &["draft"]))
        .content(page("503", "~mateo", &[]))
        .content(page("504", "OLD", &[]))
        .content(json!({ "id": "505", "type": "comment", "space": "ANY", "container": "502", "title": "Re",
                         "body": "<p>Orchid, indeed.</p>" }))
        .content(file("att506", "plan.txt", "text/plain"))
        .content(file("att507", "plan.md", "text/markdown"))
}

#[test]
fn a_source_takes_in_what_its_settings_say() {
    let with = |more: Value| {
        let house = Appliance::with_settings(&orchids(), |settings| {
            let mut source = serde_json::to_value(&settings.source[0]).unwrap();
            source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            settings.source[0] = serde_json::from_value(source).unwrap();
        });
        found(&house)
    };

    assert_eq!(with(json!({})), ["501", "502", "503", "505", "att506", "att507"]);
    assert_eq!(
        with(json!({ "personal_spaces": false, "without_media_types": ["text/mark.*"] })),
        ["501", "502", "505", "att506"]
    );
    assert_eq!(with(json!({ "space_patterns": ["~.*", "OLD"], "archived_spaces": true })), ["503", "504"]);
    assert_eq!(with(json!({ "without_labels": ["draft"], "attachment_bytes_max": 10 })), ["501", "503"]);
    assert_eq!(with(json!({ "kinds": ["comment"] })), ["505"]);
    assert_eq!(
        with(json!({ "cql": "label = \"plants\" or title = \"Plant 503\"" })),
        ["501", "503", "att506", "att507"]
    );
}

#[test]
fn a_condition_that_confluence_refuses_takes_nothing_in_and_nothing_out() {
    let house = Appliance::with(&orchids());
    let before = found(&house);
    let house = house.restart_with(|settings| settings.source[0].cql = "colour ~ green".to_owned());

    let state = house.sync(Mode::Full);

    assert_eq!((state, found(&house)), (State::Incomplete, before));
}

#[test]
fn what_a_source_would_give_is_counted_and_nothing_is_changed() {
    let house = Appliance::without_sync(&orchids(), |settings| {
        settings.source[0].without_labels = serde_json::from_value(json!(["draft"])).unwrap();
        settings.source[0].spaces = vec!["ANY".to_owned()];
    });

    let counts = house.sign_in("ana").send("GET", "/api/v1/admin/sources/wiki/preview", None).unwrap().json();

    let count = |pages: u64, comments: u64, attachments: u64| json!({ "pages": pages, "blogposts": 0, "comments": comments, "attachments": attachments });
    let space = json!({ "key": "ANY", "name": "ANY space", "taken": count(2, 0, 2), "left_out": count(1, 1, 0) });
    assert_eq!(counts, json!({ "spaces": [space], "failures": [] }));
    assert_eq!(house.sign_in("mateo").send("GET", "/api/v1/admin/sources/wiki/preview", None).unwrap().status, 404);
    assert_eq!(house.app().overview_as_owner().unwrap().documents, 0);
}

#[test]
fn an_inline_comment_is_found_by_itself_and_by_the_words_it_was_made_on() {
    let comment = |id: &str, location: &str, selection: &str, body: &str| {
        json!({ "id": id, "type": "comment", "space": "HR", "container": "101", "title": "Re", "location": location,
                "original_selection": selection, "body": body })
    };
    let site = Site::two_projects()
        .content(comment("601", "inline", "28 days of annual leave", "<p>Does the marmalade count?</p>"))
        .content(comment("602", "resolved", "annual leave", "<p>Settled long ago by marmalade.</p>"));
    let house = Appliance::with(&site);
    let mut mateo = house.sign_in("mateo");

    let results = mateo.send("POST", "/api/v1/search", Some(&json!({ "query": "marmalade" }))).unwrap().json();
    let text = results["results"][0]["text"].as_str().unwrap_or_default();

    assert_eq!(results["results"].as_array().unwrap().len(), 1, "{results}");
    assert_eq!(results["results"][0]["document_id"], "wiki:601");
    assert!(text.contains("28 days of annual leave") && text.contains("marmalade"), "{text}");
}

#[test]
fn an_index_of_another_version_is_built_again_from_what_was_crawled() {
    let house = Appliance::with(&Site::two_projects());
    let search = json!({ "query": "annual leave" });
    let found = |house: &Appliance| {
        house.sign_in("mateo").send("POST", "/api/v1/search", Some(&search)).unwrap().json()["results"].clone()
    };
    let before = found(&house);
    assert_eq!(before[0]["document_id"], "wiki:101");

    let house = house.restart_with(|settings| {
        let path = settings.data.folder.join("index/meta.json");
        let meta = std::fs::read_to_string(&path).unwrap();
        let older = meta.replace("\"sotto-", "\"sotto-0");
        assert!(older != meta, "the form stands in this file");
        std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), older.as_bytes()).unwrap();
    });

    assert_eq!(found(&house), before);
}

#[test]
fn a_file_that_is_kept_elsewhere_is_read_where_the_settings_name_that_place_and_the_credential_stays_here() {
    let site = || {
        Site::two_projects().content(json!({
            "id": "att901", "type": "attachment", "space": "HR", "container": "101", "title": "canteen.txt",
            "media_type": "text/plain", "base64": "VGhlIGNhbnRlZW4gb3BlbnMgYXQgZWxldmVuLg=="
        }))
    };
    let may_open = |house: &Appliance| {
        let mut mateo = house.sign_in("mateo");
        mateo.send("GET", "/api/v1/documents/wiki:att901", None).unwrap().status == 200
    };
    let failures =
        |house: &Appliance| house.app().overview_as_owner().unwrap().sources[0].status.runs[0].failures.clone();

    for (flavour, faults) in [("dc-10", json!(["download-elsewhere"])), ("cloud", json!([]))] {
        let house =
            Appliance::made_of(Parts::of_flavour(flavour), &site(), |settings| settings.source[0].hosts.clear());
        house.change_wiki("PUT", "/_standin/faults", &faults);
        assert_eq!(house.sync(Mode::Full), State::Incomplete, "{flavour}");
        assert_eq!((failures(&house)[0].code.as_str(), may_open(&house)), ("not_allowed", false), "{flavour}");

        let elsewhere = house.confluence.url().replace("127.0.0.1", "localhost").parse().unwrap();
        let house = house.restart_with(|settings| settings.source[0].hosts = vec![elsewhere]);
        house.refresh();
        assert!(may_open(&house), "{flavour}");
    }
}

/// What the last run could not read.
fn failures(house: &Appliance) -> Vec<String> {
    let overview = house.app().overview_as_owner().unwrap();
    overview.sources[0].status.runs[0].failures.iter().map(|failure| failure.code.clone()).collect()
}

/// How many of these somebody may open.
fn opened(house: &Appliance, user: &str, ids: impl Iterator<Item = String>) -> usize {
    let mut browser = house.sign_in(user);
    ids.filter(|id| browser.send("GET", &format!("/api/v1/documents/wiki:{id}"), None).unwrap().status == 200).count()
}

#[test]
fn a_page_under_which_the_wiki_breaks_costs_neither_the_others_nor_itself() {
    let mut site = Site::two_projects();
    for id in 501..531 {
        let title = if id == 512 { "Fine" } else { "Note" };
        site = site.page("HR", &id.to_string(), None, &format!("{title} {id}"), "<p>The orchid wants water.</p>");
    }
    let house = Appliance::with(&site);
    house.change_wiki("PATCH", "/_standin/content/512", &json!({ "title": "Breaks" }));
    house.change_wiki("PATCH", "/_standin/content/520", &json!({ "body": "<p>The cactus wants none.</p>" }));
    house.change_wiki("PUT", "/_standin/faults", &json!(["bad-row"]));

    assert_eq!(house.sync(Mode::Changes), State::Incomplete);

    assert!(failures(&house).contains(&"rows_broken".to_owned()), "{:?}", failures(&house));
    assert_eq!(opened(&house, "mateo", (501..531).map(|id| id.to_string())), 30, "what cannot be listed is not gone");
    let found = house.sign_in("mateo").send("POST", "/api/v1/search", Some(&json!({ "query": "cactus" }))).unwrap();
    assert_eq!(found.json()["results"][0]["document_id"], "wiki:520");
}

#[test]
fn what_the_search_index_has_not_seen_yet_is_read_all_the_same_and_under_its_own_rule() {
    for flavour in ["dc-10", "cloud"] {
        let mut site = Site::two_projects();
        for id in 501..511 {
            site = site.page("HR", &id.to_string(), None, &format!("Note {id}"), "<p>The orchid wants water.</p>");
        }
        let site = site.restrict("502", &["mary"], &[]).restrict("503", &["mary"], &[]);
        let house = Appliance::made_of(Parts::of_flavour(flavour), &site, |_| {});
        house.change_wiki("PUT", "/_standin/faults", &json!(["index-lag"]));
        house.refresh();

        assert_eq!(opened(&house, "mateo", (501..511).map(|id| id.to_string())), 8, "{flavour}");
        assert_eq!(opened(&house, "mary", (501..511).map(|id| id.to_string())), 10, "{flavour}");
    }
}

#[test]
fn spaces_that_move_up_in_a_listing_while_it_is_read_are_not_lost() {
    let mut site = Site::two_projects();
    for number in 0..250 {
        let (key, id) = (format!("S{number}"), (1000 + number).to_string());
        site = site.space(&key, &["confluence-users"]).page(&key, &id, None, &format!("Page {id}"), "<p>Moss.</p>");
    }
    let house = Appliance::without_sync(&site, |_| {});
    house.change_wiki("PUT", "/_standin/faults", &json!(["shifting"]));
    house.refresh();

    assert_eq!(opened(&house, "mateo", (1000..1250).map(|id| id.to_string())), 250);
}

#[test]
fn pages_that_move_between_spaces_while_these_are_listed_are_neither_lost_nor_doubled() {
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        let mut site = Site::new()
            .user("mateo")
            .user("mary")
            .group("first", &["mateo"], &[])
            .group("second", &["mary"], &[])
            .space("AAA", &["first"])
            .space("BBB", &["second"])
            .page("AAA", "100", None, "Home of A", "<p>Welcome.</p>")
            .page("BBB", "200", None, "Home of B", "<p>Welcome.</p>")
            .page("AAA", "101", Some("100"), "Moves on", "<p>The fern wants shade.</p>")
            .page("BBB", "201", Some("200"), "Moves back", "<p>The fern wants water.</p>");
        for n in 300..330 {
            site = site.page("BBB", &n.to_string(), Some("200"), &format!("Note {n}"), "<p>Moss.</p>");
        }
        let house = Appliance::made_of(Parts::of_flavour(flavour), &site, |_| {});
        house.refresh();
        let opened = |user: &str| {
            let mut browser = house.sign_in(user);
            let mut may =
                |id: &str| browser.send("GET", &format!("/api/v1/documents/wiki:{id}"), None).unwrap().status == 200;
            (may("101"), may("201"))
        };
        assert_eq!((opened("mateo"), opened("mary")), ((true, false), (false, true)), "{flavour}");
        let before = house.app().overview_as_owner().unwrap().documents;
        let bodies = |house: &Appliance| {
            let is_body = |line: &Value| line["path"].as_str().unwrap().contains("body");
            house.wiki_log().iter().filter(|line| is_body(line)).count()
        };
        let read = bodies(&house);

        house.change_wiki("PUT", "/_standin/faults", &json!(["moving"]));
        house.refresh();

        assert_eq!((opened("mateo"), opened("mary")), ((false, true), (true, false)), "{flavour}");
        assert_eq!(house.app().overview_as_owner().unwrap().documents, before, "{flavour}");
        assert_eq!(bodies(&house), read, "{flavour}: no word of them changed");
        house.refresh();
        assert_eq!((opened("mateo"), opened("mary")), ((false, true), (true, false)), "{flavour}");
    }
}

#[test]
fn further_attachments_that_are_refused_in_passing_are_asked_for_again() {
    let mut site = Site::two_projects();
    for number in 0..450 {
        site = site
            .content(json!({ "id": format!("att{number}"), "type": "attachment", "space": "HR", "container": "101",
                                    "title": format!("photo {number}.png"), "media_type": "image/png" }));
    }
    let house = Appliance::without_sync(&site, |_| {});
    house.change_wiki("PUT", "/_standin/faults", &json!(["attachment-paging"]));

    assert_eq!(house.sync(Mode::Full), State::Succeeded, "{:?}", failures(&house));
}

#[test]
fn a_captcha_ends_the_run_after_one_request_and_deletes_nothing() {
    let house = Appliance::with(&Site::two_projects());
    house.change_wiki("PUT", "/_standin/faults", &json!(["captcha"]));
    house.change_wiki("DELETE", "/_standin/log", &json!({}));

    assert_eq!(house.sync(Mode::Changes), State::Failed);

    assert_eq!(failures(&house), ["captcha"]);
    assert_eq!(house.wiki_log().len(), 1);
    assert_eq!(opened(&house, "mateo", ["101".to_owned()].into_iter()), 1);
}

#[test]
fn of_an_archive_what_changed_is_read_again_and_one_that_is_broken_deletes_nothing() {
    let house = Appliance::made_of(Parts::of_flavour("archive"), &Site::two_projects(), |_| {});
    house.refresh();
    let mut mateo = house.sign_in("mateo");
    assert!(claims(&house.ask(&mut mateo, LEAVE)).concat().contains("28 days"));
    let last = || house.app().overview_as_owner().unwrap().sources[0].status.runs[0].clone();

    house.refresh();
    let unchanged = last();
    assert_eq!((unchanged.added, unchanged.changed, unchanged.removed, unchanged.reclassed), (0, 0, 0, 0));

    let whole = house.export();
    for broken in [&whole[..whole.len() / 2], &b"<html>Log in</html>"[..], &[]] {
        assert_eq!(house.sync_export(broken), State::Failed);
        let failures = last().failures;
        assert!(failures.len() == 1 && !failures[0].remedy.is_empty(), "{failures:?}");
    }
    assert!(claims(&house.ask(&mut mateo, LEAVE)).concat().contains("28 days"));

    house.change_wiki(
        "PATCH",
        "/_standin/content/101",
        &json!({ "body": "<p>Every employee has 31 days of annual leave in a year.</p>" }),
    );
    house.change_wiki("DELETE", "/_standin/content/201", &json!({}));
    house.refresh();
    let changed = last();
    assert_eq!((changed.added, changed.changed, changed.removed), (0, 1, 1));
    assert!(claims(&house.ask(&mut mateo, LEAVE)).concat().contains("31 days"));
}

#[test]
fn answers_that_are_packed_or_broken_off_cost_nothing_that_was_there_on_any_flavour() {
    for flavour in ["dc-10", "dc-9.2.18", "dc-9.2.3", "dc-8.5", "dc-7.19", "cloud"] {
        let house = Appliance::made_of(Parts { flavour, ..Parts::plain() }, &Site::two_projects(), |_| {});
        house.change_wiki("PUT", "/_standin/faults", &json!(["gzip"]));
        house.refresh();
        let documents = || house.app().overview_as_owner().unwrap().documents;
        assert_eq!(documents(), 3, "{flavour}: packed");

        house.change_wiki("PUT", "/_standin/faults", &json!(["broken-off"]));
        let state = house.sync(Mode::Full);
        assert!(matches!(state, State::Failed | State::Incomplete), "{flavour}: {state:?}");
        assert_eq!(documents(), 3, "{flavour}: broken off");

        house.change_wiki("PUT", "/_standin/faults", &json!([]));
        house.refresh();
        assert_eq!(documents(), 3, "{flavour}");
    }
}

#[test]
fn whatever_becomes_of_a_page_between_two_runs_is_so_after_the_next() {
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        let mut site = Site::two_projects();
        for id in 501..508 {
            site = site.page("HR", &id.to_string(), None, &format!("Page {id}"), "<p>The orchid wants water.</p>");
        }
        let site = site.restrict("506", &["mary"], &[]).restrict("507", &["mary"], &[]);
        let house = Appliance::made_of(Parts::of_flavour(flavour), &site, |_| {});
        house.refresh();
        let ids = ["501", "502", "503", "504", "505", "506"];
        let open = |house: &Appliance| -> Vec<&str> {
            let mut mateo = house.sign_in("mateo");
            let path = |id: &str| format!("/api/v1/documents/wiki:{id}");
            ids.into_iter().filter(|id| mateo.send("GET", &path(id), None).unwrap().status == 200).collect()
        };
        assert_eq!(open(&house), ["501", "502", "503", "504", "505"], "{flavour}");
        let change = |id: &str, body: Value| house.change_wiki("PATCH", &format!("/_standin/content/{id}"), &body);

        // Moved below a page that is left to another, archived, thrown away, purged, restricted, and opened.
        change("501", json!({ "parent": "507" }));
        change("502", json!({ "status": "archived" }));
        change("503", json!({ "status": "trashed" }));
        house.change_wiki("DELETE", "/_standin/content/504", &Value::Null);
        change("505", json!({ "read": { "users": ["mary"], "groups": [] } }));
        change("506", json!({ "read": { "users": [], "groups": [] } }));
        house.refresh();
        assert_eq!(open(&house), ["506"], "{flavour}");

        // And back, as far as there is a way back.
        change("501", json!({ "parent": null }));
        change("502", json!({ "status": "current" }));
        change("503", json!({ "status": "current" }));
        change("505", json!({ "read": { "users": [], "groups": [] } }));
        house.refresh();
        assert_eq!(open(&house), ["501", "502", "503", "505", "506"], "{flavour}");
    }
}
