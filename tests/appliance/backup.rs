//! A backup of the running appliance, and the way back: what was kept is there, and what was destroyed, signed out or revoked
//! since does not come back.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sotto::app::backup::{self, Fault, Key, Shut, Terms};
use sotto::standin::browser::Browser;
use sotto::web::control::RootKey;

use crate::support::{Appliance, Site, claims, put};

const LEAVE: &str = "How many days of annual leave does an employee have?";
const PAGER: &str = "What is the pager number?";

/// A passphrase file and the backup of a house made with it.
struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    fn of(house: &Appliance) -> Made {
        Made::with(house, RootKey::Included)
    }

    fn with(house: &Appliance, root_key: RootKey) -> Made {
        let made = Made { folder: tempfile::tempdir().unwrap() };
        put(&made.path("pass"), "correct horse battery\n");
        let mut file = Shut::begin(&made.path("backup"), &made.key()).unwrap();
        house.app().back_up(root_key, &mut file).unwrap();
        file.finish().unwrap();
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn key(&self) -> Key {
        Key::of_passphrase_file(&self.path("pass")).unwrap()
    }

    fn terms(&self) -> Terms {
        Terms { data: Some(self.path("data")), ..Terms::default() }
    }

    fn restore(&self, terms: &Terms) -> Result<backup::Restored, Fault> {
        backup::restore(&self.path("backup"), &self.key(), terms)
    }
}

fn destroyed_list(house: &Appliance, made: &Made) -> PathBuf {
    let path = made.path("destroyed.json");
    put(&path, &house.app().destroyed_keys().unwrap());
    path
}

fn conversations(browser: &mut Browser) -> Vec<String> {
    let listed = browser.json("/api/v1/conversations").unwrap();
    let listed = listed["conversations"].as_array().unwrap().iter();
    listed.map(|one| one["conversation_id"].as_str().unwrap().to_owned()).collect()
}

fn id(answer: &Value) -> String {
    answer["conversation_id"].as_str().unwrap().to_owned()
}

fn events(house: &Appliance, event: &str) -> Vec<Value> {
    let lines = house.audit_lines();
    let leaves = lines[1..].iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    leaves.filter(|leaf| leaf["event"] == event).collect()
}

/// A person deletes a conversation for good.
fn delete(house: &Appliance, browser: &mut Browser, conversation: &str) {
    let before = house.audited("key_forgotten");
    let path = format!("/api/v1/conversations/{conversation}");
    assert_eq!(browser.send("DELETE", &path, None).unwrap().status, 204);
    house.wait_until("its key is destroyed", |house| house.audited("key_forgotten") > before);
}

fn house() -> Appliance {
    Appliance::with_settings(&Site::two_projects(), |settings| settings.history.undo_s = 0)
}

#[test]
fn with_the_newest_list_what_was_kept_is_there_and_what_was_deleted_since_stays_deleted() {
    let house = house();
    let mut mateo = house.sign_in("mateo");
    let (kept, gone) = (house.ask(&mut mateo, LEAVE), house.ask(&mut mateo, PAGER));
    let made = Made::of(&house);
    delete(&house, &mut mateo, &id(&gone));
    let list = destroyed_list(&house, &made);

    let restored = made.restore(&Terms { destroyed: Some(list), ..made.terms() }).unwrap();

    assert_eq!((restored.keys, restored.dropped), (Some("destroyed"), 1));
    let size = restored.audit_size;
    let house = house.restart_with(|settings| settings.data.folder = made.path("data"));
    let mut mateo = house.sign_in("mateo");
    assert_eq!(conversations(&mut mateo), [id(&kept)]);
    house.refresh();
    let read = mateo.json(&format!("/api/v1/conversations/{}", id(&kept))).unwrap();
    assert_eq!(claims(&read["messages"][0]["answer"]), claims(&kept));
    let said = events(&house, "restored");
    assert_eq!((said.len(), said[0]["index"].as_u64(), &said[0]["keys"]), (1, Some(size), &json!("destroyed")));
    assert_eq!(claims(&house.ask(&mut mateo, LEAVE)), claims(&kept));
}

#[test]
fn without_a_list_no_conversation_comes_back_unless_the_operator_takes_older_keys_which_is_on_record() {
    let house = house();
    let mut mateo = house.sign_in("mateo");
    let gone = house.ask(&mut mateo, LEAVE);
    let made = Made::of(&house);
    delete(&house, &mut mateo, &id(&gone));

    let shut = made.restore(&made.terms()).unwrap();
    let older = Terms { accepts_older_keys: true, data: Some(made.path("older")), ..Terms::default() };
    let open = made.restore(&older).unwrap();

    assert_eq!((shut.keys, open.keys), (Some("none"), Some("older")));
    let house = house.restart_with(|settings| settings.data.folder = made.path("data"));
    assert!(conversations(&mut house.sign_in("mateo")).is_empty());
    assert_eq!(events(&house, "restored")[0]["keys"], "none");
    let house = house.restart_with(|settings| settings.data.folder = made.path("older"));
    assert_eq!(conversations(&mut house.sign_in("mateo")), [id(&gone)]);
    assert_eq!(events(&house, "restored")[0]["keys"], "older");
}

#[test]
fn a_session_does_not_come_back_and_no_source_answers_before_its_permissions_were_read_again() {
    let site = Site::two_projects();
    let house = Appliance::with(&site);
    let mut mateo = house.sign_in("mateo");
    let cookies = mateo.cookies();
    assert!(!claims(&house.ask(&mut mateo, LEAVE)).is_empty());
    let made = Made::of(&house);
    made.restore(&Terms { accepts_older_keys: true, ..made.terms() }).unwrap();

    let house = house.restart_with(|settings| settings.data.folder = made.path("data"));

    let mut old = house.browser();
    old.hold(cookies);
    assert_eq!(old.send("GET", "/api/v1/me", None).unwrap().status, 401);
    let mut mateo = house.sign_in("mateo");
    assert_eq!(
        house.ask(&mut mateo, LEAVE)["outcome"],
        "refused",
        "permissions of before the restore count for nothing"
    );
    house.refresh();
    assert_eq!(house.ask(&mut mateo, LEAVE)["outcome"], "answered");
}

#[test]
fn the_log_goes_on_and_a_checkpoint_of_what_the_backup_lacks_proves_the_fork() {
    let house = house();
    let mut mateo = house.sign_in("mateo");
    let before = house.app().audit_checkpoint().unwrap();
    let made = Made::of(&house);
    house.ask(&mut mateo, LEAVE);
    let after = house.app().audit_checkpoint().unwrap();
    made.restore(&Terms { accepts_older_keys: true, ..made.terms() }).unwrap();
    let key = house.app().audit_key();

    let house = house.restart_with(|settings| settings.data.folder = made.path("data"));
    let mut mateo = house.sign_in("mateo");
    for _ in 0..4 {
        house.ask(&mut mateo, LEAVE);
    }

    let export = made.path("export");
    let mut file = std::fs::File::create(&export).unwrap();
    house.app().export_audit(&mut file).unwrap();
    assert_eq!(house.app().audit_key(), key);
    sotto::app::verify_audit(&export, &key, Some(&before.note)).unwrap();
    let forked = sotto::app::verify_audit(&export, &key, Some(&after.note)).unwrap_err().to_string();
    assert!(forked.contains("older checkpoint"), "{forked}");
}

#[test]
fn a_list_that_is_older_than_the_backup_or_foreign_is_refused_and_a_full_folder_is_left_alone() {
    let (house, other) = (house(), house());
    let mut mateo = house.sign_in("mateo");
    let old = Made { folder: tempfile::tempdir().unwrap() };
    let old_list = destroyed_list(&house, &old);
    let gone = house.ask(&mut mateo, LEAVE);
    delete(&house, &mut mateo, &id(&gone));
    let made = Made::of(&house);

    let refused = made.restore(&Terms { destroyed: Some(old_list), ..made.terms() }).unwrap_err().to_string();
    assert!(refused.contains("older than the backup"), "{refused}");
    let foreign = destroyed_list(&other, &old);
    let refused = made.restore(&Terms { destroyed: Some(foreign), ..made.terms() }).unwrap_err().to_string();
    assert!(refused.contains("not signed by the key given"), "{refused}");
    assert!(!made.path("data").exists());

    std::fs::create_dir(made.path("data")).unwrap();
    put(&made.path("data").join("mine"), "something");
    assert!(matches!(made.restore(&made.terms()), Err(Fault::NotEmpty(_))));
    assert_eq!(std::fs::read_dir(made.path("data")).unwrap().count(), 1);
}

#[test]
fn without_the_root_key_a_backup_asks_for_it_and_takes_no_other() {
    let (house, other) = (house(), house());
    let mut mateo = house.sign_in("mateo");
    let kept = house.ask(&mut mateo, LEAVE);
    let made = Made::with(&house, RootKey::LeftOut);
    let terms = |root_key: Option<PathBuf>| Terms { root_key, accepts_older_keys: true, ..made.terms() };

    assert!(matches!(made.restore(&terms(None)), Err(Fault::NeedsRootKey)));
    let wrong = made.restore(&terms(Some(other.folder().join("root.key")))).unwrap_err().to_string();
    assert!(wrong.contains("not the one that this data folder was made with"), "{wrong}");
    assert!(!made.path("data").exists(), "what was begun is taken out again");

    let root_key = made.path("root.key");
    std::fs::copy(house.folder().join("root.key"), &root_key).unwrap();
    made.restore(&terms(Some(root_key.clone()))).unwrap();
    let house = house.restart_with(|settings| {
        settings.data.folder = made.path("data");
        settings.vault.root_key_file = Some(root_key);
    });
    assert_eq!(conversations(&mut house.sign_in("mateo")), [id(&kept)]);
}

#[test]
fn a_backup_taken_while_people_ask_and_delete_has_everything_acknowledged_before_it_and_nothing_in_part() {
    let house = house();
    let mut mateo = house.sign_in("mateo");
    let before: Vec<String> = (0..5).map(|_| id(&house.ask(&mut mateo, LEAVE))).collect();
    let is_over = AtomicBool::new(false);
    let made = std::thread::scope(|scope| {
        let mut other = house.sign_in("mateo");
        let (house, is_over) = (&house, &is_over);
        let asking = scope.spawn(move || {
            let mut asked = 0;
            while !is_over.load(Ordering::SeqCst) {
                let answer = house.ask(&mut other, PAGER);
                let path = format!("/api/v1/conversations/{}", id(&answer));
                assert_eq!(other.send("DELETE", &path, None).unwrap().status, 204);
                asked += 1;
            }
            asked
        });
        let made: Vec<Made> = (0..3).map(|_| Made::of(house)).collect();
        is_over.store(true, Ordering::SeqCst);
        assert!(asking.join().unwrap() > 0);
        made
    });

    for (number, made) in made.iter().enumerate() {
        let restored = made.restore(&Terms { accepts_older_keys: true, ..made.terms() });
        assert!(restored.is_ok(), "backup {number}: {}", restored.unwrap_err());
    }
    let last = made.last().unwrap();
    let house = house.restart_with(|settings| settings.data.folder = last.path("data"));
    let mut mateo = house.sign_in("mateo");
    house.refresh();
    let there = conversations(&mut mateo);
    assert!(before.iter().all(|id| there.contains(id)), "{before:?} {there:?}");
    for conversation in &there {
        let read = mateo.json(&format!("/api/v1/conversations/{conversation}")).unwrap();
        let messages = read["messages"].as_array().unwrap();
        assert!(messages.iter().all(|message| message["is_unreadable"] == false), "{read}");
    }
}

fn sotto(arguments: &[&str], config: &Path, input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_sotto"))
        .args(arguments)
        .env("SOTTO__DATA__FOLDER", config)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn an_operator_backs_up_looks_and_restores_by_the_command_line() {
    let house = house();
    let mut mateo = house.sign_in("mateo");
    house.ask(&mut mateo, LEAVE);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();

    let made = sotto(&["backup", "--to", &path("backup"), "--json"], house.folder(), "");
    assert_eq!(made.status.code(), Some(0), "{:?}", made.stderr.utf8_chunks());
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let passphrase = made["passphrase"].as_str().unwrap();

    let look = ["restore", &path("backup"), "--dry-run", "--json"];
    let looked = sotto(&look, house.folder(), &format!("{passphrase}\n"));
    let told: Value = serde_json::from_slice(&looked.stdout).unwrap();
    assert_eq!((looked.status.code(), &told["keys"]), (Some(0), &Value::Null));
    assert_eq!(told["audit_size"], made["audit_size"]);
    assert_eq!(sotto(&look, house.folder(), "another\n").status.code(), Some(3));

    let list = sotto(&["audit", "destroyed", "--out", &path("list")], house.folder(), "");
    assert_eq!(list.status.code(), Some(0), "{:?}", list.stderr.utf8_chunks());
    let restore = ["restore", &path("backup"), "--data", &path("data"), "--destroyed", &path("list")];
    let restored = sotto(&restore, house.folder(), &format!("{passphrase}\n"));
    assert_eq!(restored.status.code(), Some(0), "{:?}", restored.stderr.utf8_chunks());
    assert!(Path::new(&path("data")).join("state").exists());

    let bytes = std::fs::read(path("backup")).unwrap();
    let mut half = std::fs::File::create(path("half")).unwrap();
    std::io::Write::write_all(&mut half, &bytes[..bytes.len() / 2]).unwrap();
    let broken = sotto(&["restore", &path("half"), "--dry-run"], house.folder(), &format!("{passphrase}\n"));
    let said = String::from_utf8(broken.stderr).unwrap();
    assert_eq!(broken.status.code(), Some(1), "{said}");
    assert!(said.contains("changed or cut off") || said.contains("ends in the middle"), "{said}");
}
