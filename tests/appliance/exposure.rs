//! The report of what is exposed: kinds and counts, no value, and no title that whoever reads it may not read.

use std::cell::RefCell;

use serde_json::{Value, json};

use crate::support::{Appliance, Site};

/// Put together here, so that no scanner of a repository takes it for a leak.
fn cloud_key() -> String {
    ["AKIA", "IOSFODNN7ABCDEFG"].concat()
}

/// Two teams and a space for all. `TEAM` is open to two of three people, of whom the administrator is none.
fn site() -> Site {
    let secret = format!("<p>The account's key is {}.</p>", cloud_key());
    Site::new()
        .user("mateo")
        .user("mary")
        .user("ana")
        .user("gone")
        .group("team", &["mateo", "mary"], &[])
        .group("nobody-in-it", &[], &[])
        .group("left-behind", &["gone"], &[])
        .space("HR", &["confluence-users"])
        .space("TEAM", &["team", "nobody-in-it", "never-made"])
        .space("ONE", &["left-behind"])
        .page("HR", "101", None, "Pay office", "<p>Pay into DE89 3704 0044 0532 0130 00.</p>")
        .page("HR", "102", None, "Canteen", "<p>The password of the menu is the soup.</p>")
        .page("TEAM", "201", None, "Runbook Falcon", &secret)
        .page("TEAM", "202", None, "Runbook Heron", "<p>Nothing of note.</p>")
        .page("ONE", "301", None, "Attic", &secret)
        .restrict("202", &[], &["left-behind"])
}

fn house() -> Appliance {
    let house = Appliance::with(&site());
    let change = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#;
    let (status, _) = house.scim("PATCH", &format!("/Users/{}", house.person_id("gone")), change);
    assert!(status < 300);
    house
}

/// The report, once all pages were looked through.
fn report(house: &Appliance) -> Value {
    let ana = RefCell::new(house.sign_in("ana"));
    let report = || ana.borrow_mut().json("/api/v1/admin/exposure").unwrap();
    house.wait_until("every page was looked through", |_| report()["waiting"] == 0);
    report()
}

#[test]
fn a_secret_in_a_widely_open_page_is_told_by_its_kind_and_by_a_title_only_where_that_may_be_read() {
    let house = house();

    let report = report(&house);

    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{report}");
    let of = |id: &str| findings.iter().find(|one| one["document_id"] == id).unwrap();
    let (open, hidden) = (of("wiki:101"), of("wiki:201"));
    assert_eq!((&open["readers"], &open["found"]), (&json!(3), &json!([{ "kind": "iban", "count": 1 }])));
    assert_eq!(open["title"], "Pay office");
    assert_eq!((&hidden["readers"], &hidden["found"]), (&json!(2), &json!([{ "kind": "cloud_key", "count": 1 }])));
    assert_eq!((&hidden["title"], &hidden["url"]), (&Value::Null, &Value::Null), "ana may not open it");
    assert_eq!(report["exposed"], 2, "what few may read is not exposed");
    let log = house.audit_lines().concat();
    for word in [cloud_key().as_str(), "IOSFODNN", "Falcon", "Attic", "0044 0532", "soup"] {
        assert!(!report.to_string().contains(word) && !log.contains(word), "{word} is told: {report}");
    }
    assert!(log.contains(r#""what":"exposure""#), "the look is on record");
}

#[test]
fn a_page_that_is_mended_or_restricted_is_exposed_no_more() {
    let house = house();
    assert_eq!(report(&house)["exposed"], 2);

    let mended = json!({ "body": "<p>Ask the pay office.</p>", "version": 2 });
    house.change_wiki("PATCH", "/_standin/content/101", &mended);
    house.change_wiki("PATCH", "/_standin/content/201", &json!({ "read": { "users": ["mateo"], "groups": [] } }));
    house.refresh();

    assert_eq!(report(&house)["exposed"], 0);
}

#[test]
fn groups_that_nobody_holds_are_told_with_why_and_with_what_is_given_to_them() {
    let house = house();
    let groups = |report: &Value| report["groups"].as_array().unwrap().clone();

    let first = groups(&report(&house));

    let of = |groups: &[Value], name: &str| {
        groups.iter().find(|group| group["source"] == "wiki" && group["name"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(
        (&of(&first, "nobody-in-it")["why"], &of(&first, "nobody-in-it")["spaces"]),
        (&json!("empty"), &json!(["TEAM"]))
    );
    assert_eq!(of(&first, "never-made")["why"], "gone", "{first:?}");
    let left = of(&first, "left-behind");
    assert_eq!(
        (&left["why"], &left["spaces"], &left["pages"]),
        (&json!("disabled"), &json!(["ONE"]), &json!(1)),
        "{left}"
    );
    assert_eq!(of(&first, "team"), Value::Null, "somebody is in it");

    let mut site = site().json();
    site["groups"].as_array_mut().unwrap().retain(|group| group["name"] != "nobody-in-it");
    assert!(house.scim("DELETE", &format!("/Users/{}", house.person_id("gone")), "").0 < 300);
    house.change_wiki("PUT", "/_standin/site", &site);
    house.refresh();
    let second = groups(&report(&house));
    assert_eq!(of(&second, "left-behind")["why"], "unmatched", "its member is nobody the directory has");
    assert_eq!(of(&second, "nobody-in-it")["why"], "gone");
    assert!(of(&second, "nobody-in-it")["gone_since"].is_string(), "when it was last seen is kept");
}

#[test]
fn a_space_that_is_open_to_anybody_is_told_with_what_closing_it_would_take_and_closing_it_takes_that() {
    let house = house();
    assert_eq!(report(&house)["open_spaces"], json!([]));
    let view = |anonymous: bool| json!({ "view": { "users": [], "groups": ["team"], "anonymous": anonymous } });
    house.change_wiki("PATCH", "/_standin/spaces/TEAM", &view(true));
    house.refresh();
    let may_open =
        |person: &str| house.sign_in(person).send("GET", "/api/v1/documents/wiki:201", None).unwrap().status == 200;
    assert!(may_open("ana") && may_open("mary"));

    let open = report(&house)["open_spaces"].clone();
    house.change_wiki("PATCH", "/_standin/spaces/TEAM", &view(false));
    house.refresh();

    assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
    assert_eq!((&open[0]["space"], &open[0]["documents"]), (&json!("TEAM"), &json!(2)));
    let closed = &open[0]["if_closed"];
    assert_eq!(
        (&closed["direction"], &closed["people"], &closed["documents"]),
        (&json!("loses"), &json!(1), &json!(1))
    );
    assert!(!may_open("ana") && may_open("mary"), "that is what it took");
}
