//! What wraps a person's key in the login-bound mode: a passphrase, passkeys, a recovery code.
//!
//! Each lock wraps the same key, so any one of them opens it. A passphrase goes through Argon2id; what a passkey gives by the
//! WebAuthn PRF extension, and a recovery code, are random already. Into each goes a secret of the appliance, so that
//! whoever has the disk without the root key has nothing to guess passphrases at.
//!
//! No assertion of a passkey is verified here, because nothing rests on one: who is signed in was proven before, by the
//! provider. The PRF output is thirty-two bytes that only the authenticator can make, for this person's salt and after it has
//! verified its user. It is the key, or it opens nothing; an assertion that somebody forged or replays comes without it.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::cipher::{self, KeyBytes, Wrapped};
use super::{Error, Passphrase};
use crate::names::UserId;

/// Memory of Argon2id for new locks, in KiB: 64 MiB (RFC 9106 §4, the second recommended choice).
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes of Argon2id for new locks.
const PASSES: u32 = 3;
/// The least that is taken back from a file, so that one that was changed on disk does not weaken what is asked next.
const MEMORY_KIB_MIN: u32 = 64 * 1024;
/// The most, so that one that was changed does not exhaust the machine.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 32;
/// Characters of a passphrase.
const PASSPHRASE_CHARS_MIN: usize = 12;
const PASSPHRASE_BYTES_MAX: usize = 1024;
/// Locks of one person.
pub(super) const LOCKS_MAX: usize = 16;
/// Bytes of a recovery code: 160 bits cannot be guessed, so nothing slow is needed.
const CODE_BYTES: usize = 20;
/// Crockford's Base32: no letter is taken for a digit.
const CODE_LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a recovery code between two hyphens.
const CODE_GROUP: usize = 4;
/// Bytes of a credential's id (WebAuthn §4).
const CREDENTIAL_BYTES_MAX: usize = 1023;
/// Characters of a lock's name.
const NAME_CHARS_MAX: usize = 60;

/// What opens a person's key.
pub enum Proof {
    /// What they know.
    Passphrase(Passphrase),
    /// What a passkey gave: the credential's id, and the PRF output for the person's salt.
    Passkey {
        /// The id, as the browser has it in base64url.
        credential: String,
        /// Thirty-two secret bytes.
        output: Zeroizing<Vec<u8>>,
        /// What the browser put in to get them, where it chose that itself: a person's first passkey.
        salt: Option<Vec<u8>>,
    },
    /// The code that was printed.
    Recovery(Passphrase),
}

/// All locks of one person.
#[derive(Serialize, Deserialize)]
pub(super) struct Locks {
    /// What passkeys are asked for.
    #[serde(with = "hexed")]
    pub(super) salt: [u8; 32],
    pub(super) all: Vec<Lock>,
}

/// One lock.
#[derive(Serialize, Deserialize)]
pub(super) struct Lock {
    #[serde(with = "hexed")]
    pub(super) id: [u8; 16],
    pub(super) kind: Kind,
    /// Milliseconds since the Unix epoch.
    pub(super) made_ms: i64,
    /// What its owner calls it, sealed with their key; hex. Empty where it has no name.
    pub(super) name: String,
    #[serde(with = "hexed")]
    pub(super) wrapped: Wrapped,
}

/// What a lock opens with.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Passphrase {
        #[serde(with = "hexed")]
        salt: [u8; 16],
        memory_kib: u32,
        passes: u32,
    },
    Passkey {
        credential: String,
    },
    Recovery,
}

/// One lock, as its owner is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockShown {
    /// Which.
    pub id: String,
    /// `passphrase`, `passkey` or `recovery`.
    pub kind: &'static str,
    /// What its owner calls it; `None` while it is locked, or where it has no name.
    pub name: Option<String>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub made_ms: i64,
    /// A passkey's credential, in base64url.
    pub credential: Option<String>,
}

impl Locks {
    /// None yet. What passkeys are asked for is what the first was asked for, where that is one.
    pub(super) fn begun_with(first: &Proof) -> Result<Locks, Error> {
        let salt = match first {
            Proof::Passkey { salt, .. } => salt.as_deref().and_then(|salt| salt.try_into().ok()),
            Proof::Passphrase(_) | Proof::Recovery(_) => Some(*cipher::fresh()),
        };
        let salt = salt.ok_or(Error::Unfit("a first passkey comes with the thirty-two bytes that it was asked for"))?;
        Ok(Locks { salt, all: Vec::new() })
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Locks> {
        let locks: Locks = serde_json::from_slice(bytes).ok()?;
        (!locks.all.is_empty()).then_some(locks)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("locks are plain JSON")
    }

    /// Adds a lock around the key. A second passphrase, a second code and a passkey's second lock take the place of the first.
    pub(super) fn add(
        &mut self,
        pepper: &KeyBytes,
        owner: &UserId,
        key: &KeyBytes,
        proof: &Proof,
        name: &str,
        now_ms: i64,
    ) -> Result<(), Error> {
        check_name(name)?;
        if matches!(proof, Proof::Passkey { salt: Some(salt), .. } if *salt != self.salt) {
            return Err(Error::Unfit("this passkey was asked for something else than the others; load the page again"));
        }
        let kind = proof.new_kind()?;
        let id = *cipher::fresh::<16>();
        let with = kind.key(pepper, owner, &id, proof)?.ok_or(Error::Unfit("the proof is of another kind"))?;
        let wrapped = cipher::wrap(&with, &lock_place(owner, &id), key);
        let name = match name.trim() {
            "" => String::new(),
            name => hex::encode(cipher::seal(key, &name_place(owner, &id), name.as_bytes())),
        };
        self.all.retain(|lock| !lock.kind.is_replaced_by(&kind));
        if self.all.len() >= LOCKS_MAX {
            return Err(Error::Unfit("there are too many devices already; remove one first"));
        }
        self.all.push(Lock { id, kind, made_ms: now_ms, name, wrapped });
        Ok(())
    }

    /// The person's key, where the proof fits one of the locks.
    pub(super) fn open(&self, pepper: &KeyBytes, owner: &UserId, proof: &Proof) -> Result<KeyBytes, Error> {
        for lock in &self.all {
            let Some(with) = lock.kind.key(pepper, owner, &lock.id, proof)? else { continue };
            if let Ok(key) = cipher::unwrap(&with, &lock_place(owner, &lock.id), &lock.wrapped) {
                return Ok(key);
            }
        }
        Err(Error::Wrong)
    }

    /// As their owner is told of them; names only where the key is there.
    pub(super) fn shown(&self, owner: &UserId, key: Option<&KeyBytes>) -> Vec<LockShown> {
        let name = |lock: &Lock| {
            let sealed = hex::decode(&lock.name).ok()?;
            let open = cipher::open(key?, &name_place(owner, &lock.id), &sealed).ok()?;
            String::from_utf8(open.to_vec()).ok()
        };
        let shown = self.all.iter().map(|lock| LockShown {
            id: hex::encode(lock.id),
            kind: lock.kind.word(),
            name: name(lock),
            made_ms: lock.made_ms,
            credential: match &lock.kind {
                Kind::Passkey { credential } => Some(credential.clone()),
                Kind::Passphrase { .. } | Kind::Recovery => None,
            },
        });
        shown.collect()
    }

    #[cfg(test)]
    pub(super) fn stretched_with(&self, proof: &Proof) -> Option<KeyBytes> {
        self.all.iter().find_map(|lock| match (&lock.kind, proof) {
            (Kind::Passphrase { salt, memory_kib, passes }, Proof::Passphrase(passphrase)) => {
                stretched(passphrase, salt, *memory_kib, *passes).ok()
            }
            _ => None,
        })
    }

    /// Takes a lock away; never the last one that its owner opens by themselves.
    pub(super) fn remove(&mut self, id: &str) -> Result<&'static str, Error> {
        let at = self.all.iter().position(|lock| hex::encode(lock.id) == id).ok_or(Error::Forgotten)?;
        let is_own = |lock: &Lock| !matches!(lock.kind, Kind::Recovery);
        if is_own(&self.all[at]) && self.all.iter().filter(|lock| is_own(lock)).count() == 1 {
            return Err(Error::Unfit("the last passphrase or passkey cannot be removed; add another first"));
        }
        Ok(self.all.remove(at).kind.word())
    }
}

impl Kind {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Kind::Passphrase { .. } => "passphrase",
            Kind::Passkey { .. } => "passkey",
            Kind::Recovery => "recovery",
        }
    }

    fn is_replaced_by(&self, new: &Kind) -> bool {
        match (self, new) {
            (Kind::Passphrase { .. }, Kind::Passphrase { .. }) | (Kind::Recovery, Kind::Recovery) => true,
            (Kind::Passkey { credential: old }, Kind::Passkey { credential: new }) => old == new,
            _ => false,
        }
    }

    /// The key that the lock wraps with; `None` where the proof is for another lock.
    fn key(&self, pepper: &KeyBytes, owner: &UserId, id: &[u8; 16], proof: &Proof) -> Result<Option<KeyBytes>, Error> {
        let from = |secret: &[u8]| Some(cipher::hmac(pepper, &[b"lock", owner.as_bytes(), id, secret]));
        Ok(match (self, proof) {
            (Kind::Passphrase { salt, memory_kib, passes }, Proof::Passphrase(passphrase)) => {
                from(&*stretched(passphrase, salt, *memory_kib, *passes)?)
            }
            (Kind::Passkey { credential: ours }, Proof::Passkey { credential, output, .. }) if ours == credential => {
                from(output)
            }
            (Kind::Recovery, Proof::Recovery(code)) => code_bytes(code).and_then(|code| from(&code)),
            _ => None,
        })
    }
}

impl Proof {
    /// `passphrase`, `passkey` or `recovery`.
    pub fn word(&self) -> &'static str {
        match self {
            Proof::Passphrase(_) => "passphrase",
            Proof::Passkey { .. } => "passkey",
            Proof::Recovery(_) => "recovery",
        }
    }

    fn new_kind(&self) -> Result<Kind, Error> {
        Ok(match self {
            Proof::Passphrase(passphrase) => {
                let words = passphrase.expose();
                if words.chars().count() < PASSPHRASE_CHARS_MIN || words.len() > PASSPHRASE_BYTES_MAX {
                    return Err(Error::Unfit("a passphrase has at least 12 characters, better four or five words"));
                }
                Kind::Passphrase { salt: *cipher::fresh(), memory_kib: MEMORY_KIB, passes: PASSES }
            }
            Proof::Passkey { credential, output, .. } => {
                if output.len() != 32 {
                    return Err(Error::Unfit("this passkey gives no secret (the WebAuthn extension prf); use another"));
                }
                let is_id = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
                if credential.is_empty()
                    || credential.len() > CREDENTIAL_BYTES_MAX * 4 / 3 + 1
                    || !credential.bytes().all(is_id)
                {
                    return Err(Error::Unfit("this is no id of a passkey"));
                }
                Kind::Passkey { credential: credential.clone() }
            }
            Proof::Recovery(_) => Kind::Recovery,
        })
    }
}

/// A new recovery code, in groups of four letters.
pub(super) fn new_code() -> Passphrase {
    let random = cipher::fresh::<CODE_BYTES>();
    let mut letters = Zeroizing::new(String::with_capacity(40));
    for (at, five) in random.chunks_exact(5).enumerate() {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in 0..8 {
            if (at * 8 + place) % CODE_GROUP == 0 && !letters.is_empty() {
                letters.push('-');
            }
            let letter = usize::try_from(bits >> (35 - 5 * place) & 31).expect("five bits");
            letters.push(char::from(CODE_LETTERS[letter]));
        }
    }
    Passphrase::new(std::mem::take(&mut *letters))
}

/// What a code stands for, however it was typed; `None` where it is none.
fn code_bytes(code: &Passphrase) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(CODE_BYTES));
    let (mut bits, mut count) = (0_u64, 0);
    for c in code.expose().chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let letter = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        };
        let value = CODE_LETTERS.iter().position(|known| char::from(*known) == letter)?;
        bits = bits << 5 | value as u64;
        count += 1;
        if count % 8 == 0 {
            bytes.extend_from_slice(&bits.to_be_bytes()[3..]);
            bits = 0;
        }
    }
    (bytes.len() == CODE_BYTES && count == 32).then_some(bytes)
}

/// Argon2id (RFC 9106) with one lane; its memory is wiped, for the result could be made of it.
pub(super) fn stretched(passphrase: &Passphrase, salt: &[u8], memory_kib: u32, passes: u32) -> Result<KeyBytes, Error> {
    if !(MEMORY_KIB_MIN..=MEMORY_KIB_MAX).contains(&memory_kib) || !(1..=PASSES_MAX).contains(&passes) {
        return Err(Error::DoesNotOpen);
    }
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(|_| Error::DoesNotOpen)?;
    let blocks = params.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memory = vec![Block::default(); blocks];
    let mut outcome = Ok(());
    let key = KeyBytes::written(|out| {
        outcome = cipher::scrubbed(|| {
            argon2.hash_password_into_with_memory(passphrase.expose().as_bytes(), salt, out, &mut memory)
        });
    });
    memory.iter_mut().for_each(|block| block.zeroize());
    outcome.map_err(|_| Error::Unfit("the passphrase cannot be used"))?;
    Ok(key)
}

/// What new seals of a passphrase ask: salt, memory in KiB, passes.
pub(super) fn new_stretching() -> ([u8; 16], u32, u32) {
    (*cipher::fresh(), MEMORY_KIB, PASSES)
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Error::Unfit("a device's name is one line of at most 60 characters"));
    }
    Ok(())
}

fn lock_place(owner: &UserId, id: &[u8; 16]) -> Vec<u8> {
    [b"person key in a lock".as_slice(), owner.as_bytes(), id].concat()
}

fn name_place(owner: &UserId, id: &[u8; 16]) -> Vec<u8> {
    [b"name of a lock".as_slice(), owner.as_bytes(), id].concat()
}

/// Bytes as hex in JSON.
mod hexed {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        let bytes = hex::decode(text).map_err(|_| D::Error::custom("this is no hex"))?;
        bytes.try_into().map_err(|_| D::Error::custom("this has another length"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_read_however_it_is_typed() {
        let code = new_code();
        assert_eq!(code.expose().len(), 32 + 7, "{}", code.expose());
        let typed = code.expose().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");

        let (ours, theirs) = (code_bytes(&code).unwrap(), code_bytes(&Passphrase::new(typed)).unwrap());

        assert_eq!(*ours, *theirs);
        assert!(code_bytes(&Passphrase::new("0000-0000".to_owned())).is_none());
        assert!(code_bytes(&Passphrase::new(code.expose().replacen(char::is_alphanumeric, "U", 1))).is_none());
    }

    #[test]
    fn argon2id_agrees_with_another_implementation() {
        // argon2-cffi 25.1.0: hash_secret_raw(b"correct horse battery", b"saltsaltsaltsalt", 1, 65536, 1, 32, Type.ID).
        let key =
            stretched(&Passphrase::new("correct horse battery".to_owned()), b"saltsaltsaltsalt", 65536, 1).unwrap();

        assert_eq!(hex::encode(*key), "c718ec1986975a4517363cb2ada586c81061d87704307542a42edf24ed794688");
    }

    #[test]
    fn a_file_that_asks_for_too_little_or_too_much_is_not_obeyed() {
        for (memory_kib, passes) in [(1024, 3), (u32::MAX, 1), (65536, 0), (65536, 1000)] {
            assert!(stretched(&Passphrase::new("x".to_owned()), &[0; 16], memory_kib, passes).is_err());
        }
    }
}
