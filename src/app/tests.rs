//! Data folders that earlier releases wrote: the present build opens each, and finds in it what was there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::config;
use crate::history::Read;
use crate::index::Scope;
use crate::names::ApplicationId;

/// The stored folders, `v1` first.
fn stored() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/stored");
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(".tar.gz"))
        .collect();
    all.sort();
    all
}

fn open(data: &Path) -> anyhow::Result<Arc<App>> {
    let text = format!(
        "[data]\nfolder = {:?}\n[[source]]\nname = \"wiki\"\nkind = \"confluence\"\nurl = \"http://127.0.0.1:9/\"\n\
         token_file = \"/nowhere\"\nevery_minutes = 0\n",
        data.display().to_string()
    );
    let (below, _) = config::Settings::parse(&text).unwrap().hand_down();
    App::open(below, Clock::System, Ids::Random, Models { generate: None, embed: None })
}

fn unpack(archive: &Path, into: &Path) {
    let done = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(into).status().unwrap();
    assert!(done.success(), "{}", archive.display());
}

#[test]
fn the_data_folder_of_every_release_opens_with_its_pages_its_people_its_log_and_its_conversations() {
    let all = stored();
    assert!(all[0].ends_with("v1.tar.gz"), "{all:?}");
    for archive in all {
        let folder = tempfile::tempdir().unwrap();
        unpack(&archive, folder.path());
        let held: audit::Checkpoint =
            serde_json::from_slice(&fs::read(folder.path().join("audit/checkpoint")).unwrap()).unwrap();

        let app = open(folder.path()).unwrap();

        let overview = app.overview_as_owner().unwrap();
        assert!(overview.documents > 20 && overview.directory.people > 2, "{}: {overview:?}", archive.display());
        let export = folder.path().join("export");
        app.export_audit(&mut fs::File::create(&export).unwrap()).unwrap();
        verify_audit(&export, &app.audit_key(), Some(&held.note)).unwrap();
        let mut conversations = 0;
        for owner in fs::read_dir(folder.path().join("keys")).unwrap() {
            // The appliance's own key stands beside those of people.
            let Some(owner) = UserId::parse(owner.unwrap().file_name().to_str().unwrap()) else { continue };
            let sight =
                app.sight_now(&owner, &ApplicationId::default()).unwrap().expect("the person is still provisioned");
            assert!(
                !app.index.newest(&sight.visibility, &Scope::default(), 3).unwrap().is_empty(),
                "pages are found by who may read them"
            );
            for listed in app.history.list(&app.vault, &owner).unwrap() {
                assert!(listed.title.is_some());
                let (_, turns) = app.history.read(&app.vault, &owner, &listed.id).unwrap();
                assert!(!turns.is_empty() && turns.iter().all(|turn| matches!(turn, Read::Entry(_))), "{turns:?}");
                conversations += 1;
            }
        }
        assert!(conversations > 0, "{}", archive.display());
        app.close();
    }
}

#[test]
fn what_was_damaged_swapped_or_taken_from_another_machine_is_each_said_in_words_of_its_own() {
    let archive = stored().remove(0);
    let said = |spoil: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        unpack(&archive, folder.path());
        spoil(folder.path());
        format!("{:#}", open(folder.path()).map(|_| ()).unwrap_err())
    };
    let put = |path: PathBuf, bytes: &[u8]| crate::store::durable::write(&path, bytes).unwrap();

    let wrong_root = said(&|folder| put(folder.join("root.key"), &[7; 32]));
    let no_root = said(&|folder| fs::remove_file(folder.join("root.key")).unwrap());
    let no_signing_key = said(&|folder| fs::remove_file(folder.join("audit/signing.key")).unwrap());
    let tampered_key = said(&|folder| {
        let mut bytes = fs::read(folder.join("audit/signing.key")).unwrap();
        bytes[40] ^= 1;
        put(folder.join("audit/signing.key"), &bytes);
    });
    let tampered_leaf = said(&|folder| {
        let text = fs::read_to_string(folder.join("audit/leaves")).unwrap();
        put(folder.join("audit/leaves"), text.replacen("\"version\":\"0.1.0\"", "\"version\":\"0.1.9\"", 1).as_bytes());
    });
    let old_leaves = said(&|folder| {
        let text = fs::read_to_string(folder.join("audit/leaves")).unwrap();
        let older: String = text.split_inclusive('\n').take(3).collect();
        put(folder.join("audit/leaves"), older.as_bytes());
    });
    let unfinished = said(&|folder| put(folder.join("restoring"), b""));

    let all = [
        (&wrong_root, "not the one that this data folder was made with"),
        (&no_root, "it cannot be read; put it back"),
        (&no_signing_key, "signing.key is missing; put it back from a backup"),
        (&tampered_key, "damaged or was moved"),
        (&tampered_leaf, "does not fit at leaf 0: it was changed"),
        (&old_leaves, "leaf 3: it is missing: the last checkpoint signed"),
        (&unfinished, "was broken off"),
    ];
    for (message, words) in all {
        assert!(message.contains(words), "{message:?} does not say {words:?}");
    }
}

#[test]
fn another_version_than_before_is_on_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let upgrades = || -> Vec<(String, String)> {
        let app = open(folder.path()).unwrap();
        let filter = audit::Filter { events: vec!["upgraded".to_owned()], ..audit::Filter::default() };
        let found = app.audit.search(&filter, None, 10).unwrap();
        app.close();
        found.leaves.iter().map(|leaf| (leaf.text("from").to_owned(), leaf.text("to").to_owned())).collect()
    };
    assert_eq!(upgrades(), [], "the first start is none");

    let store = Store::open(folder.path()).unwrap();
    let began = audit::Began::last(&store).unwrap().unwrap();
    audit::Began { version: "0.0.9".to_owned(), ..began }.keep(&store).unwrap();
    drop(store);

    let now = env!("CARGO_PKG_VERSION").to_owned();
    assert_eq!(upgrades(), [("0.0.9".to_owned(), now.clone())]);
    assert_eq!(upgrades(), [("0.0.9".to_owned(), now)], "the start after it is none either");
}
