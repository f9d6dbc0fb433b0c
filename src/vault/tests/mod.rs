//! The vault's promises, over a real folder.

mod bound;
mod memory;
mod replaced;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::names::Ids;
use crate::store::{Tree, durable, json_record, power};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Words(String);
json_record!(Words, 1);

const NOTE: Label = Label("note");
const OTHER: Label = Label("note2");

struct House {
    folder: tempfile::TempDir,
    vault: Vault,
    ada: UserId,
    bob: UserId,
    talk: ConversationId,
}

fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(&Store::open(folder.path()).unwrap(), &Settings::default()).unwrap();
    let ids = Ids::Random;
    House { folder, vault, ada: UserId::new(&ids), bob: UserId::new(&ids), talk: ConversationId::new(&ids) }
}

impl House {
    fn again(self) -> Result<House, Error> {
        self.again_with(&Settings::default())
    }

    fn again_with(mut self, settings: &Settings) -> Result<House, Error> {
        // The old vault holds the folder until it is gone.
        let (folder, ada, bob, talk) = (self.folder, self.ada, self.bob, self.talk);
        drop(self.vault);
        self.vault = Vault::open(&Store::open(folder.path()).unwrap(), settings)?;
        Ok(House { folder, vault: self.vault, ada, bob, talk })
    }

    fn file_of(&self, owner: &UserId) -> PathBuf {
        self.folder.path().join("keys").join(owner.to_string())
    }

    /// Whether what was sealed in Ada's conversation opens with the key that it has now.
    fn opens(&self, sealed: &Sealed<Words>) -> Result<Words, Error> {
        sealed.open(&self.vault.existing_key(&self.ada, &self.talk)?, &self.place())
    }

    fn place(&self) -> Place<'_> {
        Place { label: &NOTE, owner: &self.ada, conversation: &self.talk, sequence: 4 }
    }

    fn sealed(&self) -> Sealed<Words> {
        let key = self.vault.key(&self.ada, &self.talk).unwrap();
        Sealed::seal(&Words("the heron is asleep".to_owned()), &key, &self.place())
    }
}

#[test]
fn what_was_sealed_opens_in_its_place_also_after_a_restart() {
    let house = house();
    let bytes = house.sealed().as_bytes().to_vec();

    let house = house.again().unwrap();

    let key = house.vault.existing_key(&house.ada, &house.talk).unwrap();
    let opened = Sealed::<Words>::from_bytes(&bytes).open(&key, &house.place()).unwrap();
    assert_eq!(opened, Words("the heron is asleep".to_owned()));
}

#[test]
fn what_was_moved_does_not_open() {
    let house = house();
    let sealed = house.sealed();
    let key = house.vault.key(&house.ada, &house.talk).unwrap();
    let elsewhere = ConversationId::new(&Ids::Random);

    let places = [
        Place { owner: &house.bob, ..house.place() },
        Place { conversation: &elsewhere, ..house.place() },
        Place { sequence: 5, ..house.place() },
        Place { label: &OTHER, ..house.place() },
    ];

    for place in places {
        assert!(matches!(sealed.open(&key, &place), Err(Error::DoesNotOpen)));
    }
    let bobs = house.vault.key(&house.bob, &house.talk).unwrap();
    assert!(matches!(sealed.open(&bobs, &house.place()), Err(Error::DoesNotOpen)));
}

#[test]
fn a_flipped_bit_anywhere_does_not_open() {
    let house = house();
    let sealed = house.sealed();
    let key = house.vault.key(&house.ada, &house.talk).unwrap();

    for at in 0..sealed.as_bytes().len() {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[at] ^= 1;
        assert!(Sealed::<Words>::from_bytes(&bytes).open(&key, &house.place()).is_err(), "byte {at}");
    }
    assert!(Sealed::<Words>::from_bytes(b"").open(&key, &house.place()).is_err());
}

#[test]
fn a_forgotten_conversation_has_no_key_and_gets_no_second_one() {
    let house = house();
    let kept = ConversationId::new(&Ids::Random);
    let _ = house.vault.key(&house.ada, &house.talk).unwrap();
    let _ = house.vault.key(&house.ada, &kept).unwrap();

    house.vault.forget(&house.ada, Forget::Conversation(&house.talk)).unwrap();

    let house = house.again().unwrap();
    assert!(matches!(house.vault.existing_key(&house.ada, &house.talk), Err(Error::Forgotten)));
    assert!(matches!(house.vault.key(&house.ada, &house.talk), Err(Error::Forgotten)));
    assert!(house.vault.existing_key(&house.ada, &kept).is_ok());
}

#[test]
fn a_forgotten_person_has_no_file_and_gets_no_key() {
    let house = house();
    let _ = house.vault.key(&house.ada, &house.talk).unwrap();
    let file = house.folder.path().join("keys").join(house.ada.to_string());
    assert!(file.exists());

    house.vault.forget(&house.ada, Forget::Everything).unwrap();

    assert!(!file.exists());
    assert!(matches!(house.vault.key(&house.ada, &ConversationId::new(&Ids::Random)), Err(Error::Forgotten)));
}

#[test]
fn an_old_key_file_put_back_does_not_bring_a_destroyed_key_back() {
    let house = house();
    let sealed = house.sealed();
    let file = house.folder.path().join("keys").join(house.ada.to_string());
    let old = fs::read(&file).unwrap();
    house.vault.forget(&house.ada, Forget::Conversation(&house.talk)).unwrap();
    crate::store::durable::write(&file, &old).unwrap();

    assert!(matches!(house.vault.existing_key(&house.ada, &house.talk), Err(Error::Forgotten)));

    let house = house.again().unwrap();
    assert_ne!(fs::read(&file).unwrap(), old, "start-up takes it out of the file again");
    assert!(matches!(house.vault.existing_key(&house.ada, &house.talk), Err(Error::Forgotten)));
    drop(sealed);
}

#[test]
fn one_persons_key_file_is_of_no_use_under_anothers_name() {
    let house = house();
    let _ = house.sealed();
    let keys = house.folder.path().join("keys");
    let adas = fs::read(keys.join(house.ada.to_string())).unwrap();
    crate::store::durable::write(&keys.join(house.bob.to_string()), &adas).unwrap();

    assert!(matches!(house.vault.existing_key(&house.bob, &house.talk), Err(Error::KeyFile(_))));
    assert!(matches!(house.vault.key(&house.bob, &house.talk), Err(Error::KeyFile(_))), "and it is not overwritten");
}

#[test]
fn a_damaged_key_file_is_said_and_kept() {
    let house = house();
    let _ = house.sealed();
    let file = house.folder.path().join("keys").join(house.ada.to_string());
    let cut = fs::read(&file).unwrap()[..100].to_vec();
    crate::store::durable::write(&file, &cut).unwrap();

    assert!(matches!(house.vault.key(&house.ada, &house.talk), Err(Error::KeyFile(_))));
    assert_eq!(fs::read(&file).unwrap(), cut);
}

#[test]
fn the_root_key_is_private_whole_and_the_right_one() {
    let house = house();
    let path = house.folder.path().join("root.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = house.again().err().unwrap().to_string();
    assert!(refused.contains("chmod 600"), "{refused}");
}

#[test]
fn a_short_or_foreign_or_missing_root_key_stops_the_start() {
    for (bytes, word) in [(Some(vec![1; 31]), "32 bytes"), (Some(vec![1; 32]), "not the one"), (None, "put it back")] {
        let house = house();
        let path = house.folder.path().join("root.key");
        match bytes {
            Some(bytes) => crate::store::durable::write(&path, &bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let refused = house.again().err().unwrap().to_string();
        assert!(refused.contains(word), "{refused}");
    }
}

#[test]
fn the_appliances_own_secrets_open_under_their_label_and_place_only() {
    let house = house();
    let sealed = house.vault.seal_own(&NOTE, b"client secret");

    use secrecy::ExposeSecret as _;
    assert_eq!(house.vault.open_own(&NOTE, &sealed).unwrap().expose_secret(), b"client secret");
    assert!(house.vault.open_own(&OTHER, &sealed).is_err());
    assert!(house.vault.own(&NOTE).open(b"elsewhere", &sealed).is_err());
}

#[test]
fn keyed_digests_differ_by_label_and_by_appliance() {
    let (here, there) = (house(), house());

    let digest = here.vault.keyed_digest(&NOTE, b"who is on my team");

    assert_eq!(digest, here.vault.keyed_digest(&NOTE, b"who is on my team"));
    assert_ne!(digest, here.vault.keyed_digest(&OTHER, b"who is on my team"));
    assert_ne!(digest, there.vault.keyed_digest(&NOTE, b"who is on my team"));
}

#[test]
fn many_threads_get_one_key_for_one_conversation() {
    let house = house();
    let sealed: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| house.sealed().as_bytes().to_vec())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    let key = house.vault.existing_key(&house.ada, &house.talk).unwrap();
    assert!(sealed.iter().all(|bytes| Sealed::<Words>::from_bytes(bytes).open(&key, &house.place()).is_ok()));
}

#[test]
fn a_nonce_is_used_once_also_after_a_folder_was_rolled_back() {
    let house = house();
    let _ = house.sealed();
    let file = house.file_of(&house.ada);
    let old = fs::read(&file).unwrap();
    // After the two bytes of the layout.
    let nonce = |sealed: &Sealed<Words>| <[u8; 24]>::try_from(&sealed.as_bytes()[2..26]).unwrap();
    let mut nonces: Vec<[u8; 24]> = (0..2_000).map(|_| nonce(&house.sealed())).collect();

    crate::store::durable::write(&file, &old).unwrap();
    let house = house.again().unwrap();
    nonces.extend((0..2_000).map(|_| nonce(&house.sealed())));

    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 4_000);
}

#[test]
fn what_was_shredded_stays_shredded_in_an_older_copy_that_is_given_the_list() {
    let house = house();
    let sealed = house.sealed();
    let kept = ConversationId::new(&Ids::Random);
    let _ = house.vault.key(&house.ada, &kept).unwrap();
    // A backup, taken while nothing runs.
    let folder = house.folder.path().to_owned();
    let house = {
        drop(house.vault);
        (house.ada, house.talk, house.folder)
    };
    let backup = tempfile::tempdir().unwrap();
    copy(&folder, backup.path());
    let (ada, talk, _folder) = house;

    // Here it is shredded, and the list leaves the machine.
    let store = Store::open(&folder).unwrap();
    let vault = Vault::open(&store, &Settings::default()).unwrap();
    vault.forget(&ada, Forget::Conversation(&talk)).unwrap();
    let destroyed: Tree<([u8; 16], [u8; 16]), ()> = store.tree("vault.destroyed").unwrap();
    let list: Vec<_> = destroyed.keys_under(b"").map(Result::unwrap).collect();

    // The backup is restored elsewhere, with the list.
    let store = Store::open(backup.path()).unwrap();
    let destroyed: Tree<([u8; 16], [u8; 16]), ()> = store.tree("vault.destroyed").unwrap();
    list.iter().for_each(|key| destroyed.put(key, &()).unwrap());
    let restored = Vault::open(&store, &Settings::default()).unwrap();

    assert!(matches!(restored.existing_key(&ada, &talk), Err(Error::Forgotten)));
    assert!(restored.existing_key(&ada, &kept).is_ok());
    let bytes = fs::read(backup.path().join("keys").join(ada.to_string())).unwrap();
    assert!(!bytes.windows(16).any(|window| window == talk.as_bytes()), "its wrapped key left the file");
    drop(sealed);
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn a_list_of_destroyed_keys_from_outside_destroys_them_here_too() {
    let (house, gone) = (house(), ConversationId::new(&Ids::Random));
    let _ = (house.vault.key(&house.ada, &house.talk).unwrap(), house.vault.key(&house.bob, &gone).unwrap());
    let mut listed = vec![(house.ada, Some(house.talk)), (house.bob, None)];

    house.vault.destroy_listed(&listed).unwrap();

    assert!(matches!(house.vault.existing_key(&house.ada, &house.talk), Err(Error::Forgotten)));
    assert!(matches!(house.vault.key(&house.bob, &gone), Err(Error::Forgotten)));
    listed.sort();
    assert_eq!(house.vault.destroyed().unwrap(), listed);
}

#[test]
fn whatever_a_power_cut_takes_acknowledged_keys_are_there_and_destroyed_ones_are_not() {
    let house = house();
    let ada = house.ada;
    let talks: Vec<ConversationId> = (0..3).map(|_| ConversationId::new(&Ids::Random)).collect();
    let keys = house.folder.path().join("keys");
    let making = power::record(&keys, || {
        for (number, talk) in talks.iter().enumerate() {
            let _ = house.vault.key(&house.ada, talk).unwrap();
            power::acknowledge(number as u64 + 1);
        }
    });
    let place = |talk| Place { label: &NOTE, owner: &ada, conversation: talk, sequence: 0 };
    let seal = |talk| {
        let key = house.vault.existing_key(&house.ada, talk).unwrap();
        Sealed::seal(&Words("the heron is asleep".to_owned()), &key, &place(talk))
    };
    let sealed: Vec<Sealed<Words>> = talks.iter().map(seal).collect();
    let opens = |vault: &Vault, number: usize| {
        let key = vault.existing_key(&ada, &talks[number]);
        key.is_ok_and(|key| sealed[number].open(&key, &place(&talks[number])).is_ok())
    };

    // A folder with the same root key, in which nothing was destroyed.
    let other = tempfile::tempdir().unwrap();
    let root = durable::read(&house.folder.path().join("root.key")).unwrap().unwrap();
    durable::write(&other.path().join("root.key"), &root).unwrap();
    let store = Store::open(other.path()).unwrap();
    for cut in making.cuts() {
        making.lay_out(&cut, &other.path().join("keys"));
        let vault = Vault::open(&store, &Settings::default()).unwrap();
        for number in 0..cut.acknowledged as usize {
            assert!(opens(&vault, number), "{cut:?}: the key of {number} is gone");
        }
    }

    let destroying = power::record(&keys, || {
        house.vault.forget(&house.ada, Forget::Conversation(&talks[0])).unwrap();
        power::acknowledge(1);
    });
    let House { folder, vault, .. } = house;
    drop(vault);
    let store = Store::open(folder.path()).unwrap();
    for cut in destroying.cuts() {
        destroying.lay_out(&cut, &keys);
        let vault = Vault::open(&store, &Settings::default()).unwrap();
        assert!(!opens(&vault, 0), "{cut:?}: a destroyed key is back");
        assert!(opens(&vault, 1) && opens(&vault, 2), "{cut:?}: a key beside it is gone");
    }
}
