//! Applications and seats: who may use what, what a seat lets one do, and what goes when it is taken.

use std::sync::Arc;

use serde_json::{Value, json};
use sotto::app::nouns::{Clock, Moment};
use sotto::config::Settings;
use sotto::standin::browser::Browser;

use crate::support::{Appliance, Gate, Parts, Site, claims};

const LEAVE: &str = "How many days of annual leave does an employee have?";
const TEAM: &str = "Who leads the AnyOrg team?";

fn post(ana: &mut Browser, path: &str, body: &Value) -> Value {
    let heard = ana.send("POST", path, Some(body)).unwrap();
    assert!(heard.status < 300, "{path}: {}", heard.text);
    heard.json()
}

fn patch(ana: &mut Browser, id: &str, body: &Value) -> Value {
    let heard = ana.send("PATCH", &format!("/api/v1/admin/applications/{id}"), Some(body)).unwrap();
    assert_eq!(heard.status, 200, "{}", heard.text);
    heard.json()
}

fn group_id(ana: &mut Browser, name: &str) -> String {
    let found = ana.json(&format!("/api/v1/admin/groups?query={name}")).unwrap();
    found["groups"][0]["id"].as_str().unwrap().to_owned()
}

/// Makes an application for these people; its id.
fn made_for(house: &Appliance, ana: &mut Browser, title: &str, people: &[&str]) -> String {
    let made = post(ana, "/api/v1/admin/applications", &json!({ "title": title }));
    let id = made["id"].as_str().unwrap().to_owned();
    let people: Vec<String> = people.iter().map(|name| house.person_id(name)).collect();
    post(ana, "/api/v1/admin/assignments", &json!({ "application": id, "people": people }));
    id
}

fn seat(house: &Appliance, ana: &mut Browser, deed: &str, who: &[&str]) -> Value {
    let people: Vec<String> = who.iter().map(|name| house.person_id(name)).collect();
    post(ana, "/api/v1/admin/seats", &json!({ "deed": deed, "people": people }))
}

fn make_reader(house: &Appliance, ana: &mut Browser, who: &str) {
    let body = json!({ "deed": "subscribe", "tier": "reader", "people": [house.person_id(who)] });
    post(ana, "/api/v1/admin/seats", &body);
}

fn sign_in_is_refused(house: &Appliance, who: &str) -> bool {
    house.browser().sign_in("company", who).is_err()
}

#[test]
fn with_one_application_nobody_meets_the_word_and_everybody_has_one_full_seat() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let me = mateo.json("/api/v1/me").unwrap();

    assert_eq!((&me["application"]["id"], me["applications"].as_array().unwrap().len()), (&json!("default"), 1));
    assert_eq!(me["tier"], "full");
    house.wait_until("it is known since when", |house| {
        let seats = house.sign_in("ana").json("/api/v1/admin/seats").unwrap();
        assert_eq!((&seats["seats"], &seats["full"], &seats["readers"]), (&json!(3), &json!(3), &json!(0)), "{seats}");
        seats["people"].as_array().unwrap().iter().all(|one| one["since_at"].is_string())
    });
}

#[test]
fn who_has_several_applications_chooses_and_has_one_seat() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    let desk = made_for(&house, &mut ana, "HR desk", &["mateo"]);
    let sent = json!({ "welcome": "Ask about leave.", "questions": ["How much leave do I get?"] });
    patch(&mut ana, &desk, &sent);
    let mut mateo = house.sign_in("mateo");

    let me = mateo.json("/api/v1/me?application=hr-desk").unwrap();
    let answer = mateo.ask(&json!({ "question": LEAVE, "application": "hr-desk" })).unwrap().pop().unwrap().data;

    let ids: Vec<&str> = me["applications"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["default", "hr-desk"]);
    assert_eq!((&me["application"]["welcome"], &me["examples"][0]), (&sent["welcome"], &sent["questions"][0]));
    assert!(claims(&answer).concat().contains("28 days"), "{answer}");
    let listed = mateo.json("/api/v1/conversations").unwrap();
    assert_eq!(listed["conversations"][0]["application"], "hr-desk", "a conversation remembers its application");
    assert_eq!(ana.json("/api/v1/admin/seats").unwrap()["seats"], 3, "a person is counted once");
    // It goes on in the one it was begun in, and in no other.
    let next = json!({ "question": LEAVE, "conversation_id": answer["conversation_id"] });
    assert_eq!(mateo.send("POST", "/api/v1/ask", Some(&next)).unwrap().status, 200);
    let other = json!({ "question": LEAVE, "conversation_id": answer["conversation_id"], "application": "default" });
    assert_eq!(mateo.send("POST", "/api/v1/ask", Some(&other)).unwrap().status, 400);
}

#[test]
fn an_application_that_is_not_ones_own_is_not_there() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    let desk = made_for(&house, &mut ana, "HR desk", &["mateo"]);
    let mut mary = house.sign_in("mary");

    for id in [desk.as_str(), "never", "No Id"] {
        let asked = mary.send("POST", "/api/v1/ask", Some(&json!({ "question": LEAVE, "application": id }))).unwrap();
        let searched = mary.send("POST", "/api/v1/search", Some(&json!({ "query": "leave", "application": id })));
        assert_eq!((asked.status, searched.unwrap().status), (404, 404), "{id}");
    }
    for path in ["/api/v1/admin/applications", "/api/v1/admin/seats", "/admin/applications", "/admin/seats"] {
        assert_eq!(mary.send("GET", path, None).unwrap().status, 404, "{path}");
    }
}

#[test]
fn the_sources_of_an_application_narrow_search_answers_pages_and_suggestions_and_widen_nothing() {
    let house = Appliance::with_settings(&Site::two_projects(), |settings| {
        // A second source of the same wiki, which is never read: an application that may use it alone finds nothing.
        let mut other = settings.source[0].clone();
        other.name = sotto::app::nouns::SourceId::parse("other").unwrap();
        settings.source.push(other);
    });
    let mut ana = house.sign_in("ana");
    let id = made_for(&house, &mut ana, "Elsewhere", &["mateo"]);
    let mut mateo = house.sign_in("mateo");
    let finds = |mateo: &mut Browser, of: &str| {
        let body = json!({ "query": "annual leave", "application": of });
        let found = mateo.send("POST", "/api/v1/search", Some(&body)).unwrap().json();
        let opened = mateo.send("GET", &format!("/api/v1/documents/wiki:101?application={of}"), None).unwrap().status;
        let why = mateo.send("GET", &format!("/api/v1/documents/wiki:101/access?application={of}"), None).unwrap();
        let me = mateo.json(&format!("/api/v1/me?application={of}")).unwrap();
        let spaces = me["spaces"].as_array().unwrap().len();
        let answer = mateo.ask(&json!({ "question": LEAVE, "application": of })).unwrap().pop().unwrap().data;
        (found["results"].as_array().unwrap().len(), opened, why.status, spaces, answer["outcome"].clone(), answer)
    };
    let whole = finds(&mut mateo, &id);
    assert_eq!((whole.0 > 0, whole.1, whole.2, whole.3), (true, 200, 200, 2), "{}", whole.5);

    patch(&mut ana, &id, &json!({ "sources": ["other"] }));

    let narrowed = finds(&mut mateo, &id);
    assert_eq!((narrowed.0, narrowed.1, narrowed.2, narrowed.3), (0, 404, 404, 0), "{}", narrowed.5);
    assert_eq!(narrowed.4, "refused");
    let path = format!("/api/v1/conversations/{}", whole.5["conversation_id"].as_str().unwrap());
    assert!(!mateo.send("GET", &path, None).unwrap().text.contains("28 days"), "old answers are narrowed too");
    assert_eq!(finds(&mut mateo, "default").1, 200, "another application is not touched");
    patch(&mut ana, &id, &json!({ "sources": ["wiki"] }));
    let again = finds(&mut mateo, &id);
    assert_eq!((again.1, again.3), (200, 2));
    let hers = mateo.send("GET", &format!("/api/v1/documents/wiki:301?application={id}"), None).unwrap();
    assert_eq!(hers.status, 404, "a source that may be used opens no page that one may not");
    let wrong = ana.send("PATCH", &format!("/api/v1/admin/applications/{id}"), Some(&json!({ "sources": ["wikki"] })));
    assert!(wrong.unwrap().text.contains("there is no source wikki"));
}

#[test]
fn the_default_application_is_everybodys_until_it_is_narrowed_and_who_is_left_out_is_out_at_once() {
    let house = Appliance::with(&Site::two_projects());
    let (mut ana, mut mary) = (house.sign_in("ana"), house.sign_in("mary"));
    let team = group_id(&mut ana, "anyorg-team");
    let ours = json!({ "application": "default", "groups": [team], "people": [house.person_id("ana")] });
    post(&mut ana, "/api/v1/admin/assignments", &ours);
    assert_eq!(mary.json("/api/v1/me").unwrap()["application"]["id"], "default");

    let narrowed = post(
        &mut ana,
        "/api/v1/admin/assignments",
        &json!({ "application": "default", "everybody": true, "remove": true }),
    );

    assert_eq!(narrowed["changed"][0]["receipt"]["leaf_hash"].as_str().unwrap().len(), 64);
    assert_eq!(mary.send("GET", "/api/v1/me", None).unwrap().status, 401, "her session has ended");
    assert!(sign_in_is_refused(&house, "mary"));
    assert_eq!(house.sign_in("mateo").json("/api/v1/me").unwrap()["application"]["id"], "default");
    let detail = ana.json("/api/v1/admin/applications/default").unwrap();
    assert_eq!(detail["members"], 2, "{detail}");
    let own = json!({ "application": "default", "people": [house.person_id("ana")], "remove": true });
    let refused = ana.send("POST", "/api/v1/admin/assignments", Some(&own)).unwrap();
    assert!(refused.status == 400 && refused.text.contains("your own last application"), "{}", refused.text);
    assert_eq!((house.audited("assigned"), house.audited("unassigned")), (2, 1));
}

#[test]
fn a_reader_asks_and_searches_and_is_refused_the_export_that_a_full_seat_has() {
    let house = Appliance::with(&Site::two_projects());
    let (mut ana, mut mateo) = (house.sign_in("ana"), house.sign_in("mateo"));
    let answer = house.ask(&mut mateo, LEAVE);
    let path = format!("/api/v1/conversations/{}/export?format=md", answer["conversation_id"].as_str().unwrap());
    assert_eq!(mateo.send("GET", &path, None).unwrap().status, 200);

    make_reader(&house, &mut ana, "mateo");

    let refused = mateo.send("GET", &path, None).unwrap();
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("not_in_seat")), "{}", refused.text);
    assert!(!refused.text.contains("28 days"));
    assert!(claims(&house.ask(&mut mateo, LEAVE)).concat().contains("28 days"), "a reader asks");
    let searched = mateo.send("POST", "/api/v1/search", Some(&json!({ "query": "annual leave" }))).unwrap();
    assert_eq!(searched.status, 200, "a reader searches");
    let me = mateo.json("/api/v1/me").unwrap();
    assert_eq!((&me["tier"], &me["retention_days"]), (&json!("reader"), &json!(7)));
    let seats = ana.json("/api/v1/admin/seats?tier=reader").unwrap();
    assert_eq!((&seats["readers"], &seats["full"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&seats["people"][0]["user_name"], &seats["people"][0]["by"]),
        (&json!("mateo"), &json!("administrator"))
    );
    assert!(seats["people"][0]["used_at"].is_string(), "{seats}");
}

#[test]
fn conversations_go_when_their_application_or_a_readers_seat_lets_them_go() {
    let clock = Clock::held(Moment::from_ms(1_795_000_000_000));
    let parts = Parts { clock: clock.clone(), ..Parts::plain() };
    let house = Appliance::made_of(parts, &Site::two_projects(), |settings| {
        // The clock is moved by weeks: nobody is to be signed out by it.
        settings.session.idle_minutes = 10_000_000;
        settings.session.age_hours = 1_000_000;
    });
    house.refresh();
    let mut ana = house.sign_in("ana");
    let desk = made_for(&house, &mut ana, "HR desk", &["mary"]);
    patch(&mut ana, &desk, &json!({ "days": 6 }));
    make_reader(&house, &mut ana, "mateo");
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));
    house.ask(&mut mateo, LEAVE);
    house.ask(&mut mary, LEAVE);
    mary.ask(&json!({ "question": LEAVE, "application": desk })).unwrap();
    let kept =
        |who: &mut Browser| who.json("/api/v1/conversations").unwrap()["conversations"].as_array().unwrap().len();
    assert_eq!((kept(&mut mateo), kept(&mut mary)), (1, 2));

    let day_ms = 24 * 60 * 60 * 1000;
    clock.advance(6 * day_ms);
    house.wait_until("the application's is gone", |house| house.audited("key_forgotten") == 1);
    assert_eq!((kept(&mut mateo), kept(&mut mary)), (1, 1), "six days are not a reader's seven");
    let listed = mary.json("/api/v1/conversations").unwrap();
    assert_eq!(listed["conversations"][0]["application"], "default", "where no days are said it is kept: {listed}");

    clock.advance(day_ms);
    house.wait_until("the reader's is gone", |house| house.audited("key_forgotten") == 2);
    assert_eq!((kept(&mut mateo), kept(&mut mary)), (0, 1));
}

#[test]
fn unsubscribing_keeps_the_person_and_their_conversations_and_lets_them_in_no_more_until_they_have_a_seat_again() {
    let house = Appliance::with(&Site::two_projects());
    let (mut ana, mut mateo, mut mary) = (house.sign_in("ana"), house.sign_in("mateo"), house.sign_in("mary"));
    let answer = house.ask(&mut mateo, LEAVE);

    let done = seat(&house, &mut ana, "unsubscribe", &["mateo", "mary"]);

    let receipts = done["changed"].as_array().unwrap();
    assert_eq!(receipts.len(), 2, "in bulk, a receipt each: {done}");
    let lines = house.audit_lines().concat();
    for one in receipts {
        let hash = one["receipt"]["leaf_hash"].as_str().unwrap();
        let is_there = house.audit_lines().iter().skip(1).any(|line| leaf_hash(line) == hash);
        assert!(is_there, "the receipt is the hash of a leaf of the log");
    }
    assert_eq!(lines.matches("\"event\":\"unsubscribed\"").count(), 2);
    assert_eq!(mateo.send("GET", "/api/v1/me", None).unwrap().status, 401);
    assert_eq!(mary.send("GET", "/api/v1/me", None).unwrap().status, 401);
    assert!(sign_in_is_refused(&house, "mateo"));
    let seats = ana.json("/api/v1/admin/seats?state=unsubscribed").unwrap();
    assert_eq!((&seats["seats"], &seats["unsubscribed"]), (&json!(1), &json!(2)));
    assert_eq!(seats["people"][0]["applications"][0]["id"], "default", "they keep their assignments");

    seat(&house, &mut ana, "subscribe", &["mateo"]);
    let mut mateo = house.sign_in("mateo");
    let path = format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap());
    assert_eq!(mateo.send("GET", &path, None).unwrap().status, 200);

    let own = json!({ "deed": "unsubscribe", "people": [house.person_id("ana")] });
    assert_eq!(ana.send("POST", "/api/v1/admin/seats", Some(&own)).unwrap().status, 400, "nobody takes their own");
}

#[test]
fn unsubscribing_and_removing_takes_every_assignment_too() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    made_for(&house, &mut ana, "HR desk", &["mateo"]);

    let done = seat(&house, &mut ana, "remove", &["mateo"]);

    assert_eq!(done["changed"][0]["removed_from"], json!(["default", "hr-desk"]), "{done}");
    let seats = ana.json("/api/v1/admin/seats?state=unassigned").unwrap();
    assert_eq!((&seats["people"][0]["user_name"], &seats["people"][0]["applications"]), (&json!("mateo"), &json!([])));
    assert!(sign_in_is_refused(&house, "mateo"));
    // A seat alone brings nobody back.
    seat(&house, &mut ana, "subscribe", &["mateo"]);
    assert!(sign_in_is_refused(&house, "mateo"));
    let again = json!({ "application": "hr-desk", "people": [house.person_id("mateo")] });
    post(&mut ana, "/api/v1/admin/assignments", &again);
    assert_eq!(house.sign_in("mateo").json("/api/v1/me").unwrap()["application"]["id"], "hr-desk");
}

#[test]
fn deleting_an_application_destroys_its_conversations_and_gives_a_receipt() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    let desk = made_for(&house, &mut ana, "HR desk", &["mateo", "mary"]);
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));
    for who in [&mut mateo, &mut mary] {
        who.ask(&json!({ "question": LEAVE, "application": desk })).unwrap();
    }
    let other = house.ask(&mut mateo, TEAM);

    let gone = ana.send("DELETE", &format!("/api/v1/admin/applications/{desk}"), None).unwrap();

    assert_eq!(gone.status, 200, "{}", gone.text);
    let gone = gone.json();
    assert_eq!((&gone["assignments"], &gone["conversations"]), (&json!(2), &json!(2)), "{gone}");
    let hash = gone["receipt"]["leaf_hash"].as_str().unwrap();
    let leaf = house.audit_lines().into_iter().skip(1).find(|line| leaf_hash(line) == hash).unwrap();
    assert!(leaf.contains("application_deleted") && leaf.contains("\"conversations\":2"), "{leaf}");
    assert_eq!(house.audited("key_forgotten"), 2);
    let listed = mateo.json("/api/v1/conversations").unwrap();
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 1, "the default application's are untouched");
    assert_eq!(listed["conversations"][0]["conversation_id"], other["conversation_id"]);
    let asked = mateo.send("POST", "/api/v1/ask", Some(&json!({ "question": LEAVE, "application": desk }))).unwrap();
    assert_eq!(asked.status, 404);
    let again = ana.send("POST", "/api/v1/admin/applications", Some(&json!({ "title": "New", "id": desk }))).unwrap();
    assert_eq!(again.status, 400, "an id is not given twice");
    assert_eq!(ana.send("DELETE", "/api/v1/admin/applications/default", None).unwrap().status, 400);
}

#[test]
fn an_answer_that_is_being_written_stops_when_its_application_or_seat_is_lost() {
    type Deed = fn(&Appliance, &mut Browser);
    let taken: [(&str, Deed); 3] = [
        ("the seat is taken", |house, ana| drop(seat(house, ana, "unsubscribe", &["mateo"]))),
        ("the application is taken from them", |house, ana| {
            let body = json!({ "application": "hr-desk", "people": [house.person_id("mateo")], "remove": true });
            post(ana, "/api/v1/admin/assignments", &body);
        }),
        ("the application is deleted", |_, ana| {
            assert_eq!(ana.send("DELETE", "/api/v1/admin/applications/hr-desk", None).unwrap().status, 200);
        }),
    ];
    for (what, take) in taken {
        let gate = Arc::new(Gate::default());
        let parts = Parts { generate: Some(gate.clone()), ..Parts::plain() };
        let house = Appliance::made_of(parts, &Site::two_projects(), |_| {});
        house.refresh();
        let mut ana = house.sign_in("ana");
        made_for(&house, &mut ana, "HR desk", &["mateo"]);
        let mut mateo = house.sign_in("mateo");
        gate.shut();

        let body = json!({ "question": LEAVE, "application": "hr-desk" });
        let heard = std::thread::scope(|scope| {
            let asking = scope.spawn(|| mateo.send("POST", "/api/v1/ask", Some(&body)).unwrap());
            gate.wait();
            take(&house, &mut ana);
            gate.open();
            asking.join().unwrap()
        });

        assert!(!heard.text.contains("28 days"), "{what}, and it is still told: {}", heard.text);
        assert!(heard.text.contains("\"stopped\""), "{what}: {}", heard.text);
        let listed = mateo.send("GET", "/api/v1/conversations", None).unwrap();
        assert!(listed.status == 401 || listed.json()["conversations"] == json!([]), "{what}: {}", listed.text);
    }
}

#[test]
fn how_an_application_responds_is_its_own_and_counts_from_the_next_question_on() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");
    let desk = made_for(&house, &mut ana, "HR desk", &["mateo"]);
    let mut mateo = house.sign_in("mateo");
    let mut refusal = |of: &str, question: &str| {
        let body = json!({ "question": question, "application": of });
        mateo.ask(&body).unwrap().pop().unwrap().data["refusal"].clone()
    };
    assert_eq!(refusal(&desk, LEAVE), Value::Null);

    let topic = json!({ "name": "leave", "examples": [LEAVE], "rule": "allow", "groups": ["acme-team"] });
    let changed =
        patch(&mut ana, &desk, &json!({ "topics": [topic], "tone": "formal", "blocked_phrases": ["falcon"] }));

    assert_eq!((&changed["tone"], &changed["topics"][0]["name"]), (&json!("formal"), &json!("leave")));
    assert!(refusal(&desk, LEAVE).is_string(), "its topic is not for him");
    assert_eq!(refusal("default", LEAVE), Value::Null, "the other application has no such topic");
    assert!(refusal(&desk, "Where is the Falcon?").as_str().unwrap().contains("words that"));
    let wrong = json!({ "topics": [{ "name": "x", "examples": [], "rule": "allow" }] });
    let refused = ana.send("PATCH", &format!("/api/v1/admin/applications/{desk}"), Some(&wrong)).unwrap();
    assert!(refused.status == 400 && refused.text.contains("needs examples"), "{}", refused.text);
    let lines: Vec<String> =
        house.audit_lines().into_iter().filter(|line| line.contains("application_changed")).collect();
    assert_eq!(lines.len(), 1, "a change that was refused is none");
    assert!(lines[0].contains("blocked_phrases") && !lines[0].contains("falcon"), "{}", lines[0]);
}

#[test]
fn applications_of_the_settings_file_are_shown_locked_with_their_origin() {
    let text = r#"
        [[application]]
        title = "Ask"
        [[application]]
        id = "hr-desk"
        title = "HR desk"
        people = ["mary"]
        tier = "reader"
        sources = ["wiki"]
    "#;
    let read = Settings::parse(text).unwrap();
    let house =
        Appliance::with_settings(&Site::two_projects(), move |settings| settings.application = read.application);
    let mut ana = house.sign_in("ana");

    let detail = ana.json("/api/v1/admin/applications/hr-desk").unwrap();

    let origin = |key: &str| {
        let all = detail["origins"].as_array().unwrap();
        all.iter().find(|one| one["key"] == key).unwrap()["origin"].clone()
    };
    assert_eq!(
        (origin("title"), origin("assignment"), origin("tone")),
        (json!("file"), json!("file"), json!("default"))
    );
    assert_eq!((&detail["deletable"], &detail["assignments"][0]["user_name"]), (&json!(false), &json!("mary")));
    let mut mary = house.sign_in("mary");
    let me = mary.json("/api/v1/me?application=hr-desk").unwrap();
    assert_eq!(
        (&me["application"]["title"], &me["tier"]),
        (&json!("HR desk"), &json!("full")),
        "the better of two seats"
    );
    for (method, path, body) in [
        ("PATCH", "/api/v1/admin/applications/hr-desk", json!({ "title": "Mine" })),
        ("POST", "/api/v1/admin/assignments", json!({ "application": "hr-desk", "everybody": true })),
    ] {
        let refused = ana.send(method, path, Some(&body)).unwrap();
        assert!(refused.status == 400 && refused.text.contains("settings file"), "{}", refused.text);
    }
    assert_eq!(ana.send("DELETE", "/api/v1/admin/applications/hr-desk", None).unwrap().status, 400);
    patch(&mut ana, "hr-desk", &json!({ "tone": "formal" }));
    assert_eq!(house.sign_in("ana").json("/api/v1/admin/applications/hr-desk").unwrap()["tone"], "formal");
}

/// RFC 6962 §2.1.
fn leaf_hash(line: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::new()
        .chain_update([0])
        .chain_update(line.as_bytes())
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
