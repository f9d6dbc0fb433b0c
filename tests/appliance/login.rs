//! Signing in: the whole flow, what the cookie is, and who is turned away.

use serde_json::json;
use sotto::standin::browser::Heard;

use crate::support::{Appliance, Site};

fn location(heard: &Heard) -> String {
    heard.header("location").unwrap_or_default().to_owned()
}

#[test]
fn a_person_signs_in_through_the_provider_and_is_greeted_by_name() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    let me = mateo.json("/api/v1/me").unwrap();

    assert_eq!(me["user"]["display_name"], "mateo", "{me}");
    let keys: Vec<&str> = me["spaces"].as_array().unwrap().iter().map(|space| space["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["ANY", "HR"]);
}

#[test]
fn the_session_cookie_cannot_be_read_by_scripts_nor_sent_in_clear() {
    let house = Appliance::with(&Site::two_projects());
    let mut browser = house.browser();
    let begun = browser.send("GET", "/auth/company/login?return_to=/", None).unwrap();

    let cookie = begun.header("set-cookie").unwrap();

    for word in ["__Host-", "HttpOnly", "Secure", "Path=/", "SameSite=Lax"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(location(&begun).contains("code_challenge_method=S256"), "{}", location(&begun));
}

#[test]
fn a_sign_in_begun_in_another_browser_is_refused() {
    let house = Appliance::with(&Site::two_projects());
    let (mut attacker, mut victim) = (house.browser(), house.browser());
    let begun = attacker.send("GET", "/auth/company/login?return_to=/", None).unwrap();
    let state = location(&begun).split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();

    victim.send("GET", &format!("/auth/oidc/company/callback?code=stolen&state={state}"), None).unwrap();

    assert_eq!(victim.send("GET", "/api/v1/me", None).unwrap().status, 401);
    assert_eq!(house.audited("sign_in_refused"), 1);
}

#[test]
fn a_changing_request_without_our_header_or_from_another_origin_is_refused() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let ours = house.base.origin().ascii_serialization();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let json = header("content-type", "application/json");
    let body = json!({ "question": "Who leads?" }).to_string().into_bytes();

    let bare = [json.clone(), header("origin", &ours)];
    let foreign = [json.clone(), header("x-sotto", "1"), header("origin", "https://evil.example")];
    let nameless = [json, header("x-sotto", "1")];

    for headers in [&bare[..], &foreign[..], &nameless[..]] {
        let heard = mateo.send_raw("POST", "/api/v1/ask", headers, body.clone()).unwrap();
        assert_eq!(heard.status, 403, "{headers:?}: {}", heard.text);
    }
}

#[test]
fn signing_out_ends_the_session_for_whoever_still_holds_its_cookie() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let stolen = mateo.cookies();
    mateo.sign_out().unwrap();

    let mut thief = house.browser();
    thief.hold(stolen);

    assert_eq!(thief.send("GET", "/api/v1/me", None).unwrap().status, 401);
}

#[test]
fn the_session_id_changes_at_each_sign_in() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let before = mateo.cookies();

    mateo.sign_in("company", "mateo").unwrap();

    assert_ne!(before, mateo.cookies());
    let mut old = house.browser();
    old.hold(before);
    assert_eq!(old.send("GET", "/api/v1/me", None).unwrap().status, 401);
}

#[test]
fn a_person_the_provider_deactivates_is_out_at_the_next_request() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let patch = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#;

    let (status, _) = house.scim("PATCH", &format!("/Users/{}", house.person_id("mateo")), patch);

    assert!(status == 200 || status == 204, "{status}");
    assert_eq!(mateo.send("GET", "/api/v1/me", None).unwrap().status, 401);
    assert!(house.browser().sign_in("company", "mateo").is_err());
}

#[test]
fn a_path_to_return_to_is_one_of_ours_or_none() {
    let house = Appliance::with(&Site::two_projects());

    for path in ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"] {
        let encoded: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let heard = house.browser().send("GET", &format!("/auth/company/login?return_to={encoded}"), None).unwrap();
        assert!(!location(&heard).contains("evil.example") || heard.status >= 400, "{path}: {}", location(&heard));
    }
}
