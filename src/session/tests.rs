//! Sessions and their ends, with a clock held still.

use super::*;
use crate::names::Ids;

const NOON: Moment = Moment::from_ms(1_795_000_000_000);
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

struct House {
    folder: tempfile::TempDir,
    sessions: Sessions,
}

fn open(folder: &std::path::Path) -> Sessions {
    let store = Store::open(folder).unwrap();
    let vault = Vault::open(&store, &vault::Settings::default()).unwrap();
    Sessions::open(&store, &vault, &Settings::default()).unwrap()
}

fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let sessions = open(folder.path());
    House { folder, sessions }
}

fn session(user: UserId, began: Moment) -> Session {
    Session {
        user,
        provider: ProviderId::parse("demo").unwrap(),
        provider_session: Some("their-session-5150".to_owned()),
        called: Some("u-17".to_owned()),
        not_after: None,
        id_token: Some("eyJhbGciOi.canary.signature".to_owned()),
        began,
        used: began,
    }
}

impl House {
    fn start(&self, at: Moment) -> String {
        let token = self.sessions.start(session(UserId::new(&Ids::Random), at)).unwrap();
        token.0.expose_secret().to_owned()
    }

    fn has(&self, token: &str, at: Moment) -> bool {
        self.sessions.find(token, at).unwrap().is_some()
    }

    fn again(self) -> House {
        drop(self.sessions);
        House { sessions: open(self.folder.path()), folder: self.folder }
    }
}

#[test]
fn a_session_is_found_by_its_token_also_after_a_restart() {
    let house = house();
    let token = house.start(NOON);
    assert_eq!(token.len(), TOKEN_CHARS);

    let house = house.again();

    let found = house.sessions.find(&token, NOON.plus_ms(MINUTE)).unwrap().unwrap();
    assert_eq!(found.id_token.as_deref(), Some("eyJhbGciOi.canary.signature"));
    assert_eq!(found.used, NOON.plus_ms(MINUTE));
}

#[test]
fn another_text_finds_nothing() {
    let house = house();
    let token = house.start(NOON);
    let mut other = token.clone().into_bytes();
    other[0] = if other[0] == b'A' { b'B' } else { b'A' };

    for text in ["", "x", &token[1..], &format!("{token}="), std::str::from_utf8(&other).unwrap()] {
        assert!(!house.has(text, NOON), "{text}");
    }
}

#[test]
fn a_session_ends_when_it_is_idle_and_use_keeps_it() {
    let house = house();
    let (used, idle) = (house.start(NOON), house.start(NOON));

    assert!(house.has(&used, NOON.plus_ms(50 * MINUTE)));

    assert!(house.has(&used, NOON.plus_ms(70 * MINUTE)));
    assert!(!house.has(&idle, NOON.plus_ms(70 * MINUTE)));
}

#[test]
fn a_session_ends_at_its_age_however_much_it_is_used() {
    let house = house();
    let token = house.start(NOON);

    for half_hours in 1..24 {
        assert!(house.has(&token, NOON.plus_ms(half_hours * HOUR / 2)), "{half_hours}");
    }

    assert!(!house.has(&token, NOON.plus_ms(12 * HOUR)));
}

#[test]
fn a_clock_set_back_revives_no_session() {
    let house = house();
    let token = house.start(NOON);
    let late = house.start(NOON.plus_ms(2 * HOUR));

    // The first has ended by now, though nobody looked; then the clock goes back, over a restart.
    let house = house.again();

    assert!(!house.has(&token, NOON.plus_ms(MINUTE)));
    assert!(!house.has(&late, NOON.plus_ms(MINUTE)), "its age is not known any more");
    let new = house.start(NOON.plus_ms(MINUTE));
    assert!(house.has(&new, NOON.plus_ms(2 * MINUTE)), "whoever signs in again is in");
}

#[test]
fn a_small_step_back_only_makes_time_stand_still() {
    let house = house();
    let token = house.start(NOON);

    assert!(house.has(&token, NOON.plus_ms(-MINUTE)));
    assert!(!house.has(&token, NOON.plus_ms(60 * MINUTE)));
    assert!(!house.has(&token, NOON.plus_ms(59 * MINUTE)));
}

#[test]
fn signing_out_ends_one_and_deactivation_ends_all() {
    let house = house();
    let ada = UserId::new(&Ids::Random);
    let adas: Vec<String> =
        (0..3).map(|_| house.sessions.start(session(ada, NOON)).unwrap().0.expose_secret().to_owned()).collect();
    let bobs = house.start(NOON);

    assert_eq!(house.sessions.end(&adas[0]).unwrap().unwrap().user, ada);
    assert!(house.sessions.end(&adas[0]).unwrap().is_none());
    assert_eq!(house.sessions.end_all(&ada).unwrap(), 2);

    assert!(adas.iter().all(|token| !house.has(token, NOON)));
    assert!(house.has(&bobs, NOON));
}

#[test]
fn a_sweep_takes_what_has_ended_and_nothing_else() {
    let house = house();
    let _old = house.start(NOON);
    let new = house.start(NOON.plus_ms(30 * MINUTE));

    assert_eq!(house.sessions.sweep(NOON.plus_ms(61 * MINUTE)).unwrap(), 1);

    assert!(house.has(&new, NOON.plus_ms(61 * MINUTE)));
}

#[test]
fn a_session_moved_under_another_token_or_damaged_signs_nobody_in() {
    let house = house();
    let (one, other) = (house.start(NOON), house.start(NOON));
    let (one, sealed) = (one.as_str(), house.sessions.kept.get(&digest(&other).unwrap()).unwrap().unwrap());

    house.sessions.kept.put(&digest(one).unwrap(), &sealed).unwrap();
    house.sessions.kept.damage(&digest(&other).unwrap(), |bytes| bytes[9] ^= 1);

    assert!(!house.has(one, NOON));
    assert!(!house.has(&other, NOON));
}

#[test]
fn neither_token_nor_id_token_nor_the_providers_session_stands_on_disk() {
    let house = house();
    let token = house.start(NOON);
    drop(house.sessions);

    for text in [token.as_str(), "canary", "their-session-5150"] {
        assert!(!crate::vault::is_on_disk(house.folder.path(), text), "{text}");
    }
}

#[test]
fn a_session_ends_when_the_providers_own_does() {
    let house = house();
    let end = NOON.plus_ms(10 * 60 * 1000);
    let started = Session { not_after: Some(end), ..session(UserId::new(&Ids::Random), NOON) };
    let token = house.sessions.start(started).unwrap().0.expose_secret().to_owned();

    assert!(house.has(&token, end.plus_ms(-1)));
    assert!(!house.has(&token, end));
    assert!(!house.has(&token, end.plus_ms(-1)), "what has ended stays ended");
}

#[test]
fn a_provider_ends_the_sessions_it_names_and_no_others() {
    let house = house();
    let start = |called: &str, theirs: &str, provider: &str| {
        let started = Session {
            provider: ProviderId::parse(provider).unwrap(),
            called: Some(called.to_owned()),
            provider_session: Some(theirs.to_owned()),
            ..session(UserId::new(&Ids::Random), NOON)
        };
        house.sessions.start(started).unwrap().0.expose_secret().to_owned()
    };
    let (first, second) = (start("ada", "s1", "demo"), start("ada", "s2", "demo"));
    let (other, elsewhere) = (start("bob", "s3", "demo"), start("ada", "s1", "another"));
    let demo = ProviderId::parse("demo").unwrap();

    assert_eq!(house.sessions.end_named(&demo, Some("bob"), &["s1".to_owned()]).unwrap().len(), 0);
    assert_eq!(house.sessions.end_named(&demo, None, &[]).unwrap().len(), 0);
    assert_eq!(house.sessions.end_named(&demo, Some("ada"), &["s1".to_owned()]).unwrap().len(), 1);
    assert!(!house.has(&first, NOON) && house.has(&second, NOON));
    assert_eq!(house.sessions.end_named(&demo, Some("ada"), &[]).unwrap().len(), 1);

    assert!(!house.has(&second, NOON) && house.has(&other, NOON) && house.has(&elsewhere, NOON));
}

#[test]
fn the_list_has_every_session_that_goes_on_and_its_names_let_nobody_in() {
    let house = house();
    let (mateo, later) = (UserId::new(&Ids::Random), NOON.plus_ms(MINUTE));
    let token = house.sessions.start(session(mateo, NOON)).unwrap();
    let short = Session { not_after: Some(later), ..session(mateo, NOON) };
    house.sessions.start(short).unwrap();
    assert_eq!(house.sessions.list(NOON).unwrap().len(), 2);

    let listed = house.sessions.list(later).unwrap();

    let [(id, one)] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((one.user, one.began), (mateo, NOON));
    assert_eq!(SessionId::parse(&id.to_string()), Some(*id));
    assert!(!house.has(&id.to_string(), later));
    assert_eq!(house.sessions.end_one(id).unwrap().map(|ended| ended.user), Some(mateo));
    assert!(!house.has(token.0.expose_secret(), later));
    assert!(house.sessions.end_one(id).unwrap().is_none());
    assert_eq!(SessionId::parse("0a"), None);
}
