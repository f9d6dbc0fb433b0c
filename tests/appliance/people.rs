//! People, groups and accounts on the desk: whose an account is decides what its holder may read, at the next request.

use serde_json::{Value, json};

use crate::support::{Appliance, Site};

fn aliases(house: &Appliance, question: &str) -> Vec<Value> {
    let found = house.sign_in("ana").json(&format!("/api/v1/admin/aliases?{question}")).unwrap();
    found["aliases"].as_array().unwrap().clone()
}

fn id_of(house: &Appliance, user: &str) -> String {
    let found = house.sign_in("ana").json(&format!("/api/v1/admin/users?query={user}")).unwrap();
    found["users"][0]["id"].as_str().unwrap().to_owned()
}

fn may_open(house: &Appliance, person: &str, id: &str) -> bool {
    house.sign_in(person).send("GET", &format!("/api/v1/documents/wiki:{id}"), None).unwrap().status == 200
}

#[test]
fn an_account_that_is_given_to_somebody_opens_what_it_opened_from_the_next_request_on() {
    let house = Appliance::with(&Site::two_projects());
    let of_mary = aliases(&house, "query=mary").remove(0);
    assert_eq!((&of_mary["by"], &of_mary["person"]["user_name"]), (&json!("name"), &json!("mary")));
    assert!(may_open(&house, "mary", "301") && !may_open(&house, "mateo", "301"));
    let path = format!("/api/v1/admin/aliases/wiki/{}", of_mary["key"].as_str().unwrap());
    let mut ana = house.sign_in("ana");

    let given = ana.send("PUT", &path, Some(&json!({ "user": id_of(&house, "mateo") }))).unwrap();
    assert_eq!(given.status, 204, "{}", given.text);
    assert!(may_open(&house, "mateo", "301") && !may_open(&house, "mary", "301"));
    assert_eq!(aliases(&house, "state=said")[0]["by"], "administrator");
    house.refresh();
    assert!(may_open(&house, "mateo", "301"), "a sync changes nothing of it");

    assert_eq!(ana.send("PUT", &path, Some(&json!({ "user": null }))).unwrap().status, 204);
    assert!(!may_open(&house, "mateo", "301") && !may_open(&house, "mary", "301"));
    assert_eq!(aliases(&house, "state=unmatched&query=mary"), Vec::<Value>::new(), "it was set aside");

    assert_eq!(ana.send("DELETE", &path, None).unwrap().status, 204);
    assert!(may_open(&house, "mary", "301"));
    assert_eq!(ana.send("DELETE", &path, None).unwrap().status, 404);
    let lines = house.audit_lines();
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    // One leaf for each person whose rights it changed.
    assert_eq!((count("alias_given"), count("alias_set_aside"), count("alias_cleared")), (2, 1, 1));
}

#[test]
fn no_administrator_decides_that_an_account_is_their_own() {
    let house = Appliance::with(&Site::two_projects());
    let key = aliases(&house, "query=mary")[0]["key"].as_str().unwrap().to_owned();
    let body = json!({ "user": id_of(&house, "ana") });

    let refused = house.sign_in("ana").send("PUT", &format!("/api/v1/admin/aliases/wiki/{key}"), Some(&body)).unwrap();

    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.json()["detail"].as_str().unwrap().contains("another administrator"), "{}", refused.text);
    assert!(!may_open(&house, "ana", "301"));
}

#[test]
fn an_account_that_is_nobodys_is_listed_until_it_is_given_to_somebody() {
    let mut site = Site::two_projects().json();
    let users = site["users"].as_array_mut().unwrap();
    let mut renamed = users.iter().find(|user| user["username"] == "mary").unwrap().clone();
    renamed["username"] = json!("mary.old");
    renamed["key"] = json!("4f00dead");
    users.push(renamed);
    let house = Appliance::with(&Site::two_projects());
    house.change_wiki("PUT", "/_standin/site", &site);
    house.refresh();
    let unmatched = || house.app().overview_as_owner().unwrap().directory.unmatched[0].1;
    let before = unmatched();
    assert_eq!(aliases(&house, "state=unmatched&query=mary.old")[0]["key"], "4f00dead");

    let body = json!({ "user": id_of(&house, "mateo") });
    let given = house.sign_in("ana").send("PUT", "/api/v1/admin/aliases/wiki/4f00dead", Some(&body)).unwrap();

    assert_eq!(given.status, 204, "{}", given.text);
    // The account that mateo held by name is nobody's now: a person holds one.
    assert_eq!(unmatched(), before);
    let refused = house.sign_in("ana").send("PUT", "/api/v1/admin/aliases/wiki/nowhere", Some(&body)).unwrap();
    assert_eq!(refused.status, 404);

    // The account goes: it is said, and nothing else is taken in its place.
    house.change_wiki("PUT", "/_standin/site", &Site::two_projects().json());
    house.refresh();
    let conflicts = house.sign_in("ana").json("/api/v1/admin/conflicts").unwrap();
    assert_eq!(conflicts["conflicts"][0]["why"], "gone", "{conflicts}");
    assert_eq!(conflicts["conflicts"][0]["people"][0]["user_name"], "mateo");
    assert!(!may_open(&house, "mateo", "101"));
}

#[test]
fn people_and_groups_are_listed_part_by_part_with_what_they_hold() {
    let house = Appliance::with(&Site::two_projects());
    let mut ana = house.sign_in("ana");

    let first = ana.json("/api/v1/admin/users?limit=1").unwrap();
    let rest = ana.json(&format!("/api/v1/admin/users?cursor={}", first["next_cursor"].as_str().unwrap())).unwrap();
    let all: Vec<&str> = [&first, &rest]
        .into_iter()
        .flat_map(|part| part["users"].as_array().unwrap())
        .map(|user| user["user_name"].as_str().unwrap())
        .collect();
    assert!(all.is_sorted() && all.contains(&"mateo") && all.contains(&"ana"), "{all:?}");

    let mateo = &ana.json("/api/v1/admin/users?query=MATEO").unwrap()["users"][0];
    assert_eq!((&mateo["active"], &mateo["assigned"]), (&json!(true), &json!(true)));
    assert_eq!(mateo["accounts"][0]["by"], "name", "{mateo}");

    let groups = ana.json("/api/v1/admin/groups").unwrap();
    let group = groups["groups"].as_array().unwrap().iter().find(|group| group["people"] != 0).unwrap();
    let members = ana.json(&format!("/api/v1/admin/groups/{}/members", group["id"].as_str().unwrap())).unwrap();
    assert_eq!(members["members"].as_array().unwrap().len(), group["people"].as_u64().unwrap() as usize);
    assert_eq!(ana.send("GET", "/api/v1/admin/users?cursor=none", None).unwrap().status, 400);
    assert_eq!(ana.send("GET", "/api/v1/admin/groups/none/members", None).unwrap().status, 404);
}
