//! A released answer is run again, by anybody, and comes out the same byte for byte; what was changed in it is found.

use std::path::PathBuf;

use serde_json::{Value, json};
use sotto::app::Settings as Below;
use sotto::app::evidence::Released;
use sotto::app::replay::{Against, Cannot, Replayed, replay};
use sotto::config::Settings;
use sotto::standin::browser::Browser;

use crate::support::{Appliance, Parts, Site, claims, is_skipped, real_models};

const LEAVE: &str = "How many days of annual leave does an employee have?";
const UNKNOWN: &str = "What is the pager number?";
const SMALL: &str = "smollm2-135m-instruct-q4_1";

fn release(browser: &mut Browser, answer: &Value) -> Vec<u8> {
    let path = format!("/api/v1/messages/{}/release", answer["message_id"].as_str().unwrap());
    let heard = browser.send("POST", &path, None).unwrap();
    assert_eq!(heard.status, 200, "{}", heard.text);
    assert!(heard.header("content-disposition").unwrap().starts_with("attachment; filename=\"evidence-"));
    heard.text.into_bytes()
}

/// The settings of whoever runs it again: nothing but where models are.
fn elsewhere() -> Below {
    let folder = std::env::var_os("SOTTO_MODELS").map_or_else(|| PathBuf::from("models"), PathBuf::from);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let text = format!("[model]\nfolder = {:?}\n", folder.display().to_string());
    Settings::parse(&text).unwrap().hand_down().0
}

fn run(released: &[u8]) -> Replayed {
    replay(released, None, &elsewhere()).unwrap()
}

/// The evidence with one value changed, by its JSON pointer.
fn changed(released: &[u8], pointer: &str, value: Value) -> Vec<u8> {
    let mut file: Value = serde_json::from_slice(released).unwrap();
    *file.pointer_mut(pointer).unwrap() = value;
    serde_json::to_vec(&file).unwrap()
}

fn differs(released: &[u8]) -> String {
    match run(released) {
        Replayed::Differs { what } => what,
        Replayed::Same { .. } => panic!("it should differ"),
    }
}

struct Log {
    folder: tempfile::TempDir,
    key: String,
}

impl Log {
    fn of(house: &Appliance) -> Log {
        let folder = tempfile::tempdir().unwrap();
        house.app().export_audit(&mut std::fs::File::create(folder.path().join("export")).unwrap()).unwrap();
        Log { folder, key: house.app().audit_key() }
    }

    fn run(&self, released: &[u8], checkpoint: Option<&str>) -> Replayed {
        let export = self.folder.path().join("export");
        replay(released, Some(&Against { export: &export, key: &self.key, checkpoint }), &elsewhere()).unwrap()
    }
}

#[test]
fn a_released_answer_comes_out_the_same_and_its_leaf_stands_in_the_log() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let outside = house.app().audit_checkpoint().unwrap();
    let (answered, declined) = (house.ask(&mut mateo, LEAVE), house.ask(&mut mateo, UNKNOWN));
    let conversation = answered["conversation_id"].clone();
    let follow_up =
        mateo.ask(&json!({ "question": "And for the AnyOrg team?", "conversation_id": conversation })).unwrap();
    let follow_up = follow_up.last().unwrap().data.clone();

    let released = [&answered, &declined, &follow_up].map(|answer| release(&mut mateo, answer));

    let log = Log::of(&house);
    for released in &released {
        assert_eq!(log.run(released, Some(&outside.note)), Replayed::Same { is_in_log: true });
        assert_eq!(run(released), Replayed::Same { is_in_log: false });
    }
    assert_eq!(house.audited("released"), 3);
    let file: Value = serde_json::from_slice(&released[0]).unwrap();
    assert_eq!(file["output"]["claims"][0]["text"], claims(&answered)[0].as_str());
    let text = String::from_utf8(released[0].clone()).unwrap();
    assert!(!text.contains("mateo") && !text.contains("\"index\""), "{text}");
}

#[test]
fn whatever_is_changed_in_the_evidence_is_found_and_named() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let released = release(&mut mateo, &answer);
    let log = Log::of(&house);

    let claim =
        changed(&released, "/output/claims/0/text", json!("Every employee has 30 days of annual leave in a year."));
    assert!(differs(&claim).contains("answer.claims[0].text"), "{}", differs(&claim));
    let passage = changed(&released, "/inputs/passages/0/text", json!("Every employee has 30 days of annual leave."));
    assert!(differs(&passage).contains("not those that were committed to"));
    let question = changed(&released, "/question", json!("Who leads?"));
    assert!(differs(&question).contains("its question is not the one"));
    let settings = changed(&released, "/inputs/maker/settings/claims_max", json!(1));
    assert!(differs(&settings).contains("not those that were committed to"));
    let salt = changed(&released, "/salt", json!("00".repeat(32)));
    assert!(differs(&salt).contains("not the one that was committed to"));

    // Whoever makes up the commitments, too, does not have them in the log.
    let mut forged: Released = serde_json::from_slice(&passage).unwrap();
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&forged.salt[2 * at..2 * at + 2], 16).unwrap();
    }
    forged.inputs_commitment = forged.inputs.commitment(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let forged = serde_json::to_vec(&forged).unwrap();
    assert!(
        matches!(log.run(&forged, None), Replayed::Differs { what } if what.contains("the leaf commits to another"))
    );
    let leaf = changed(&released, "/leaf", json!("11".repeat(32)));
    assert!(matches!(log.run(&leaf, None), Replayed::Differs { what } if what.contains("no such leaf")));
    let form = changed(&released, "/form", json!("sotto evidence 2"));
    assert!(matches!(replay(&form, None, &elsewhere()), Err(Cannot::Foreign(_))));
    assert!(matches!(replay(b"{}", None, &elsewhere()), Err(Cannot::Foreign(_))));
}

#[test]
fn nobody_releases_anothers_answer_and_nobody_what_they_may_no_longer_read() {
    let house = Appliance::with(&Site::two_projects());
    let (mut mateo, mut mary) = (house.sign_in("mateo"), house.sign_in("mary"));
    let answer = house.ask(&mut mateo, "Who leads the AnyOrg team?");
    let path = format!("/api/v1/messages/{}/release", answer["message_id"].as_str().unwrap());
    let missing = mary.send("POST", &format!("/api/v1/messages/{}/release", "0".repeat(32)), None).unwrap();

    let refused = mary.send("POST", &path, None).unwrap();
    assert_eq!((refused.status, missing.status), (404, 404));
    assert_eq!(refused.json()["detail"], missing.json()["detail"]);
    assert_eq!(mateo.send("POST", &path, None).unwrap().status, 200);

    house.change_wiki("PATCH", "/_standin/content/201", &json!({ "read": { "users": ["mary"], "groups": [] } }));
    house.refresh();

    let refused = mateo.send("POST", &path, None).unwrap();
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(!refused.text.contains("Rosa"), "{}", refused.text);
    assert_eq!(house.audited("released"), 1);
}

#[test]
fn a_page_that_was_changed_since_no_longer_leaves_by_an_old_answer() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    house.change_wiki("PATCH", "/_standin/content/101", &json!({ "body": "<p>Leave is told by your lead.</p>" }));
    house.refresh();

    let path = format!("/api/v1/messages/{}/release", answer["message_id"].as_str().unwrap());
    let refused = mateo.send("POST", &path, None).unwrap();

    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.json()["detail"].as_str().unwrap().contains("can no longer be released"));
}

#[test]
fn without_the_model_file_it_is_said_which_one_is_missing() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);
    let mut released: Released = serde_json::from_slice(&release(&mut mateo, &answer)).unwrap();
    let sum = "ab".repeat(32);
    released.inputs.maker.model = Some("huge-7b".to_owned());
    released.inputs.maker.model_sha256 = Some(sum.clone());
    released.salt = "00".repeat(32);
    let hexadecimal = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    released.inputs_commitment = hexadecimal(released.inputs.commitment(&[0; 32]));
    released.question_commitment = hexadecimal(sotto::app::evidence::commitment(&[0; 32], LEAVE.as_bytes()));

    let cannot = replay(&serde_json::to_vec(&released).unwrap(), None, &elsewhere()).unwrap_err();

    assert!(matches!(&cannot, Cannot::NoModel { sha256, .. } if *sha256 == sum), "{cannot}");
    assert!(cannot.to_string().contains(&sum), "{cannot}");
}

#[test]
fn an_answer_of_a_real_model_comes_out_the_same_from_the_same_file() {
    let models = real_models(SMALL);
    if is_skipped(SMALL, models.is_some()) {
        return;
    }
    let models = models.unwrap();
    let parts = Parts { generate: models.generate, embed: models.embed, ..Parts::plain() };
    let house = Appliance::made_of(parts, &Site::two_projects(), |_| {});
    house.refresh();
    let mut mateo = house.sign_in("mateo");
    let answer = house.ask(&mut mateo, LEAVE);

    let released = release(&mut mateo, &answer);

    let file: Value = serde_json::from_slice(&released).unwrap();
    assert_eq!(file["inputs"]["maker"]["model"], SMALL);
    assert_eq!(file["inputs"]["maker"]["model_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(Log::of(&house).run(&released, None), Replayed::Same { is_in_log: true });
}
