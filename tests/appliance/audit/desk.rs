//! The auditor's desk: what happened is found, proved, reported and taken away; whose it is only for who may be told.

use serde_json::{Value, json};
use sotto::standin::browser::Browser;

use super::{LEAVE, audited, python, taken};
use crate::support::{Appliance, is_skipped, put};

fn leaves(auditor: &mut Browser, path: &str) -> Vec<Value> {
    auditor.json(path).unwrap()["leaves"].as_array().unwrap().clone()
}

/// Mateo asks, opens the page that answers, and reads the conversation again.
fn mateo_reads(house: &Appliance) -> Value {
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    assert_eq!(mateo.send("GET", "/api/v1/documents/wiki:101", None).unwrap().status, 200);
    mateo.json(&format!("/api/v1/conversations/{}", answer["conversation_id"].as_str().unwrap())).unwrap();
    answer
}

#[test]
fn for_who_has_not_the_role_no_route_of_it_is_there_and_an_auditor_has_none_of_an_administrator() {
    let house = audited();
    let auditors: [(&'static str, &str); 11] = [
        ("GET", "/api/v1/admin/audit"),
        ("GET", "/api/v1/admin/audit/leaves/0"),
        ("GET", "/api/v1/admin/audit/export?format=jsonl"),
        ("POST", "/api/v1/admin/audit/verify"),
        ("GET", "/api/v1/admin/audit/documents/wiki:101"),
        ("GET", "/api/v1/admin/audit/people/mateo"),
        ("GET", "/api/v1/admin/audit/filters"),
        ("PUT", "/api/v1/admin/audit/filters/mine"),
        ("DELETE", "/api/v1/admin/audit/filters/mine"),
        ("GET", "/api/v1/admin/proofs?leaf=0"),
        ("GET", "/api/v1/admin/proofs?old=1"),
    ];
    let administrators: [(&'static str, &str); 3] = [
        ("POST", "/api/v1/admin/checkpoints"),
        ("GET", "/api/v1/admin/audit/erasures"),
        ("POST", "/api/v1/admin/audit/erasures"),
    ];
    let both: [(&'static str, &str); 2] = [("GET", "/api/v1/admin/checkpoints"), ("GET", "/admin/audit")];
    let (mut mateo, mut ana, mut nora) = (house.sign_in("mateo"), house.sign_in("ana"), house.sign_in("nora"));
    let missing = mateo.send("GET", "/api/v1/admin/nothing", None).unwrap();
    let body = json!({ "query": "", "user": "00000000000000000000000000000000" });
    let is_missing = |who: &mut Browser, (method, path): (&'static str, &str)| {
        let heard = who.send(method, path, Some(&body).filter(|_| method != "GET")).unwrap();
        assert_eq!(heard.status, 404, "{method} {path}: {}", heard.text);
        let without_id = |text: &str, id: &str| text.replace(id, "");
        if path.starts_with("/api") {
            assert_eq!(
                without_id(&heard.text, heard.header("x-request-id").unwrap()),
                without_id(&missing.text, missing.header("x-request-id").unwrap())
            );
        }
    };

    for route in auditors.into_iter().chain(administrators).chain(both) {
        is_missing(&mut mateo, route);
        is_missing(&mut house.browser(), route);
    }
    auditors.into_iter().for_each(|route| is_missing(&mut ana, route));
    administrators.into_iter().for_each(|route| is_missing(&mut nora, route));
    let roles = |who: &mut Browser| {
        let found = who.json("/api/v1/admin/checkpoints").unwrap();
        (found["auditor"] == true, found["administrator"] == true)
    };
    assert_eq!((roles(&mut nora), roles(&mut ana)), ((true, false), (false, true)));
    for (method, path) in both {
        assert_eq!(ana.send(method, path, None).unwrap().status, 200, "{path}");
        assert_eq!(nora.send(method, path, None).unwrap().status, 200, "{path}");
    }
}

#[test]
fn whose_a_leaf_is_is_told_to_who_may_be_told_and_to_no_other_auditor() {
    let house = audited();
    mateo_reads(&house);
    let (mut nora, mut otto) = (house.sign_in("nora"), house.sign_in("otto"));

    let told = leaves(&mut nora, "/api/v1/admin/audit?event=asked");
    let untold = leaves(&mut otto, "/api/v1/admin/audit?event=asked");

    assert_eq!(told[0]["actor"]["user_name"], "mateo", "{}", told[0]);
    assert_eq!(untold[0]["actor"], Value::Null);
    assert_eq!(told[0]["fields"], untold[0]["fields"], "beside the name they are told the same");
    let mateo = house.person_id("mateo");
    for path in
        ["/api/v1/admin/audit?limit=200", "/api/v1/admin/audit/documents/wiki:101", "/api/v1/admin/audit/leaves/9"]
    {
        let text = otto.send("GET", path, None).unwrap().text;
        assert!(!text.contains("mateo") && !text.contains(&mateo), "{path}: {text}");
    }
    for path in
        ["/api/v1/admin/audit?person=mateo", "/api/v1/admin/audit?actor=mateo", "/api/v1/admin/audit/people/mateo"]
    {
        let refused = otto.send("GET", path, None).unwrap();
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.json()["detail"].as_str().unwrap().contains("names under [audit]"), "{}", refused.text);
    }
    for format in ["jsonl", "csv", "ocsf"] {
        let text = taken(&mut otto, &format!("format={format}"));
        assert!(!text.contains("mateo") && !text.contains(&mateo), "{format}");
    }
    assert_eq!(otto.send("GET", "/api/v1/admin/audit/export?format=values", None).unwrap().status, 400);
    // That names were told is on record.
    let looks = leaves(&mut nora, "/api/v1/admin/audit?event=audit_read&limit=200");
    assert!(looks.iter().any(|look| look["fields"]["names"] == true && look["fields"]["what"] == "search"));
    assert!(looks.iter().all(|look| look["fields"]["names"] == (look["actor"]["user_name"] == "nora")), "{looks:?}");
}

#[test]
fn reports_say_to_whom_a_document_was_shown_and_what_a_person_was_shown() {
    let house = audited();
    mateo_reads(&house);
    house.ask(&mut house.sign_in("mary"), "Who leads the ACME team?");
    let mut nora = house.sign_in("nora");

    let of_page = leaves(&mut nora, "/api/v1/admin/audit/documents/wiki:101");
    let of_other = leaves(&mut nora, "/api/v1/admin/audit/documents/wiki:301");
    let of_mateo = leaves(&mut nora, "/api/v1/admin/audit/people/mateo");

    let events = |leaves: &[Value], who: &str| -> Vec<String> {
        let of = leaves.iter().filter(|leaf| leaf["actor"]["user_name"] == who);
        of.map(|leaf| leaf["event"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(events(&of_page, "mateo"), ["recalled", "opened", "answered", "asked"]);
    assert!(events(&of_other, "mateo").is_empty() && events(&of_other, "mary").contains(&"answered".to_owned()));
    assert_eq!(events(&of_mateo, "mateo").len(), of_mateo.len());
    assert!(of_mateo.iter().all(|leaf| !leaf["fields"].to_string().contains("wiki:301")));
    // By the id of the person, and read part by part, it is the same.
    let id = house.person_id("mateo");
    let mut parts = Vec::new();
    let mut cursor = String::new();
    loop {
        let part = nora.json(&format!("/api/v1/admin/audit/people/{id}?limit=1{cursor}")).unwrap();
        parts.extend(part["leaves"].as_array().unwrap().clone());
        let Some(next) = part["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(parts, of_mateo);
    assert_eq!(nora.send("GET", "/api/v1/admin/audit/people/nobody", None).unwrap().status, 400);
}

#[test]
fn a_leaf_comes_with_a_proof_that_verifies_offline_and_the_log_proves_that_it_goes_on_from_what_was_held() {
    let house = audited();
    let mut nora = house.sign_in("nora");
    let held = nora.json("/api/v1/admin/checkpoints").unwrap();
    mateo_reads(&house);

    let leaf = nora.json("/api/v1/admin/audit/leaves/3").unwrap();
    let receipt = nora.send("GET", "/api/v1/admin/proofs?leaf=3", None).unwrap().text;
    let extension = nora.send("GET", &format!("/api/v1/admin/proofs?old={}", held["size"]), None).unwrap().text;

    let key = house.app().audit_key();
    let words = sotto::app::verify_proof(&receipt, &key, None).unwrap();
    assert!(words.contains("leaf 3") && words.contains(leaf["line"].as_str().unwrap()), "{words}");
    sotto::app::verify_proof(leaf["text"].as_str().unwrap(), leaf["key"].as_str().unwrap(), None).unwrap();
    let older = held["checkpoint"].as_str().unwrap();
    let words = sotto::app::verify_proof(&extension, &key, Some(older)).unwrap();
    assert!(words.contains(&format!("begin with the {} signed before", held["size"])), "{words}");
    let changed = receipt.replacen("index 3", "index 4", 1);
    assert!(sotto::app::verify_proof(&changed, &key, None).is_err());
    for path in ["leaf=1000000", "old=1000000", "", "leaf=1&old=1"] {
        assert_eq!(nora.send("GET", &format!("/api/v1/admin/proofs?{path}"), None).unwrap().status, 400, "{path}");
    }
    assert_eq!(nora.send("GET", "/api/v1/admin/audit/leaves/1000000", None).unwrap().status, 404);
    let verified = nora.send("POST", "/api/v1/admin/audit/verify", None).unwrap().json();
    assert_eq!((&verified["ok"], &verified["leaf"]), (&json!(true), &Value::Null));
}

#[test]
fn what_is_taken_away_verifies_opens_as_a_table_and_fits_the_published_schema() {
    let house = audited();
    mateo_reads(&house);
    house.scim("POST", "/Users", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"=cmd"}"#);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        put(&path, text);
        path
    };
    let mut nora = house.sign_in("nora");

    let export = file("export.jsonl", &taken(&mut nora, "format=jsonl"));
    let values = file("values.jsonl", &taken(&mut nora, "format=values"));
    let csv = taken(&mut nora, "format=csv");
    let ocsf = file("ocsf.jsonl", &taken(&mut nora, "format=ocsf"));

    let key = file("key", &house.app().audit_key());
    sotto::app::verify_audit(&export, &house.app().audit_key(), None).unwrap();
    let independent = python("verify_audit.py", &[&export, "--key".as_ref(), &key]);
    assert!(independent.status.success(), "{independent:?}");
    // What was taken later names leaves that came later: only those of the export are held against it.
    let size = std::fs::read_to_string(&export).unwrap().lines().count() as u64 - 1;
    let opening = |line: &&str| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap() < size;
    let text = std::fs::read_to_string(&values).unwrap();
    let of_export = file("of-export", &(text.lines().filter(opening).collect::<Vec<_>>().join("\n") + "\n"));
    assert!(text.contains(&house.person_id("mateo")));
    let opened = python("verify_audit.py", &[&export, "--key".as_ref(), &key, "--values".as_ref(), &of_export]);
    assert!(opened.status.success(), "{opened:?}");

    assert!(csv.starts_with("\"index\",\"at\",\"event\",\"actor\",\"subject\",\"details\"\r\n"));
    assert!(csv.lines().any(|row| row.contains("\"asked\",\"mateo\",")), "{csv}");
    assert!(csv.lines().any(|row| row.contains("\"provisioned\"") && row.contains("\"'=cmd\"")), "{csv}");
    assert!(csv.split(',').all(|cell| !cell.trim_start_matches('"').starts_with(['=', '+', '@'])));

    let is_there = python("validate_ocsf.py", &[]).status.code() != Some(3);
    if !is_skipped("the Python packages ocsf-json-schema and jsonschema", is_there) {
        let fits = python("validate_ocsf.py", &[&ocsf]);
        assert!(fits.status.success(), "{fits:?}");
        let text = std::fs::read_to_string(&ocsf).unwrap().replacen("\"class_uid\":3002", "\"class_uid\":3001", 1);
        let broken = python("validate_ocsf.py", &[&file("broken", &text)]);
        assert_eq!(broken.status.code(), Some(1), "the control: what does not fit is found");
    }
    let narrowed = taken(&mut nora, "format=jsonl&event=asked");
    assert!(narrowed.lines().count() == 1 && narrowed.contains("\"event\":\"asked\""), "{narrowed}");
    for wrong in ["format=xml", "format=csv&event=No!", "format=csv&from=yesterday", ""] {
        let path = format!("/api/v1/admin/audit/export?{wrong}");
        assert_eq!(nora.send("GET", &path, None).unwrap().status, 400, "{wrong}");
    }
}

#[test]
fn filters_are_kept_for_their_auditor_alone() {
    let house = audited();
    let (mut nora, mut otto) = (house.sign_in("nora"), house.sign_in("otto"));
    let path = "/api/v1/admin/audit/filters/Refused%20sign-ins";
    let filter = json!({ "query": "event=sign_in_refused" });

    assert_eq!(nora.send("PUT", path, Some(&filter)).unwrap().status, 204);

    let kept = nora.json("/api/v1/admin/audit/filters").unwrap();
    assert_eq!(kept["filters"], json!([{ "name": "Refused sign-ins", "query": "event=sign_in_refused" }]));
    assert_eq!((&kept["names"], kept["events"].as_array().unwrap().len() > 20), (&json!(true), true));
    assert_eq!(otto.json("/api/v1/admin/audit/filters").unwrap()["filters"], json!([]));
    assert_eq!(otto.send("DELETE", path, None).unwrap().status, 404);
    let house = house.restart();
    let mut nora = house.sign_in("nora");
    assert_eq!(nora.json("/api/v1/admin/audit/filters").unwrap()["filters"], kept["filters"]);
    assert_eq!(nora.send("DELETE", path, None).unwrap().status, 204);
    assert_eq!(nora.json("/api/v1/admin/audit/filters").unwrap()["filters"], json!([]));
    let long = json!({ "query": "x".repeat(2_001) });
    assert_eq!(nora.send("PUT", path, Some(&long)).unwrap().status, 400);
}

#[test]
fn who_is_gone_can_be_erased_by_an_administrator_and_then_nobody_can_tell_which_leaves_were_theirs() {
    let house = audited();
    mateo_reads(&house);
    let (mut ana, mut nora) = (house.sign_in("ana"), house.sign_in("nora"));
    let mateo = house.person_id("mateo");
    let erase = |ana: &mut Browser, user: &str| {
        ana.send("POST", "/api/v1/admin/audit/erasures", Some(&json!({ "user": user }))).unwrap()
    };

    let refused = erase(&mut ana, &mateo);
    assert_eq!(refused.status, 400, "who is active is not gone");
    // Nor is who administers in an emergency, and is in no directory.
    let emergency = house.app().make_administrator("keyholder", None).unwrap().administrator.user.to_string();
    assert_eq!(erase(&mut ana, &emergency).status, 400);
    assert_eq!(ana.json("/api/v1/admin/audit/erasures").unwrap()["people"], json!([]));
    assert_eq!(house.scim("DELETE", &format!("/Users/{mateo}"), "").0, 204);
    let gone = ana.json("/api/v1/admin/audit/erasures").unwrap()["people"].clone();
    assert_eq!((&gone[0]["id"], &gone[0]["user_name"]), (&json!(mateo), &Value::Null), "{gone}");
    let of_mateo = format!("/api/v1/admin/audit?person={mateo}");
    let before = leaves(&mut nora, &of_mateo).len();
    assert!(before > 4, "an auditor who may be told can still ask for what they did");

    let done = erase(&mut ana, &mateo);

    assert_eq!(done.status, 204, "{}", done.text);
    // What is left to find is that an auditor looked for this id; their own leaves are nobody's.
    let after = leaves(&mut nora, &of_mateo);
    assert!(after.iter().all(|leaf| leaf["event"] == "audit_read"), "{after:?}");
    let receipt = leaves(&mut nora, "/api/v1/admin/audit?event=person_erased");
    assert_eq!(
        (receipt.len(), &receipt[0]["actor"]["user_name"], &receipt[0]["subject"]),
        (1, &json!("ana"), &Value::Null)
    );
    assert_eq!(nora.send("POST", "/api/v1/admin/audit/verify", None).unwrap().json()["ok"], true);
    let house = house.restart();
    let asked = leaves(&mut house.sign_in("nora"), "/api/v1/admin/audit?event=asked");
    assert_eq!(asked[0]["actor"], Value::Null, "nor after a restart");
    assert_eq!(erase(&mut house.sign_in("ana"), "00000000000000000000000000000000").status, 404);
}
