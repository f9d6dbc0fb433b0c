//! Local administrators: who comes in, how often, and what is on disk.

use super::*;
use crate::vault::Settings;

struct House {
    administrators: Administrators,
    folder: tempfile::TempDir,
}

fn open(folder: &std::path::Path) -> Administrators {
    let store = Store::open(folder).unwrap();
    let vault = Vault::open(&store, &Settings::default()).unwrap();
    Administrators::open(&store, &vault).unwrap()
}

fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    House { administrators: open(folder.path()), folder }
}

const NOON: Moment = Moment::from_ms(1_795_867_200_000);

fn code(otpauth: &str, at: Moment) -> String {
    let secret = otpauth.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    Builder::new().with_secret(secret).build().unwrap().generate(seconds(at)).to_string()
}

fn refusal(outcome: Result<Administrator, Error>) -> &'static str {
    match outcome {
        Ok(_) => "came in",
        Err(Error::Refused(refusal)) => refusal.code,
        Err(Error::Store(error)) => panic!("{error}"),
    }
}

#[test]
fn who_has_the_password_and_the_code_comes_in_and_a_code_is_good_once_also_after_a_restart() {
    let house = house();
    let made = house.administrators.create("Break-Glass", None, "Sotto", &Ids::Random, NOON).unwrap();
    let password = made.password.unwrap();
    assert!(made.otpauth.starts_with("otpauth://totp/Sotto:break-glass?secret="), "{}", *made.otpauth);
    assert_eq!(password.len(), 29);
    let first = code(&made.otpauth, NOON);

    let proven = house.administrators.prove("BREAK-glass", &password, &first, NOON).unwrap();

    assert_eq!((proven.user, proven.used), (made.administrator.user, Some(NOON)));
    assert_eq!(refusal(house.administrators.prove("break-glass", &password, &first, NOON)), "emergency_refused");
    drop(house.administrators);
    let again = open(house.folder.path());
    let later = NOON.plus_ms(10_000);
    assert_eq!(refusal(again.prove("break-glass", &password, &first, later)), "emergency_refused", "used once");
    let next = NOON.plus_ms(30_000);
    assert_eq!(refusal(again.prove("break-glass", &password, &code(&made.otpauth, next), next)), "came in");
    let before = code(&made.otpauth, NOON);
    assert_eq!(refusal(again.prove("break-glass", &password, &before, next)), "emergency_refused", "an older one");
}

#[test]
fn a_wrong_part_a_name_that_is_nobodys_and_a_name_that_is_none_read_alike_and_wait_alike() {
    let house = house();
    let made = house.administrators.create("ada", Some("a password of ours"), "Sotto", &Ids::Random, NOON).unwrap();
    assert!(made.password.is_none());
    let good = code(&made.otpauth, NOON);
    let tries = [("ada", "a password of ours", "000000"), ("eve", "x", good.as_str()), ("a b", "x", "1"), ("", "", "")];
    for (name, password, code) in tries {
        let mut heard = Vec::new();
        for _ in 0..6 {
            heard.push(refusal(house.administrators.prove(name, password, code, NOON)));
        }
        assert_eq!(heard[..5], ["emergency_refused"; 5], "{name:?}");
        assert_eq!(heard[5], "throttled", "{name:?}");
    }
    // Also with what is right: who guesses learns nothing by it.
    assert_eq!(refusal(house.administrators.prove("ada", "a password of ours", &good, NOON)), "throttled");
    let later = NOON.plus_ms(30_000);
    let good = code(&made.otpauth, later);
    assert_eq!(refusal(house.administrators.prove("ada", "a password of ours", &good, later)), "came in");
}

#[test]
fn what_is_on_disk_holds_neither_the_password_nor_the_secret_of_the_codes() {
    let house = house();
    let made = house.administrators.create("ada", Some("correct horse battery"), "Sotto", &Ids::Random, NOON).unwrap();
    let secret = made.otpauth.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    drop(house.administrators);

    for words in ["correct horse battery", &secret, "$argon2id$v=19"] {
        assert!(!crate::vault::is_on_disk(house.folder.path(), words), "{words:?}");
    }
}

#[test]
fn one_is_made_once_with_a_password_that_is_long_enough_and_is_gone_when_removed() {
    let house = house();
    let make = |name: &str, password| house.administrators.create(name, password, "Sotto", &Ids::Random, NOON);
    assert!(make("ada", Some("short")).is_err());
    assert!(make("two words", None).is_err());
    let made = make("ada", None).unwrap();
    assert!(make("ADA", None).is_err(), "the name in its normal form");
    assert_eq!(house.administrators.list().unwrap(), std::slice::from_ref(&made.administrator));
    assert_eq!(house.administrators.find(&made.administrator.user).unwrap(), Some(made.administrator.clone()));

    assert_eq!(house.administrators.remove("Ada").unwrap(), Some(made.administrator.clone()));

    assert_eq!(house.administrators.remove("ada").unwrap(), None);
    assert_eq!(house.administrators.find(&made.administrator.user).unwrap(), None);
    let code = code(&made.otpauth, NOON);
    let refused = house.administrators.prove("ada", &made.password.unwrap(), &code, NOON);
    assert_eq!(refusal(refused), "emergency_refused");
}
