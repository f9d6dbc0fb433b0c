//! The emergency administrator: made on the console, signed in when no provider answers, in sight of no page.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sotto::standin::browser::{Browser, Heard};
use sotto::web::control::{self, Command};
use totp_rs::{Builder, Secret};

use crate::support::{Appliance, Site};

/// What the console printed.
struct Proof {
    name: String,
    password: String,
    otpauth: String,
}

fn console(house: &Appliance, command: &Command) -> Result<Value, String> {
    control::ask(house.folder(), command, &mut |_| Ok(())).map_err(|error| error.to_string())
}

fn make(house: &Appliance, name: &str) -> Proof {
    let made = console(house, &Command::AdminCreate { name: name.to_owned(), password: None }).unwrap();
    let text = |part: &str| made[part].as_str().unwrap().to_owned();
    Proof { name: text("name"), password: text("password"), otpauth: text("otpauth") }
}

impl Proof {
    /// The code of a step of 30 seconds, so many after this one.
    fn code(&self, steps: u64) -> String {
        let secret = self.otpauth.split("secret=").nth(1).unwrap().split('&').next().unwrap();
        let codes = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        codes.generate(now + 30 * steps).to_string()
    }
}

fn sign_in(browser: &mut Browser, name: &str, password: &str, code: &str) -> Heard {
    let body = json!({ "name": name, "password": password, "code": code });
    browser.send("POST", "/auth/emergency", Some(&body)).unwrap()
}

/// A problem without what differs from request to request.
fn told(heard: &Heard) -> (u16, Value) {
    let mut body = heard.json();
    body["request_id"] = Value::Null;
    (heard.status, body)
}

#[test]
fn who_was_made_on_the_console_administers_and_sees_no_page_no_answer_and_no_history() {
    let house = Appliance::with(&Site::two_projects());
    let proof = make(&house, "break-glass");
    let mut browser = house.browser();

    let heard = sign_in(&mut browser, &proof.name, &proof.password, &proof.code(0));

    assert_eq!((heard.status, &heard.json()["to"]), (200, &json!("/admin")), "{}", heard.text);
    let cookie = heard.header("set-cookie").unwrap();
    assert!(
        cookie.contains("__Host-sotto=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    let standing = browser.json("/api/v1/admin/standing").unwrap();
    assert_eq!(standing["roles"], json!(["administrator"]));
    assert!(standing["emergency_ends_at"].is_string(), "{standing}");
    let overview = browser.json("/api/v1/admin/overview").unwrap();
    assert_eq!(overview["emergency"]["last_name"], "break-glass", "{overview}");
    assert_eq!(overview["emergency"]["administrators"], 1);
    // The others see that it was used, and that somebody is signed in so.
    let mut ana = house.sign_in("ana");
    assert!(ana.json("/api/v1/admin/overview").unwrap()["emergency"]["last_at"].is_string());
    let sessions = ana.json("/api/v1/admin/sessions").unwrap();
    let marked = sessions["sessions"].as_array().unwrap().iter().filter(|one| one["emergency"] == true).count();
    assert_eq!(marked, 1, "{sessions}");

    for (method, path, body) in [
        ("GET", "/api/v1/me", None),
        ("POST", "/api/v1/ask", Some(json!({ "question": "How many days of annual leave?" }))),
        ("POST", "/api/v1/search", Some(json!({ "query": "annual leave" }))),
        ("GET", "/api/v1/documents/wiki:101", None),
        ("GET", "/api/v1/documents/wiki:101/access", None),
        ("GET", "/api/v1/conversations", None),
        ("DELETE", "/api/v1/conversations", None),
    ] {
        assert_eq!(browser.send(method, path, body.as_ref()).unwrap().status, 404, "{method} {path}");
    }
    let front = browser.send("GET", "/", None).unwrap();
    assert_eq!((front.status, front.header("location")), (303, Some("/admin")));
    // Also the test of a page on the desk shows counts, and not a word.
    let tested = browser.send("POST", "/api/v1/admin/sources/wiki/test", Some(&json!({ "url": "wiki:101" }))).unwrap();
    assert_eq!(tested.status, 200, "{}", tested.text);
    assert!(!tested.text.contains("annual leave") && !tested.text.contains("Annual leave"), "{}", tested.text);

    assert_eq!(house.audited("local_administrator"), 1);
    let lines = house.audit_lines();
    assert!(lines.iter().any(|line| line.contains("signed_in") && line.contains("\"provider\":\"emergency\"")));
    browser.sign_out().unwrap();
    assert_eq!(browser.send("GET", "/admin", None).unwrap().status, 404);
}

#[test]
fn a_wrong_password_a_used_code_and_a_name_that_is_nobodys_read_alike_and_are_slowed_alike() {
    let house = Appliance::with(&Site::two_projects());
    let proof = make(&house, "break-glass");
    let mut browser = house.browser();
    assert_eq!(sign_in(&mut browser, &proof.name, &proof.password, &proof.code(0)).status, 200);
    let mut stranger = house.browser();

    let used = told(&sign_in(&mut stranger, &proof.name, &proof.password, &proof.code(0)));
    let wrong = told(&sign_in(&mut stranger, &proof.name, "a wrong password", &proof.code(1)));
    let nobody = told(&sign_in(&mut stranger, "nobody", &proof.password, &proof.code(1)));

    assert_eq!((used.0, &used.1["code"]), (403, &json!("emergency_refused")), "{used:?}");
    assert_eq!((&used, &used), (&wrong, &nobody));
    for name in [&*proof.name, "nobody"] {
        let codes: Vec<Value> = (0..6)
            .map(|_| told(&sign_in(&mut stranger, name, "a wrong password", "000000")).1["code"].clone())
            .collect();
        assert_eq!(codes.last(), Some(&json!("throttled")), "{name}: {codes:?}");
    }
    assert_eq!(told(&sign_in(&mut stranger, &proof.name, &proof.password, &proof.code(1))).1["code"], "throttled");
    assert_eq!(stranger.send("GET", "/api/v1/admin/overview", None).unwrap().status, 404);
    let foreign = [("content-type".to_owned(), "application/json".to_owned())];
    let body = json!({ "name": "x", "password": "x", "code": "1" }).to_string().into_bytes();
    let heard = stranger.send_raw("POST", "/auth/emergency", &foreign, body).unwrap();
    assert_eq!(heard.json()["code"], "foreign", "a page of another site signs nobody in");
}

#[test]
fn no_push_no_alias_and_no_group_touches_them_and_only_the_console_removes_them() {
    let house = Appliance::with(&Site::two_projects());
    let proof = make(&house, "break-glass");
    let mut browser = house.browser();
    sign_in(&mut browser, &proof.name, &proof.password, &proof.code(0));

    // A provider brings somebody of the same name, in whatever group, switches them off and takes them away.
    let same = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "break-glass", "externalId": "x", "active": true });
    let (status, user) = house.scim("POST", "/Users", &same.to_string());
    assert_eq!(status, 201);
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    let off = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                      "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    assert!(house.scim("PATCH", &path, &off.to_string()).0 < 300);
    assert_eq!(house.scim("DELETE", &path, "").0, 204);
    house.refresh();
    assert_eq!(browser.send("GET", "/api/v1/admin/overview", None).unwrap().status, 200);
    let (_, listed) = house.scim("GET", "/Users?filter=userName%20eq%20%22break-glass%22", "");
    assert_eq!(listed["totalResults"], 0, "they are nobody of the directory");
    let users = browser.json("/api/v1/admin/users?query=break-glass").unwrap();
    assert_eq!(users["users"], json!([]));

    let house = house.restart();
    assert_eq!(browser.send("GET", "/api/v1/admin/overview", None).unwrap().status, 200, "also after a restart");
    let listed = console(&house, &Command::AdminList).unwrap();
    assert_eq!(listed["administrators"][0]["name"], "break-glass");
    assert!(listed["administrators"][0]["last_at"].is_string() && !listed.to_string().contains("argon2"), "{listed}");

    console(&house, &Command::AdminRemove { name: "break-glass".to_owned() }).unwrap();

    assert_eq!(browser.send("GET", "/api/v1/admin/overview", None).unwrap().status, 404, "their session has ended");
    assert!(console(&house, &Command::AdminRemove { name: "break-glass".to_owned() }).is_err());
    assert_eq!(house.audited("local_administrator"), 2);
    let again = Command::AdminCreate { name: "two words".to_owned(), password: None };
    assert!(console(&house, &again).unwrap_err().contains("two words"));
    let short = Command::AdminCreate { name: "ada".to_owned(), password: Some("short".to_owned()) };
    assert!(console(&house, &short).unwrap_err().contains("14 characters"));
}
