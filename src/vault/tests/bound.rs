//! Keys that are bound to what their person knows or has.

use super::*;

const HERE: SessionMark = [1; 32];
const ELSEWHERE: SessionMark = [2; 32];
const NOW: i64 = 1_795_000_000_000;
const MINUTE: i64 = 60_000;
const IDLE: Idle = Idle { now_ms: NOW, limit_ms: MINUTE };

fn passphrase(words: &str) -> Proof {
    Proof::Passphrase(Passphrase::new(words.to_owned()))
}

fn passkey(credential: &str, output: u8, salt: Option<u8>) -> Proof {
    let salt = salt.map(|salt| vec![salt; 32]);
    Proof::Passkey { credential: credential.to_owned(), output: vec![output; 32].into(), salt }
}

const WORDS: &str = "heron under the bridge";

impl House {
    fn bound(self, proof: &Proof) -> (House, Passphrase) {
        let code = self.vault.bind(&self.ada, &HERE, proof, "Laptop", NOW).unwrap();
        (self, code)
    }

    fn unlock(&self, proof: &Proof) -> Result<(), Error> {
        self.vault.unlock(&self.ada, &HERE, proof, NOW)
    }

    fn lock(&self) {
        assert_eq!(self.vault.lock_where(|_, session, _| *session == HERE), [self.ada]);
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.vault.protection(&self.ada).unwrap().locks.into_iter().map(|lock| lock.kind).collect()
    }
}

#[test]
fn a_bound_key_opens_while_it_is_unlocked_and_at_no_other_time() {
    let (house, code) = house().bound(&passphrase(WORDS));
    let sealed = house.sealed();
    assert!(house.opens(&sealed).is_ok());

    house.lock();

    assert!(matches!(house.opens(&sealed), Err(Error::Locked)));
    assert!(matches!(house.vault.key(&house.ada, &house.talk), Err(Error::Locked)), "nor is anything added");
    assert!(house.vault.key(&house.bob, &house.talk).is_ok(), "it is nobody else's matter");
    house.unlock(&passphrase(WORDS)).unwrap();
    assert!(house.opens(&sealed).is_ok());
    house.lock();
    house.unlock(&Proof::Recovery(code)).unwrap();
    assert!(house.opens(&sealed).is_ok());
}

#[test]
fn a_restart_locks_it_and_the_root_key_does_not_open_it() {
    let (house, _) = house().bound(&passphrase(WORDS));
    let sealed = house.sealed();

    let house = house.again().unwrap();

    assert!(house.folder.path().join("root.key").exists(), "whoever has the machine has this");
    assert!(matches!(house.opens(&sealed), Err(Error::Locked)));
    assert!(house.unlock(&passphrase(WORDS)).is_ok());
    assert!(house.opens(&sealed).is_ok());
}

#[test]
fn what_does_not_fit_unlocks_nothing_and_guessing_is_slow() {
    let (house, code) = house().bound(&passkey("first", 7, Some(3)));
    house.lock();
    let wrong = [passkey("first", 8, None), passkey("other", 7, None), passphrase(WORDS)];
    let another = code.expose().chars().rev().collect();

    for proof in wrong.iter().chain([&Proof::Recovery(Passphrase::new(another)), &passkey("first", 9, None)]) {
        assert!(matches!(house.unlock(proof), Err(Error::Wrong)), "{}", proof.word());
    }

    let right = passkey("first", 7, None);
    assert!(matches!(house.unlock(&right), Err(Error::Unfit(_))), "after five wrong ones even the right one waits");
    house.vault.unlock(&house.ada, &HERE, &right, NOW + MINUTE).unwrap();
    house.lock();
    assert!(house.unlock(&right).is_ok(), "and a right one counts from the beginning");
}

#[test]
fn a_session_that_did_not_unlock_it_is_not_let_in_by_one_that_did() {
    let (house, _) = house().bound(&passphrase(WORDS));

    assert!(house.vault.is_unlocked_by(&house.ada, &HERE, IDLE));
    assert!(!house.vault.is_unlocked_by(&house.ada, &ELSEWHERE, IDLE));
    assert!(!house.vault.protection(&house.bob).unwrap().is_bound, "his is not bound");
}

#[test]
fn several_devices_unlock_it_and_one_that_was_removed_does_not() {
    let (house, _) = house().bound(&passkey("laptop", 7, Some(3)));
    house.vault.add_lock(&house.ada, &passkey("phone", 8, Some(3)), "Phone", NOW).unwrap();
    house.vault.add_lock(&house.ada, &passphrase(WORDS), "", NOW).unwrap();
    house.vault.add_lock(&house.ada, &passphrase("another one that is mine"), "", NOW).unwrap();
    assert_eq!(house.kinds(), ["passkey", "recovery", "passkey", "passphrase"]);
    let laptop = house.vault.protection(&house.ada).unwrap().locks.swap_remove(0);
    assert_eq!(laptop.name.as_deref(), Some("Laptop"));

    assert_eq!(house.vault.remove_lock(&house.ada, &laptop.id).unwrap(), "passkey");

    house.lock();
    assert!(house.vault.protection(&house.ada).unwrap().locks.iter().all(|lock| lock.name.is_none()));
    assert!(matches!(house.unlock(&passkey("laptop", 7, None)), Err(Error::Wrong)));
    assert!(matches!(house.unlock(&passphrase(WORDS)), Err(Error::Wrong)), "the second passphrase replaced it");
    assert!(house.unlock(&passkey("phone", 8, None)).is_ok());
}

#[test]
fn the_last_way_in_is_not_removed_and_a_new_code_replaces_the_old_one() {
    let (house, code) = house().bound(&passphrase(WORDS));
    let locks = house.vault.protection(&house.ada).unwrap().locks;

    assert!(matches!(house.vault.remove_lock(&house.ada, &locks[0].id), Err(Error::Unfit(_))));
    assert!(matches!(house.vault.remove_lock(&house.ada, "00"), Err(Error::Forgotten)));
    let new = house.vault.renew_code(&house.ada, NOW).unwrap();

    house.lock();
    assert!(matches!(house.unlock(&Proof::Recovery(code)), Err(Error::Wrong)));
    assert!(house.unlock(&Proof::Recovery(new)).is_ok());
    assert_eq!(house.kinds(), ["passphrase", "recovery"]);
}

#[test]
fn a_proof_that_is_too_weak_binds_nothing() {
    let house = house();
    let short = Proof::Passkey { credential: "a".to_owned(), output: vec![1; 31].into(), salt: Some(vec![3; 32]) };
    let proofs = [passphrase("eleven char"), short, passkey("a b", 1, Some(3)), passkey("a", 1, None)];

    for proof in &proofs {
        let refused = house.vault.bind(&house.ada, &HERE, proof, "", NOW);
        assert!(matches!(refused, Err(Error::Unfit(_))), "{}", proof.word());
    }

    assert!(!house.vault.protection(&house.ada).unwrap().is_bound);
    let named = house.vault.bind(&house.ada, &HERE, &passphrase(WORDS), "two\nlines", NOW);
    assert!(matches!(named, Err(Error::Unfit(_))));
}

#[test]
fn binding_renews_every_key_so_that_a_copy_of_the_old_file_is_worth_nothing_for_what_comes() {
    let house = house();
    let before = house.sealed();
    let file = house.file_of(&house.ada);
    let old = fs::read(&file).unwrap();

    let (house, _) = house.bound(&passphrase(WORDS));
    assert!(house.opens(&before).is_ok(), "until it is sealed again it opens with the key of before");
    assert_eq!(house.vault.in_renewal().unwrap(), [house.ada]);
    let after = house.sealed();
    house.vault.settle(&house.ada).unwrap();

    assert!(matches!(house.opens(&before), Err(Error::DoesNotOpen)), "then no longer");
    assert!(house.vault.in_renewal().unwrap().is_empty());
    house.lock();
    // Whoever kept the old file, and has the root key, puts it back.
    crate::store::durable::write(&file, &old).unwrap();
    assert!(matches!(house.opens(&after), Err(Error::DoesNotOpen)));
}

#[test]
fn a_renewal_that_a_kill_broke_off_opens_both_and_no_other_begins_before_it_ends() {
    let (house, _) = house().bound(&passphrase(WORDS));
    house.vault.settle(&house.ada).unwrap();
    let before = house.sealed();
    house.vault.release(&house.ada).unwrap();

    let house = house.again().unwrap();

    assert!(house.opens(&before).is_ok() && house.opens(&house.sealed()).is_ok());
    assert!(matches!(house.vault.renew(&house.ada), Err(Error::Unfit(_))));
    house.vault.settle(&house.ada).unwrap();
    house.vault.renew(&house.ada).unwrap();
    assert!(house.vault.is_in_renewal(&house.ada).unwrap());
}

#[test]
fn who_gives_their_key_back_needs_no_passphrase_any_more() {
    let (house, _) = house().bound(&passphrase(WORDS));
    house.vault.settle(&house.ada).unwrap();

    house.vault.release(&house.ada).unwrap();

    let house = house.again().unwrap();
    assert!(!house.vault.protection(&house.ada).unwrap().is_bound);
    assert!(house.opens(&house.sealed()).is_ok());
    assert!(matches!(house.unlock(&passphrase(WORDS)), Err(Error::Unfit(_))));
}

#[test]
fn the_owner_of_the_machine_cannot_renew_a_bound_key_and_a_person_who_left_gets_none() {
    let (house, _) = house().bound(&passphrase(WORDS));
    assert!(matches!(house.vault.renew(&house.ada), Err(Error::Unfit(_))));

    house.vault.forget(&house.ada, Forget::Everything).unwrap();

    assert!(!house.vault.is_unlocked_by(&house.ada, &HERE, IDLE), "it was wiped from memory, too");
    assert!(matches!(house.vault.bind(&house.ada, &HERE, &passphrase(WORDS), "", NOW), Err(Error::Forgotten)));
}

#[test]
fn no_name_and_no_passphrase_stands_in_a_file() {
    let (house, code) = house().bound(&passphrase("the canary-passphrase-77 sings"));
    house.vault.add_lock(&house.ada, &passkey("c", 7, None), "canary-device-88", NOW).unwrap();
    let folder = house.folder.path().to_owned();
    drop(house.vault);

    for canary in ["canary-passphrase-77", "canary-device-88", code.expose()] {
        assert!(!is_on_disk(&folder, canary), "{canary}");
    }
}
