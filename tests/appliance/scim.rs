//! Provisioning over HTTPS: the door is a token, and what comes through it counts at once.

use serde_json::json;

use crate::support::{Appliance, Site};

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
