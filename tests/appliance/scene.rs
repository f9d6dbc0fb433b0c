//! The scene, by the real binary: played over HTTPS, packed into one file, and in a real browser.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::is_skipped;

fn sotto() -> &'static str {
    env!("CARGO_BIN_EXE_sotto")
}

/// The folder of the weights, where it holds the small ones.
fn models() -> Option<PathBuf> {
    let folder = std::env::var_os("SOTTO_MODELS").map_or_else(|| PathBuf::from("models"), PathBuf::from);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    folder.join("smollm2-135m-instruct-q4_1.gguf").exists().then_some(folder)
}

#[test]
fn the_scene_plays_with_sentences_copied_by_rule_and_its_log_holds_no_words_of_questions_or_pages() {
    let played = Command::new(sotto())
        .env("SOTTO__LOG__LEVEL", "debug")
        .args(["demo", "--listen", "127.0.0.1:0", "--play", "--model", "scripted"])
        .output()
        .unwrap();

    let (text, log) = (String::from_utf8(played.stdout).unwrap(), String::from_utf8(played.stderr).unwrap());
    assert!(played.status.success(), "{text}\n{log}");
    assert!(text.contains("the scene is right"), "{text}");
    assert!(log.contains("/api/v1/ask"), "the log is written: {log}");
    // Of questions, of answers, of titles, of people: the scene asks for and shows all of these.
    for word in ["team", "first week", "annual leave", "days of", "Priya", "Ingrid", "Benefits", "AnyOrgApp", "ACME"] {
        assert!(!log.contains(word), "the log holds {word:?}: {log}");
    }
}

#[test]
fn one_packed_file_alone_in_an_empty_folder_runs_the_scene_and_the_models_inside_it() {
    let folder = models();
    if is_skipped("the weights of SmolLM2 and MiniLM (models/fetch.sh)", folder.is_some()) {
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    let packed = empty.path().join("sotto");
    let made = Command::new(sotto())
        .env("SOTTO__MODEL__FOLDER", folder.unwrap())
        .args(["pack", "--model", "smollm2-135m-instruct-q4_1", "--model", "all-minilm-l6-v2", "--out"])
        .arg(&packed)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");

    let packed = || {
        let mut command = Command::new(&packed);
        command.current_dir(empty.path()).env_clear().env("SOTTO__MODEL__NAME", "smollm2-135m-instruct-q4_1");
        command
    };
    let verified = packed().args(["model", "verify"]).output().unwrap();
    let played = packed().args(["demo", "--listen", "127.0.0.1:0", "--play", "--model", "scripted"]).output().unwrap();
    // The small model understands too little to play the scene; that it is loaded from the file and writes is seen here.
    std::fs::create_dir(empty.path().join("pages")).unwrap();
    crate::support::put(
        &empty.path().join("pages/leave.md"),
        "# Annual leave\n\nEvery employee has 28 days of annual leave.\n",
    );
    let question = r#"{"id": "1", "question": "How many days of annual leave?", "relevant": ["leave"], "answerable": true, "answer_span": "28 days"}"#;
    crate::support::put(&empty.path().join("questions.jsonl"), question);
    let asked = packed()
        .env("SOTTO__ANSWER__GATE", "0.0")
        .args(["eval", "answers", "--pages", "pages", "--questions", "questions.jsonl", "--json"])
        .output()
        .unwrap();

    assert!(verified.status.success(), "{verified:?}");
    let text = String::from_utf8_lossy(&played.stdout).into_owned() + &String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{text}");
    assert!(asked.status.success(), "{asked:?}");
    let report: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(report["questions"], 1, "{report}");
}

#[test]
fn a_misspelt_setting_and_a_missing_model_are_told_with_their_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sotto.toml");
    crate::support::put(&file, "[modle]\nname = \"x\"\n");
    let misspelt = Command::new(sotto()).args(["serve", "--config"]).arg(&file).output().unwrap();
    crate::support::put(
        &file,
        &format!("[data]\nfolder = {:?}\n[model]\nfolder = {:?}\n", folder.path(), folder.path()),
    );
    let missing =
        Command::new(sotto()).args(["serve", "--config"]).arg(&file).current_dir(folder.path()).output().unwrap();

    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(misspelt.status.code(), Some(3));
    assert!(said(&misspelt).contains("did you mean model?"), "{}", said(&misspelt));
    assert_eq!(missing.status.code(), Some(3));
    assert!(said(&missing).contains("manifest.toml"), "{}", said(&missing));
}

/// The folder of the browser tests, where they can run.
fn browser_tests() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    (folder.join("node_modules").exists() && Path::new("/usr/bin/chromium").exists()).then_some(folder)
}

#[test]
fn the_pages_modules_hold_one_by_one() {
    let folder = browser_tests();
    if is_skipped("Chromium or tests/browser/node_modules (tests/install.sh)", folder.is_some()) {
        return;
    }

    let tested = Command::new("node").arg(folder.unwrap().join("modules.mjs")).output().unwrap();

    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
}

/// A demo that runs beside the test and ends with it.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_scene_plays_in_a_real_browser() {
    plays_in_a_browser("scene.mjs");
}

#[test]
fn a_history_is_bound_to_a_passkey_in_a_real_browser() {
    plays_in_a_browser("private.mjs");
}

fn plays_in_a_browser(script: &str) {
    let folder = browser_tests();
    if is_skipped("Chromium or tests/browser/node_modules (tests/install.sh)", folder.is_some()) {
        return;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut demo = Demo(
        Command::new(sotto())
            .args(["demo", "--listen", &format!("127.0.0.1:{port}"), "--model", "scripted"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    // Kept until the end: a demo that cannot print what it has still to say ends.
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(demo.0.stdout.take().unwrap()));
    let ready = lines.by_ref().map_while(Result::ok).find(|line| line.contains("ready at"));
    assert!(ready.is_some(), "the demo did not start");

    let played = Command::new("node")
        .arg(folder.unwrap().join(script))
        .env("SOTTO_URL", format!("https://localhost:{port}"))
        .output()
        .unwrap();

    let text = String::from_utf8_lossy(&played.stdout).into_owned() + &String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{text}");
}
