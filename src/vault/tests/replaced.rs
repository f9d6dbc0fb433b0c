//! The root key: where it is kept, and how it is replaced without stopping and through kills.

use super::*;

fn under_passphrase(words: &str) -> Settings {
    Settings {
        root_key: Keeping::Passphrase,
        passphrase: Some(Passphrase::new(words.to_owned())),
        ..Settings::default()
    }
}

const WORDS: &str = "a heron stands still in the morning";

fn house_with(settings: &Settings) -> House {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(&Store::open(folder.path()).unwrap(), settings).unwrap();
    let ids = Ids::Random;
    House { folder, vault, ada: UserId::new(&ids), bob: UserId::new(&ids), talk: ConversationId::new(&ids) }
}

fn refused(outcome: Result<House, Error>) -> String {
    outcome.err().unwrap().to_string()
}

#[test]
fn after_it_was_replaced_everything_opens_and_the_old_one_opens_nothing() {
    let house = house();
    let (sealed, secret) = (house.sealed(), house.vault.seal_own(&NOTE, b"client secret"));
    let digest = house.vault.keyed_digest(&NOTE, b"who is on my team");
    let _ = house.vault.key(&house.bob, &house.talk).unwrap();
    let path = house.folder.path().join("root.key");
    let old = fs::read(&path).unwrap();

    assert_eq!(house.vault.replace_root(None).unwrap(), Replaced { people: 2, damaged: 0 });

    assert!(house.opens(&sealed).is_ok(), "without a restart");
    let house = house.again().unwrap();
    assert!(house.opens(&sealed).is_ok());
    assert!(house.vault.open_own(&NOTE, &secret).is_ok());
    assert_eq!(house.vault.keyed_digest(&NOTE, b"who is on my team"), digest);
    assert_ne!(fs::read(&path).unwrap(), old);
    assert!(!path.with_file_name("root.key.next").exists());
    crate::store::durable::write(&path, &old).unwrap();
    assert!(refused(house.again()).contains("not the one"));
}

#[test]
fn questions_are_kept_and_read_while_it_is_replaced() {
    let house = house();
    let sealed = house.sealed();
    let people: Vec<UserId> = (0..20).map(|_| UserId::new(&Ids::Random)).collect();
    people.iter().for_each(|user| drop(house.vault.key(user, &house.talk).unwrap()));

    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for user in people.iter().cycle().take(200) {
                assert!(house.opens(&sealed).is_ok());
                let new = ConversationId::new(&Ids::Random);
                let key = house.vault.key(user, &new).unwrap();
                let place = Place { conversation: &new, owner: user, ..house.place() };
                let kept = Sealed::seal(&Words("new".to_owned()), &key, &place);
                assert!(kept.open(&house.vault.existing_key(user, &new).unwrap(), &place).is_ok());
            }
        });
        for _ in 0..3 {
            house.vault.replace_root(None).unwrap();
        }
        asking.join().unwrap();
    });

    let house = house.again().unwrap();
    assert!(people.iter().all(|user| house.vault.existing_key(user, &house.talk).is_ok()));
}

#[test]
fn a_replacement_that_a_kill_broke_off_goes_on_after_the_next_start() {
    let house = house();
    let sealed = house.sealed();
    let _ = house.vault.key(&house.bob, &house.talk).unwrap();
    // Killed after the new key was introduced and one of two files was wrapped with it.
    house.vault.root_mut().begin(None).unwrap();
    let bobs = house.file_of(&house.bob);
    let (before, mixed) = (fs::read(&bobs).unwrap(), house.vault.people.rewrap(&house.vault.root).unwrap());
    assert_eq!(mixed, (2, 0));
    crate::store::durable::write(&bobs, &before).unwrap();

    let house = house.again().unwrap();
    assert!(house.opens(&sealed).is_ok() && house.vault.existing_key(&house.bob, &house.talk).is_ok());
    let new = ConversationId::new(&Ids::Random);
    let _ = house.vault.key(&UserId::new(&Ids::Random), &new).unwrap();
    assert_eq!(house.vault.resume_root().unwrap(), Some(Replaced { people: 3, damaged: 0 }));
    assert!(house.vault.is_root_unrecorded().unwrap());
    house.vault.note_recorded().unwrap();

    let house = house.again().unwrap();
    assert!(house.opens(&sealed).is_ok() && house.vault.existing_key(&house.bob, &house.talk).is_ok());
    assert_eq!(house.vault.resume_root().unwrap(), None);
    assert!(!house.vault.is_root_unrecorded().unwrap());
}

#[test]
fn a_kill_before_the_new_key_took_the_old_ones_place_is_mended_by_the_next_start() {
    let house = house();
    let sealed = house.sealed();
    let (path, next) = (house.folder.path().join("root.key"), house.folder.path().join("root.key.next"));
    let old = fs::read(&path).unwrap();
    house.vault.replace_root(None).unwrap();
    // As it stands when everything is wrapped and noted, and the file was not moved yet.
    let new = fs::read(&path).unwrap();
    crate::store::durable::write(&next, &new).unwrap();
    crate::store::durable::write(&path, &old).unwrap();

    let house = house.again().unwrap();

    assert!(house.opens(&sealed).is_ok());
    assert_eq!(fs::read(&path).unwrap(), new);
    assert!(!next.exists());
}

#[test]
fn a_key_that_is_placed_by_hand_is_asked_for_until_it_is() {
    let house = house();
    let sealed = house.sealed();
    let (path, elsewhere) = (house.folder.path().join("root.key"), tempfile::tempdir().unwrap());
    let to = elsewhere.path().join("new");

    house.vault.replace_root(Some(&to)).unwrap();

    assert!(house.opens(&sealed).is_ok());
    assert!(matches!(house.vault.replace_root(Some(&to)), Err(Error::Unfit(_))), "no file is written over");
    let (folder, ada, talk) = (house.folder.path().to_owned(), house.ada, house.talk);
    drop(house.vault);
    let open = || Vault::open(&Store::open(&folder).unwrap(), &Settings::default());
    let why = open().err().unwrap().to_string();
    assert!(why.contains("it was replaced since"), "{why}");
    crate::store::durable::write(&path, &fs::read(&to).unwrap()).unwrap();
    assert!(open().unwrap().existing_key(&ada, &talk).is_ok());
}

#[test]
fn a_damaged_file_is_left_as_it_is_and_told() {
    let house = house();
    let sealed = house.sealed();
    let _ = house.vault.key(&house.bob, &house.talk).unwrap();
    let bobs = house.file_of(&house.bob);
    crate::store::durable::write(&bobs, b"torn").unwrap();

    assert_eq!(house.vault.replace_root(None).unwrap(), Replaced { people: 1, damaged: 1 });

    assert_eq!(fs::read(&bobs).unwrap(), b"torn");
    assert!(house.again().unwrap().opens(&sealed).is_ok());
}

#[test]
fn a_root_key_under_a_passphrase_opens_with_it_alone_and_can_be_replaced() {
    let house = house_with(&under_passphrase(WORDS));
    let sealed = house.sealed();
    assert!(!house.folder.path().join("root.key").exists());

    let house = house.again_with(&under_passphrase(WORDS)).unwrap();
    assert!(house.opens(&sealed).is_ok());
    house.vault.replace_root(None).unwrap();
    let house = house.again_with(&under_passphrase(WORDS)).unwrap();
    assert!(house.opens(&sealed).is_ok());

    let wrong = refused(house.again_with(&under_passphrase("a heron stands still in the evening")));
    assert!(wrong.contains("the passphrase does not open it"), "{wrong}");
}

#[test]
fn a_weak_or_missing_passphrase_stops_the_start() {
    for (settings, word) in [
        (under_passphrase("fifteen letters"), "at least 16 characters"),
        (Settings { passphrase: None, ..under_passphrase("") }, "none was given"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let why = Vault::open(&Store::open(folder.path()).unwrap(), &settings).err().unwrap().to_string();
        assert!(why.contains(word), "{why}");
    }
}

#[test]
fn a_credential_of_systemd_is_read_from_its_folder() {
    let credentials = tempfile::tempdir().unwrap();
    let settings = Settings {
        root_key: Keeping::Credential,
        credentials: Some(credentials.path().to_owned()),
        ..Settings::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let open = |settings| Vault::open(&Store::open(folder.path()).unwrap(), settings);
    let why = open(&settings).err().unwrap().to_string();
    assert!(why.contains("LoadCredential"), "{why}");

    let credential = credentials.path().join("sotto-root-key");
    crate::store::durable::write(&credential, &[7; 32]).unwrap();
    // As systemd leaves it: readable by the service's group in the mode, which an access list narrows.
    fs::set_permissions(&credential, fs::Permissions::from_mode(0o440)).unwrap();
    let vault = open(&settings).unwrap();

    assert!(matches!(vault.replace_root(None), Err(Error::Unfit(why)) if why.contains("--to FILE")));
}

#[test]
fn a_data_folder_of_before_there_was_an_appliances_key_opens_with_all_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let (ids, root) = (Ids::Random, cipher::KeyBytes::random());
    let (ada, talk) = (UserId::new(&ids), ConversationId::new(&ids));
    crate::store::durable::write(&folder.path().join("root.key"), &*root).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let checks: Tree<String, Vec<u8>> = store.tree("vault.check").unwrap();
    checks.put(&"root".to_owned(), &root::keyed_digest(&root, &Label("root key check"), b"").to_vec()).unwrap();
    // Layout 1 of a person's file: the two wrapped keys, and no byte between them but the conversation's id.
    let (person, conversation) = (cipher::KeyBytes::random(), cipher::KeyBytes::random());
    let wrapping = cipher::derive(&root, "wrap", "person");
    let file = [
        &[1][..],
        &cipher::wrap(&wrapping, &keyring::person_place(&ada), &person),
        talk.as_bytes(),
        &cipher::wrap(&person, &keyring::conversation_place(&ada, talk.as_bytes()), &conversation),
    ];
    crate::store::durable::make_folder(&folder.path().join("keys")).unwrap();
    crate::store::durable::write(&folder.path().join("keys").join(ada.to_string()), &file.concat()).unwrap();
    let sealed = Own::of(&root, &NOTE).seal(b"", b"client secret");

    let vault = Vault::open(&store, &Settings::default()).unwrap();

    assert!(vault.existing_key(&ada, &talk).is_ok());
    assert!(vault.open_own(&NOTE, &sealed).is_ok());
    vault.replace_root(None).unwrap();
    drop((vault, checks, store));
    let vault = Vault::open(&Store::open(folder.path()).unwrap(), &Settings::default()).unwrap();
    assert!(vault.existing_key(&ada, &talk).is_ok() && vault.open_own(&NOTE, &sealed).is_ok());
}

#[test]
fn a_lost_root_key_is_told_with_what_is_lost_and_what_is_not() {
    let house = house();
    fs::remove_file(house.folder.path().join("root.key")).unwrap();

    let why = refused(house.again());

    assert!(why.contains("no conversation that was kept opens again"), "{why}");
    assert!(why.contains("Pages, people and permissions are not lost"), "{why}");
}
