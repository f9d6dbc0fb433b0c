//! The log's promises, over real files.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::clock::Clock;
use crate::corpus::PassageId;
use crate::names::{Ids, UserId};
use crate::store::{Store, durable, power};
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
    let changes: [fn(&mut Vec<u8>); 4] =
        [|bytes| bytes[40] ^= 1, |bytes| bytes.truncate(50), |bytes| bytes.extend([7; 99]), Vec::clear];
    for change in changes {
        let house = house(5);
        let _ = house.log.checkpoint().unwrap();
        let house = house.after(|house| house.change("hashes", change)).unwrap();

        assert_eq!(house.append().leaf(), 5);
        assert_eq!(house.verify(&house.export()).unwrap().size, 6);
    }
}

#[test]
fn leaves_that_no_checkpoint_signed_yet_are_proved_after_a_restart() {
    let house = house(5);
    let receipt = house.append();
    assert!(fs::read(house.file("hashes")).unwrap().is_empty(), "their hashes wait for a checkpoint");

    let house = house.after(|_| ()).unwrap();

    assert!(house.log.prove(5).unwrap().unwrap().fits(receipt.hash()));
    assert_eq!(house.verify(&house.export()).unwrap().size, 6);
}

#[test]
fn while_many_append_a_checkpoint_is_never_more_than_a_hundred_leaves_behind() {
    let house = house(0);
    let most = std::thread::scope(|scope| {
        let append = || {
            let behind = (0..100).map(|_| {
                let leaf = house.log.append(&Event::SignedIn { user: &house.ada, provider: "demo" }).unwrap().leaf();
                (leaf + 1).saturating_sub(house.log.last_checkpoint().map_or(0, |last| last.size))
            });
            behind.max().unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(append)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).max().unwrap()
    });

    assert!((2..super::CHECKPOINT_LEAVES).contains(&most), "{most} leaves behind");
    assert_eq!(house.verify(&house.export()).unwrap().size, 800);
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

#[test]
fn whatever_a_power_cut_takes_the_log_opens_and_has_every_leaf_that_was_acknowledged() {
    let house = house(2);
    let audit = house.folder.path().join("audit");
    let bob = UserId::new(&Ids::Random);
    let recording = power::record(&audit, || {
        for user in [&house.ada, &bob, &house.ada] {
            let receipt = house.log.append(&Event::SignedOut { user }).unwrap();
            power::acknowledge(receipt.leaf() + 1);
            house.log.checkpoint().unwrap();
        }
    });
    let whole = fs::read(audit.join("leaves")).unwrap();
    let whole: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let House { folder, clock, log, ada } = house;
    drop(log);
    let store = Store::open(folder.path()).unwrap();
    let vault = Vault::open(&store, &vault::Settings::default()).unwrap();

    let cuts = recording.cuts();
    for cut in &cuts {
        recording.lay_out(cut, &audit);
        let log = Log::open(&store, &vault, clock.clone(), &Settings::default());
        let log = log.unwrap_or_else(|error| panic!("{cut:?}: {error}"));

        let sure = cut.acknowledged.max(2) as usize;
        let left = fs::read(audit.join("leaves")).unwrap();
        let left: Vec<&[u8]> = left.split_inclusive(|byte| *byte == b'\n').collect();
        assert!(left.len() >= sure && left[..sure] == whole[..sure], "{cut:?}: {} leaves are left", left.len());
        let size = log.size();
        assert_eq!(log.append(&Event::SignedOut { user: &ada }).unwrap().leaf(), size, "{cut:?}");
        assert_eq!(log.checkpoint().unwrap().size, size + 1, "{cut:?}");
    }
    assert!(cuts.len() > 100, "only {} cuts were played", cuts.len());
}

#[test]
fn an_old_copy_of_the_log_put_back_is_found_by_the_checkpoint_beside_it_or_by_the_one_outside() {
    let house = house(3);
    let old: Vec<(PathBuf, Vec<u8>)> =
        ["leaves", "hashes"].map(|name| (house.file(name), fs::read(house.file(name)).unwrap())).into();
    let _ = house.append();
    let outside = house.log.checkpoint().unwrap();
    let put_back = |_: &House| old.iter().for_each(|(path, bytes)| durable::write(path, bytes).unwrap());

    let refused = house.after(put_back).err().unwrap().to_string();

    assert!(refused.contains("leaf 3: it is missing: the last checkpoint signed 4 leaves"), "{refused}");
    assert_eq!(outside.size, 4);
}

#[test]
fn leaves_are_found_by_person_object_event_and_time() {
    let house = house(3);
    let (bob, document) = (UserId::new(&Ids::Random), "wiki:41");
    house.clock.advance(60_000);
    let later = house.clock.now();
    for id in [document, "wiki:4"] {
        let _ = house.log.append(&Event::Opened { user: &bob, document: id }).unwrap();
    }
    let shown = [PassageId::parse("wiki:41@7#0").unwrap(), PassageId::parse("wiki:5@1#2").unwrap()];
    let searched = Event::Searched { user: &house.ada, query: [1; 32], visible: [2; 32], shown: &shown };
    let _ = house.log.append(&searched).unwrap();
    let _ = house.log.append(&Event::Desk { user: &bob, what: "read", target: &house.ada.to_string() }).unwrap();
    let found = |filter: Filter| -> Vec<u64> {
        house.log.search(&filter, None, 50).unwrap().leaves.iter().map(|leaf| leaf.index).collect()
    };

    let of = |object: &str| Filter { object: object.to_owned(), ..Filter::default() };
    assert_eq!(found(of(document)), [5, 3], "a passage of a document is the document's, another's is not");
    assert_eq!(found(of("wiki:4")), [4]);
    assert_eq!(found(of("01")), Vec::<u64>::new(), "no object stands in a digest");
    assert_eq!(found(Filter { events: vec!["opened".to_owned(), "desk".to_owned()], ..Filter::default() }), [6, 4, 3]);
    assert_eq!(found(Filter { actor: Some(bob), ..Filter::default() }), [6, 4, 3]);
    assert_eq!(found(Filter { person: Some(house.ada), ..Filter::default() }), [6, 5, 2, 1, 0]);
    let nobody = UserId::new(&Ids::Random);
    assert_eq!(found(Filter { person: Some(nobody), ..Filter::default() }), Vec::<u64>::new());
    assert!(
        !house.file("people").join(nobody.to_string()).exists(),
        "who was looked for does not stand in the log by that"
    );
    assert_eq!(found(Filter { from: Some(later), ..Filter::default() }), [6, 5, 4, 3]);
    assert_eq!(found(Filter { until: Some(later), ..Filter::default() }), [2, 1, 0]);
    let mut walked = Vec::new();
    house
        .log
        .walk(&of(document), &mut |leaf| {
            walked.push(leaf.index);
            Ok(())
        })
        .unwrap();
    assert_eq!(walked, [3, 5]);
    let leaf = house.log.leaf(6).unwrap().unwrap();
    assert_eq!((leaf.actor, leaf.subject), (Some(bob), Some(house.ada)));
    assert!(house.log.leaf(7).unwrap().is_none());
}

#[test]
fn a_search_goes_on_where_its_part_ended() {
    let house = house(7);
    let mut told = Vec::new();
    let mut before = None;
    loop {
        let found = house.log.search(&Filter::default(), before, 3).unwrap();
        told.extend(found.leaves.iter().map(|leaf| leaf.index));
        before = found.next;
        if before.is_none() {
            break;
        }
    }

    assert_eq!(told, [6, 5, 4, 3, 2, 1, 0]);
}

#[test]
fn every_leaf_and_every_older_tree_is_proved_by_a_text_that_verifies_offline_and_no_changed_text_does() {
    let mut heads = Vec::new();
    let house = house(0);
    for _ in 0..12 {
        heads.push(house.log.checkpoint().unwrap());
        let _ = house.append();
    }
    let key = house.log.public_key();

    for index in 0..12 {
        let (proof, leaf) = (house.log.prove(index).unwrap().unwrap(), house.log.leaf(index).unwrap().unwrap());
        let text = proof.text(&leaf.line);
        let Shown::Leaf { line, .. } = verify_proof(&text, &key, None).unwrap() else { panic!("it is of a leaf") };
        assert_eq!(line, leaf.line);
        let other = proof.text(&leaf.line.replace("demo", "dome"));
        assert_eq!(first_unfit(verify_proof(&other, &key, None).map(|_| Verified { size: 0, root: [0; 32] })), index);
    }
    for (old, head) in heads.iter().enumerate() {
        let extension = house.log.extension(old as u64).unwrap().unwrap();
        assert_eq!((extension.old_root, extension.fits(&head.root)), (head.root, true));
        let text = extension.text();
        let shown = verify_proof(&text, &key, Some(&head.note)).unwrap();
        assert_eq!(shown, Shown::Extension { old: old as u64, size: 12 });
        assert!(verify_proof(&text, &key, Some(&heads[(old + 1) % 12].note)).is_err(), "another's checkpoint");
        assert!(verify_proof(&text, &key, None).unwrap_err().to_string().contains("--checkpoint"));
        assert!(
            verify_proof(text.split_once("\n\n").unwrap().0, &key, Some(&head.note))
                .unwrap_err()
                .to_string()
                .contains("cut short")
        );
    }
    assert!(house.log.extension(13).unwrap().is_none());
    let fork = self::house(12);
    let forked = fork.log.extension(5).unwrap().unwrap();
    assert!(!forked.fits(&heads[5].root), "a log that was begun anew does not go on from the old one");
}

#[test]
fn an_export_cut_short_another_key_and_no_key_are_each_said_in_words_of_their_own() {
    let house = house(6);
    let lines = house.export();
    let path = house.folder.path().join("export");
    let said = |text: &str, key: &str| {
        std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), text.as_bytes()).unwrap();
        verify(&path, key, None).unwrap_err().to_string()
    };
    let (whole, key) = (lines.join("\n") + "\n", house.log.public_key());
    let fewer = lines[..4].join("\n") + "\n";

    assert!(said(&whole[..whole.len() - 9], &key).contains("leaf 5: its line has no end: the export was cut short"));
    assert!(said(&fewer, &key).contains("leaf 3: it is missing: 6 leaves were signed; the export was cut short"));
    assert!(said("", &key).contains("the export's first line does not read"));
    assert!(said(&whole, &self::house(1).log.public_key()).contains("names another key than the one given"));
    assert!(said(&whole, "sotto.local/log").contains("the export's first line names another key"));
    let with_other_key = whole.replacen(&key, "sotto.local/log+00000000+AAAA", 1);
    assert!(said(&with_other_key, "sotto.local/log+00000000+AAAA").contains("no C2SP verifier key"));
}

/// A small generator (Knuth's MMIX), so that a case can be run again by its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

/// Cases of a test that is longer at night.
#[expect(clippy::disallowed_methods, reason = "a nightly run asks for more cases")]
fn cases() -> u64 {
    std::env::var("SOTTO_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500)
}

/// What somebody who owns the machine does to the files of the log, before the leaf `held` from which on they may.
fn tamper(dice: &mut Dice, lines: &mut Vec<Vec<u8>>, held: usize) -> &'static str {
    let at = dice.roll(held);
    match dice.roll(6) {
        0 => {
            let (byte, bit) = (dice.roll(lines[at].len()), dice.roll(8));
            lines[at][byte] ^= 1 << bit;
            "flipped"
        }
        1 => {
            let _ = lines.remove(at);
            "dropped"
        }
        2 => {
            let copy = lines[dice.roll(lines.len())].clone();
            lines.insert(at, copy);
            "inserted"
        }
        3 => {
            let other = (at + 1 + dice.roll(held - 1)) % held;
            lines.swap(at, other);
            "moved"
        }
        4 => {
            lines.truncate(at);
            "cut off"
        }
        _ => {
            let from = lines[at].windows(4).position(|four| four == b"demo").unwrap();
            lines[at][from..from + 4].copy_from_slice(b"acme");
            "rewritten"
        }
    }
}

/// Makes a chain of leaves whole again, as whoever owns the machine and knows the format can: numbers and hashes of those
/// before. (The handles beside them are left.)
fn rechain(lines: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let mut previous: Option<[u8; 32]> = None;
    let mut out = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let (handles, json) = files::parse(line.strip_suffix(b"\n")?)?;
        let mut leaf: serde_json::Map<String, Value> = serde_json::from_slice(json).ok()?;
        let _ = leaf.insert("index".to_owned(), index.into());
        let _ = leaf.remove("previous");
        if let Some(previous) = previous {
            let _ = leaf.insert("previous".to_owned(), hex::encode(previous).into());
        }
        let json = serde_json_canonicalizer::to_vec(&leaf).ok()?;
        previous = Some(climb::leaf_hash(&json));
        out.push(files::line(&handles, &json));
    }
    Some(out)
}

#[test]
fn whatever_is_done_to_the_files_before_the_checkpoint_held_outside_is_found() {
    let house = house(40);
    let outside = house.log.checkpoint().unwrap();
    (0..7).for_each(|_| assert!(house.append().leaf() >= outside.size));
    let House { folder, clock, log, .. } = house;
    let key = log.public_key();
    drop(log);
    let store = Store::open(folder.path()).unwrap();
    let vault = Vault::open(&store, &vault::Settings::default()).unwrap();
    let file = |name: &str| folder.path().join("audit").join(name);
    let put = |name: &str, bytes: &[u8]| {
        std::io::Write::write_all(&mut fs::File::create(file(name)).unwrap(), bytes).unwrap();
    };
    let original = fs::read(file("leaves")).unwrap();
    let mut dice = Dice(7);
    for case in 0..cases() {
        let mut lines: Vec<Vec<u8>> = original.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let mut done = vec![tamper(&mut dice, &mut lines, outside.size as usize)];
        if dice.roll(2) == 0
            && let Some(whole) = rechain(&lines)
        {
            lines = whole;
            done.push("chained anew");
        }
        let bytes = lines.concat();
        if bytes == original {
            continue;
        }
        put("leaves", &bytes);
        // Mallory takes the last checkpoint away too, so that the log signs what it finds. The one outside is not his.
        let _ = fs::remove_file(file("checkpoint"));

        let found = Log::open(&store, &vault, clock.clone(), &Settings::default()).and_then(|log| {
            let export = folder.path().join("export");
            let exported = log.export(&mut fs::File::create(&export).unwrap());
            exported?;
            verify(&export, &key, Some(&outside.note))?;
            log.check()
        });
        assert!(found.is_err(), "case {case}: what was {} was not found", done.join(", "));
    }
    put("leaves", &original);
    let _ = fs::remove_file(file("checkpoint"));
    let whole = Log::open(&store, &vault, clock, &Settings::default()).unwrap();
    assert_eq!(whole.check().unwrap().size, 47, "the control: what nobody touched is whole");
}

#[test]
fn whatever_is_done_to_an_export_is_found_and_named_by_a_leaf_no_later_than_it() {
    let house = house(40);
    let (outside, lines) = (house.log.checkpoint().unwrap(), house.export());
    let mut dice = Dice(11);
    for case in 0..cases() {
        let mut leaves: Vec<Vec<u8>> = lines[1..].iter().map(|line| line.clone().into_bytes()).collect();
        let what = tamper(&mut dice, &mut leaves, lines.len() - 1);
        let whole = [lines[0].clone().into_bytes()].into_iter().chain(leaves).collect::<Vec<_>>().join(&b'\n');
        if whole == lines.join("\n").into_bytes() {
            continue;
        }
        let path = house.folder.path().join("export");
        std::io::Write::write_all(&mut fs::File::create(&path).unwrap(), &[whole, b"\n".to_vec()].concat()).unwrap();

        let found = verify(&path, &house.log.public_key(), Some(&outside.note));

        assert!(matches!(found, Err(Error::Broken { .. })), "case {case}: {what}: {found:?}");
    }
}

#[test]
fn who_was_erased_is_found_by_nobody_and_named_in_no_leaf() {
    let house = house(3);
    assert_eq!(house.log.leaf(1).unwrap().unwrap().actor, Some(house.ada));
    assert_eq!(house.log.people().unwrap(), [house.ada]);

    house.log.erase(&house.ada).unwrap();

    assert_eq!(house.log.leaf(1).unwrap().unwrap().actor, None);
    let filter = Filter { person: Some(house.ada), ..Filter::default() };
    assert_eq!(house.log.search(&filter, None, 50).unwrap().leaves.len(), 0);
    assert_eq!(house.log.people().unwrap(), []);
    assert!(house.verify(&house.export()).is_ok());
    assert_eq!(house.log.check().unwrap().size, 3);
}
