//! A log that somebody changed: both verifiers find it, and neither the crash of a machine nor its clock is taken for that.

use std::path::Path;

use serde_json::Value;
use sotto::app::nouns::{Clock, Moment};

use super::{LEAVE, audited, python};
use crate::support::{Appliance, Parts, Site, put};

fn cases() -> String {
    std::env::var("SOTTO_CASES").ok().filter(|cases| cases.parse::<u32>().is_ok()).unwrap_or_else(|| "500".to_owned())
}

#[test]
fn the_independent_verifier_finds_every_change_of_an_export_before_the_checkpoint_held_outside() {
    let house = audited();
    house.ask(&mut house.sign_in("mateo"), LEAVE);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        put(&path, text);
        path
    };
    let held = file("checkpoint", &house.app().audit_checkpoint().unwrap().note);
    house.sign_in("mary").sign_out().unwrap();
    let export = file("export.jsonl", &(house.audit_lines().join("\n") + "\n"));
    let (key, cases) = (file("key", &house.app().audit_key()), cases());
    let arguments: [&Path; 7] =
        [&export, "--key".as_ref(), &key, "--checkpoint".as_ref(), &held, "--cases".as_ref(), cases.as_ref()];

    let found = python("tamper_audit.py", &arguments);

    assert!(found.status.success(), "{found:?}");
}

#[test]
fn with_the_clock_set_back_the_log_keeps_its_order_and_says_so_and_no_session_comes_back() {
    let clock = Clock::held(Moment::parse("2026-11-28T09:00:00Z").unwrap());
    let parts = Parts { clock: clock.clone(), ..Parts::plain() };
    let house = Appliance::made_of(parts, &Site::two_projects(), |settings| settings.session.idle_minutes = 30);
    let mut mateo = house.sign_in("mateo");
    clock.advance(31 * 60_000);
    assert_eq!(mateo.send("GET", "/api/v1/me", None).unwrap().status, 401, "it ended while nobody used it");

    clock.advance(-31 * 60_000);

    assert_eq!(mateo.send("GET", "/api/v1/me", None).unwrap().status, 401, "and does not come back");
    let _ana = house.sign_in("ana");
    let leaves: Vec<Value> = house.audit_lines()[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let times: Vec<&str> = leaves.iter().map(|leaf| leaf["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_tail_that_a_crash_tore_is_cut_off_and_said_and_the_log_goes_on() {
    let house = audited();
    let before = house.audit_lines();

    // As if the process had died in the middle of its next line.
    let house = house.restart_with(|settings| {
        use std::io::Write as _;
        let leaves = settings.data.folder.join("audit/leaves");
        let mut file = std::fs::OpenOptions::new().append(true).open(leaves).unwrap();
        file.write_all(b"-,-\t{\"at\":\"2026-11-28T0").unwrap();
    });

    let after = house.audit_lines();
    assert_eq!(after[1..before.len()], before[1..]);
    let cut: Vec<&String> = after.iter().filter(|line| line.contains("\"event\":\"tail_cut\"")).collect();
    assert!(cut.len() == 1 && cut[0].contains("\"bytes\":23"), "{cut:?}");
    house.sign_in("mateo");
    let verified = house.sign_in("nora").send("POST", "/api/v1/admin/audit/verify", None).unwrap().json();
    assert_eq!(verified["ok"], true);
}

#[test]
fn a_log_that_was_changed_on_disk_while_it_runs_is_named_by_verify_now() {
    let house = audited();
    let mut nora = house.sign_in("nora");
    let leaves = house.folder().join("audit/leaves");
    let whole = std::fs::read(&leaves).unwrap();
    let at = whole.windows(12).position(|part| part == b"sync_started").unwrap();
    let index = whole[..at].iter().filter(|byte| **byte == b'\n').count();
    let write = |byte: u8| {
        use std::os::unix::fs::FileExt as _;
        let file = std::fs::OpenOptions::new().write(true).open(&leaves).unwrap();
        file.write_all_at(&[byte], at as u64).unwrap();
    };

    write(b'S');
    let found = nora.send("POST", "/api/v1/admin/audit/verify", None).unwrap().json();
    let taken = nora.send("GET", "/api/v1/admin/audit/export?format=jsonl", None);
    write(b's');

    assert_eq!((&found["ok"], found["leaf"].as_u64().unwrap() as usize / 2), (&Value::Bool(false), index.div_ceil(2)));
    assert!(taken.is_err(), "an export of it breaks off, and nobody takes the part for the whole");
    assert_eq!(nora.send("POST", "/api/v1/admin/audit/verify", None).unwrap().json()["ok"], true);
}
