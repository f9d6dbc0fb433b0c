//! Local administrators: the way in on the day on which no provider answers.
//!
//! One is made on the console of the machine and nowhere else, with a password (kept as Argon2id, RFC 9106) and a secret for
//! one-time codes (RFC 6238, sealed by the vault). They stand outside the directory, so that no provider's push, no alias
//! and no group makes, changes or removes one, and they answer to no principal: there is no page that they may read.
//!
//! Whoever tries a name that is nobody's waits as long and reads the same words as who tries a name with a wrong password.
//! A code is good once: the step it was made for is on disk before its session begins.

#[cfg(test)]
mod tests;
mod throttle;

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::{Error, Refusal};
use crate::clock::Moment;
use crate::names::{Ids, ProviderId, UserId, UserName};
use crate::store::{self, Store, Tree};
use crate::vault::{ExposeSecret as _, Label, Own, Vault, fresh};
use throttle::Throttle;

/// What stands in the place of a provider in their sessions and in the log; no provider may be called so.
pub const PROVIDER: &str = "emergency";
/// How long their sessions last, in milliseconds: an emergency is worked on, and not lived in.
pub const SESSION_MS_MAX: i64 = 60 * 60 * 1_000;

/// What is kept of one is bound to its name.
const LABEL: Label = Label("local administrator");
/// The shortest password that is taken, in characters. One that we make has 120 bits.
const PASSWORD_CHARS_MIN: usize = 14;
/// The longest, in bytes: hashing takes time and memory.
const PASSWORD_BYTES_MAX: usize = 512;
/// RFC 4226 §4: 160 bits.
const SECRET_BYTES: usize = 20;
/// RFC 9106 §4 with one lane, for an appliance of two cores: 64 MiB, three passes.
const HASH_KIB: u32 = 64 * 1024;
const HASH_PASSES: u32 = 3;
/// Sign-ins that may wait for their turn; more are told that the appliance is busy.
const WAITING_MAX: usize = 4;
/// What passwords are made of: no two of these look alike, and none needs the shift key.
const SIGNS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Their id in place of a provider's.
pub fn provider() -> ProviderId {
    ProviderId::parse(PROVIDER).expect("it is a short lower-case word")
}

/// One, as the owner of the machine sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// Ours; no person in the directory has it.
    pub user: UserId,
    /// What they sign in by.
    pub name: String,
    /// When they were made.
    pub made: Moment,
    /// When they signed in last.
    pub used: Option<Moment>,
}

/// What is told once, to whom made one.
pub struct Made {
    /// Who it is.
    pub administrator: Administrator,
    /// The password, where it was made here.
    pub password: Option<Zeroizing<String>>,
    /// What an authenticator reads (`otpauth://totp/…`).
    pub otpauth: Zeroizing<String>,
}

/// Why one was not made.
#[derive(Debug, thiserror::Error)]
pub enum Unmade {
    /// What was said does not fit; what to mend.
    #[error("{0}")]
    Unfit(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// All of them.
pub struct Administrators {
    /// Sealed, by name in its normal form.
    kept: Tree<String, Vec<u8>>,
    own: Own,
    throttle: Mutex<Throttle>,
    /// Held while a password is hashed, so that a flood costs the memory of one; and while a record is changed.
    turn: Mutex<()>,
    waiting: std::sync::atomic::AtomicUsize,
    /// What a name that is nobody's is held against.
    decoy: Kept,
}

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    user: UserId,
    name: String,
    /// In the PHC's form, with its parameters.
    password: String,
    secret: Vec<u8>,
    made: Moment,
    used: Option<Moment>,
    /// The last step of 30 seconds whose code was used (RFC 6238 §5.2).
    step: u64,
}

impl Administrators {
    /// Opens what is kept in the store.
    pub fn open(store: &Store, vault: &Vault) -> Result<Administrators, store::Error> {
        let decoy = Kept {
            user: UserId::from_bytes([0; 16]),
            name: String::new(),
            password: hash_of_nothing(),
            secret: fresh::<SECRET_BYTES>().to_vec(),
            made: Moment::from_ms(0),
            used: None,
            step: u64::MAX,
        };
        Ok(Administrators {
            kept: store.tree("sso.administrators")?,
            own: vault.own(&LABEL),
            throttle: Mutex::default(),
            turn: Mutex::new(()),
            waiting: std::sync::atomic::AtomicUsize::new(0),
            decoy,
        })
    }

    /// Makes one. `password` is the owner's own; with `None` one is made. `issuer` is what the authenticator shows beside the name.
    pub fn create(
        &self,
        name: &str,
        password: Option<&str>,
        issuer: &str,
        ids: &Ids,
        now: Moment,
    ) -> Result<Made, Unmade> {
        let unfit = |why| Unmade::Unfit(format!("{why}; write one word, for example break-glass"));
        let name = UserName::parse(name).map_err(unfit)?.to_string();
        let (password, is_ours) = match password {
            Some(password) => (Zeroizing::new(password.to_owned()), false),
            None => (made_up(), true),
        };
        if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
            let why = format!(
                "the password has fewer than {PASSWORD_CHARS_MIN} characters, or over {PASSWORD_BYTES_MAX} bytes"
            );
            return Err(Unmade::Unfit(why));
        }
        let _turn = self.turn();
        if self.read(&name)?.is_some() {
            return Err(Unmade::Unfit(format!("there is an administrator {name} already; remove that one first")));
        }
        let secret = fresh::<SECRET_BYTES>();
        let codes = codes_of(secret.as_slice(), &name, issuer);
        let otpauth = codes.and_then(|codes| codes.to_url()).map_err(|why| Unmade::Unfit(why.to_string()))?;
        let kept = Kept {
            user: UserId::new(ids),
            password: hash(password.as_bytes()),
            secret: secret.to_vec(),
            made: now,
            used: None,
            step: 0,
            name,
        };
        self.keep(&kept)?;
        let password = is_ours.then_some(password);
        Ok(Made { administrator: kept.shown(), password, otpauth: Zeroizing::new(otpauth) })
    }

    /// All of them, by name. One whose record does not open is not among them.
    pub fn list(&self) -> Result<Vec<Administrator>, store::Error> {
        let mut all = Vec::new();
        for name in self.kept.keys_under(b"") {
            all.extend(self.read(&name?)?.map(|kept| kept.shown()));
        }
        Ok(all)
    }

    /// Who has this id.
    pub fn find(&self, user: &UserId) -> Result<Option<Administrator>, store::Error> {
        Ok(self.list()?.into_iter().find(|one| one.user == *user))
    }

    /// Removes one; gives who it was. `None` where there is none of that name.
    pub fn remove(&self, name: &str) -> Result<Option<Administrator>, store::Error> {
        let Ok(name) = UserName::parse(name) else { return Ok(None) };
        let _turn = self.turn();
        let was = self.read(&name.to_string())?;
        self.kept.remove(&name.to_string())?;
        Ok(was.map(|was| was.shown()))
    }

    /// Who it is that has this password and this code, which nobody can use again. Every other outcome is one refusal: it
    /// tells neither whether there is such a name nor which part was wrong.
    pub fn prove(&self, name: &str, password: &str, code: &str, now: Moment) -> Result<Administrator, Error> {
        use std::sync::atomic::Ordering;
        // A name that cannot be one is counted under its own words, so that it waits like every other.
        let name = UserName::parse(name).map_or_else(|_| name.chars().take(64).collect(), |name| name.to_string());
        let _waiting = match self
            .waiting
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |waiting| (waiting < WAITING_MAX).then_some(waiting + 1))
        {
            Ok(_) => Waiting(&self.waiting),
            Err(_) => return Err(Refusal::new("throttled", "too many try at once").into()),
        };
        let _turn = self.turn();
        if self.throttle().is_shut(&name, now) {
            return Err(Refusal::new("throttled", "this name was tried too often; it must wait").into());
        }
        let found = if name.is_empty() { None } else { self.read(&name)? };
        let kept = found.as_ref().unwrap_or(&self.decoy);
        // Both are looked at in any case, so that the time tells nothing either.
        let has_password = password.len() <= PASSWORD_BYTES_MAX
            && hasher().verify_password(password.as_bytes(), kept.password.as_str()).is_ok();
        let step = codes_of(&kept.secret, "any", "Sotto").ok().and_then(|codes| codes.check(code.trim(), seconds(now)));
        let step = step.filter(|step| *step > kept.step);
        match (found, step) {
            (Some(kept), Some(step)) if has_password => {
                self.keep(&Kept { used: Some(now), step, ..kept.clone() })?;
                self.throttle().clear(&name);
                Ok(Kept { used: Some(now), ..kept }.shown())
            }
            _ => {
                self.throttle().failed(&name, now);
                Err(Refusal::new("emergency_refused", "name, password or code is wrong, or the code was used").into())
            }
        }
    }

    fn keep(&self, kept: &Kept) -> Result<(), store::Error> {
        let open = Zeroizing::new(serde_json::to_vec(kept).expect("it is plain JSON"));
        self.kept.put(&kept.name, &self.own.seal(kept.name.as_bytes(), &open).into_vec())
    }

    /// `None` where there is none, or where it does not open: then nobody comes in by it.
    fn read(&self, name: &str) -> Result<Option<Kept>, store::Error> {
        let sealed = match self.kept.get(&name.to_owned()) {
            Ok(Some(sealed)) => sealed,
            Ok(None) | Err(store::Error::Unreadable { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(open) = self.own.open(name.as_bytes(), &sealed) else { return Ok(None) };
        Ok(serde_json::from_slice(open.expose_secret()).ok())
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn shown(&self) -> Administrator {
        Administrator { user: self.user, name: self.name.clone(), made: self.made, used: self.used }
    }
}

/// A place among those who wait; left when this is dropped.
struct Waiting<'a>(&'a std::sync::atomic::AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(HASH_KIB, HASH_PASSES, 1, None).expect("these parameters are within RFC 9106's");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &[u8]) -> String {
    let hashed = hasher().hash_password_with_salt(password, fresh::<16>().as_slice());
    hashed.expect("the password and the salt are within RFC 9106's limits").to_string()
}

/// What no password is known to hash to, at the same cost.
fn hash_of_nothing() -> String {
    let text = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
    let (salt, hashed) = (text(fresh::<16>().as_slice()), text(fresh::<32>().as_slice()));
    format!("$argon2id$v=19$m={HASH_KIB},t={HASH_PASSES},p=1${salt}${hashed}")
}

/// Codes of six digits for 30 seconds each by HMAC-SHA-1, which is what every authenticator knows; one step early or late is
/// taken (RFC 6238 §5.2).
fn codes_of(secret: &[u8], name: &str, issuer: &str) -> Result<Totp, totp_rs::TotpError> {
    Builder::new()
        .with_secret(secret.to_vec())
        // Neither may have a colon, which parts them in the address.
        .with_account_name(name.replace(':', "_"))
        .with_issuer(Some(issuer.replace(':', "_")))
        .build()
}

fn made_up() -> Zeroizing<String> {
    let random = fresh::<24>();
    let mut password = Zeroizing::new(String::with_capacity(29));
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            password.push('-');
        }
        password.push(char::from(SIGNS[usize::from(byte % 32)]));
    }
    password
}

fn seconds(now: Moment) -> u64 {
    u64::try_from(now.ms() / 1_000).unwrap_or(0)
}
