//! The desk: for administrators, who see health and counts and never content.

use serde_json::json;

use crate::support::{Appliance, Site};

const LEAVE: &str = "How many days of annual leave does an employee have?";

#[test]
fn the_administrator_sees_the_sync_and_not_a_word_of_what_was_asked_or_read() {
    let house = Appliance::with(&Site::two_projects());
    let (mut mateo, mut ana) = (house.sign_in("mateo"), house.sign_in("ana"));
    house.ask(&mut mateo, LEAVE);

    let overview = ana.json("/api/v1/admin/overview").unwrap();
    let sources = ana.json("/api/v1/admin/sources").unwrap();

    assert_eq!(sources["sources"][0]["name"], "wiki", "{sources}");
    assert_eq!(sources["sources"][0]["runs"][0]["state"], "succeeded", "{sources}");
    assert_eq!(overview["documents"], 3, "{overview}");
    for word in ["annual leave", "28 days", "Annual leave", "Rosa"] {
        assert!(!overview.to_string().contains(word) && !sources.to_string().contains(word), "{word}");
    }
}

#[test]
fn for_others_there_is_no_desk() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");

    for (method, path) in [
        ("GET", "/admin"),
        ("GET", "/admin/access"),
        ("GET", "/api/v1/admin/access?user=mateo&document=wiki:201"),
        ("GET", "/api/v1/admin/access/space?user=mateo&space=wiki:HR"),
        ("GET", "/api/v1/admin/access/what-if?change=gets&source=wiki&group=acme-team&space=ANY"),
        ("GET", "/admin/exposure"),
        ("GET", "/api/v1/admin/exposure"),
        ("GET", "/admin/analytics"),
        ("GET", "/api/v1/admin/analytics"),
        ("GET", "/admin/support"),
        ("GET", "/api/v1/admin/support"),
        ("GET", "/admin/people"),
        ("GET", "/api/v1/admin/users"),
        ("GET", "/api/v1/admin/groups"),
        ("GET", "/api/v1/admin/groups/0/members"),
        ("GET", "/api/v1/admin/aliases"),
        ("PUT", "/api/v1/admin/aliases/wiki/1"),
        ("DELETE", "/api/v1/admin/aliases/wiki/1"),
        ("GET", "/api/v1/admin/conflicts"),
        ("GET", "/api/v1/admin/overview"),
        ("GET", "/api/v1/admin/sources"),
        ("POST", "/api/v1/admin/sources/wiki/sync"),
        ("GET", "/admin/sources"),
        ("POST", "/api/v1/admin/sources"),
        ("PATCH", "/api/v1/admin/sources/wiki"),
        ("DELETE", "/api/v1/admin/sources/wiki"),
        ("POST", "/api/v1/admin/sources/wiki/preview"),
        ("GET", "/admin/sources/wiki"),
        ("GET", "/api/v1/admin/sources/wiki"),
        ("GET", "/api/v1/admin/sources/wiki/runs"),
        ("GET", "/api/v1/admin/sources/wiki/preview"),
        ("POST", "/api/v1/admin/sources/wiki/stop"),
        ("POST", "/api/v1/admin/sources/wiki/check"),
        ("POST", "/api/v1/admin/sources/wiki/test"),
    ] {
        let body = matches!(method, "POST" | "PUT" | "PATCH").then(|| json!({ "mode": "full" }));
        assert_eq!(mateo.send(method, path, body.as_ref()).unwrap().status, 404, "{method} {path}");
    }
}

#[test]
fn the_administrator_may_not_open_pages_the_wiki_does_not_give_them() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");

    assert_eq!(ana.send("GET", "/api/v1/documents/wiki:201", None).unwrap().status, 404);
    assert_eq!(ana.send("GET", "/api/v1/documents/wiki:101", None).unwrap().status, 200);
}
