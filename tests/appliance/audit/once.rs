//! What is done stands in the log once: each deed of a person, of an administrator and of the appliance itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sotto::app::backup::{Key, Shut};
use sotto::standin::browser::Browser;
use sotto::web::control::RootKey;

use super::{LEAVE, audited};
use crate::support::{Appliance, put};

/// How often each event stands in the log.
fn counts(house: &Appliance) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in &house.audit_lines()[1..] {
        let leaf: Value = serde_json::from_str(line).unwrap();
        *counts.entry(leaf["event"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// What a deed adds to the log.
fn added(house: &Appliance, deed: impl FnOnce()) -> BTreeMap<String, usize> {
    let before = counts(house);
    deed();
    let mut grown = counts(house);
    grown.retain(|event, count| {
        *count -= before.get(event).copied().unwrap_or_default();
        *count > 0
    });
    grown
}

fn one(event: &str) -> BTreeMap<String, usize> {
    [(event.to_owned(), 1)].into()
}

#[test]
fn what_a_sync_learns_of_permissions_is_one_leaf_with_its_counts_and_where_it_learns_nothing_there_is_none() {
    let house = audited();
    let learned = || -> Vec<[u64; 4]> {
        let leaves = house.audit_lines().into_iter().skip(1).map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let of =
            |leaf: Value| ["grants", "places", "restrictions", "people"].map(|count| leaf[count].as_u64().unwrap());
        leaves.filter(|leaf| leaf["event"] == "permissions_changed").map(of).collect()
    };
    assert_eq!(learned(), [[4, 3, 0, 11]], "three spaces and the wiki, three pages, and everybody of the site");

    house.change_wiki("PATCH", "/_standin/content/201", &json!({"read": {"users": ["mateo"], "groups": []}}));
    house.refresh();
    assert_eq!(learned()[1..], [[0, 0, 1, 0]]);
    house.refresh();
    assert_eq!(learned().len(), 2);
}

#[test]
fn each_deed_is_one_leaf() {
    let house = audited();
    let (mut mateo, mut ana, mut nora) = (house.sign_in("mateo"), house.sign_in("ana"), house.sign_in("nora"));
    let first = house.ask(&mut mateo, LEAVE);
    let (conversation, message) = (first["conversation_id"].as_str().unwrap(), first["message_id"].as_str().unwrap());
    let feedback = json!({ "rating": "up", "reasons": ["complete"] });
    let document = "/api/v1/admin/access?user=mateo&document=wiki:101";
    type Deed<'a> = (&'static str, Box<dyn FnMut() + 'a>);
    let deeds: Vec<Deed<'_>> = vec![
        ("asked answered", Box::new(|| drop(house.ask(&mut house.sign_in("mary"), "Who leads the ACME team?")))),
        ("signed_in", Box::new(|| drop(house.sign_in("mary")))),
        ("desk", Box::new(|| drop(ana.json("/api/v1/admin/overview").unwrap()))),
        ("audit_read", Box::new(|| drop(nora.json("/api/v1/admin/audit").unwrap()))),
        ("sync_started sync_ended", Box::new(|| house.refresh())),
    ];
    for (events, mut deed) in deeds {
        let grown = added(&house, &mut deed);
        for event in events.split(' ') {
            assert_eq!(grown.get(event), Some(&1), "{event}");
        }
    }
    let once = |event: &str, who: &mut Browser, method: &'static str, path: &str, body: Option<&Value>| {
        let grown = added(&house, || {
            let heard = who.send(method, path, body).unwrap();
            assert!(heard.status < 300, "{method} {path}: {}", heard.text);
        });
        assert_eq!(grown, one(event), "{method} {path}");
    };
    let search = json!({ "query": "annual leave" });
    once("searched", &mut mateo, "POST", "/api/v1/search", Some(&search));
    once("opened", &mut mateo, "GET", "/api/v1/documents/wiki:101", None);
    once("explained", &mut mateo, "GET", "/api/v1/documents/wiki:101/access", None);
    once("recalled", &mut mateo, "GET", &format!("/api/v1/conversations/{conversation}"), None);
    once("rated", &mut mateo, "POST", &format!("/api/v1/messages/{message}/feedback"), Some(&feedback));
    once("signed_out", &mut mateo, "POST", "/auth/logout", None);
    let mut ana = house.sign_in("ana");
    for path in ["sources", "users", "groups", "aliases", "conflicts", "audit/erasures"] {
        once("desk", &mut ana, "GET", &format!("/api/v1/admin/{path}"), None);
    }
    once("explained", &mut ana, "GET", document, None);
    let mut nora = house.sign_in("nora");
    for path in ["audit", "audit/leaves/0", "audit/documents/wiki:101", "proofs?leaf=0", "audit/export?format=csv"] {
        once("audit_read", &mut nora, "GET", &format!("/api/v1/admin/{path}"), None);
    }

    // Of other settings the section is on record, and what does not change is not.
    let before = counts(&house);
    let house = house.restart_with(|settings| settings.history.days = 30);
    let house = house.restart();
    let after = counts(&house);
    assert_eq!(after["settings_changed"] - before.get("settings_changed").copied().unwrap_or_default(), 1);
    assert!(house.audit_lines().iter().any(|line| line.contains("\"sections\":[\"history\"]")));
    assert_eq!(after["started"] - before["started"], 2);
}

#[test]
fn each_change_that_an_administrator_makes_is_one_leaf() {
    let house = audited();
    let mut ana = house.sign_in("ana");
    let (mateo, mary) = (house.person_id("mateo"), house.person_id("mary"));
    let assigned = json!({ "application": "hr-desk", "people": [mateo] });
    let unassigned = json!({ "application": "hr-desk", "people": [mateo], "remove": true });
    let seat = |deed: &str| json!({ "deed": deed, "people": [mary] });
    let token = json!({ "name": "entra" });
    let alias = ana.json("/api/v1/admin/aliases?query=mary").unwrap()["aliases"][0]["key"].clone();
    let alias = format!("aliases/wiki/{}", alias.as_str().unwrap());
    let person = format!("users/{mary}");
    let steps: Vec<(&str, &'static str, &str, Option<Value>)> = vec![
        ("application_made", "POST", "applications", Some(json!({ "title": "HR desk" }))),
        ("application_changed", "PATCH", "applications/hr-desk", Some(json!({ "tone": "formal" }))),
        ("assigned", "POST", "assignments", Some(assigned)),
        ("unassigned", "POST", "assignments", Some(unassigned)),
        ("application_deleted", "DELETE", "applications/hr-desk", None),
        ("unsubscribed", "POST", "seats", Some(seat("unsubscribe"))),
        ("subscribed", "POST", "seats", Some(seat("subscribe"))),
        ("aliased", "PUT", &alias, Some(json!({ "user": null }))),
        ("aliased", "DELETE", &alias, None),
        ("scim_token", "POST", "scim_tokens", Some(token)),
        ("scim_token", "PATCH", "scim_tokens/entra", Some(json!({ "etags": false }))),
        ("scim_token", "POST", "scim_tokens/entra/rotate", Some(json!({ "overlap_hours": 1 }))),
        ("scim_token", "DELETE", "scim_tokens/entra", None),
        ("managed", "PATCH", &person, Some(json!({ "active": false }))),
        ("managed", "PATCH", &person, Some(json!({ "active": true }))),
        ("removed", "POST", "seats", Some(seat("remove"))),
        ("managed person_forgotten", "DELETE", &person, None),
    ];
    for (events, method, path, body) in steps {
        let grown = added(&house, || {
            let heard = ana.send(method, &format!("/api/v1/admin/{path}"), body.as_ref()).unwrap();
            assert!(heard.status < 300, "{method} {path}: {}", heard.text);
        });
        let expected: BTreeMap<String, usize> = events.split(' ').map(|event| (event.to_owned(), 1)).collect();
        assert_eq!(grown, expected, "{method} {path}");
    }
}

#[test]
fn what_a_provider_changes_and_what_the_owner_of_the_machine_does_is_one_leaf_each() {
    let house = audited();
    let grown = added(&house, || {
        let (status, made) = house.scim("POST", "/Users", &json!({ "userName": "june" }).to_string());
        assert_eq!(status, 201, "{made}");
    });
    assert_eq!(grown, one("provisioned"));

    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("passphrase"), "correct horse battery staple");
    let key = Key::of_passphrase_file(&folder.path().join("passphrase")).unwrap();
    let grown = added(&house, || {
        let mut file = Shut::begin(&folder.path().join("backup"), &key).unwrap();
        house.app().back_up(RootKey::LeftOut, &mut file).unwrap();
    });
    assert_eq!(grown, one("backed_up"));
}
