//! Tokens of SCIM senders on the desk: shown once, rotated without a gap, revoked at once, each deed on record.

use serde_json::{Value, json};

use sotto::standin::browser::Heard;

use crate::support::{Appliance, Site};

const TOKENS: &str = "/api/v1/admin/scim_tokens";

fn house() -> Appliance {
    Appliance::without_sync(&Site::new().user("ana").user("mateo"), |_| {})
}

fn desk(house: &Appliance, method: &'static str, path: &str, body: Option<Value>) -> Heard {
    house.sign_in("ana").send(method, &format!("{TOKENS}{path}"), body.as_ref()).unwrap()
}

/// Makes a sender's token.
fn make(house: &Appliance, body: Value) -> String {
    let made = desk(house, "POST", "", Some(body));
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["secret"].as_str().unwrap().to_owned()
}

fn call(house: &Appliance, token: &str, method: &'static str, path: &str, body: &str) -> Heard {
    let headers = [("authorization".to_owned(), format!("Bearer {token}"))];
    house.browser().send_raw(method, &format!("/scim/v2{path}"), &headers, body.into()).unwrap()
}

fn is_good(house: &Appliance, token: &str) -> bool {
    call(house, token, "GET", "/Users?count=0", "").status == 200
}

fn sender(house: &Appliance, name: &str) -> Value {
    let listed = desk(house, "GET", "", None).json();
    listed["tokens"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned().unwrap_or(Value::Null)
}

#[test]
fn a_token_is_shown_once_is_good_at_once_and_says_when_it_was_last_used() {
    let house = house();

    let token = make(&house, json!({ "name": "entra" }));
    assert_eq!(sender(&house, "entra")["last_used_at"], Value::Null);
    assert!(is_good(&house, &token));

    let listed = desk(&house, "GET", "", None);
    assert!(!listed.text.contains(&token), "it is not shown a second time");
    assert_eq!(listed.json()["address"], format!("{}scim/v2", house.base));
    let entra = sender(&house, "entra");
    assert!(entra["last_used_at"].is_string() && entra["lives"].as_array().unwrap().len() == 1, "{entra}");
    assert_eq!((&entra["origin"], &entra["etags"]), (&json!("desk"), &json!(true)));
    crate::support::assert_nowhere(house.folder(), &token);
    let made = call(&house, &token, "POST", "/Users", r#"{"userName":"zoe"}"#);
    assert_eq!(made.status, 201);
    assert!(house.audit_lines().iter().any(|line| line.contains("\"by\":\"entra\"")), "the log knows who it was");
}

#[test]
fn a_rotated_token_goes_on_for_its_overlap_and_a_revoked_one_ends_at_once_also_over_a_restart() {
    let house = house();
    let first = make(&house, json!({ "name": "entra" }));

    let rotated = desk(&house, "POST", "/entra/rotate", Some(json!({ "overlap_hours": 24 }))).json();
    let second = rotated["secret"].as_str().unwrap();
    assert!(is_good(&house, &first) && is_good(&house, second));
    assert!(rotated["token"]["lives"][1]["ends_at"].is_string(), "{rotated}");
    let third = desk(&house, "POST", "/entra/rotate", Some(json!({ "overlap_hours": 0 }))).json();
    let third = third["secret"].as_str().unwrap();
    assert!(!is_good(&house, &first) && !is_good(&house, second) && is_good(&house, third));

    let house = house.restart();
    assert!(is_good(&house, third) && !is_good(&house, second));
    assert_eq!(desk(&house, "DELETE", "/entra", None).status, 204);
    assert!(!is_good(&house, third));
    assert_eq!(desk(&house, "DELETE", "/entra", None).status, 404);
    let house = house.restart();
    assert!(!is_good(&house, third));
    let deeds: Vec<String> = house.audit_lines().into_iter().filter(|line| line.contains("\"scim_token\"")).collect();
    let count = |what: &str| deeds.iter().filter(|line| line.contains(&format!("\"what\":\"{what}\""))).count();
    assert_eq!((count("made"), count("rotated"), count("revoked"), deeds.len()), (1, 2, 1, 4));
}

#[test]
fn a_token_of_the_settings_is_shown_with_its_file_and_is_locked() {
    let house = house();

    let company = sender(&house, "company");

    assert_eq!((&company["origin"], &company["set_in_file"]), (&json!("file"), &json!([])));
    assert!(company["token_file"].as_str().unwrap().ends_with("/scim"), "{company}");
    for (method, path, body) in [
        ("DELETE", "/company", None),
        ("PATCH", "/company", Some(json!({ "etags": false }))),
        ("POST", "/company/rotate", Some(json!({ "overlap_hours": 1 }))),
        ("POST", "", Some(json!({ "name": "company" }))),
    ] {
        let refused = desk(&house, method, path, body);
        assert_eq!(refused.status, 400, "{method} {path}: {}", refused.text);
    }
    assert_eq!(house.scim("GET", "/Users?count=0", "").0, 200);
}

#[test]
fn who_is_told_of_no_versions_may_send_their_own() {
    let house = house();
    let token = make(&house, json!({ "name": "okta", "etags": false }));
    let made = call(&house, &token, "POST", "/Users", r#"{"userName":"zoe"}"#);
    assert!(made.header("etag").is_none() && made.json()["meta"].get("version").is_none(), "{}", made.text);
    let path = format!("/scim/v2/Users/{}", made.json()["id"].as_str().unwrap());
    let put = |house: &Appliance| {
        let headers = [
            ("authorization".to_owned(), format!("Bearer {token}")),
            ("if-match".to_owned(), "W/\"of-the-sender\"".to_owned()),
        ];
        house.browser().send_raw("PUT", &path, &headers, br#"{"userName":"zoe"}"#.to_vec()).unwrap().status
    };

    assert_eq!(put(&house), 200);
    assert_eq!(desk(&house, "PATCH", "/okta", Some(json!({ "etags": true }))).json()["etags"], true);
    assert_eq!(put(&house), 412);
    assert!(call(&house, &token, "GET", "/ServiceProviderConfig", "").json()["etag"]["supported"] == true);
}

#[test]
fn who_sends_too_much_is_told_to_come_later_and_another_sender_is_not() {
    let house = house();
    let token = make(&house, json!({ "name": "okta", "requests_per_minute": 60 }));

    let heard: Vec<Heard> = (0..40).map(|_| call(&house, &token, "GET", "/Users?count=0", "")).collect();
    let refused = heard.iter().find(|one| one.status == 429).expect("forty at once are more than one in a second");

    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(
        (refused.header("content-type"), &refused.json()["status"]),
        (Some("application/scim+json"), &json!("429"))
    );
    assert_eq!(house.scim("GET", "/Users?count=0", "").0, 200);
    assert_eq!(desk(&house, "PATCH", "/okta", Some(json!({ "requests_per_minute": 0 }))).status, 200);
    assert!(is_good(&house, &token));
}

#[test]
fn what_is_wrong_with_a_wish_is_said_and_nobody_else_has_a_desk() {
    let house = house();

    for (method, path, body, word) in [
        ("POST", "", json!({ "name": "Entra ID" }), "lower-case"),
        ("POST", "", json!({ "name": "" }), "lower-case"),
        ("POST", "", json!({}), "name"),
        ("POST", "", json!({ "name": "x", "limit": 1 }), "limit"),
        ("PATCH", "/company", json!({ "requests_per_minute": -1 }), "fit"),
    ] {
        let refused = desk(&house, method, path, Some(body));
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.json()["detail"].as_str().unwrap().contains(word), "{word}: {}", refused.text);
    }
    make(&house, json!({ "name": "entra" }));
    let long = desk(&house, "POST", "/entra/rotate", Some(json!({ "overlap_hours": 169 })));
    assert_eq!(long.status, 400, "{}", long.text);
    assert_eq!(desk(&house, "POST", "/nobody/rotate", Some(json!({ "overlap_hours": 1 }))).status, 404);

    let mut mateo = house.sign_in("mateo");
    for (method, path) in
        [("GET", ""), ("POST", ""), ("DELETE", "/entra"), ("PATCH", "/entra"), ("POST", "/entra/rotate")]
    {
        let body = json!({ "name": "mine", "overlap_hours": 1 });
        let heard = mateo.send(method, &format!("{TOKENS}{path}"), Some(&body)).unwrap();
        assert_eq!(heard.status, 404, "{method} {path}");
    }
    assert_eq!(sender(&house, "mine"), Value::Null);
}
