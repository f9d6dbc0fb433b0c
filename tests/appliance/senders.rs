//! What real senders do to see whether a SCIM server is one: Okta's test steps, and the 25 tests of Microsoft Entra's validation by
//! their names. Here is what arrives of each at the server; the bodies are those that these senders send.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Appliance, Site};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A provider that calls, over HTTPS, with its own people and no others.
struct Sender {
    house: Appliance,
}

impl Sender {
    fn new() -> Sender {
        Sender { house: Appliance::without_sync(&Site::new().user("ana"), |_| {}) }
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.house.scim("GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn post(&self, endpoint: &str, body: &Value) -> Value {
        let (status, made) = self.house.scim("POST", endpoint, &body.to_string());
        assert_eq!(status, 201, "{made}");
        assert!(made["id"].as_str().is_some_and(|id| !id.is_empty()), "{made}");
        made
    }

    fn patch(&self, path: &str, operations: &Value) -> u16 {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.house.scim("PATCH", path, &body.to_string()).0
    }

    fn patched(&self, path: &str, operations: &Value) -> Value {
        let status = self.patch(path, operations);
        assert!(status == 200 || status == 204, "{status}");
        self.get(path)
    }

    fn delete(&self, path: &str) {
        assert_eq!(self.house.scim("DELETE", path, "").0, 204);
    }

    fn found(&self, endpoint: &str, filter: &str) -> Vec<Value> {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        self.get(&format!("{endpoint}?filter={filter}"))["Resources"].as_array().unwrap().clone()
    }

    fn user(&self, name: &str) -> (Value, String) {
        let made = self.post("/Users", &entra_user(name));
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        (made, path)
    }

    fn group(&self, name: &str) -> (Value, String) {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "externalId": format!("object-of-{name}"),
            "displayName": name, "members": [], "meta": { "resourceType": "Group" },
        });
        let made = self.post("/Groups", &body);
        let path = format!("/Groups/{}", made["id"].as_str().unwrap());
        (made, path)
    }

    fn members(&self, path: &str) -> Vec<String> {
        let group = self.get(path);
        let members = group["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
    }
}

fn entra_user(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": format!("object-of-{name}"), "userName": format!("{name}@example.com"), "active": true,
        "displayName": name, "title": "Engineer", "preferredLanguage": "en",
        "emails": [{ "primary": true, "type": "work", "value": format!("{name}@example.com") }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": format!("{name} Doe"), "familyName": "Doe", "givenName": name },
        "roles": [], ENTERPRISE: { "department": "Projects" },
    })
}

fn id(resource: &Value) -> &str {
    resource["id"].as_str().unwrap()
}

// ── Okta's test steps ───────────────────────────────────────────────────────────────────────────

#[test]
fn okta_one_person_is_listed_with_what_okta_needs_and_read_by_id() {
    let sender = Sender::new();

    let listed = sender.get("/Users?count=1&startIndex=1");

    let person = &listed["Resources"][0];
    assert_eq!(listed["Resources"].as_array().unwrap().len(), 1);
    for field in ["totalResults", "startIndex", "itemsPerPage"] {
        assert!(listed[field].is_u64(), "{field} is a number: {listed}");
    }
    for pointer in ["/id", "/name/familyName", "/name/givenName", "/userName", "/active", "/emails/0/value"] {
        assert!(person.pointer(pointer).is_some_and(|value| !value.is_null()), "{pointer}: {person}");
    }
    let read = sender.get(&format!("/Users/{}", id(person)));
    assert_eq!((&read["userName"], &read["id"]), (&person["userName"], &person["id"]));
}

#[test]
fn okta_nobody_of_an_unknown_name_or_address_is_no_error_and_an_unknown_id_is_one() {
    let sender = Sender::new();

    for filter in ["userName eq \"nobody@example.com\"", "emails.value eq \"nobody@example.com\""] {
        assert!(sender.found("/Users", filter).is_empty(), "{filter}");
    }

    let (status, problem) = sender.house.scim("GET", "/Users/00919288221112222", "");
    assert_eq!((status, &problem["status"]), (404, &json!("404")));
    assert!(problem["detail"].is_string() && problem["schemas"][0] == "urn:ietf:params:scim:api:messages:2.0:Error");
}

#[test]
fn okta_a_person_is_made_once_and_found_in_whatever_case() {
    let sender = Sender::new();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "runscope300@atko.example",
        "name": { "givenName": "Runscope", "familyName": "Test" }, "externalId": "00u1", "password": "1mz050nq",
        "emails": [{ "primary": true, "value": "runscope300@atko.example", "type": "work" }], "active": true, "groups": [],
    });

    let made = sender.post("/Users", &body);
    let (again, problem) = sender.house.scim("POST", "/Users", &body.to_string());

    assert_eq!((&made["active"], &made["userName"]), (&json!(true), &body["userName"]));
    assert!(made.get("password").is_none(), "{made}");
    assert_eq!((again, &problem["scimType"]), (409, &json!("uniqueness")));
    let found = sender.found("/Users", "userName eq \"RUNSCOPE300@ATKO.EXAMPLE\"");
    assert_eq!((found.len(), id(&found[0])), (1, id(&made)));
}

#[test]
fn okta_groups_are_told_within_six_hundred_milliseconds() {
    let sender = Sender::new();
    (0..20).for_each(|n| drop(sender.group(&format!("team-{n}"))));
    sender.get("/Groups?count=100&startIndex=1");

    let began = Instant::now();
    let listed = sender.get("/Groups?count=100&startIndex=1");

    assert!(began.elapsed() < Duration::from_millis(600), "{:?}", began.elapsed());
    assert!(listed["totalResults"].as_u64().unwrap() >= 20);
}

#[test]
fn okta_a_push_of_a_profile_replaces_it_and_a_person_who_leaves_is_set_inactive_and_comes_back() {
    let sender = Sender::new();
    let (made, path) = sender.user("kim");
    let mut pushed = made.clone();
    pushed["name"]["familyName"] = json!("Smith");
    pushed["id"] = made["id"].clone();

    let (status, replaced) = sender.house.scim("PUT", &path, &pushed.to_string());
    assert_eq!((status, &replaced["name"]["familyName"]), (200, &json!("Smith")));

    let left = sender.patched(&path, &json!([{ "op": "replace", "value": { "active": false } }]));
    assert_eq!(left["active"], false);
    assert_eq!(sender.found("/Users", "userName eq \"kim@example.com\"")[0]["active"], false);
    let back = sender.patched(&path, &json!([{ "op": "replace", "value": { "active": true } }]));
    assert_eq!(back["active"], true);
}

#[test]
fn okta_a_group_is_renamed_and_pushed_whole() {
    let sender = Sender::new();
    let (kim, _) = sender.user("kim");
    let (group, path) = sender.group("Team");

    let rename = json!([{ "op": "replace", "value": { "id": id(&group), "displayName": "Renamed" } }]);
    assert_eq!(sender.patched(&path, &rename)["displayName"], "Renamed");
    let push = json!([{ "op": "replace", "path": "members", "value": [{ "value": id(&kim), "display": "kim" }] }]);
    sender.patched(&path, &push);
    assert_eq!(sender.members(&path), [id(&kim)]);
    sender.patched(&path, &json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&kim)) }]));
    assert!(sender.members(&path).is_empty());
}

// ── Microsoft Entra's validation: user provisioning ─────────────────────────────────────────────

#[test]
fn create_user_test_a_person_is_looked_for_made_and_found_by_name() {
    let sender = Sender::new();
    assert!(sender.found("/Users", "userName eq \"adele@example.com\"").is_empty());

    let (made, _) = sender.user("adele");

    let found = sender.found("/Users", "userName eq \"adele@example.com\"");
    assert_eq!((found.len(), id(&found[0])), (1, id(&made)));
    assert_eq!(id(&sender.found("/Users", "externalId eq \"object-of-adele\"")[0]), id(&made));
}

#[test]
fn update_user_test_mapped_attributes_are_as_they_were_sent() {
    let sender = Sender::new();
    let (_, path) = sender.user("adele");

    let now = sender.patched(
        &path,
        &json!([
            { "op": "Replace", "path": "title", "value": "Director" },
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "adele.vance@example.com" },
            { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "5" },
            { "op": "Replace", "path": format!("{ENTERPRISE}:department"), "value": "Sales" },
            { "op": "rEplace", "value": { "displayName": "Adele V", "name.givenName": "Adele" } },
        ]),
    );

    assert_eq!((&now["title"], &now["displayName"]), (&json!("Director"), &json!("Adele V")));
    assert_eq!((&now["name"]["givenName"], &now["name"]["familyName"]), (&json!("Adele"), &json!("Doe")));
    assert_eq!(now["emails"][0]["value"], "adele.vance@example.com");
    assert_eq!(now["phoneNumbers"][0], json!({ "type": "mobile", "value": "5" }));
    assert_eq!(now[ENTERPRISE]["department"], "Sales");
    let filter = "emails[type eq \"work\"].value eq \"ADELE.vance@example.com\"";
    assert_eq!(sender.found("/Users", filter).len(), 1);
}

#[test]
fn disable_user_test_a_person_is_set_inactive_by_text_and_still_told() {
    let sender = Sender::new();
    let (_, path) = sender.user("adele");

    let now = sender.patched(&path, &json!([{ "op": "Replace", "path": "active", "value": "False" }]));

    assert_eq!(now["active"], false);
    assert_eq!(sender.found("/Users", "userName eq \"adele@example.com\"")[0]["active"], false);
}

#[test]
fn delete_user_test_a_person_is_removed_for_good() {
    let sender = Sender::new();
    let (_, path) = sender.user("adele");

    sender.delete(&path);

    assert_eq!(sender.house.scim("GET", &path, "").0, 404);
    assert_eq!(sender.house.scim("DELETE", &path, "").0, 404);
    assert!(sender.found("/Users", "userName eq \"adele@example.com\"").is_empty());
}

#[test]
fn user_update_manager_test_a_manager_is_set_changed_and_taken_away() {
    manager_is_set_changed_and_taken_away("Replace");
}

#[test]
fn restore_user_test_who_was_removed_comes_back_as_somebody_new_and_who_was_inactive_as_themselves() {
    let sender = Sender::new();
    let (first, path) = sender.user("adele");

    sender.patched(&path, &json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    let back = sender.patched(&path, &json!([{ "op": "Replace", "path": "active", "value": "True" }]));
    assert_eq!((&back["active"], id(&back)), (&json!(true), id(&first)));

    sender.delete(&path);
    assert!(sender.found("/Users", "userName eq \"adele@example.com\"").is_empty());
    let (second, _) = sender.user("adele");
    assert_eq!(id(&sender.found("/Users", "userName eq \"adele@example.com\"")[0]), id(&second));
    assert_ne!(id(&first), id(&second));
}

#[test]
fn pod_user_test_a_person_who_is_provisioned_on_demand_is_there_at_the_next_request() {
    let sender = Sender::new();

    let (made, _) = sender.user("adele");
    let found = sender.found("/Users", "externalId eq \"object-of-adele\"");

    assert_eq!((found.len(), id(&found[0])), (1, id(&made)));
}

// ── Group provisioning ──────────────────────────────────────────────────────────────────────────

#[test]
fn create_group_test_a_group_is_looked_for_made_and_found_by_name() {
    let sender = Sender::new();
    assert!(sender.found("/Groups", "displayName eq \"Sales\"").is_empty());

    let (made, _) = sender.group("Sales");

    let found = sender.get("/Groups?excludedAttributes=members&filter=displayName%20eq%20%22sales%22");
    assert_eq!((id(&found["Resources"][0]), &found["Resources"][0]["members"]), (id(&made), &Value::Null));
    assert_eq!(id(&sender.found("/Groups", "externalId eq \"object-of-Sales\"")[0]), id(&made));
}

#[test]
fn update_group_test_a_group_has_another_name_and_is_found_by_it_alone() {
    let sender = Sender::new();
    let (_, path) = sender.group("Sales");

    let now = sender.patched(&path, &json!([{ "op": "Replace", "path": "displayName", "value": "Sales EMEA" }]));

    assert_eq!(now["displayName"], "Sales EMEA");
    assert_eq!(sender.found("/Groups", "displayName eq \"Sales EMEA\"").len(), 1);
    assert!(sender.found("/Groups", "displayName eq \"Sales\"").is_empty());
}

#[test]
fn delete_group_test_a_group_is_gone_and_its_people_are_not() {
    let sender = Sender::new();
    let (adele, person) = sender.user("adele");
    let (_, path) = sender.group("Sales");
    sender.patched(&path, &json!([{ "op": "Add", "path": "members", "value": [{ "value": id(&adele) }] }]));

    sender.delete(&path);

    assert!(sender.found("/Groups", "displayName eq \"Sales\"").is_empty());
    assert!(sender.get(&person).get("groups").is_none());
}

#[test]
fn group_update_add_member_test_a_member_is_added_once_however_often() {
    let sender = Sender::new();
    let (adele, person) = sender.user("adele");
    let (group, path) = sender.group("Sales");
    let add = json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": id(&adele) }] }]);

    sender.patched(&path, &add);
    sender.patched(&path, &add);

    assert_eq!(sender.members(&path), [id(&adele)]);
    assert_eq!(sender.get(&person)["groups"][0]["value"], id(&group));
    let filter = format!("id eq \"{}\" and members eq \"{}\"", id(&group), id(&adele));
    assert_eq!(sender.found("/Groups", &filter).len(), 1);
}

#[test]
fn group_update_remove_member_test_the_member_that_is_named_goes_and_no_other() {
    let sender = Sender::new();
    let ((adele, _), (bob, _)) = (sender.user("adele"), sender.user("bob"));
    let (_, path) = sender.group("Sales");
    let both = json!([{ "value": id(&adele) }, { "value": id(&bob) }]);
    sender.patched(&path, &json!([{ "op": "Add", "path": "members", "value": both }]));

    sender.patched(&path, &json!([{ "op": "Remove", "path": "members", "value": [{ "value": id(&adele) }] }]));
    assert_eq!(sender.members(&path), [id(&bob)]);
    sender.patched(&path, &json!([{ "op": "Remove", "path": format!("members[value eq \"{}\"]", id(&bob)) }]));
    assert!(sender.members(&path).is_empty());
}

#[test]
fn pod_group_test_a_group_that_is_provisioned_on_demand_with_its_members_is_there_at_the_next_request() {
    let sender = Sender::new();
    let (adele, _) = sender.user("adele");
    let (made, path) = sender.group("Sales");

    sender.patched(&path, &json!([{ "op": "Add", "path": "members", "value": [{ "value": id(&adele) }] }]));

    assert_eq!(id(&sender.found("/Groups", "externalId eq \"object-of-Sales\"")[0]), id(&made));
    assert_eq!(sender.members(&path), [id(&adele)]);
}

#[test]
fn restore_group_test_a_group_of_the_same_name_comes_back_as_another_one() {
    let sender = Sender::new();
    let (adele, _) = sender.user("adele");
    let (first, path) = sender.group("Sales");
    sender.patched(&path, &json!([{ "op": "Add", "path": "members", "value": [{ "value": id(&adele) }] }]));

    sender.delete(&path);
    assert!(sender.found("/Groups", "displayName eq \"Sales\"").is_empty());
    let (second, path) = sender.group("Sales");

    assert_ne!(id(&first), id(&second));
    assert!(sender.members(&path).is_empty(), "what an older group of this name had is not this one's");
}

// ── SCIM compliance ─────────────────────────────────────────────────────────────────────────────

#[test]
fn schema_discoverability_test_each_attribute_that_is_mapped_stands_in_the_schemas() {
    let sender = Sender::new();

    let listed = sender.get("/Schemas");
    let mut told: Vec<String> = Vec::new();
    for schema in listed["Resources"].as_array().unwrap() {
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            told.push(name.to_owned());
            let parts = attribute["subAttributes"].as_array().cloned().unwrap_or_default();
            told.extend(parts.iter().map(|part| format!("{name}.{}", part["name"].as_str().unwrap())));
        }
    }

    for mapped in [
        "userName",
        "active",
        "displayName",
        "title",
        "emails.value",
        "emails.type",
        "preferredLanguage",
        "name.givenName",
        "name.familyName",
        "name.formatted",
        "addresses.streetAddress",
        "addresses.country",
        "phoneNumbers.value",
        "members.value",
        "employeeNumber",
        "department",
        "manager.value",
    ] {
        assert!(told.iter().any(|name| name == mapped), "{mapped} is not in {told:?}");
    }
    for schema in ["core:2.0:User", "core:2.0:Group", "extension:enterprise:2.0:User"] {
        sender.get(&format!("/Schemas/urn:ietf:params:scim:schemas:{schema}"));
    }
}

#[test]
fn scim_null_update_test_empty_texts_and_nulls_take_values_away_and_may_come_again() {
    let sender = Sender::new();
    let (_, path) = sender.user("adele");
    let paths = [
        "title",
        "displayName",
        "preferredLanguage",
        "name.formatted",
        "emails[type eq \"work\"].value",
        &format!("{ENTERPRISE}:department"),
    ];
    let is_empty = |value: Option<&Value>| value.is_none_or(|value| value.is_null() || value == "");

    for nothing in [json!(""), Value::Null] {
        let operations: Vec<Value> =
            paths.iter().map(|path| json!({ "op": "Replace", "path": path, "value": nothing })).collect();
        let now = sender.patched(&path, &json!(operations));
        for pointer in ["/title", "/displayName", "/preferredLanguage", "/name/formatted", "/emails/0/value"] {
            assert!(is_empty(now.pointer(pointer)), "{pointer} after {nothing}: {now}");
        }
        assert!(is_empty(now[ENTERPRISE].get("department")), "{now}");
        assert_eq!((&now["userName"], &now["active"]), (&json!("adele@example.com"), &json!(true)));
    }
    let added = json!([{ "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": null }]);
    assert!(sender.patched(&path, &added).get("phoneNumbers").is_none(), "nothing is added to nothing");
}

#[test]
fn scim_user_create_test_the_name_comes_back_as_it_was_sent() {
    let sender = Sender::new();

    let (made, _) = sender.user("Adele");

    assert_eq!(made["userName"], "Adele@example.com");
}

#[test]
fn scim_user_update_test_every_single_valued_attribute_is_what_it_was_set_to() {
    let sender = Sender::new();
    let (_, path) = sender.user("adele");
    let core = ["displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone"];
    let name = ["name.formatted", "name.familyName", "name.givenName", "name.middleName", "name.honorificPrefix"];
    let work = ["employeeNumber", "costCenter", "organization", "division", "department"];
    let own: Vec<String> = work.iter().map(|part| format!("{ENTERPRISE}:{part}")).collect();
    let paths: Vec<&str> = core.into_iter().chain(name).chain(own.iter().map(String::as_str)).collect();
    let operations: Vec<Value> = paths
        .iter()
        .map(|path| json!({ "op": "replace", "path": path, "value": format!("new {}", path.rsplit([':', '.']).next().unwrap()) }))
        .collect();

    let now = sender.patched(&path, &json!(operations));

    core.iter().for_each(|path| assert_eq!(now[path], format!("new {path}")));
    name.iter().for_each(|path| {
        let part = path.trim_start_matches("name.");
        assert_eq!(now["name"][part], format!("new {part}"));
    });
    work.iter().for_each(|part| assert_eq!(now[ENTERPRISE][part], format!("new {part}")));
}

#[test]
fn scim_group_create_test_the_name_comes_back_as_it_was_sent() {
    let sender = Sender::new();

    assert_eq!(sender.group("Sales & Marketing").0["displayName"], "Sales & Marketing");
}

#[test]
fn scim_group_update_test_name_and_external_id_are_what_they_were_set_to() {
    let sender = Sender::new();
    let (_, path) = sender.group("Sales");

    let now = sender.patched(
        &path,
        &json!([
            { "op": "replace", "path": "displayName", "value": "New" },
            { "op": "replace", "path": "externalId", "value": "another" },
        ]),
    );

    assert_eq!((&now["displayName"], &now["externalId"]), (&json!("New"), &json!("another")));
}

#[test]
fn validate_credentials_test_a_good_token_is_let_in_and_any_other_is_refused_as_scim_has_it() {
    let sender = Sender::new();
    sender.get("/Users?count=1");

    for token in ["Bearer ", "Bearer not-the-token-of-this-test", "Basic YTpi", ""] {
        let headers = [("authorization".to_owned(), token.to_owned())];
        let heard = sender.house.browser().send_raw("GET", "/scim/v2/Users", &headers, Vec::new()).unwrap();
        assert_eq!((heard.status, heard.header("content-type")), (401, Some("application/scim+json")), "{token:?}");
        assert_eq!(heard.json()["status"], "401");
    }
}

#[test]
fn federated_identity_test_no_token_of_anybody_else_is_taken_for_one_of_ours() {
    let sender = Sender::new();
    // A token that Entra signed for itself: workload identities are exchanged at an endpoint that the validator skips where none is
    // named, as here. What must hold is that such a token alone opens nothing.
    let foreign = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJhcGk6Ly9BenVyZUFEVG9rZW5FeGNoYW5nZSJ9.c2lnbmF0dXJl";
    let headers = [("authorization".to_owned(), format!("Bearer {foreign}"))];

    let heard = sender.house.browser().send_raw("GET", "/scim/v2/Users", &headers, Vec::new()).unwrap();

    assert_eq!(heard.status, 401);
}

#[test]
fn scim_user_pagination_test_people_are_read_page_by_page_each_once() {
    let sender = Sender::new();
    (0..11).for_each(|n| drop(sender.user(&format!("user-{n}"))));

    assert_eq!(read_in_pages(&sender, "/Users"), sender.get("/Users")["totalResults"]);
}

#[test]
fn scim_group_pagination_test_groups_are_read_page_by_page_each_once() {
    let sender = Sender::new();
    (0..11).for_each(|n| drop(sender.group(&format!("group-{n}"))));

    assert_eq!(read_in_pages(&sender, "/Groups"), sender.get("/Groups")["totalResults"]);
}

#[test]
fn scim_update_manager_test_a_manager_is_added_replaced_and_taken_away() {
    manager_is_set_changed_and_taken_away("Add");
}

/// How many different resources are on the pages of five.
fn read_in_pages(sender: &Sender, endpoint: &str) -> usize {
    let mut seen = std::collections::BTreeSet::new();
    for page in 0.. {
        let start = page * 5 + 1;
        let listed = sender.get(&format!("{endpoint}?startIndex={start}&count=5"));
        assert_eq!(listed["startIndex"], start);
        let resources = listed["Resources"].as_array().unwrap();
        assert_eq!(listed["itemsPerPage"], resources.len());
        for one in resources {
            assert!(seen.insert(id(one).to_owned()), "{} is on two pages", id(one));
        }
        if resources.len() < 5 {
            assert!(page >= 2, "there are at least two whole pages");
            break;
        }
    }
    seen.len()
}

fn manager_is_set_changed_and_taken_away(first: &str) {
    let sender = Sender::new();
    let ((ann, _), (ben, _), (_, path)) = (sender.user("ann"), sender.user("ben"), sender.user("adele"));
    let manager = format!("{ENTERPRISE}:manager");
    let set = |op: &str, value: Value| {
        let now = sender.patched(&path, &json!([{ "op": op, "path": manager, "value": value }]));
        now[ENTERPRISE]["manager"]["value"].clone()
    };

    assert_eq!(set(first, json!(id(&ann))), id(&ann));
    assert_eq!(set("Replace", json!({ "value": id(&ben) })), id(&ben));
    assert_eq!(set("Replace", json!("")), Value::Null);
    assert_eq!(set("Add", json!(id(&ann))), id(&ann));
    sender.patched(&path, &json!([{ "op": "Remove", "path": manager }]));
    assert_eq!(sender.get(&path)[ENTERPRISE].get("manager"), None);
}
