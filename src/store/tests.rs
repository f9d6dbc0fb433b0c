//! The store's promises, over a real folder.

use super::*;

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Plan {
    name: String,
}
json_record!(Plan, 3);

fn plan(name: &str) -> Plan {
    Plan { name: name.to_owned() }
}

fn plans(store: &Store) -> Tree<String, Plan> {
    store.tree("plans").unwrap()
}

#[test]
fn what_was_kept_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    plans(&store).put(&"a".to_owned(), &plan("first")).unwrap();
    drop(store);

    let store = Store::open(folder.path()).unwrap();

    assert_eq!(plans(&store).get(&"a".to_owned()).unwrap(), Some(plan("first")));
    assert!(plans(&store).remove(&"a".to_owned()).unwrap());
    assert_eq!(plans(&store).get(&"a".to_owned()).unwrap(), None);
}

#[test]
fn a_folder_has_one_process_and_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let store = Store::open(&path).unwrap();

    assert!(matches!(Store::open(&path), Err(Error::InUse(_))));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);

    let tree = plans(&store);
    drop(store);
    assert!(matches!(Store::open(&path), Err(Error::InUse(_))), "a tree still holds the folder");
    drop(tree);
    Store::open(&path).unwrap();
}

#[test]
fn a_damaged_record_is_unreadable_and_the_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let tree = plans(&store);
    for key in ["a", "b", "c"] {
        tree.put(&key.to_owned(), &plan(key)).unwrap();
    }

    tree.damage(&"b".to_owned(), |bytes| *bytes.last_mut().unwrap() ^= 1);

    let read: Vec<bool> = tree.all().map(|record| record.is_ok()).collect();
    assert_eq!(read, [true, false, true]);
    assert!(matches!(tree.get(&"b".to_owned()), Err(Error::Unreadable { tree: "plans", .. })));
}

#[test]
fn a_sound_record_at_another_key_or_in_another_tree_is_unreadable() {
    let moved = record::close("plans", b"a", record::frame(&plan("a")));

    assert!(record::unframe::<Plan>("plans", b"a", &moved).is_ok());
    assert!(record::unframe::<Plan>("plans", b"b", &moved).is_err());
    assert!(record::unframe::<Plan>("other", b"a", &moved).is_err());
}

#[test]
fn a_version_from_the_future_is_named_and_not_guessed() {
    let mut framed = record::frame(&plan("a"));
    framed[0] = 9;
    let framed = record::close("plans", b"a", framed);

    let error = record::unframe::<Plan>("plans", b"a", &framed).unwrap_err();

    assert_eq!(error.to_string(), "a record of plans cannot be read: it was written by a newer sotto");
}

#[test]
fn changes_over_two_trees_are_made_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (plans, seen) = (plans(&store), store.tree::<(String, u64), ()>("seen").unwrap());
    let (mut some, mut others) = (Batch::new(), Batch::new());
    some.put(&"a".to_owned(), &plan("a"));
    others.put(&("a".to_owned(), 7), &());
    others.put(&("ab".to_owned(), 8), &());
    let mut changes = Changes::new();
    changes.add(&plans, some);
    changes.add(&seen, others);

    store.make(changes).unwrap();

    assert_eq!(plans.all().count(), 1);
    let found: Vec<_> = seen.under(&first_of(&"a".to_owned())).map(|r| r.unwrap().0).collect();
    assert_eq!(found, [("a".to_owned(), 7)]);
    assert_eq!(seen.from(&("ab".to_owned(), 0)).count(), 1);
}

#[test]
fn a_batch_removes_and_puts() {
    let folder = tempfile::tempdir().unwrap();
    let tree = plans(&Store::open(folder.path()).unwrap());
    tree.put(&"old".to_owned(), &plan("old")).unwrap();
    let mut batch = Batch::new();
    batch.remove(&"old".to_owned());
    batch.put(&"new".to_owned(), &plan("new"));

    tree.apply(batch).unwrap();

    let keys: Vec<String> = tree.keys_under(b"").map(Result::unwrap).collect();
    assert_eq!(keys, ["new"]);
}

#[test]
fn a_sequence_goes_on_after_a_restart_and_gives_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut given = Vec::new();
    for _ in 0..3 {
        let store = Store::open(folder.path()).unwrap();
        given.extend((0..300).map(|_| store.next_sequence().unwrap()));
    }

    assert!(given.is_sorted_by(|a, b| a < b));
    assert_eq!(given[0], 1);
}

#[test]
fn a_lock_that_its_last_holder_is_letting_go_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    for file in ["lock", "state/db"] {
        let held = fs::File::open(folder.path().join(file)).unwrap();
        held.lock().unwrap();
        let holder = thread::spawn(move || {
            thread::sleep(LOCK_PAUSE * 3);
            drop(held);
        });

        let opened = Store::open(folder.path());

        assert!(opened.is_ok(), "{file}: {:?}", opened.err());
        holder.join().unwrap();
    }
}

#[test]
fn a_full_disk_takes_nothing_more_keeps_what_there_is_and_still_removes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    plans(&store).put(&"a".to_owned(), &plan("a")).unwrap();
    drop(store);

    let store = Store::open_with_reserve(folder.path(), u64::MAX).unwrap();

    assert!(matches!(plans(&store).put(&"b".to_owned(), &plan("b")), Err(Error::Full)));
    assert_eq!(plans(&store).get(&"a".to_owned()).unwrap(), Some(plan("a")));
    assert!(plans(&store).remove(&"a".to_owned()).unwrap());
}

#[test]
fn a_disk_that_refuses_a_write_is_full_and_not_broken() {
    let refused = io::Error::from_raw_os_error(28);

    assert!(matches!(Error::from(refused), Error::Full));
    assert!(matches!(Error::from(sled::Error::Io(io::Error::from_raw_os_error(28))), Error::Full));
    assert!(matches!(Error::from(io::Error::from_raw_os_error(5)), Error::Broken(_)));
}

/// A folder in which two hundred plans were kept, and which was opened once more since.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for start in 0..2 {
        let store = Store::open(folder.path()).unwrap();
        for number in 0..100 {
            let name = format!("{start}-{number:03}");
            plans(&store).put(&name, &plan(&name.repeat(20))).unwrap();
        }
    }
    drop(Store::open(folder.path()).unwrap());
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn bit_rot_zeroed_pages_and_lost_ends_are_said_and_never_give_a_wrong_record() {
    let whole = filled();
    let db = durable::read(&whole.path().join("state/db")).unwrap().unwrap();
    let end = db.iter().rposition(|byte| *byte != 0).unwrap();
    let (mut said, mut harmless) = (0, 0);
    for step in 0..60 {
        let at = end * step / 60;
        let spoilt = match step % 3 {
            0 => {
                let mut bytes = db.clone();
                bytes[at] ^= 0x10;
                bytes
            }
            1 => {
                let mut bytes = db.clone();
                let page = at / 4096 * 4096;
                bytes[page..(page + 4096).min(db.len())].fill(0);
                bytes
            }
            _ => db[..at].to_vec(),
        };
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        fs::remove_dir_all(folder.path().join("state")).unwrap();
        copy(&whole.path().join("state"), &folder.path().join("state"));
        durable::write(&folder.path().join("state/db"), &spoilt).unwrap();

        // sled stops the process on some damage: that is said, too.
        let read = std::panic::catch_unwind(|| -> Result<usize, Error> {
            let store = Store::open(folder.path())?;
            let mut right = 0;
            for record in plans(&store).all() {
                let (name, plan) = record?;
                assert_eq!(plan.name, name.repeat(20), "a wrong record was read");
                right += 1;
            }
            Ok(right)
        });

        match read {
            Ok(Ok(200)) => harmless += 1,
            Ok(Ok(fewer)) => panic!("step {step}: {} records were lost without a word", 200 - fewer),
            Ok(Err(_)) => said += 1,
            Err(panic) => {
                let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                assert!(!words.contains("a wrong record was read"), "step {step}: {words}");
                said += 1;
            }
        }
    }
    assert!(said > 20, "{said} were said, {harmless} were harmless");
}

#[test]
fn an_old_copy_of_the_trees_put_back_beside_newer_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let old = tempfile::tempdir().unwrap();
    copy(&folder.path().join("state"), old.path());
    plans(&Store::open(folder.path()).unwrap()).put(&"a".to_owned(), &plan("a")).unwrap();

    fs::remove_dir_all(folder.path().join("state")).unwrap();
    copy(old.path(), &folder.path().join("state"));

    assert!(matches!(Store::open(folder.path()), Err(Error::Older(_))));
}
