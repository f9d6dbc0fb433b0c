//! Sources that are made on the desk: in force without a restart, their secrets sealed, and gone with all they brought.

use std::time::Instant;

use serde_json::{Value, json};
use sotto::standin::browser::Browser;

use crate::support::{Appliance, CRAWLER_TOKEN, PATIENCE, Site, assert_nowhere, put};

const SOURCES: &str = "/api/v1/admin/sources";

fn send(browser: &mut Browser, method: &'static str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let heard = browser.send(method, &format!("{SOURCES}{path}"), body).unwrap();
    (heard.status, if heard.text.is_empty() { Value::Null } else { heard.json() })
}

/// An appliance whose file has no source, and whose administrator knows a wiki.
fn house() -> Appliance {
    Appliance::without_sync(&Site::two_projects(), |settings| settings.source.clear())
}

fn wanted(house: &Appliance, more: &Value) -> Value {
    let mut settings = json!({"kind": "confluence", "url": house.confluence.url(), "user": "sotto-crawler", "every_minutes": 60,
                              "news_minutes": 0, "removal_guard_percent": 100});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"name": "wiki", "settings": settings, "secrets": {"token": CRAWLER_TOKEN}})
}

/// Makes it, and waits until it was read.
fn made(house: &Appliance, ana: &mut Browser, more: &Value) {
    let (status, answer) = send(ana, "POST", "", Some(&wanted(house, more)));
    assert_eq!((status, answer), (201, Value::Null));
    after_run(ana, 1);
}

/// Waits until as many runs have ended.
fn after_run(ana: &mut Browser, number: u64) -> Value {
    let began = Instant::now();
    loop {
        let (_, detail) = send(ana, "GET", "/wiki", None);
        if detail["at_work"] == "no" && detail["run"]["number"].as_u64() >= Some(number) {
            return detail;
        }
        assert!(began.elapsed() < PATIENCE, "the run does not end: {detail}");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

fn opens(house: &Appliance, person: &str, id: &str) -> u16 {
    house.sign_in(person).send("GET", &format!("/api/v1/documents/wiki:{id}"), None).unwrap().status
}

#[test]
fn a_source_made_on_the_desk_is_read_at_once_and_its_secret_is_nowhere_in_clear() {
    let house = house();
    let mut ana = house.sign_in("ana");

    made(&house, &mut ana, &json!({"without_spaces": ["ACME"]}));

    let (_, detail) = send(&mut ana, "GET", "/wiki", None);
    assert_eq!((&detail["locked_by"], &detail["entered"]), (&Value::Null, &json!(["token"])), "{detail}");
    assert_eq!(detail["values"]["without_spaces"], json!(["ACME"]));
    assert_eq!((&detail["documents"], &detail["run"]["state"]), (&json!(2), &json!("succeeded")), "{detail}");
    assert!(detail["upcoming"][0]["at"].is_string() && !detail.to_string().contains(CRAWLER_TOKEN), "{detail}");
    assert_eq!(
        (opens(&house, "mateo", "101"), opens(&house, "mateo", "201"), opens(&house, "mary", "301")),
        (200, 200, 404)
    );
    assert_eq!(house.audited("source_set"), 1);
    let leaf = house.audit_lines().into_iter().find(|line| line.contains("source_set")).unwrap();
    assert!(leaf.contains("without_spaces") && leaf.contains("\"token\"") && !leaf.contains("ACME"), "{leaf}");

    let house = house.restart();
    assert_eq!(opens(&house, "mateo", "101"), 200, "it is there after a restart");
    house.sign_in("ana").send("POST", &format!("{SOURCES}/wiki/sync"), None).unwrap();
    after_run(&mut house.sign_in("ana"), 2);
    assert_eq!(
        send(&mut house.sign_in("ana"), "GET", "/wiki", None).1["run"]["state"],
        "succeeded",
        "and its token opens"
    );
    assert_nowhere(house.folder(), CRAWLER_TOKEN);
}

#[test]
fn what_is_changed_is_in_force_without_a_restart_and_counted_before_it_is_kept() {
    let house = house();
    let mut ana = house.sign_in("ana");
    made(&house, &mut ana, &json!({}));
    let (_, before) = send(&mut ana, "GET", "/wiki", None);
    assert_eq!(before["documents"], 3);
    let narrower = json!({"settings": {"spaces": ["HR"], "every_minutes": 7, "removal_guard_percent": 20}});

    let (status, counted) = send(&mut ana, "POST", "/wiki/preview", Some(&narrower));
    assert_eq!(status, 200, "{counted}");
    assert_eq!((counted["spaces"].as_array().unwrap().len(), &counted["spaces"][0]["taken"]["pages"]), (1, &json!(1)));
    assert_eq!(send(&mut ana, "GET", "/wiki", None).1["values"]["spaces"], json!([]), "to count keeps nothing");

    assert_eq!(send(&mut ana, "PATCH", "/wiki", Some(&narrower)).0, 204);
    let detail = after_run(&mut ana, 2);
    assert_eq!((&detail["documents"], &detail["values"]["spaces"]), (&json!(1), &json!(["HR"])), "{detail}");
    assert_eq!(
        (&detail["values"]["every_minutes"], &detail["values"]["removal_guard_percent"]),
        (&json!(7), &json!(20))
    );
    assert_eq!((opens(&house, "mateo", "101"), opens(&house, "mateo", "201")), (200, 404));

    assert_eq!(
        send(&mut ana, "PATCH", "/wiki", Some(&json!({"settings": {"spaces": null, "cql": "type = page"}}))).0,
        204
    );
    let detail = after_run(&mut ana, 3);
    assert_eq!((&detail["documents"], &detail["values"]["cql"]), (&json!(3), &json!("type = page")), "{detail}");
    assert_eq!(house.audited("source_set"), 3, "each change is on record once");
}

#[test]
fn a_source_that_is_removed_answers_nothing_at_once_and_leaves_nothing_but_its_ended_facts() {
    let house = house();
    let mut ana = house.sign_in("ana");
    made(&house, &mut ana, &json!({}));
    let (_, groups) = (0, ana.json("/api/v1/admin/aliases").unwrap());
    assert!(!groups["aliases"].as_array().unwrap().is_empty(), "{groups}");

    assert_eq!(send(&mut ana, "DELETE", "/wiki", None).0, 202);

    assert_eq!(opens(&house, "mateo", "101"), 404);
    let found = house.sign_in("mateo").send("POST", "/api/v1/search", Some(&json!({"query": "annual leave"}))).unwrap();
    assert_eq!(found.json()["results"], json!([]));
    assert_eq!(send(&mut ana, "GET", "/wiki", None).0, 404);
    house.wait_until("its documents have gone", |house| house.audited("source_gone") == 1);
    house.wait_until("its name is free", |_| {
        let overview = house.app().overview_as_owner().unwrap();
        overview.documents == 0 && overview.sources.is_empty()
    });
    assert!(ana.json("/api/v1/admin/aliases").unwrap()["aliases"].as_array().unwrap().is_empty());
    let leaf = house.audit_lines().into_iter().find(|line| line.contains("source_gone")).unwrap();
    assert!(leaf.contains("\"documents\":3"), "{leaf}");
    assert_eq!(send(&mut ana, "DELETE", "/wiki", None).0, 404);

    // The name can be taken again, and nothing of the first one is left in the way.
    let began = Instant::now();
    while send(&mut ana, "POST", "", Some(&wanted(&house, &json!({})))).0 != 201 {
        assert!(began.elapsed() < PATIENCE, "the name does not become free");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    assert_eq!(after_run(&mut ana, 1)["documents"], 3);
    assert_eq!(opens(&house, "mateo", "101"), 200);
}

#[test]
fn a_removal_that_a_stop_broke_off_is_gone_on_with_after_the_restart() {
    let house = house();
    let mut ana = house.sign_in("ana");
    made(&house, &mut ana, &json!({}));

    assert_eq!(send(&mut ana, "DELETE", "/wiki", None).0, 202);
    let house = house.restart();

    assert_eq!(opens(&house, "mateo", "101"), 404);
    house.wait_until("its documents have gone", |house| house.app().overview_as_owner().unwrap().documents == 0);
}

#[test]
fn a_source_of_the_settings_file_is_locked_and_says_where_it_is_changed() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");

    for (method, path, body) in [
        ("PATCH", "/wiki", Some(json!({"settings": {"spaces": ["HR"]}}))),
        ("DELETE", "/wiki", None),
        ("POST", "", Some(wanted(&house, &json!({})))),
        ("POST", "/wiki/preview", Some(json!({"settings": {"spaces": ["HR"]}}))),
    ] {
        let (status, problem) = send(&mut ana, method, path, body.as_ref());
        assert_eq!(status, 409, "{method} {path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains("settings file"), "{problem}");
    }
    let (_, detail) = send(&mut ana, "GET", "/wiki", None);
    assert_eq!((&detail["locked_by"], &detail["values"]), (&json!("file"), &Value::Null));
    assert_eq!((house.audited("source_set"), opens(&house, "mateo", "201")), (0, 200));
}

#[test]
fn what_does_not_fit_is_said_by_its_key_and_nothing_is_made() {
    let house = house();
    let mut ana = house.sign_in("ana");
    let why = |ana: &mut Browser, sent: Value| {
        let (status, problem) = send(ana, "POST", "", Some(&sent));
        assert_eq!(status, 400, "{problem}");
        problem["detail"].as_str().unwrap().to_owned()
    };

    for (more, word) in [
        (json!({"titles": ["("]}), "titles"),
        (json!({"spces": []}), "spces"),
        (json!({"schedule": [{"cron": "sometimes", "mode": "full"}]}), "schedule"),
        (json!({"token_file": "/etc/hostname"}), "desk_files"),
        (json!({"url": "ftp://wiki.example.com"}), "http"),
        (json!({"fields": {"names": {"labels": "authors"}}}), "authors"),
    ] {
        let said = why(&mut ana, wanted(&house, &more));
        assert!(said.contains(word), "{more}: {said}");
    }
    let mut without = wanted(&house, &json!({}));
    without.as_object_mut().unwrap().remove("secrets");
    assert!(why(&mut ana, without).contains("token"));
    let mut odd = wanted(&house, &json!({}));
    odd["name"] = json!("My Wiki");
    assert!(why(&mut ana, odd).contains("name"));
    assert_eq!(ana.json(SOURCES).unwrap()["sources"], json!([]));
    assert_eq!(house.audited("source_set"), 0);
}

#[test]
fn a_secret_is_not_sent_to_an_address_it_was_not_entered_for() {
    let house = house();
    let mut ana = house.sign_in("ana");
    made(&house, &mut ana, &json!({}));
    let elsewhere = json!({"settings": {"url": "http://127.0.0.1:9"}});

    let (status, problem) = send(&mut ana, "PATCH", "/wiki", Some(&elsewhere));
    let (_, checked) = send(&mut ana, "POST", "/wiki/check", Some(&elsewhere));

    assert_eq!(status, 400, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("token"), "{problem}");
    assert_eq!(checked["findings"][0]["code"], "settings", "{checked}");
    let both = json!({"settings": {"url": "http://127.0.0.1:9"}, "secrets": {"token": "another"}});
    assert_eq!(send(&mut ana, "PATCH", "/wiki", Some(&both)).0, 204, "who enters it again may");
}

#[test]
fn files_are_named_on_the_desk_below_the_folder_that_the_owner_gave_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    put(&token, CRAWLER_TOKEN);
    let house = Appliance::without_sync(&Site::two_projects(), |settings| {
        settings.source.clear();
        settings.data.desk_files = Some(folder.path().to_owned());
    });
    let mut ana = house.sign_in("ana");
    let mut by_path = wanted(&house, &json!({ "token_file": token }));
    by_path.as_object_mut().unwrap().remove("secrets");

    assert_eq!(send(&mut ana, "POST", "", Some(&by_path)).0, 201);
    after_run(&mut ana, 1);
    assert_eq!(opens(&house, "mateo", "101"), 200);

    let (status, problem) =
        send(&mut ana, "PATCH", "/wiki", Some(&json!({"settings": {"token_file": "/etc/hostname"}})));
    assert_eq!((status, problem["detail"].as_str().unwrap().contains("below")), (400, true), "{problem}");
}

#[test]
fn a_field_is_shown_and_narrows_a_search_under_the_name_the_company_knows_it_by() {
    let site = Site::two_projects().content(json!({
        "id": "140", "type": "page", "space": "HR", "parent": "101", "title": "Leave of 2026", "labels": ["policy"],
        "created_by": "mary", "body": "<p>Annual leave is 28 days in 2026 too.</p>"}));
    let house = Appliance::without_sync(&site, |settings| settings.source.clear());
    let mut ana = house.sign_in("ana");
    let names = json!({"labels": "Tags", "authors": "owner", "created": "made", "parent": "below", "title": "heading"});
    made(&house, &mut ana, &json!({"fields": {"authors": "creator", "names": names}}));
    let search = |fields: Value| {
        let body = json!({"query": "annual leave days", "fields": fields});
        house.sign_in("mateo").send("POST", "/api/v1/search", Some(&body)).unwrap()
    };
    let found = |fields: Value| -> Vec<String> {
        let heard = search(fields);
        assert_eq!(heard.status, 200, "{}", heard.text);
        let results = heard.json()["results"].as_array().unwrap().clone();
        results.iter().map(|one| one["document_id"].as_str().unwrap().to_owned()).collect()
    };

    assert_eq!(found(json!({})).len(), 2);
    for fields in [
        json!({"tags": ["policy"]}),
        json!({"owner": ["mary"]}),
        json!({"below": ["wiki:101"]}),
        json!({"Tags": ["policy"], "owner": ["mary"], "made": {"after": "2000-01-01T00:00:00Z"}}),
    ] {
        assert_eq!(found(fields.clone()), ["wiki:140"], "{fields}");
    }
    assert!(found(json!({"space": ["ANY"]})).is_empty());
    for (fields, word) in [(json!({"labels": ["policy"]}), "labels"), (json!({"heading": ["x"]}), "narrows no search")]
    {
        let refused = search(fields);
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains(word), "{}", refused.text);
    }
    let opened = house.sign_in("mateo").json("/api/v1/documents/wiki:140").unwrap();
    let shown = |name: &str| opened["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).cloned();
    assert_eq!(shown("Tags").unwrap()["values"], json!(["policy"]), "{opened}");
    assert_eq!(shown("owner").unwrap()["values"], json!(["mary"]), "{opened}");
    assert_eq!(shown("below").unwrap()["values"], json!(["Annual leave"]), "{opened}");
    assert!(shown("labels").is_none());

    // Not kept any more: it is neither shown nor narrows anything, from the next run on.
    let changed = json!({"settings": {"fields": {"labels": false, "parent": false, "authors": "none"}}});
    assert_eq!(send(&mut ana, "PATCH", "/wiki", Some(&changed)).0, 204);
    after_run(&mut ana, 2);
    let opened = house.sign_in("mateo").json("/api/v1/documents/wiki:140").unwrap();
    let names: Vec<&str> =
        opened["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["title", "created", "updated", "space", "type", "version", "url"], "{opened}");
    assert_eq!(search(json!({"tags": ["policy"]})).status, 400);
    assert_eq!(opens(&house, "mateo", "140"), 200, "its way up still decides who may read it, kept or not");
}

#[test]
fn a_page_of_the_desk_that_asks_again_every_few_seconds_is_one_look_on_record() {
    let house = Appliance::with(&Site::two_projects());
    let (mut ana, before) = (house.sign_in("ana"), house.audited("desk"));

    for _ in 0..5 {
        send(&mut ana, "GET", "/wiki", None);
        send(&mut ana, "GET", "/wiki/runs", None);
    }

    assert_eq!(house.audited("desk") - before, 2, "one of the source, one of its runs");
    send(&mut ana, "POST", "/wiki/check", None);
    send(&mut ana, "POST", "/wiki/check", None);
    assert_eq!(house.audited("desk") - before, 4, "what somebody does is on record each time");
}
