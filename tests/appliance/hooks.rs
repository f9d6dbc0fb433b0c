//! What is new at the wiki is looked at within seconds: by its webhooks, its search and its audit log.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use sotto::app::nouns::{Clock, Mode, State};

use crate::support::{Appliance, Parts, Site};

const SECRET: &str = "the secret that the administrator entered";

/// An appliance that has the secret, on demand only: whatever it reads by itself, it reads because it was told.
fn house() -> Appliance {
    house_of(Parts::plain())
}

fn house_of(parts: Parts) -> Appliance {
    let house = Appliance::made_of(parts, &Site::two_projects(), |settings| {
        let file = settings.data.folder.with_file_name("webhook");
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        settings.source[0].webhook_secret_file = Some(file);
    });
    house.refresh();
    house
}

fn post(house: &Appliance, path: &str, signature: Option<&str>, body: &str) -> u16 {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(signature.map(|signature| ("x-hub-signature".to_owned(), signature.to_owned())));
    house.browser().send_raw("POST", path, &headers, body.as_bytes().to_vec()).unwrap().status
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn may_open(house: &Appliance, person: &str, id: &str) -> bool {
    house.sign_in(person).send("GET", &format!("/api/v1/documents/wiki:{id}"), None).unwrap().status == 200
}

#[test]
fn a_restriction_is_in_force_soon_after_the_wiki_said_so() {
    let house = house();
    assert!(may_open(&house, "mateo", "101") && may_open(&house, "mary", "101"));
    house.change_wiki("PATCH", "/_standin/content/101", &json!({ "read": { "users": ["mary"], "groups": [] } }));

    let event = json!({ "timestamp": 1, "event": "content_permissions_updated", "content": { "id": 101 } }).to_string();
    assert_eq!(post(&house, "/hooks/wiki", Some(&signed(SECRET, &event)), &event), 204);

    house.wait_until("it is in force", |house| !may_open(house, "mateo", "101"));
    assert!(may_open(&house, "mary", "101"));
    let run = house.app().overview_as_owner().unwrap().sources[0].status.runs[0].clone();
    assert_eq!((run.mode, run.only), (Mode::News, vec!["HR".to_owned()]));
}

#[test]
fn a_page_that_the_wiki_says_is_in_the_trash_goes_and_stays_gone() {
    let house = house();
    house.change_wiki("DELETE", "/_standin/content/101", &json!({}));

    let event = json!({ "event": "page_trashed", "page": { "id": 101, "spaceKey": "HR" } }).to_string();
    assert_eq!(post(&house, "/hooks/wiki", Some(&signed(SECRET, &event)), &event), 204);

    house.wait_until("a whole run has taken it out", |house| {
        let runs = house.app().overview_as_owner().unwrap().sources[0].status.runs.clone();
        runs.first().is_some_and(|run| run.mode == Mode::Changes && run.ended.is_some() && run.removed == 1)
    });
    assert!(!may_open(&house, "mateo", "101"));
}

#[test]
fn what_was_acknowledged_while_the_wiki_was_away_is_looked_at_when_it_answers_again() {
    let clock = Clock::held(Clock::System.now());
    let house = house_of(Parts { clock: clock.clone(), ..Parts::plain() });
    house.change_wiki("PATCH", "/_standin/content/101", &json!({ "read": { "users": ["mary"], "groups": [] } }));
    house.change_wiki("PUT", "/_standin/faults", &json!(["away"]));
    let runs = |house: &Appliance| house.app().overview_as_owner().unwrap().sources[0].status.runs.clone();
    let before = runs(&house)[0].number;

    let event = json!({ "event": "content_permissions_updated", "content": { "id": 101 } }).to_string();
    assert_eq!(post(&house, "/hooks/wiki", Some(&signed(SECRET, &event)), &event), 204);
    house.wait_until("the look has failed", |house| runs(house)[0].state == State::Failed);
    house.change_wiki("PUT", "/_standin/faults", &json!([]));
    clock.advance(61_000);

    house.wait_until("it is in force", |house| !may_open(house, "mateo", "101"));
    assert_eq!(runs(&house)[0].number, before + 2, "it waited a minute, and was not tried all the time");
}

#[test]
fn whoever_does_not_know_the_secret_is_not_heard() {
    let house = house();
    let event = json!({ "event": "page_updated", "page": { "id": 101 } }).to_string();
    let good = signed(SECRET, &event);

    assert_eq!(post(&house, "/hooks/wiki", None, &event), 401);
    assert_eq!(post(&house, "/hooks/wiki", Some(&signed("a guess", &event)), &event), 401);
    assert_eq!(post(&house, "/hooks/wiki", Some(&good), &event.replace("101", "102")), 401);
    assert_eq!(post(&house, "/hooks/wiki", Some(&signed(SECRET, "[]")), "[]"), 400);
    assert_eq!(post(&house, "/hooks/nowhere", Some(&good), &event), 404);
    assert_eq!(
        post(&Appliance::with(&Site::two_projects()), "/hooks/wiki", Some(&good), &event),
        404,
        "it has no secret"
    );
}

#[test]
fn each_flavour_tells_what_is_new_by_its_search() {
    for flavour in ["dc-10", "dc-7.19", "cloud"] {
        let house = Appliance::made_of(Parts { flavour, ..Parts::plain() }, &Site::two_projects(), |_| {});
        house.refresh();
        assert_eq!(house.sync(Mode::News), State::Succeeded, "{flavour}");
        let before = house.wiki_log().len();

        house.change_wiki("PATCH", "/_standin/content/101", &json!({ "body": "<p>The heron is 31 years old.</p>" }));
        assert_eq!(house.sync(Mode::News), State::Succeeded, "{flavour}");

        let run = house.app().overview_as_owner().unwrap().sources[0].status.runs[0].clone();
        assert_eq!((run.changed, run.only), (1, vec!["HR".to_owned()]), "{flavour}");
        let asked: Vec<String> = house.wiki_log()[before..].iter().map(|line| line["path"].to_string()).collect();
        assert!(!asked.iter().any(|path| path.contains("ACME")), "{flavour}: no other space was listed: {asked:?}");
    }
}

#[test]
fn a_date_in_the_hour_that_summer_time_leaves_out_is_asked_for_an_hour_earlier() {
    let house = Appliance::with(&Site::two_projects());
    let hour = || Clock::System.now().rfc3339()[..13].to_owned();
    let began = hour();
    house.change_wiki("PUT", "/_standin/faults", &json!(["date-gap"]));
    for round in 0..2 {
        let body = format!("<p>The heron is {} years old.</p>", 31 + round);
        house.change_wiki("PATCH", "/_standin/content/101", &json!({ "body": body }));
        assert_eq!(house.sync(Mode::News), State::Succeeded);
        assert_eq!(house.app().overview_as_owner().unwrap().sources[0].status.runs[0].changed, 1);
    }
    let refused = house.wiki_log().iter().filter(|line| line["status"] == 400).count();
    // Where the hour turned meanwhile, the date may have been in the other one from the start.
    assert!(refused > 0 || hour() != began, "no date was refused");
}

#[test]
fn who_left_a_group_loses_what_it_gave_when_the_audit_log_says_so() {
    let house = Appliance::with(&Site::two_projects());
    assert!(may_open(&house, "mary", "301"));

    house.change_wiki("PATCH", "/_standin/groups/acme-team", &json!({ "members": [] }));
    assert_eq!(house.sync(Mode::News), State::Succeeded);

    assert!(!may_open(&house, "mary", "301"));
}
