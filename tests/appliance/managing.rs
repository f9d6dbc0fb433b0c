//! What is done on the desk with a person: switched off and on, removed, taken out of a group, signed out. Each is in force at the
//! next request, and on record once.

use serde_json::{Value, json};
use sotto::standin::browser::Browser;

use crate::support::{Appliance, Site};

/// Dora keeps the directory.
fn house() -> Appliance {
    let site = Site::two_projects().user("dora").group("keepers", &["dora"], &[]);
    Appliance::with_settings(&site, |settings| {
        settings.directory.directory_keepers = vec!["keepers".to_owned()];
    })
}

fn status(browser: &mut Browser, method: &'static str, path: &str, body: Option<Value>) -> u16 {
    browser.send(method, path, body.as_ref()).unwrap().status
}

fn is_signed_in(browser: &mut Browser) -> bool {
    status(browser, "GET", "/api/v1/me", None) == 200
}

fn user_path(house: &Appliance, username: &str) -> String {
    format!("/api/v1/admin/users/{}", house.person_id(username))
}

/// How often a deed stands in the log.
fn managed(house: &Appliance, what: &str) -> usize {
    let marks = ["\"event\":\"managed\"".to_owned(), format!("\"what\":\"{what}\"")];
    house.audit_lines().iter().filter(|line| marks.iter().all(|mark| line.contains(mark))).count()
}

#[test]
fn who_is_switched_off_is_out_at_the_next_request_and_who_is_switched_on_again_comes_in() {
    let house = house();
    let (mut mateo, mut ana) = (house.sign_in("mateo"), house.sign_in("ana"));
    let path = user_path(&house, "mateo");

    assert_eq!(status(&mut ana, "PATCH", &path, Some(json!({ "active": false }))), 204);
    assert!(!is_signed_in(&mut mateo));
    assert!(house.browser().sign_in("company", "mateo").is_err());
    assert_eq!(ana.json("/api/v1/admin/users?query=mateo").unwrap()["users"][0]["active"], false);
    assert_eq!(status(&mut ana, "PATCH", &path, Some(json!({ "active": false }))), 204, "once more changes nothing");

    assert_eq!(status(&mut ana, "PATCH", &path, Some(json!({ "active": true }))), 204);
    assert!(!is_signed_in(&mut mateo), "the session that ended stays ended");
    assert!(is_signed_in(&mut house.sign_in("mateo")));
    assert_eq!((managed(&house, "disabled"), managed(&house, "enabled")), (1, 1));
    assert_eq!(status(&mut ana, "PATCH", &path, Some(json!({ "active": true, "roles": [] }))), 400);
}

#[test]
fn who_is_removed_and_brought_back_by_the_provider_is_somebody_else() {
    let house = house();
    let (mut mateo, mut ana) = (house.sign_in("mateo"), house.sign_in("ana"));
    let asked = house.ask(&mut mateo, "How many days of annual leave does an employee have?");
    let conversation = format!("/api/v1/conversations/{}", asked["conversation_id"].as_str().unwrap());
    let path = user_path(&house, "mateo");

    assert_eq!(status(&mut ana, "DELETE", &path, None), 204);

    assert!(!is_signed_in(&mut mateo));
    assert_eq!(status(&mut ana, "DELETE", &path, None), 404);
    assert_eq!((managed(&house, "removed"), house.audited("person_forgotten")), (1, 1));
    house.push();
    let mut again = house.sign_in("mateo");
    assert_ne!(user_path(&house, "mateo"), path);
    assert_eq!(status(&mut again, "GET", &conversation, None), 404);
}

#[test]
fn who_is_taken_out_of_a_group_loses_what_it_gave_at_the_next_request() {
    let site = Site::two_projects();
    let house = Appliance::with_settings(&site, |settings| {
        settings.application.groups = vec!["anyorg-team".to_owned(), "sotto-administrators".to_owned()];
    });
    let (mut mateo, mut ana) = (house.sign_in("mateo"), house.sign_in("ana"));
    let groups = ana.json("/api/v1/admin/groups?query=anyorg-team").unwrap();
    let group = groups["groups"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/admin/groups/{group}/members/{}", house.person_id("mateo"));
    assert!(is_signed_in(&mut mateo));

    assert_eq!(status(&mut ana, "DELETE", &path, None), 204);

    assert_eq!(status(&mut mateo, "GET", "/api/v1/me", None), 401, "their session has ended with their access");
    assert!(house.browser().sign_in("company", "mateo").is_err());
    assert_eq!(status(&mut ana, "DELETE", &path, None), 404, "they are no member now");
    assert_eq!(managed(&house, "taken_out_of_group"), 1);
    let line = house.audit_lines().into_iter().find(|line| line.contains("taken_out_of_group")).unwrap();
    assert!(line.contains(group) && !line.contains("mateo"), "{line}");
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_or_all_of_a_person() {
    let house = house();
    let (mut here, mut there) = (house.sign_in("mateo"), house.sign_in("mateo"));
    let (mut mary, mut ana) = (house.sign_in("mary"), house.sign_in("ana"));
    let listed = |ana: &mut Browser, query: &str| {
        let found = ana.json(&format!("/api/v1/admin/sessions?{query}")).unwrap();
        found["sessions"].as_array().unwrap().clone()
    };
    assert_eq!(listed(&mut ana, "").len(), 4);
    let his = listed(&mut ana, "query=MATEO");
    assert_eq!(his.len(), 2, "{his:?}");
    assert_eq!((&his[0]["provider"], &his[0]["emergency"]), (&json!("company"), &json!(false)));
    assert!(his[0]["began_at"].is_string() && his[0]["used_at"].is_string(), "{his:?}");
    let first = ana.json("/api/v1/admin/sessions?limit=3").unwrap();
    let rest = ana.json(&format!("/api/v1/admin/sessions?cursor={}", first["next_cursor"].as_str().unwrap())).unwrap();
    assert_eq!(rest["sessions"].as_array().unwrap().len(), 1);

    let one = format!("/api/v1/admin/sessions/{}", his[0]["id"].as_str().unwrap());
    assert_eq!(status(&mut ana, "DELETE", &one, None), 204);
    assert_eq!(status(&mut ana, "DELETE", &one, None), 404);
    assert_eq!([is_signed_in(&mut here), is_signed_in(&mut there)].into_iter().filter(|is| *is).count(), 1);

    let all = format!("{}/sessions", user_path(&house, "mateo"));
    assert_eq!(status(&mut ana, "DELETE", &all, None), 204);
    assert!(!is_signed_in(&mut here) && !is_signed_in(&mut there));
    assert!(is_signed_in(&mut mary) && is_signed_in(&mut house.sign_in("mateo")), "and nobody is kept out");
    assert_eq!((managed(&house, "signed_out"), managed(&house, "signed_out_everywhere")), (1, 1));
    for path in ["/api/v1/admin/sessions/0a", "/api/v1/admin/users/0a/sessions"] {
        assert_eq!(status(&mut ana, "DELETE", path, None), 404, "{path}");
    }
}

#[test]
fn nobody_manages_themselves_away_and_an_administrator_is_managed_by_administrators() {
    let house = house();
    let (mut ana, mut dora) = (house.sign_in("ana"), house.sign_in("dora"));
    let off = || Some(json!({ "active": false }));
    let (of_ana, of_dora, of_mary) = (user_path(&house, "ana"), user_path(&house, "dora"), user_path(&house, "mary"));

    assert_eq!(status(&mut ana, "PATCH", &of_ana, off()), 400);
    assert_eq!(status(&mut ana, "DELETE", &of_ana, None), 400);
    assert_eq!(status(&mut dora, "PATCH", &of_dora, off()), 400);
    for (method, path, body) in [
        ("PATCH", of_ana.clone(), off()),
        ("DELETE", of_ana.clone(), None),
        ("DELETE", format!("{of_ana}/sessions"), None),
    ] {
        assert_eq!(status(&mut dora, method, &path, body), 400, "{method} {path}");
    }
    assert!(is_signed_in(&mut ana));
    assert_eq!(status(&mut dora, "PATCH", &of_mary, off()), 204);
    assert_eq!(status(&mut ana, "PATCH", &of_dora, off()), 204);
    assert_eq!(status(&mut dora, "GET", "/api/v1/admin/users", None), 404, "and so her role has ended");
}
