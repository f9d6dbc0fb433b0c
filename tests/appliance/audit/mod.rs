//! The log: everything that happened is in it, nobody's words are, and two independent verifiers agree on it.

mod desk;
mod once;
mod outside;
mod tampered;
mod words;

use std::path::Path;
use std::process::{Command, Output};

use sotto::config::Settings;
use sotto::standin::browser::Browser;

use crate::support::{Appliance, Site};

const LEAVE: &str = "How many days of annual leave does an employee have?";

/// Two projects with Nora, who audits and is told names, and Otto, who audits and is not.
fn audited() -> Appliance {
    audited_with(|_| {})
}

fn audited_with(change: impl FnOnce(&mut Settings)) -> Appliance {
    let site = Site::two_projects().user("nora").user("otto");
    let site = site.group("auditors", &["nora", "otto"], &[]).group("told-names", &["nora"], &[]);
    Appliance::with_settings(&site, |settings| {
        settings.directory.auditors = vec!["auditors".to_owned()];
        settings.audit.names = vec!["told-names".to_owned()];
        change(settings);
    })
}

/// An export as an auditor takes it.
fn taken(auditor: &mut Browser, query: &str) -> String {
    let heard = auditor.send("GET", &format!("/api/v1/admin/audit/export?{query}"), None).unwrap();
    assert_eq!(heard.status, 200, "{query}: {}", heard.text);
    assert!(heard.header("content-disposition").unwrap().starts_with("attachment; filename="), "{query}");
    heard.text
}

/// Runs one of the programs beside the tests.
fn python(script: &str, arguments: &[&Path]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    Command::new("python3").arg(script).args(arguments).output().unwrap()
}

#[test]
fn the_export_verifies_and_names_what_happened_without_a_word_of_it() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    house.ask(&mut mateo, LEAVE);
    mateo.sign_out().unwrap();

    let lines = house.audit_lines();

    let events = [
        "started",
        "provisioned",
        "sync_started",
        "permissions_changed",
        "sync_ended",
        "signed_in",
        "asked",
        "answered",
        "signed_out",
    ];
    for event in events {
        assert!(lines.iter().any(|line| line.contains(&format!("\"event\":\"{event}\""))), "no {event}");
    }
    for word in ["annual", "28 days", "The AnyOrg team", "mateo"] {
        assert!(!lines.iter().any(|line| line.contains(word)), "{word:?} stands in the log");
    }
}

#[test]
fn a_leaf_that_was_changed_is_named() {
    let house = Appliance::with(&Site::two_projects());
    let lines = house.audit_lines();
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export.jsonl");
    let mut changed = lines.clone();
    changed[3] = changed[3].replace("\"index\":2", "\"index\":2,\"more\":1");
    assert_ne!(changed, lines);
    crate::support::put(&export, &changed.join("\n"));

    let error = sotto::app::verify_audit(&export, &house.app().audit_key(), None).unwrap_err();

    assert!(format!("{error:#}").contains("leaf 2"), "{error:#}");
}

#[test]
fn the_independent_verifier_agrees() {
    let house = Appliance::with(&Site::two_projects());
    let mut mateo = house.sign_in("mateo");
    house.ask(&mut mateo, LEAVE);
    let lines = house.audit_lines();
    let folder = tempfile::tempdir().unwrap();
    let (export, key) = (folder.path().join("export.jsonl"), folder.path().join("key"));
    crate::support::put(&export, &(lines.join("\n") + "\n"));
    crate::support::put(&key, &house.app().audit_key());
    let verify = || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify_audit.py");
        Command::new("python3").arg(script).arg(&export).arg("--key").arg(&key).output().unwrap()
    };

    let whole = verify();
    crate::support::put(&export, &(lines[..lines.len() - 1].join("\n") + "\n"));
    let cut = verify();

    assert!(whole.status.success(), "{whole:?}");
    assert!(!cut.status.success(), "{cut:?}");
}
