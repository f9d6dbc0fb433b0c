//! History: kept for its owner alone, over a restart, deletable, and one damaged record costs only itself.

use serde_json::json;

use crate::support::{Appliance, Site, claims};

const LEAVE: &str = "How many days of annual leave does an employee have?";

#[test]
fn a_conversation_is_there_again_after_a_restart() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let cookies = mateo.cookies();

    let house = house.restart();

    let mut mateo = house.browser();
    mateo.hold(cookies);
    let listed = mateo.json("/api/v1/conversations").unwrap();
    assert_eq!(listed["conversations"][0]["conversation_id"], answer["conversation_id"], "{listed}");
    let path = format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap());
    let recalled = mateo.json(&path).unwrap();
    assert_eq!(recalled["messages"][0]["question"], LEAVE);
    assert_eq!(claims(&recalled["messages"][0]["answer"]), claims(&answer));
    assert_eq!(recalled["messages"][0]["answer"]["sources"], answer["sources"]);
}

#[test]
fn nobody_else_opens_a_conversation_and_the_answer_is_that_of_a_missing_one() {
    let house = Appliance::with(&Site::two_projects());
    let (mut mateo, mut mary, mut ana) = (house.sign_in("mateo"), house.sign_in("mary"), house.sign_in("ana"));
    let answer = house.ask(&mut mateo, LEAVE);
    let his = answer["conversation_id"].as_str().unwrap().to_owned();
    let missing = "0".repeat(32);

    for who in [&mut mary, &mut ana] {
        for (method, tail, body) in [
            ("GET", "", None),
            ("PATCH", "", Some(json!({ "title": "Mine now" }))),
            ("DELETE", "", None),
            ("GET", "/export?format=md", None),
            ("POST", "/undo", None),
        ] {
            let mut hear = |id: &str| {
                let heard = who.send(method, &format!("/api/v1/conversations/{id}{tail}"), body.as_ref()).unwrap();
                let mut problem = heard.json();
                problem["request_id"] = json!(null);
                (heard.status, problem)
            };
            let (seen, absent) = (hear(&his), hear(&missing));
            assert_eq!((seen.0, &seen), (404, &absent), "{method} {tail}");
        }
        let asked =
            who.send("POST", "/api/v1/ask", Some(&json!({ "question": LEAVE, "conversation_id": his }))).unwrap();
        assert_eq!(asked.status, 404, "{}", asked.text);
    }
    assert_eq!(mateo.json("/api/v1/conversations").unwrap()["conversations"].as_array().unwrap().len(), 1);
}

#[test]
fn a_deleted_conversation_comes_back_in_time_and_never_after() {
    let house = Appliance::with_settings(&Site::two_projects(), |settings| settings.history.undo_s = 3600);
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let path = format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap());

    assert!(mateo.send("DELETE", &path, None).unwrap().status < 300);
    assert_eq!(mateo.send("GET", &path, None).unwrap().status, 404);
    assert!(mateo.send("POST", &format!("{path}/undo"), None).unwrap().status < 300);

    assert_eq!(mateo.send("GET", &path, None).unwrap().status, 200);
}

#[test]
fn when_the_time_to_undo_has_passed_the_key_is_destroyed() {
    let house = Appliance::with_settings(&Site::two_projects(), |settings| settings.history.undo_s = 0);
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let path = format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap());
    assert!(mateo.send("DELETE", &path, None).unwrap().status < 300);

    house.wait_until("the key's end is on record", |house| house.audited("key_forgotten") == 1);

    assert_eq!(mateo.send("POST", &format!("{path}/undo"), None).unwrap().status, 404);
    assert_eq!(mateo.json("/api/v1/conversations").unwrap()["conversations"], json!([]));
}

#[test]
fn a_renamed_conversation_keeps_its_title_and_is_exported() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let path = format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap());

    let renamed = mateo.send("PATCH", &path, Some(&json!({ "title": "Holidays 2026" }))).unwrap();

    assert!(renamed.status < 300, "{}", renamed.text);
    assert_eq!(mateo.json("/api/v1/conversations").unwrap()["conversations"][0]["title"], "Holidays 2026");
    let exported = mateo.send("GET", &format!("{path}/export?format=md"), None).unwrap();
    assert!(exported.text.contains("Holidays 2026") && exported.text.contains("28 days"), "{}", exported.text);
}

#[test]
fn a_temporary_question_is_not_kept() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let events = mateo.ask(&json!({ "question": LEAVE, "temporary": true })).unwrap();

    assert_eq!(events.last().unwrap().name, "answer");
    assert_eq!(mateo.json("/api/v1/conversations").unwrap()["conversations"], json!([]));
}

#[test]
fn feedback_is_kept_with_the_answer_and_its_comment_nowhere_in_clear() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let path = format!("/api/v1/messages/{}/feedback", answer["message_id"].as_str().unwrap());
    let comment = "the canary sings in the cellar";

    let rated = mateo
        .send("POST", &path, Some(&json!({ "rating": "down", "reasons": ["incomplete"], "comment": comment })))
        .unwrap();

    assert!(rated.status < 300, "{}", rated.text);
    crate::support::assert_nowhere(house.folder(), comment);
    assert_eq!(house.audited("rated"), 1);
}
