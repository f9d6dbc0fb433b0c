//! Provisioning over HTTPS: the door is a token, and what comes through it counts at once.

use serde_json::{Value, json};

use crate::support::{Appliance, SCIM_TOKEN, Site};

#[test]
fn a_person_is_made_read_replaced_patched_listed_and_removed() {
    let house = Appliance::with(&Site::two_projects());
    let zoe = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "zoe", "externalId": "ext-zoe",
                      "name": { "givenName": "Zoe", "familyName": "Zander" }, "active": true });

    let (made, person) = house.scim("POST", "/Users", &zoe.to_string());
    let path = format!("/Users/{}", person["id"].as_str().unwrap());
    let (again, taken) = house.scim("POST", "/Users", &zoe.to_string());
    let (read, _) = house.scim("GET", &path, "");
    let (replaced, _) = house.scim("PUT", &path, &zoe.to_string());
    let (_, listed) = house.scim("GET", "/Users?filter=externalId%20eq%20%22ext-zoe%22", "");
    let (_, upper) = house.scim("GET", "/Users?filter=userName%20eq%20%22ZOE%22", "");
    let (removed, _) = house.scim("DELETE", &path, "");
    let (gone, problem) = house.scim("GET", &path, "");

    assert_eq!((made, again, read, replaced, removed, gone), (201, 409, 200, 200, 204, 404));
    assert_eq!(taken["scimType"], "uniqueness");
    assert_eq!((&listed["totalResults"], &upper["totalResults"]), (&json!(1), &json!(1)));
    assert_eq!(problem["status"], "404");
}

#[test]
fn a_group_gives_and_takes_access_without_a_sync() {
    let house = Appliance::with_settings(&Site::two_projects(), |settings| {
        settings.application.groups = vec!["anyorg-team".to_owned()]
    });
    assert!(house.browser().sign_in("company", "mary").is_err());
    let (_, found) = house.scim("GET", "/Groups?filter=displayName%20eq%20%22anyorg-team%22", "");
    let group = found["Resources"][0]["id"].as_str().unwrap();
    let add = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                      "Operations": [{ "op": "add", "path": "members", "value": [{ "value": house.person_id("mary") }] }] });

    let (status, _) = house.scim("PATCH", &format!("/Groups/{group}"), &add.to_string());

    assert!(status == 200 || status == 204, "{status}");
    let mut mary = house.sign_in("mary");
    assert_eq!(mary.send("GET", "/api/v1/me", None).unwrap().status, 200);
}

#[test]
fn without_a_good_token_nothing_is_said() {
    let house = Appliance::with(&Site::two_projects());

    for token in ["", "Bearer wrong-token-of-some-length", "Basic c290dG8="] {
        let headers = [("authorization".to_owned(), token.to_owned())];
        let heard = house.browser().send_raw("GET", "/scim/v2/Users", &headers, Vec::new()).unwrap();
        assert_eq!(heard.status, 401, "{token:?}");
        assert_eq!(heard.json()["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{}", heard.text);
    }
}

#[test]
fn of_eight_connections_that_make_one_person_at_once_one_does() {
    let house = Appliance::without_sync(&Site::new().user("ana"), |_| {});
    let gate = std::sync::Barrier::new(8);

    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let make = |n: usize| {
            let (house, gate) = (&house, &gate);
            scope.spawn(move || {
                gate.wait();
                house.scim("POST", "/Users", &json!({ "userName": "zoe", "title": format!("{n}") }).to_string()).0
            })
        };
        let threads: Vec<_> = (0..8).map(make).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart_and_each_change_is_on_record_once() {
    let house = Appliance::without_sync(&Site::new().user("ana"), |_| {});
    let before = house.audited("provisioned");
    let operation = |n: usize| json!({ "method": "POST", "path": "/Users", "bulkId": format!("{n}"), "data": { "userName": format!("user-{n}") } });
    let mut operations: Vec<Value> = (0..20).map(operation).collect();
    let members: Vec<Value> = (0..20).map(|n| json!({ "value": format!("bulkId:{n}") })).collect();
    operations.push(json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "G", "members": members } }));

    let (status, told) = house.scim("POST", "/Bulk", &json!({ "Operations": operations }).to_string());

    assert_eq!((status, told["Operations"].as_array().unwrap().len()), (200, 21));
    assert!(told["Operations"].as_array().unwrap().iter().all(|one| one["status"] == "201"), "{told}");
    assert_eq!(house.audited("provisioned") - before, 21);
    let house = house.restart();
    let (_, group) = house.scim("GET", "/Groups?filter=displayName%20eq%20%22G%22", "");
    assert_eq!(group["Resources"][0]["members"].as_array().unwrap().len(), 20);
}

#[test]
fn who_has_a_resource_already_is_not_sent_it_again() {
    let house = Appliance::without_sync(&Site::new().user("ana"), |_| {});
    let path = format!("/scim/v2/Users/{}", house.person_id("ana"));
    let send = |method: &'static str, more: Option<(&str, &str)>| {
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {SCIM_TOKEN}"))];
        headers.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
        house.browser().send_raw(method, &path, &headers, Vec::new()).unwrap()
    };
    let read = send("GET", None);
    let tag = read.header("etag").unwrap().to_owned();
    assert_eq!(read.json()["meta"]["version"], tag);

    let known = send("GET", Some(("if-none-match", &tag)));

    assert_eq!((known.status, known.text.as_str(), known.header("etag")), (304, "", Some(tag.as_str())));
}
