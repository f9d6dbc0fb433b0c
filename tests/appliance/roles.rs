//! Which role may do what on the desk: every route of the server's own table, for every role. A route that is new and stands not
//! in this list fails the test; so does one that is open to a role for which it is not stated, or closed to one for which
//! it is.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sotto::standin::browser::Browser;

use crate::support::{Appliance, Site};

/// Everybody who has a role, and who has none.
const ROLES: [(&str, &str); 5] =
    [("administrator", "ana"), ("directory", "dora"), ("auditor", "aldo"), ("support", "sue"), ("none", "mateo")];

const ADMINISTRATOR: &[&str] = &["administrator"];
const DIRECTORY: &[&str] = &["administrator", "directory"];
const SUPPORT: &[&str] = &["administrator", "support"];
const AUDITOR: &[&str] = &["auditor"];
const AUDITOR_OR_ADMINISTRATOR: &[&str] = &["administrator", "auditor"];
const ANY: &[&str] = &["administrator", "directory", "auditor", "support"];

/// Method and path of each route of the desk as the table has it, what stands for its parameters and its question, and whose
/// it is.
const STATED: &[(&str, &str, &str, &[&str])] = &[
    ("GET", "/admin", "", SUPPORT),
    ("GET", "/admin/access", "", ADMINISTRATOR),
    ("GET", "/admin/people", "", DIRECTORY),
    ("GET", "/admin/sessions", "", DIRECTORY),
    ("GET", "/admin/scim", "", ADMINISTRATOR),
    ("GET", "/admin/applications", "", DIRECTORY),
    ("GET", "/admin/applications/{id}", "default", DIRECTORY),
    ("GET", "/admin/seats", "", DIRECTORY),
    ("GET", "/admin/sources", "", ADMINISTRATOR),
    ("GET", "/admin/sources/{name}", "wiki", SUPPORT),
    ("GET", "/admin/providers/{id}/test", "company", ADMINISTRATOR),
    ("GET", "/api/v1/admin/standing", "", ANY),
    ("GET", "/api/v1/admin/overview", "", SUPPORT),
    ("GET", "/api/v1/admin/sources", "", SUPPORT),
    ("GET", "/api/v1/admin/sources/{name}", "wiki", SUPPORT),
    ("GET", "/api/v1/admin/sources/{name}/runs", "wiki", SUPPORT),
    ("POST", "/api/v1/admin/sources", "", ADMINISTRATOR),
    ("PATCH", "/api/v1/admin/sources/{name}", "wiki", ADMINISTRATOR),
    ("DELETE", "/api/v1/admin/sources/{name}", "wiki", ADMINISTRATOR),
    ("POST", "/api/v1/admin/sources/{name}/sync", "wiki", ADMINISTRATOR),
    ("POST", "/api/v1/admin/sources/{name}/stop", "wiki", ADMINISTRATOR),
    ("POST", "/api/v1/admin/sources/{name}/check", "wiki", ADMINISTRATOR),
    ("GET", "/api/v1/admin/sources/{name}/preview", "wiki", ADMINISTRATOR),
    ("POST", "/api/v1/admin/sources/{name}/preview", "wiki", ADMINISTRATOR),
    ("POST", "/api/v1/admin/sources/{name}/test", "wiki", ADMINISTRATOR),
    ("GET", "/api/v1/admin/access", "?user=mateo&document=wiki:101", ADMINISTRATOR),
    ("GET", "/api/v1/admin/access/space", "?user=mateo&space=wiki:ANYORG", ADMINISTRATOR),
    ("GET", "/api/v1/admin/access/what-if", "?change=gets&source=wiki&group=helpers&space=ANYORG", ADMINISTRATOR),
    ("GET", "/admin/exposure", "", ADMINISTRATOR),
    ("GET", "/api/v1/admin/exposure", "", ADMINISTRATOR),
    ("GET", "/admin/analytics", "", ADMINISTRATOR),
    ("GET", "/api/v1/admin/analytics", "", ADMINISTRATOR),
    ("GET", "/admin/support", "", SUPPORT),
    ("GET", "/api/v1/admin/support", "", SUPPORT),
    ("GET", "/api/v1/admin/users", "", DIRECTORY),
    ("PATCH", "/api/v1/admin/users/{id}", "PERSON", DIRECTORY),
    ("DELETE", "/api/v1/admin/users/{id}", "PERSON", DIRECTORY),
    ("DELETE", "/api/v1/admin/users/{id}/sessions", "PERSON", DIRECTORY),
    ("GET", "/api/v1/admin/groups", "", DIRECTORY),
    ("GET", "/api/v1/admin/groups/{id}/members", "GROUP", DIRECTORY),
    ("DELETE", "/api/v1/admin/groups/{id}/members/{user}", "GROUP MEMBER", DIRECTORY),
    ("GET", "/api/v1/admin/aliases", "", DIRECTORY),
    ("PUT", "/api/v1/admin/aliases/{source}/{key}", "wiki key-mary", DIRECTORY),
    ("DELETE", "/api/v1/admin/aliases/{source}/{key}", "wiki key-mary", DIRECTORY),
    ("GET", "/api/v1/admin/conflicts", "", DIRECTORY),
    ("GET", "/api/v1/admin/sessions", "", DIRECTORY),
    ("DELETE", "/api/v1/admin/sessions/{id}", "SESSION", DIRECTORY),
    ("GET", "/api/v1/admin/providers/{id}/trial", "company", ADMINISTRATOR),
    ("GET", "/admin/audit", "", AUDITOR_OR_ADMINISTRATOR),
    ("GET", "/api/v1/admin/audit", "", AUDITOR),
    ("GET", "/api/v1/admin/audit/leaves/{index}", "0", AUDITOR),
    ("GET", "/api/v1/admin/audit/export", "?format=csv", AUDITOR),
    ("POST", "/api/v1/admin/audit/verify", "", AUDITOR),
    ("GET", "/api/v1/admin/audit/documents/{id}", "wiki:101", AUDITOR),
    ("GET", "/api/v1/admin/audit/people/{person}", "mateo", AUDITOR),
    ("GET", "/api/v1/admin/audit/filters", "", AUDITOR),
    ("PUT", "/api/v1/admin/audit/filters/{name}", "mine", AUDITOR),
    ("DELETE", "/api/v1/admin/audit/filters/{name}", "mine", AUDITOR),
    ("GET", "/api/v1/admin/audit/erasures", "", ADMINISTRATOR),
    ("POST", "/api/v1/admin/audit/erasures", "", ADMINISTRATOR),
    ("GET", "/api/v1/admin/proofs", "?leaf=0", AUDITOR),
    ("GET", "/api/v1/admin/checkpoints", "", AUDITOR_OR_ADMINISTRATOR),
    ("POST", "/api/v1/admin/checkpoints", "", ADMINISTRATOR),
    ("GET", "/api/v1/admin/applications", "", DIRECTORY),
    ("POST", "/api/v1/admin/applications", "", DIRECTORY),
    ("GET", "/api/v1/admin/applications/{id}", "default", DIRECTORY),
    ("PATCH", "/api/v1/admin/applications/{id}", "default", DIRECTORY),
    ("DELETE", "/api/v1/admin/applications/{id}", "default", DIRECTORY),
    ("GET", "/api/v1/admin/applications/{id}/members", "default", DIRECTORY),
    ("GET", "/api/v1/admin/assignments", "", DIRECTORY),
    ("POST", "/api/v1/admin/assignments", "", DIRECTORY),
    ("GET", "/api/v1/admin/seats", "", DIRECTORY),
    ("POST", "/api/v1/admin/seats", "", DIRECTORY),
    ("GET", "/api/v1/admin/scim_tokens", "", ADMINISTRATOR),
    ("POST", "/api/v1/admin/scim_tokens", "", ADMINISTRATOR),
    ("PATCH", "/api/v1/admin/scim_tokens/{name}", "company", ADMINISTRATOR),
    ("POST", "/api/v1/admin/scim_tokens/{name}/rotate", "company", ADMINISTRATOR),
    ("DELETE", "/api/v1/admin/scim_tokens/{name}", "company", ADMINISTRATOR),
];

fn house() -> Appliance {
    let site = Site::two_projects()
        .user("dora")
        .user("aldo")
        .user("sue")
        .group("keepers", &["dora"], &[])
        .group("auditors", &["aldo"], &[])
        .group("helpers", &["sue"], &[]);
    Appliance::with_settings(&site, |settings| {
        settings.directory.directory_keepers = vec!["keepers".to_owned()];
        settings.directory.auditors = vec!["auditors".to_owned()];
        settings.directory.support = vec!["helpers".to_owned()];
    })
}

/// The routes of the desk, out of the document that is made from the server's table.
fn routes(browser: &mut Browser) -> BTreeSet<(String, String)> {
    let document = browser.json("/api/v1/openapi.json").unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if path == "/admin" || path.contains("/admin/") {
            let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            routes.extend(methods.map(|method| (method.to_uppercase(), path.clone())));
        }
    }
    routes
}

/// What stands for a word of the list, made anew each time, so that one role's deed leaves the next one's object there.
fn object(house: &Appliance, word: &str, number: usize) -> String {
    let person = || {
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                           "userName": format!("somebody{number}"), "externalId": format!("x-{number}"), "active": true });
        let (status, made) = house.scim("POST", "/Users", &body.to_string());
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    match word {
        "PERSON" => person(),
        "GROUP MEMBER" => {
            let member = person();
            let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                               "displayName": format!("some group {number}"), "members": [{ "value": member }] });
            let (status, made) = house.scim("POST", "/Groups", &body.to_string());
            assert_eq!(status, 201, "{made}");
            format!("{} {member}", made["id"].as_str().unwrap())
        }
        "GROUP" => {
            let (_, found) = house.scim("GET", "/Groups?filter=displayName%20eq%20%22keepers%22", "");
            found["Resources"][0]["id"].as_str().unwrap().to_owned()
        }
        "SESSION" => {
            house.sign_in("mary");
            let found = house.sign_in("ana").json("/api/v1/admin/sessions?query=mary").unwrap();
            found["sessions"][0]["id"].as_str().unwrap().to_owned()
        }
        other => other.to_owned(),
    }
}

/// A path with its parameters filled in, one after the other, and its question at the end.
fn filled(path: &str, objects: &str) -> String {
    let mut objects = objects.split(' ');
    let mut out = String::new();
    for part in path.split_inclusive('}') {
        match part.split_once('{') {
            Some((before, _)) => {
                out.push_str(before);
                out.push_str(objects.next().unwrap_or_else(|| panic!("something stands for each parameter of {path}")));
            }
            None => out.push_str(part),
        }
    }
    out + objects.next().unwrap_or_default()
}

fn body(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("PATCH", "/api/v1/admin/users/{id}") => Some(json!({ "active": false })),
        ("PUT", "/api/v1/admin/audit/filters/{name}") => Some(json!({ "query": "event=asked" })),
        ("PUT", _) => Some(json!({ "user": null })),
        ("POST", "/api/v1/admin/sources/{name}/test") => Some(json!({ "url": "wiki:101" })),
        _ => None,
    }
}

#[test]
fn every_route_of_the_desk_is_open_to_the_roles_that_are_stated_for_it_and_not_there_for_all_others() {
    let house = house();
    let stated: BTreeSet<(String, String)> =
        STATED.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(
        routes(&mut house.sign_in("ana")),
        stated,
        "the routes that there are, and those whose roles are stated here"
    );
    let mut browsers: Vec<_> = ROLES.iter().map(|(role, person)| (*role, house.sign_in(person))).collect();

    let mut wrong = Vec::new();
    for (number, (method, path, objects, roles)) in STATED.iter().enumerate() {
        for (at, (role, browser)) in browsers.iter_mut().enumerate() {
            let may = roles.contains(role);
            let address = filled(path, &object(&house, objects, number * ROLES.len() + at));
            if *method == "DELETE" && path.contains("aliases") && may {
                // There must be something to take back.
                let given = browser.send("PUT", &address, Some(&json!({ "user": null }))).unwrap();
                assert_eq!(given.status, 204, "{}", given.text);
            }
            let heard = browser.send(method, &address, body(method, path).as_ref()).unwrap();
            if (heard.status != 404) != may {
                wrong.push(format!("{method} {path} answers {role} with {}", heard.status));
            }
            assert!(heard.status < 500 || heard.status == 503, "{method} {path}: {}", heard.text);
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn who_keeps_the_directory_learns_nothing_of_the_log_and_who_has_no_role_finds_what_a_stranger_finds() {
    let house = house();
    let (mut dora, mut mateo, mut stranger) = (house.sign_in("dora"), house.sign_in("mateo"), house.browser());

    let me = dora.json("/api/v1/me").unwrap();
    assert_eq!(me["roles"], json!(["directory"]));
    for path in ["/api/v1/admin/overview", "/api/v1/admin/audit", "/api/v1/admin/sources", "/admin"] {
        assert_eq!(dora.send("GET", path, None).unwrap().status, 404, "{path}");
    }
    let told = |browser: &mut Browser| {
        let mut body = browser.send("GET", "/api/v1/admin/users", None).unwrap().json();
        body["request_id"] = Value::Null;
        body
    };
    assert_eq!(told(&mut mateo), told(&mut stranger));
    assert_eq!(told(&mut mateo)["code"], "not_there");
}

#[test]
fn a_question_that_does_not_fit_tells_nobody_without_the_role_that_the_route_is_there() {
    let house = house();
    let (mut ana, mut aldo, mut stranger) = (house.sign_in("ana"), house.sign_in("aldo"), house.browser());

    for (path, with_role) in [
        ("/api/v1/admin/users?limit=many", 400),
        ("/api/v1/admin/access", 400),
        ("/api/v1/admin/assignments", 400),
        ("/api/v1/admin/analytics?days=many", 400),
        ("/api/v1/admin/sources/wiki/runs?limit=many", 400),
    ] {
        assert_eq!(ana.send("GET", path, None).unwrap().status, with_role, "{path}");
        assert_eq!(aldo.send("GET", path, None).unwrap().status, 404, "{path}");
        assert_eq!(stranger.send("GET", path, None).unwrap().status, 404, "{path}");
    }
}
