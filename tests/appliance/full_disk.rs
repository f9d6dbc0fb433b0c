//! A full disk: requests fail and say so, and nothing that was acknowledged is lost. On a real file system that is full.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Appliance, Site, claims, is_skipped};

const LEAVE: &str = "How many days of annual leave does an employee have?";

/// A small file system in memory, mounted until this is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where mounting is not allowed.
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=120m", "tmpfs"])
            .arg(folder.path())
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(SmallDisk(folder))
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.filler()).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A folder in memory that stays mounted goes with the machine; a test must not fail for it.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn data(disk: &SmallDisk) -> &Path {
    disk.0.path()
}

#[test]
fn on_a_full_disk_a_request_fails_and_nothing_that_was_acknowledged_is_lost() {
    let disk = SmallDisk::mount();
    if is_skipped("the right to mount a small file system", disk.is_some()) {
        return;
    }
    let disk = disk.unwrap();
    let house = Appliance::with_settings(&Site::two_projects(), |settings| {
        settings.data.folder = data(&disk).join("kept");
    });
    let mut mateo = house.sign_in("mateo");
    let first = house.ask(&mut mateo, LEAVE);
    let ask = json!({ "question": LEAVE });

    disk.fill();
    let refused = mateo.send("POST", "/api/v1/ask", Some(&ask)).unwrap();
    assert_eq!(refused.status, 507, "{}", refused.text);
    assert_eq!(refused.json()["code"], "full", "{}", refused.text);
    assert_eq!(
        kept(&mut mateo),
        [first["conversation_id"].clone()],
        "what was kept can be read while the disk is full"
    );
    disk.empty();

    let second = house.ask(&mut mateo, LEAVE);
    assert_eq!(claims(&second), claims(&first), "once there is room, it goes on without a restart");
    let cookies = mateo.cookies();
    let house = house.restart();
    let mut mateo = house.browser();
    mateo.hold(cookies);
    assert_eq!(kept(&mut mateo).len(), 2);
}

fn kept(browser: &mut sotto::standin::browser::Browser) -> Vec<Value> {
    let listed = browser.json("/api/v1/conversations").unwrap();
    listed["conversations"].as_array().unwrap().iter().map(|one| one["conversation_id"].clone()).collect()
}
