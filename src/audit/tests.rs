//! The log's promises, over real files.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::clock::Clock;
use crate::names::{Ids, UserId};
use crate::store::{Store, durable};
use crate::vault::Vault;

const NOON: Moment = Moment::from_ms(1_795_000_000_000);

struct House {
    folder: tempfile::TempDir,
    clock: Clock,
    log: Log,
    ada: UserId,
}

fn open(folder: &std::path::Path, clock: &Clock) -> Result<Log, Error> {
    let store = Store::open(folder).unwrap();
    let vault = Vault::open(&store, &vault::Settings::default()).unwrap();
    Log::open(&store, &vault, clock.clone(), &Settings::default())
}

fn house(leaves: u64) -> House {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::held(NOON));
    let log = open(folder.path(), &clock).unwrap();
    let house = House { folder, clock, log, ada: UserId::new(&Ids::Random) };
    for leaf in 0..leaves {
        assert_eq!(house.append().leaf(), leaf);
    }
    house
}

impl House {
    fn append(&self) -> Receipt {
        self.clock.advance(1_000);
        self.log.append(&Event::SignedIn { user: &self.ada, provider: "demo" }).unwrap()
    }

    /// Closes the log, lets something happen to its files, and opens it again.
    fn after(self, happens: impl FnOnce(&House)) -> Result<House, Error> {
        happens(&self);
        let House { folder, clock, log, ada } = self;
        drop(log);
        let log = open(folder.path(), &clock)?;
        Ok(House { folder, clock, log, ada })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("audit").join(name)
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.file(name)).unwrap();
        change(&mut bytes);
        durable::write(&self.file(name), &bytes).unwrap();
    }

    fn export(&self) -> Vec<String> {
        let mut out = Vec::new();
        let verified = self.log.export(&mut out).unwrap();
        assert_eq!(verified.size, self.log.last_checkpoint().unwrap().size);
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    fn newest(&self, most: usize) -> Vec<Value> {
        let found = self.log.search(&Filter::default(), None, most).unwrap();
        found.leaves.into_iter().map(|leaf| Value::Object(leaf.fields)).collect()
    }

    fn verify(&self, lines: &[String]) -> Result<Verified, Error> {
        self.verify_after(lines, None)
    }

    fn verify_after(&self, lines: &[String], older: Option<&str>) -> Result<Verified, Error> {
        let path = self.folder.path().join("export");
        // Not durably: a test verifies hundreds.
        std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), (lines.join("\n") + "\n").as_bytes()).unwrap();
        verify(&path, &self.log.public_key(), older)
    }
}

fn first_unfit(result: Result<Verified, Error>) -> u64 {
    match result {
        Err(Error::Broken { leaf, .. }) => leaf,
        other => panic!("a leaf should not fit: {other:?}"),
    }
}

#[test]
fn an_export_verifies_with_the_public_key() {
    let house = house(12);
    let lines = house.export();

    let verified = house.verify(&lines).unwrap();

    assert_eq!((verified.size, lines.len()), (12, 13));
    assert_eq!(verified.root, house.log.last_checkpoint().unwrap().root);
    let empty = self::house(0);
    assert_eq!(empty.verify(&empty.export()).unwrap().size, 0);
}

#[test]
fn a_leaf_is_canonical_json_without_the_persons_id() {
    let house = house(2);
    let line = &house.export()[2];

    let leaf: Value = serde_json::from_str(line).unwrap();

    assert_eq!(serde_json_canonicalizer::to_string(&leaf).unwrap(), *line);
    assert_eq!((&leaf["index"], &leaf["event"], &leaf["provider"]), (&1.into(), &"signed_in".into(), &"demo".into()));
    assert_eq!(leaf["at"], NOON.plus_ms(2_000).rfc3339());
    assert_eq!(leaf["actor"].as_str().unwrap().len(), 64);
    assert!(!line.contains(&house.ada.to_string()));
}

#[test]
fn a_changed_byte_is_found_and_named_by_its_leaf() {
    let house = house(5);
    let lines = house.export();

    for leaf in 0..5 {
        for at in (leaf % 3..lines[leaf + 1].len()).step_by(3) {
            let mut bytes = lines[leaf + 1].clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let mut changed = lines.clone();
            changed[leaf + 1] = String::from_utf8(bytes).unwrap();
            assert_eq!(first_unfit(house.verify(&changed)), leaf as u64, "byte {at} of leaf {leaf}");
        }
    }
}

#[test]
fn a_dropped_added_moved_or_cut_leaf_is_found() {
    let house = house(6);
    let lines = house.export();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut changed = lines.clone();
        change(&mut changed);
        house.verify(&changed)
    };

    assert_eq!(first_unfit(with(&|lines| drop(lines.remove(3)))), 2, "dropped");
    assert_eq!(first_unfit(with(&|lines| lines.insert(3, lines[3].clone()))), 3, "added");
    assert_eq!(first_unfit(with(&|lines| lines.swap(2, 4))), 1, "moved");
    assert_eq!(first_unfit(with(&|lines| lines.truncate(5))), 4, "cut");
    assert_eq!(first_unfit(with(&|lines| lines.push(lines[6].clone()))), 6, "one too many");
    assert!(matches!(with(&|lines| lines[0] = lines[0].replace("\"size\":6", "\"size\":5")), Err(Error::Unfit(_))));
}

#[test]
fn a_fork_and_an_old_copy_are_found_by_the_older_checkpoint() {
    let house = house(4);
    let old_copy = house.export();
    assert_eq!(house.append().leaf(), 4);
    let older = house.log.checkpoint().unwrap().note;
    assert_eq!(first_unfit(house.verify_after(&old_copy, Some(&older))), 4);

    let forget = |house: &House| {
        for name in ["leaves", "hashes", "checkpoint"] {
            assert!(durable::remove(&house.file(name)).unwrap());
        }
    };
    let forked = house.after(forget).unwrap();
    (0..7).map(|_| forked.append()).for_each(|receipt| assert!(receipt.leaf() < 7));

    assert!(forked.verify(&forked.export()).is_ok());
    assert_eq!(first_unfit(forked.verify_after(&forked.export(), Some(&older))), 4);
}

#[test]
fn the_log_goes_on_after_a_restart() {
    let house = house(3).after(|_| {}).unwrap();

    assert_eq!(house.append().leaf(), 3);

    assert_eq!(house.verify(&house.export()).unwrap().size, 4);
}

#[test]
fn a_tail_torn_by_a_crash_is_cut_off_and_said() {
    for torn in [&b"-,-\t{\"at\":\"20"[..], b"\0\0\0\0\0\0", b"-,-\t{\0\0\0}\n\0\0"] {
        let house = house(3).after(|house| house.change("leaves", |bytes| bytes.extend_from_slice(torn))).unwrap();

        let newest = house.newest(1);

        assert_eq!((&newest[0]["event"], &newest[0]["index"]), (&"tail_cut".into(), &3.into()));
        assert_eq!(newest[0]["bytes"], torn.len());
        assert_eq!(house.verify(&house.export()).unwrap().size, 4);
    }
}

#[test]
fn a_log_changed_on_disk_does_not_open_and_says_where() {
    let flip = |house: &House| {
        house.change("leaves", |bytes| {
            let at = bytes.windows(4).position(|window| window == b"demo").unwrap();
            bytes[at] = b'D';
        });
    };
    let error = house(4).after(flip).err().unwrap();
    assert!(matches!(error, Error::Broken { leaf: 0, .. }), "{error}");

    let house = house(4);
    let _ = house.log.checkpoint().unwrap();
    let cut = |house: &House| house.change("leaves", |bytes| bytes.truncate(bytes.len() / 2));
    let error = house.after(cut).err().unwrap();
    assert!(matches!(error, Error::Broken { leaf: 1 | 2, .. }), "what was signed is missing: {error}");
}

#[test]
fn damaged_hashes_are_mended_from_the_leaves() {
    let changes: [fn(&mut Vec<u8>); 3] =
        [|bytes| bytes[40] ^= 1, |bytes| bytes.truncate(50), |bytes| bytes.extend([7; 99])];
    for change in changes {
        let house = house(5).after(|house| house.change("hashes", change)).unwrap();

        assert_eq!(house.append().leaf(), 5);
        assert_eq!(house.verify(&house.export()).unwrap().size, 6);
    }
}

#[test]
fn a_clock_set_back_keeps_the_order_and_is_said() {
    let house = house(2);
    house.clock.advance(-3_600_000);

    let _ = house.append();

    let newest = house.newest(2);
    assert_eq!(newest[0]["at"], newest[1]["at"]);
    assert_eq!(newest[0]["clock_behind_ms"], 3_599_000);
    assert!(house.verify(&house.export()).is_ok());
}

#[test]
fn eight_threads_get_leaves_without_gaps() {
    let house = house(0);

    let mut leaves: Vec<u64> = std::thread::scope(|scope| {
        let thread = || (0..50).map(|_| house.append().leaf()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(thread)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });

    leaves.sort_unstable();
    assert_eq!(leaves, (0..400).collect::<Vec<u64>>());
    assert!(house.log.last_checkpoint().unwrap().size >= 300, "one at least every hundred leaves");
    assert_eq!(house.verify(&house.export()).unwrap().size, 400);
}

#[test]
fn an_inclusion_proof_fits_its_leaf_and_no_other() {
    let house = house(9);
    let receipts: Vec<Receipt> = (0..4).map(|_| house.append()).collect();

    let proof = house.log.prove(receipts[1].leaf()).unwrap().unwrap();

    assert!(proof.fits(receipts[1].hash()));
    assert!(!proof.fits(receipts[2].hash()));
    assert!(house.log.prove(13).unwrap().is_none());
}

#[test]
fn commitments_are_opened_by_the_salts_until_these_are_erased() {
    let house = house(2);
    let (bob, leaf) = (UserId::new(&Ids::Random), |house: &House, at: usize| -> Value {
        serde_json::from_str(&house.export()[at + 1]).unwrap()
    });
    let _ = house.log.append(&Event::Desk { user: &house.ada, what: "user.read", target: &bob.to_string() }).unwrap();
    assert_ne!(leaf(&house, 0)["actor"], leaf(&house, 1)["actor"], "two leaves of one person share nothing");

    let values = |house: &House| {
        let mut out = Vec::new();
        house.log.export_values(&mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let opened = values(&house);
    assert_eq!(opened.len(), 4);
    for opening in &opened {
        let salt = hex::decode(opening["salt"].as_str().unwrap()).unwrap();
        let value = opening["value"].as_str().unwrap();
        let hash = hex::encode(vault::sha256(&[&salt[..], value.as_bytes()].concat()));
        let index = opening["index"].as_u64().unwrap() as usize;
        assert_eq!(leaf(&house, index)[opening["field"].as_str().unwrap()], hash);
    }

    house.log.erase(&house.ada).unwrap();

    let house = house.after(|_| {}).unwrap();
    let left: Vec<Value> = values(&house);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["value"], bob.to_string());
    assert!(house.verify(&house.export()).is_ok());
}

#[test]
fn another_origin_or_a_lost_key_stops_the_start() {
    let house = house(2);
    let _ = house.log.checkpoint().unwrap();
    let House { folder, clock, log, .. } = house;
    drop(log);
    let store = Store::open(folder.path()).unwrap();
    let vault = Vault::open(&store, &vault::Settings::default()).unwrap();

    let other = Settings { origin: "other.local/log".to_owned(), ..Settings::default() };
    assert!(matches!(Log::open(&store, &vault, clock.clone(), &other), Err(Error::Unfit(_))));

    assert!(durable::remove(&folder.path().join("audit/signing.key")).unwrap());
    assert!(matches!(Log::open(&store, &vault, clock, &Settings::default()), Err(Error::Unfit(_))));
}
