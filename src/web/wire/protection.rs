//! How a history is protected, on the wire. What is sent to unlock it is never printed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::nouns::{LockShown, Moment, Passphrase};
use crate::app::{self, Standing, nouns};
use crate::history::Policy;

/// How the asker's history is protected.
#[derive(Debug, Serialize, ToSchema)]
pub struct Protection {
    /// What the settings allow: `server`, `login_bound` or `choice`.
    pub policy: &'static str,
    /// `server`, or `login_bound`.
    pub mode: &'static str,
    /// Whether it is open in this session.
    pub is_open: bool,
    /// What unlocks it.
    pub locks: Vec<Lock>,
    /// The input of the WebAuthn PRF extension for this person's passkeys, base64url; `null` until the history is bound.
    pub prf_salt: Option<String>,
    /// Minutes without use after which it is locked; 0 for at sign-out alone.
    pub locked_after_minutes: u64,
}

/// One way to unlock it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lock {
    /// Which.
    pub id: String,
    /// `passphrase`, `passkey` or `recovery`.
    pub kind: &'static str,
    /// What its owner calls it; `null` while it is locked.
    pub name: Option<String>,
    /// RFC 3339.
    pub made_at: String,
    /// A passkey's credential, base64url.
    pub credential_id: Option<String>,
}

/// What unlocks a history, or will; exactly one of `passphrase`, `passkey` and `recovery_code`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// At least 12 characters.
    #[serde(default)]
    passphrase: Option<String>,
    /// What a passkey gave.
    #[serde(default)]
    passkey: Option<Passkey>,
    /// As it was printed; only to unlock.
    #[serde(default)]
    recovery_code: Option<String>,
    /// What its owner calls a new way to unlock; one line of at most 60 characters, sealed like the rest.
    #[serde(default)]
    name: Option<String>,
}

/// What a passkey gave.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    /// Its credential, base64url.
    credential_id: String,
    /// The output of the WebAuthn PRF extension for `prf_salt`: thirty-two bytes, base64url.
    output: String,
    /// Where it is the first: the salt it was asked for, which is this person's from now on; thirty-two bytes, base64url.
    #[serde(default)]
    salt: Option<String>,
}

/// A code that unlocks the history where everything else is lost. It is told this once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCode {
    /// Eight groups of four letters.
    pub recovery_code: String,
}

/// What others did that concerned the asker.
#[derive(Debug, Serialize, ToSchema)]
pub struct Acts {
    /// The last first.
    pub acts: Vec<Act>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Act {
    /// RFC 3339.
    pub at: String,
    /// The audit log's word for it.
    pub event: String,
    /// Which of its kind.
    pub what: Option<String>,
    /// Who did it, by name; `null` where it was the owner of the machine, or somebody who is known no more.
    pub by: Option<String>,
    /// Whether it was the owner of the machine.
    pub by_owner: bool,
}

/// How a history stands, in a word.
pub(super) fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "open",
        Standing::Locked => "locked",
        Standing::Unbound => "unbound",
    }
}

impl Proof {
    /// The proof, and the name that was given; or what to mend.
    pub fn read(self) -> Result<(nouns::Proof, String), &'static str> {
        let proof = match (self.passphrase, self.passkey, self.recovery_code) {
            (Some(passphrase), None, None) => nouns::Proof::Passphrase(Passphrase::new(passphrase)),
            (None, Some(passkey), None) => nouns::Proof::Passkey {
                output: bytes_of(passkey.output)?.into(),
                salt: passkey.salt.map(bytes_of).transpose()?,
                credential: passkey.credential_id,
            },
            (None, None, Some(code)) => nouns::Proof::Recovery(Passphrase::new(code)),
            _ => return Err("exactly one of passphrase, passkey and recovery_code is needed"),
        };
        Ok((proof, self.name.unwrap_or_default()))
    }
}

fn bytes_of(text: String) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "the passkey's values must be base64url without padding")
}

impl From<&app::Protected> for Protection {
    fn from(protected: &app::Protected) -> Protection {
        Protection {
            policy: match protected.policy {
                Policy::Server => "server",
                Policy::LoginBound => "login_bound",
                Policy::Choice => "choice",
            },
            mode: if protected.is_bound { "login_bound" } else { "server" },
            is_open: protected.is_open,
            locks: protected.locks.iter().map(Lock::from).collect(),
            prf_salt: protected.salt.map(|salt| URL_SAFE_NO_PAD.encode(salt)),
            locked_after_minutes: protected.locked_after_minutes,
        }
    }
}

impl From<&LockShown> for Lock {
    fn from(lock: &LockShown) -> Lock {
        Lock {
            id: lock.id.clone(),
            kind: lock.kind,
            name: lock.name.clone(),
            made_at: Moment::from_ms(lock.made_ms).rfc3339(),
            credential_id: lock.credential.clone(),
        }
    }
}

impl From<Vec<app::Act>> for Acts {
    fn from(acts: Vec<app::Act>) -> Acts {
        let act =
            |act: app::Act| Act { at: act.at, event: act.event, what: act.what, by: act.by, by_owner: act.is_owners };
        Acts { acts: acts.into_iter().map(act).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<&'static str, &'static str> {
        let proof: Proof = serde_json::from_str(json).unwrap();
        proof.read().map(|(proof, _)| proof.word())
    }

    #[test]
    fn exactly_one_way_to_unlock_is_taken() {
        assert_eq!(read(r#"{"passphrase": "four words of mine"}"#), Ok("passphrase"));
        assert_eq!(read(r#"{"passkey": {"credential_id": "AA", "output": "AAAA"}}"#), Ok("passkey"));
        assert_eq!(read(r#"{"recovery_code": "ABCD"}"#), Ok("recovery"));
        assert!(read("{}").is_err());
        assert!(read(r#"{"passphrase": "a", "recovery_code": "b"}"#).is_err());
        assert!(read(r#"{"passkey": {"credential_id": "AA", "output": "="}}"#).is_err());
    }
}
