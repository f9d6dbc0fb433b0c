//! Signing in: the whole flow, what the cookie is, and who is turned away.

use serde_json::json;
use sotto::standin::browser::Heard;

use crate::support::{Appliance, Site, free_port};

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

#[test]
fn a_callback_without_a_state_with_a_foreign_one_or_a_second_time_signs_nobody_in() {
    let house = Appliance::with(&Site::two_projects());
    let mut browser = house.browser();
    let begun = browser.send("GET", "/auth/company/login?return_to=/", None).unwrap();
    let state = location(&begun).split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let code = |heard: &Heard| location(heard).split("refused=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mut call = |query: &str| {
        let heard = browser.send("GET", &format!("/auth/oidc/company/callback?{query}"), None).unwrap();
        // A refusal takes the cookie of the sign-in away; each case has it anew.
        let mut cookies = browser.cookies();
        cookies.insert("__Host-sotto-signin".to_owned(), state.clone());
        browser.hold(cookies);
        code(&heard)
    };

    assert_eq!(call("code=any"), "state_missing");
    assert_eq!(call("code=any&state=another"), "state_foreign");
    let issuer: String = url::form_urlencoded::byte_serialize(house.idp.issuer().as_bytes()).collect();
    let made_up = format!("code=made-up&state={state}&iss={issuer}");
    assert_eq!(call(&made_up), "code_refused");
    assert_eq!(call(&made_up), "state_unknown", "it was used by the one before");
    assert_eq!(browser.send("GET", "/api/v1/me", None).unwrap().status, 401);
    assert!(
        house.sign_in("mateo").send("GET", "/api/v1/me", None).unwrap().status == 200,
        "the honest one beside them"
    );
}

#[test]
fn a_provider_that_is_away_is_said_to_be_on_the_sign_in_page_with_the_request_to_tell_it_about() {
    let away = free_port();
    let house = Appliance::without_sync(&Site::two_projects(), |settings| {
        let provider =
            json!({ "id": "away", "name": "Away", "issuer": format!("http://127.0.0.1:{away}"), "client_id": "sotto" });
        settings.provider.push(serde_json::from_value(provider).unwrap());
    });
    let mut browser = house.browser();

    let begun = browser.send("GET", "/auth/away/login?return_to=/", None).unwrap();

    assert_eq!(begun.status, 303);
    let request = begun.header("x-request-id").unwrap();
    assert_eq!(location(&begun), format!("/sign-in?refused=provider_away&id={request}"));
    assert!(house.audit_lines().iter().any(|line| line.contains("provider_away")));
    assert_eq!(browser.send("GET", &location(&begun), None).unwrap().status, 200);
    // The other provider goes on.
    assert_eq!(house.sign_in("mateo").send("GET", "/api/v1/me", None).unwrap().status, 200);
}
