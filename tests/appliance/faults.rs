//! sled's file refuses or is full at the n-th call, by `strace`: what is acknowledged is there after the next
//! start, and what could not be kept was not acknowledged. For good, and once.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::support::{Site, Stage, claims, is_skipped};

const LEAVE: &str = "How many days of annual leave does an employee have?";

/// What a call does, and from which one on: `{}` is the number.
const FAULTS: &[&str] = &[
    "pwrite64:error=EIO:when={}",
    "pwrite64:error=EIO:when={}+",
    "pwrite64:error=ENOSPC:when={}+",
    "fdatasync:error=EIO:when={}",
    "fdatasync:error=EIO:when={}+",
    "sync_file_range:error=EIO:when={}+",
];

#[test]
fn whatever_sleds_file_refuses_nothing_is_acknowledged_that_is_not_there_after_the_next_start() {
    let is_nightly = std::env::var_os("SOTTO_KILLS").is_some();
    let is_there =
        Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status().is_ok_and(|done| done.success());
    if !is_there {
        // Every change runs this where strace happens to be; the nightly form must have it.
        let _ = is_nightly && is_skipped("strace", false);
        return;
    }
    let stage = Stage::set(&Site::two_projects());
    let (mut child, _) = stage.start();
    stage.push();
    stage.sync().unwrap();
    let mut mateo = stage.sign_in("mateo").unwrap();
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (calls, step): (u32, u32) = if is_nightly { (24, 1) } else { (12, 9) };
    let mut refused = 0;
    for fault in FAULTS {
        for number in (1..=calls).step_by(step as usize) {
            let fault = fault.replace("{}", &number.to_string());
            child.kill();
            (child, _) = stage.start_with_fault(&fault);
            for _ in 0..6 {
                match mateo.answer(LEAVE) {
                    Ok(answer) => {
                        kept.insert(answer["conversation_id"].as_str().unwrap().to_owned(), claims(&answer));
                    }
                    Err(_) => refused += 1,
                }
            }
            child.kill();
            (child, _) = stage.start();

            let list = mateo.json("/api/v1/conversations?limit=200").unwrap();
            let there: Vec<&Value> =
                list["conversations"].as_array().unwrap().iter().map(|one| &one["conversation_id"]).collect();
            for (id, sentences) in &kept {
                assert!(there.iter().any(|one| *one == id), "{fault}: the acknowledged conversation {id} is gone");
                let read = mateo.json(&format!("/api/v1/conversations/{id}")).unwrap();
                assert_eq!(&claims(&read["messages"][0]["answer"]), sentences, "{fault}: {id}");
            }
            // The list has 200 at most.
            for id in kept.keys().cloned().collect::<Vec<_>>().iter().take(kept.len().saturating_sub(40)) {
                assert_eq!(mateo.send("DELETE", &format!("/api/v1/conversations/{id}"), None).unwrap().status, 204);
                kept.remove(id);
            }
        }
    }
    assert!(refused > 0, "no fault was felt");
}
