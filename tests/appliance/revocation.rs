//! Revocation: once a change is acknowledged, the very next request obeys it, on every surface: search, documents, stored
//! answers with their citations, exports, follow-ups, and answers that are being written.

use std::sync::Arc;

use serde_json::{Value, json};
use sotto::standin::browser::Browser;

use crate::support::{Appliance, Gate, Parts, Site};

const LEAVE: &str = "How many days of annual leave does an employee have?";
/// Words of the page that is given and taken.
const SECRET: &str = "28 days of annual leave";

/// `HR` may be viewed by `readers`; `101` stands below `100`, and `150` is for Ana alone.
fn site() -> Site {
    Site::new()
        .user("mateo")
        .user("ana")
        .group("readers", &["mateo", "ana"], &[])
        .space("HR", &["readers"])
        .page("HR", "100", None, "Human resources", "<p>Forms hang in the hall.</p>")
        .page("HR", "150", None, "Board", "<p>The board meets on Mondays.</p>")
        .page("HR", "101", Some("100"), "Annual leave", "<p>Every employee has 28 days of annual leave in a year.</p>")
        .page("HR", "102", Some("100"), "Parking", "<p>Cars are parked in hall 7.</p>")
        .restrict("150", &["ana"], &[])
}

/// Everything a person can be told of the page, in one text.
fn told(house: &Appliance, browser: &mut Browser, conversation: &str) -> String {
    let mut text = String::new();
    let search = json!({ "query": "annual leave days", "limit": 20 });
    text += &browser.send("POST", "/api/v1/search", Some(&search)).unwrap().text;
    let path = format!("/api/v1/conversations/{conversation}");
    for path in [
        "/api/v1/documents/wiki:101",
        "/api/v1/documents/wiki:101/access",
        "/api/v1/me",
        &path,
        &format!("{path}/export?format=md"),
        "/api/v1/conversations",
    ] {
        text += &browser.send("GET", path, None).unwrap().text;
    }
    for body in [
        json!({ "question": LEAVE, "temporary": true }),
        json!({ "question": "And in a leap year?", "conversation_id": conversation }),
    ] {
        text += &browser.send("POST", "/api/v1/ask", Some(&body)).unwrap().text;
    }
    // The questions themselves are the person's own.
    text.replace(LEAVE, "").replace(house.base.as_str(), "")
}

fn change(house: &Appliance, path: &str, body: &Value) {
    house.change_wiki("PATCH", path, body);
    house.refresh();
}

type Deed = fn(&Appliance);

fn person_path(house: &Appliance) -> String {
    format!("/Users/{}", house.person_id("mateo"))
}

/// Sends a bulk of one operation between two others that fail.
fn bulk(house: &Appliance, operation: &Value) {
    let nothing = json!({ "method": "DELETE", "path": "/Users/00000000000000000000000000000000" });
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                       "Operations": [nothing, operation, nothing] });
    let (status, told) = house.scim("POST", "/Bulk", &body.to_string());
    let statuses: Vec<&str> =
        told["Operations"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert!(status == 200 && statuses[0] == "404" && statuses[1].starts_with('2'), "{told}");
}

#[test]
fn what_is_taken_is_gone_at_the_next_request_and_what_is_given_back_is_there() {
    let changes: [(&str, Deed, Deed); 5] = [
        (
            "the page is restricted",
            |house| change(house, "/_standin/content/101", &json!({ "read": { "users": ["ana"], "groups": [] } })),
            |house| change(house, "/_standin/content/101", &json!({ "read": { "users": [], "groups": [] } })),
        ),
        (
            "the page above it is restricted",
            |house| change(house, "/_standin/content/100", &json!({ "read": { "users": ["ana"], "groups": [] } })),
            |house| change(house, "/_standin/content/100", &json!({ "read": { "users": [], "groups": [] } })),
        ),
        (
            "it is moved below a restricted page",
            |house| change(house, "/_standin/content/101", &json!({ "parent": "150" })),
            |house| change(house, "/_standin/content/101", &json!({ "parent": "100" })),
        ),
        (
            "the person leaves the group",
            |house| change(house, "/_standin/groups/readers", &json!({ "members": ["ana"] })),
            |house| change(house, "/_standin/groups/readers", &json!({ "members": ["ana", "mateo"] })),
        ),
        (
            "the space is granted to others",
            |house| change(house, "/_standin/spaces/HR", &json!({ "view": { "users": ["ana"], "groups": [] } })),
            |house| change(house, "/_standin/spaces/HR", &json!({ "view": { "users": [], "groups": ["readers"] } })),
        ),
    ];
    let house = Appliance::with(&site());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let conversation = answer["conversation_id"].as_str().unwrap();
    assert!(told(&house, &mut mateo, conversation).contains(SECRET));

    for (what, take, give) in changes {
        take(&house);
        let after = told(&house, &mut mateo, conversation);
        for words in [SECRET, "Annual leave"] {
            assert!(!after.contains(words), "{what}, and {words:?} is still told: {after}");
        }

        give(&house);
        assert!(told(&house, &mut mateo, conversation).contains(SECRET), "{what} no longer, and it is not told again");
    }
}

#[test]
fn a_renamed_page_is_told_by_its_new_name_alone() {
    let house = Appliance::with(&site());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let conversation = answer["conversation_id"].as_str().unwrap();

    change(&house, "/_standin/content/101", &json!({ "title": "Days off", "version": 2 }));

    let after = told(&house, &mut mateo, conversation);
    assert!(after.contains("Days off") && !after.contains("Annual leave"), "{after}");
}

#[test]
fn who_is_deactivated_is_told_nothing_and_who_comes_back_is_told_all() {
    let house = Appliance::with(&site());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let conversation = answer["conversation_id"].as_str().unwrap();
    let person = format!("/Users/{}", house.person_id("mateo"));
    let set_active = |is_active: bool| {
        let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                            "Operations": [{ "op": "replace", "path": "active", "value": is_active }] });
        assert!(house.scim("PATCH", &person, &patch.to_string()).0 < 300);
    };

    set_active(false);
    assert!(!told(&house, &mut mateo, conversation).contains(SECRET));

    set_active(true);
    let mut mateo = house.sign_in("mateo");
    assert!(told(&house, &mut mateo, conversation).contains(SECRET));
}

#[test]
fn a_bulk_that_deactivates_or_removes_a_person_ends_their_sessions_before_it_is_answered() {
    let house = Appliance::with(&site());
    let patch = json!({ "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] });
    let active = json!({ "Operations": [{ "op": "Replace", "path": "active", "value": "True" }] });
    let greeted = |browser: &mut Browser| browser.send("GET", "/api/v1/me", None).unwrap().status;

    let mut mateo = house.sign_in("mateo");
    assert_eq!(greeted(&mut mateo), 200);
    bulk(&house, &json!({ "method": "PATCH", "path": person_path(&house), "data": patch }));
    assert_eq!(greeted(&mut mateo), 401);
    bulk(&house, &json!({ "method": "PATCH", "path": person_path(&house), "data": active }));
    assert_eq!(greeted(&mut mateo), 401, "the session does not come back with its person");

    let mut mateo = house.sign_in("mateo");
    bulk(&house, &json!({ "method": "DELETE", "path": person_path(&house) }));
    assert_eq!(greeted(&mut mateo), 401);
    let deeds = house.audit_lines();
    let count = |what: &str| deeds.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count("\"person_inactive\""), count("\"person_removed\"")), (1, 1));
}

#[test]
fn an_answer_that_is_being_written_stops_when_its_right_is_lost() {
    let taken: [(&str, Deed); 5] = [
        ("the page is restricted", |house| {
            change(house, "/_standin/content/101", &json!({ "read": { "users": ["ana"], "groups": [] } }));
        }),
        ("the person leaves the group", |house| {
            change(house, "/_standin/groups/readers", &json!({ "members": ["ana"] }));
        }),
        ("the person is deactivated", |house| {
            let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                                "Operations": [{ "op": "replace", "path": "active", "value": false }] });
            let person = format!("/Users/{}", house.person_id("mateo"));
            assert!(house.scim("PATCH", &person, &patch.to_string()).0 < 300);
        }),
        ("the person is deactivated in a bulk", |house| {
            let patch = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
            bulk(house, &json!({ "method": "PATCH", "path": person_path(house), "data": patch }));
        }),
        ("the person is removed in a bulk", |house| {
            bulk(house, &json!({ "method": "DELETE", "path": person_path(house) }));
        }),
    ];
    for (what, take) in taken {
        let gate = Arc::new(Gate::default());
        let house = Appliance::made_of(Parts { generate: Some(gate.clone()), ..Parts::plain() }, &site(), |_| {});
        house.refresh();
        let mut mateo = house.sign_in("mateo");
        gate.shut();

        let heard = std::thread::scope(|scope| {
            let asking =
                scope.spawn(|| mateo.send("POST", "/api/v1/ask", Some(&json!({ "question": LEAVE }))).unwrap());
            gate.wait();
            take(&house);
            gate.open();
            asking.join().unwrap()
        });

        assert!(!heard.text.contains(SECRET), "{what}, and it is still told: {}", heard.text);
        // For whoever was removed there is no place left to keep even that it was stopped.
        assert!(heard.text.contains("\"stopped\"") || heard.status == 404, "{what}: {}", heard.text);
    }
}
