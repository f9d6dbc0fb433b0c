//! Backups that are cut off, changed or foreign are told apart, and none of them is taken for a whole one.

use std::collections::BTreeSet;

use super::frame::{Frame, Misread, Reader};
use super::*;
use crate::store::Part;
use crate::store::durable;

fn head() -> Head {
    Head {
        version: "0.1.0".to_owned(),
        made: "2026-11-28T04:00:00.000Z".to_owned(),
        origin: "sotto.test/log".to_owned(),
        public_key: "key".to_owned(),
        settings: "00".to_owned(),
        has_root_key: true,
    }
}

/// A small backup, in clear.
fn whole() -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::begin(&mut out, &head()).unwrap();
    let (tree, key) = ("numbers".to_owned(), vec![1, 2]);
    writer.part(&Part::Record { tree: tree.clone(), key: key.clone(), value: vec![7; 30] }).unwrap();
    writer.part(&Part::Change { tree: tree.clone(), key: key.clone(), value: Some(vec![8; 30]) }).unwrap();
    writer.part(&Part::Change { tree, key, value: None }).unwrap();
    writer.file("audit/leaves", &mut &b"one\ntwo\n"[..], 5).unwrap();
    let end = End { records: 3, files: 1, audit_size: 2, audit_root: "00".to_owned() };
    writer.finish(&end).unwrap();
    out
}

fn read(bytes: &[u8]) -> Result<Vec<Frame>, Misread> {
    let mut reader = Reader::begin(bytes)?;
    let mut frames = Vec::new();
    loop {
        frames.push(reader.next()?);
        if matches!(frames.last(), Some(Frame::End(_))) {
            return Ok(frames);
        }
    }
}

#[test]
fn frames_are_read_as_they_were_written() {
    let frames = read(&whole()).unwrap();

    assert_eq!(frames.len(), 7);
    assert_eq!(frames[3], Frame::File("audit/leaves".to_owned()));
    assert_eq!(frames[4], Frame::Bytes(b"one\nt".to_vec()));
    assert!(matches!(&frames[6], Frame::End(end) if end.records == 3));
}

#[test]
fn every_beginning_of_a_backup_is_known_as_cut_off() {
    let whole = whole();

    for length in 0..whole.len() {
        let misread = read(&whole[..length]).unwrap_err();
        assert!(matches!(misread, Misread::CutOff), "{length}: {misread}");
    }
}

#[test]
fn a_changed_byte_anywhere_is_found() {
    let whole = whole();

    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(read(&changed).is_err(), "byte {at}");
    }
    let longer = [whole.as_slice(), b"x"].concat();
    assert!(matches!(read(&longer), Err(Misread::Damaged(_))));
}

#[test]
fn another_file_and_a_newer_form_are_told_apart() {
    assert!(matches!(read(b"PK\x03\x04 this is an archive"), Err(Misread::Foreign)));
    assert!(matches!(read(b"sotto backup 2\n and so on"), Err(Misread::Newer)));
}

#[test]
fn a_shut_backup_opens_with_its_key_alone_and_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let secret = age::x25519::Identity::generate();
    let file = folder.path().join("backup");
    let mut shut = Shut::begin(&file, &Key::of_recipients(&[secret.to_public().to_string()]).unwrap()).unwrap();
    shut.write_all(&whole()).unwrap();
    assert!(!file.exists(), "under its name stands nothing before it is whole");
    shut.finish().unwrap();
    let ours = Key::Identities(vec![secret]);
    let others = Key::Identities(vec![age::x25519::Identity::generate()]);
    let passphrase = Key::of_passphrase("wrong horse").unwrap();
    let said = |path: &Path, key: &Key| restore(path, key, &Terms::default()).map(|_| ()).unwrap_err().to_string();

    assert_eq!(restore(&file, &ours, &Terms::default()).unwrap().audit_size, 2);

    assert!(said(&file, &others).ends_with("does not open: this passphrase or key does not open it"));
    assert!(said(&file, &passphrase).contains("encrypted to a public key"));
    let bytes = durable::read(&file).unwrap().unwrap();
    let spoilt = folder.path().join("spoilt");
    let mut words = BTreeSet::new();
    for length in (0..bytes.len()).step_by(7) {
        durable::write(&spoilt, &bytes[..length]).unwrap();
        words.insert(said(&spoilt, &ours).split(": ").nth(1).unwrap_or_default().to_owned());
    }
    for at in (0..bytes.len()).step_by(5) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        durable::write(&spoilt, &changed).unwrap();
        assert!(restore(&spoilt, &ours, &Terms::default()).is_err(), "byte {at}");
    }
    assert!(words.contains("it is damaged") && words.contains("it ends in the middle"), "{words:?}");
}

#[test]
fn a_backup_is_written_over_nothing_and_half_of_one_is_not_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let key = Key::of_recipients(&[age::x25519::Identity::generate().to_public().to_string()]).unwrap();
    drop(Shut::begin(&file, &key).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    durable::write(&file, b"another").unwrap();

    assert!(Shut::begin(&file, &key).is_err());
}

#[test]
fn a_passphrase_of_ours_is_long_and_never_twice_the_same() {
    let (_, words) = Key::fresh_passphrase();

    assert_eq!(words.len(), 29);
    assert_ne!(words, Key::fresh_passphrase().1);
    assert!(Key::of_recipients(&["age1nonsense".to_owned()]).is_err());
    assert!(Key::of_passphrase("").is_err());
}
