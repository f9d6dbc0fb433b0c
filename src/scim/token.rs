//! Who may provision: a token for each sender, of which only digests are kept.
//!
//! A token is made on the desk, or stands in a file that the settings name; those of a file are changed there alone. One that is
//! made here is shown once. When it is made anew the old one goes on for a while (the overlap), so that the sender can be told the
//! new one without a gap; what is revoked ends at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::names::ProviderId;
use crate::store::{self, Store, Tree, json_record};
use crate::vault::{fresh, sha256};

/// What a token begins with, so that people and scanners of secrets know one when they see it.
const PREFIX: &str = "sotto_scim_";
/// The last use of a token is written down when it is so much later than what is written.
const USED_MS: i64 = 60_000;
/// Tokens that the desk may make. Each request is compared with all.
const TOKENS_MAX: usize = 100;
/// Requests that may come at once are those of so many seconds; the rest is spread.
const BURST_S: f64 = 10.0;

type Digest = [u8; 32];

/// How a sender is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habits {
    /// Whether versions (entity tags, RFC 7644 §3.14) are announced and heeded. A sender that is told of them may send versions
    /// of its own.
    pub etags: bool,
    /// Requests in a minute; more are told to come later (429). 0 is no limit.
    pub requests_per_minute: u32,
}

impl Default for Habits {
    fn default() -> Habits {
        // Five hundred in a second: above what a first push of thousands of people takes, below what would starve people.
        Habits { etags: true, requests_per_minute: 30_000 }
    }
}

/// One token's life, without the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    digest: Digest,
    /// When it was made; `None` for one of a file.
    pub made: Option<Moment>,
    /// When it ends; `None` where it does not.
    pub ends: Option<Moment>,
}

/// Where a token of the settings stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file that holds the token.
    pub token_file: PathBuf,
    /// The keys that the settings' file sets.
    pub keys: BTreeSet<String>,
}

/// A sender as the desk shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The word by which the log knows it.
    pub name: ProviderId,
    /// Where it is written, if not on the desk.
    pub written: Option<Written>,
    /// How it is treated.
    pub habits: Habits,
    /// Its tokens, the newest first. More than one while an old one goes on beside a new one.
    pub secrets: Vec<Secret>,
    /// When one of them was last used.
    pub used: Option<Moment>,
}

/// What becomes of a request that bears a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Nobody's token.
    Unknown,
    /// Too many requests: seconds after which there is room for one.
    Later(u64),
    /// It is this sender's.
    Sender {
        /// By which the log knows it.
        name: ProviderId,
        /// How it is treated.
        habits: Habits,
    },
}

/// What can go wrong with tokens.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a sender of this name.
    #[error("there is already a token for {0}; rotate it, or choose another name")]
    Taken(ProviderId),
    /// There is none.
    #[error("there is no token for {0}")]
    NotThere(String),
    /// It stands in a file.
    #[error("the token for {0} is set in the settings' file, and is changed there")]
    Locked(ProviderId),
    /// There are as many as there may be.
    #[error("there are {TOKENS_MAX} tokens already; revoke one that is not used")]
    TooMany,
    /// The store failed.
    #[error("tokens cannot be read or kept")]
    Broken(#[from] store::Error),
}

/// A sender of the desk, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    habits: Habits,
    secrets: Vec<Secret>,
}

json_record!(Kept, 1);

/// A sender, and what it sent.
struct Known {
    written: Option<Written>,
    habits: Habits,
    secrets: Vec<Secret>,
    meter: Arc<Meter>,
}

/// What one sender sent.
#[derive(Default)]
struct Meter {
    /// The last use, and the one that is written down; milliseconds since the Unix epoch, 0 for never.
    used_ms: AtomicI64,
    kept_ms: AtomicI64,
    room: Mutex<Option<Room>>,
}

/// Room for requests. It fills up as time goes, to what may come at once; a bulk may take more than there is, and then those
/// after it wait.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Room {
    requests: f64,
    at: Moment,
}

/// The tokens of all senders.
pub struct Tokens {
    kept: Tree<String, Kept>,
    used: Tree<String, u64>,
    /// Held from the check of a change until it is on disk and in memory.
    changing: Mutex<()>,
    known: RwLock<BTreeMap<ProviderId, Known>>,
}

impl Tokens {
    /// Opens the tokens that were made on the desk, beside those of the settings: name, token, habits, and where it is written.
    pub fn open(store: &Store, of_file: Vec<(ProviderId, String, Habits, Written)>) -> Result<Tokens, Error> {
        let (kept, used): (Tree<String, Kept>, Tree<String, u64>) =
            (store.tree("scim.tokens")?, store.tree("scim.used")?);
        let mut known = BTreeMap::new();
        for row in kept.all() {
            let (name, Kept { habits, secrets }) = row?;
            let name = ProviderId::parse(&name)
                .ok_or(store::Error::Unreadable { tree: "scim.tokens", why: "its key is no name" })?;
            known.insert(name, Known { written: None, habits, secrets, meter: Arc::default() });
        }
        for (name, token, habits, written) in of_file {
            if known.contains_key(&name) {
                return Err(Error::Taken(name));
            }
            let secrets = vec![Secret { digest: sha256(token.as_bytes()), made: None, ends: None }];
            known.insert(name, Known { written: Some(written), habits, secrets, meter: Arc::default() });
        }
        for (name, one) in &known {
            let used_ms = used.get(&name.to_string())?.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(0);
            one.meter.used_ms.store(used_ms, Ordering::Relaxed);
            one.meter.kept_ms.store(used_ms, Ordering::Relaxed);
        }
        Ok(Tokens { kept, used, changing: Mutex::default(), known: RwLock::new(known) })
    }

    /// Whose token this is, and whether there is room for a request.
    pub fn admit(&self, token: &str, now: Moment) -> Result<Admission, Error> {
        // Digests are compared, so how long the comparison takes says nothing of the token.
        let digest = sha256(token.as_bytes());
        let (name, habits, meter) = {
            let known = self.known();
            let is_it = |secret: &Secret| secret.digest == digest && secret.is_good(now);
            let Some((name, one)) = known.iter().find(|(_, one)| one.secrets.iter().any(is_it)) else {
                return Ok(Admission::Unknown);
            };
            (name.clone(), one.habits, Arc::clone(&one.meter))
        };
        meter.used_ms.fetch_max(now.ms(), Ordering::Relaxed);
        if now.ms() - meter.kept_ms.load(Ordering::Relaxed) >= USED_MS {
            meter.kept_ms.store(now.ms(), Ordering::Relaxed);
            self.used.put_on_reserve(&name.to_string(), &u64::try_from(now.ms()).unwrap_or(0))?;
        }
        Ok(match meter.take(habits.requests_per_minute, now) {
            Some(seconds) => Admission::Later(seconds),
            None => Admission::Sender { name, habits },
        })
    }

    /// Counts operations of a bulk besides the request itself: those after it wait until there is room for all.
    pub fn owe(&self, name: &ProviderId, operations: usize) {
        if let Some(one) = self.known().get(name) {
            one.meter.owe(operations);
        }
    }

    /// Every sender, by name. What has ended is left out.
    pub fn all(&self, now: Moment) -> Vec<Sender> {
        self.known().iter().map(|(name, one)| one.shown(name, now)).collect()
    }

    /// When any of them was last used.
    pub fn last_used(&self) -> Option<Moment> {
        self.known().values().filter_map(|one| one.meter.used()).max()
    }

    /// Makes a token for a sender that has none; gives it, to be shown this once.
    pub fn make(&self, name: &ProviderId, habits: Habits, now: Moment) -> Result<(Sender, String), Error> {
        let _changing = self.changing();
        {
            let known = self.known();
            if known.contains_key(name) {
                return Err(Error::Taken(name.clone()));
            }
            if known.len() >= TOKENS_MAX {
                return Err(Error::TooMany);
            }
        }
        let (token, secret) = new_token(now);
        // What an older one of this name did is not this one's.
        self.used.remove(&name.to_string())?;
        let sender = self.keep(name, Kept { habits, secrets: vec![secret] }, Arc::default(), now)?;
        Ok((sender, token))
    }

    /// Makes a sender's token anew; the one before goes on until `overlap_ms` from now, and one that went on already ends at once.
    /// Gives the new one, to be shown this once.
    pub fn rotate(&self, name: &ProviderId, overlap_ms: i64, now: Moment) -> Result<(Sender, String), Error> {
        let _changing = self.changing();
        let (habits, mut old, meter) = self.of_desk(name)?;
        let (token, secret) = new_token(now);
        old.truncate(1);
        old.iter_mut().for_each(|old| old.ends = Some(now.plus_ms(overlap_ms.max(0))));
        let mut secrets = vec![secret];
        secrets.extend(old.into_iter().filter(|old| old.is_good(now)));
        let sender = self.keep(name, Kept { habits, secrets }, meter, now)?;
        Ok((sender, token))
    }

    /// Changes how a sender is treated, from its next request on.
    pub fn change(&self, name: &ProviderId, habits: Habits, now: Moment) -> Result<Sender, Error> {
        let _changing = self.changing();
        let (_, secrets, meter) = self.of_desk(name)?;
        self.keep(name, Kept { habits, secrets }, meter, now)
    }

    /// How a sender of the desk is treated.
    pub fn habits(&self, name: &ProviderId) -> Result<Habits, Error> {
        Ok(self.of_desk(name)?.0)
    }

    /// Ends a sender's tokens: the next request that bears one is refused.
    pub fn revoke(&self, name: &ProviderId) -> Result<(), Error> {
        let _changing = self.changing();
        self.of_desk(name)?;
        // Seen first: what is taken away counts at once, whatever becomes of the disk.
        self.known_mut().remove(name);
        self.kept.remove(&name.to_string())?;
        Ok(())
    }

    fn of_desk(&self, name: &ProviderId) -> Result<(Habits, Vec<Secret>, Arc<Meter>), Error> {
        match self.known().get(name) {
            None => Err(Error::NotThere(name.to_string())),
            Some(Known { written: Some(_), .. }) => Err(Error::Locked(name.clone())),
            Some(one) => Ok((one.habits, one.secrets.clone(), Arc::clone(&one.meter))),
        }
    }

    fn keep(&self, name: &ProviderId, kept: Kept, meter: Arc<Meter>, now: Moment) -> Result<Sender, Error> {
        self.kept.put(&name.to_string(), &kept)?;
        let one = Known { written: None, habits: kept.habits, secrets: kept.secrets, meter };
        let shown = one.shown(name, now);
        self.known_mut().insert(name.clone(), one);
        Ok(shown)
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> RwLockReadGuard<'_, BTreeMap<ProviderId, Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<ProviderId, Known>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_token(now: Moment) -> (String, Secret) {
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*fresh::<32>()));
    let secret = Secret { digest: sha256(token.as_bytes()), made: Some(now), ends: None };
    (token, secret)
}

impl Secret {
    fn is_good(&self, now: Moment) -> bool {
        self.ends.is_none_or(|ends| now < ends)
    }
}

impl Known {
    fn shown(&self, name: &ProviderId, now: Moment) -> Sender {
        Sender {
            name: name.clone(),
            written: self.written.clone(),
            habits: self.habits,
            secrets: self.secrets.iter().filter(|secret| secret.is_good(now)).cloned().collect(),
            used: self.meter.used(),
        }
    }
}

impl Meter {
    fn used(&self) -> Option<Moment> {
        Some(self.used_ms.load(Ordering::Relaxed)).filter(|ms| *ms > 0).map(Moment::from_ms)
    }

    /// Takes room for one request; where there is none, the seconds until there is.
    fn take(&self, per_minute: u32, now: Moment) -> Option<u64> {
        if per_minute == 0 {
            return None;
        }
        let per_second = f64::from(per_minute) / 60.0;
        let most = (per_second * BURST_S).max(1.0);
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let was = room.unwrap_or(Room { requests: most, at: now });
        // A clock set back fills nothing up.
        let seconds = now.since(was.at).max(0) as f64 / 1_000.0;
        let requests = (was.requests + seconds * per_second).min(most);
        let is_there = requests >= 1.0;
        *room = Some(Room { requests: if is_there { requests - 1.0 } else { requests }, at: now });
        // At least a second: RFC 9110 §10.2.3 knows no parts of one.
        (!is_there).then(|| ((1.0 - requests) / per_second).ceil().max(1.0) as u64)
    }

    fn owe(&self, operations: usize) {
        if let Some(room) = self.room.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            room.requests -= operations as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct House {
        folder: tempfile::TempDir,
        tokens: Tokens,
    }

    const HOUR_MS: i64 = 3_600_000;

    fn house() -> House {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(&Store::open(folder.path()).unwrap(), Vec::new()).unwrap();
        House { folder, tokens }
    }

    impl House {
        fn reopened(self) -> House {
            drop(self.tokens);
            let tokens = Tokens::open(&Store::open(self.folder.path()).unwrap(), Vec::new()).unwrap();
            House { folder: self.folder, tokens }
        }
    }

    fn at(ms: i64) -> Moment {
        Moment::from_ms(1_800_000_000_000 + ms)
    }

    fn name(name: &str) -> ProviderId {
        ProviderId::parse(name).unwrap()
    }

    fn is_good(tokens: &Tokens, token: &str, now: Moment) -> bool {
        matches!(tokens.admit(token, now).unwrap(), Admission::Sender { .. })
    }

    #[test]
    fn a_token_is_good_from_when_it_is_made_until_it_is_revoked_also_over_a_restart() {
        let house = house();

        let (sender, token) = house.tokens.make(&name("entra"), Habits::default(), at(0)).unwrap();
        assert!(sender.used.is_none() && is_good(&house.tokens, &token, at(5)));
        assert!(!is_good(&house.tokens, &token[1..], at(5)) && !is_good(&house.tokens, "", at(5)));
        assert!(matches!(house.tokens.make(&name("entra"), Habits::default(), at(0)), Err(Error::Taken(_))));

        let house = house.reopened();
        assert_eq!(house.tokens.all(at(6))[0].used, Some(at(5)));
        assert!(is_good(&house.tokens, &token, at(6)));
        house.tokens.revoke(&name("entra")).unwrap();
        assert!(!is_good(&house.tokens, &token, at(7)));
        assert!(!is_good(&house.reopened().tokens, &token, at(7)));
    }

    #[test]
    fn the_token_itself_is_nowhere_on_disk() {
        let house = house();

        let (_, token) = house.tokens.make(&name("entra"), Habits::default(), at(0)).unwrap();

        drop(house.tokens);
        assert!(!crate::vault::is_on_disk(house.folder.path(), &token));
    }

    #[test]
    fn the_old_token_goes_on_for_the_overlap_and_the_one_before_it_ends() {
        let House { tokens, folder: _folder } = house();
        let (_, first) = tokens.make(&name("entra"), Habits::default(), at(0)).unwrap();

        let (sender, second) = tokens.rotate(&name("entra"), HOUR_MS, at(10)).unwrap();
        assert_eq!(sender.secrets.len(), 2);
        assert_eq!(sender.secrets[1].ends, Some(at(10 + HOUR_MS)));
        assert!(is_good(&tokens, &first, at(HOUR_MS)) && is_good(&tokens, &second, at(HOUR_MS)));
        assert!(!is_good(&tokens, &first, at(10 + HOUR_MS)) && is_good(&tokens, &second, at(10 + HOUR_MS)));

        let (_, third) = tokens.rotate(&name("entra"), HOUR_MS, at(20)).unwrap();
        assert!(!is_good(&tokens, &first, at(21)) && is_good(&tokens, &second, at(21)));
        let (sender, _) = tokens.rotate(&name("entra"), 0, at(30)).unwrap();
        assert_eq!(sender.secrets.len(), 1, "without an overlap the old one ends at once");
        assert!(!is_good(&tokens, &third, at(30)));
    }

    #[test]
    fn a_token_of_the_settings_is_good_and_cannot_be_changed_here() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let written = Written { token_file: PathBuf::from("/etc/sotto/scim.token"), keys: BTreeSet::new() };
        let of_file = vec![(name("okta"), "token-of-the-file".to_owned(), Habits::default(), written)];
        let tokens = Tokens::open(&store, of_file.clone()).unwrap();

        assert!(is_good(&tokens, "token-of-the-file", at(0)));
        assert!(matches!(tokens.revoke(&name("okta")), Err(Error::Locked(_))));
        assert!(matches!(tokens.rotate(&name("okta"), 0, at(0)), Err(Error::Locked(_))));
        assert!(matches!(tokens.change(&name("okta"), Habits::default(), at(0)), Err(Error::Locked(_))));

        drop(tokens);
        let tokens = Tokens::open(&store, Vec::new()).unwrap();
        tokens.make(&name("okta"), Habits::default(), at(0)).unwrap();
        drop(tokens);
        assert!(
            matches!(Tokens::open(&store, of_file), Err(Error::Taken(_))),
            "which of the two is meant is not guessed"
        );
    }

    #[test]
    fn who_sends_too_much_is_told_when_to_come_again_and_a_bulk_counts_as_all_it_does() {
        let House { tokens, folder: _folder } = house();
        let habits = Habits { requests_per_minute: 60, ..Habits::default() };
        let (_, token) = tokens.make(&name("entra"), habits, at(0)).unwrap();

        let admitted = (0..11).filter(|_| is_good(&tokens, &token, at(0))).count();
        assert_eq!(admitted, 10);
        assert_eq!(tokens.admit(&token, at(0)).unwrap(), Admission::Later(1));
        assert!(is_good(&tokens, &token, at(1_000)) && !is_good(&tokens, &token, at(1_001)));

        tokens.owe(&name("entra"), 30);
        assert_eq!(tokens.admit(&token, at(2_000)).unwrap(), Admission::Later(30));
        assert!(is_good(&tokens, &token, at(32_000)));
        assert!(!is_good(&tokens, &token, at(0)), "a clock set back gives nothing");
    }
}
