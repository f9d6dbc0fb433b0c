//! The ids of messages, assertions and logout tokens that were accepted, until none of them could be accepted again: on disk, so that a
//! restart does not let one in twice.

use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::clock::Moment;
use crate::names::ProviderId;
use crate::store::{self, Batch, Store, Tree};

/// How often what has ended is removed, in milliseconds.
const SWEEP_MS: i64 = 60 * 1_000;

/// All ids, of all providers.
pub struct Seen {
    /// When each ends, milliseconds since the Unix epoch, by its digest.
    ends: Tree<[u8; 32], u64>,
    /// When it was swept last. Held from the look for an id until it is kept, so that of two that come at once one is new.
    swept: Mutex<Option<Moment>>,
}

impl Seen {
    /// Opens what is kept in the store.
    pub fn open(store: &Store) -> Result<Seen, store::Error> {
        Ok(Seen { ends: store.tree("sso.seen")?, swept: Mutex::new(None) })
    }

    /// Keeps an id until `ends`; `false` where it was seen before.
    pub fn keep(&self, provider: &ProviderId, id: &str, ends: Moment, now: Moment) -> Result<bool, store::Error> {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_none_or(|before| !(0..SWEEP_MS).contains(&now.since(before))) {
            self.sweep(now)?;
            *swept = Some(now);
        }
        let key = key(provider, id);
        match self.ends.get(&key) {
            Ok(None) => {}
            // Also where its record is damaged: that it is there is what counts.
            Ok(Some(_)) | Err(store::Error::Unreadable { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        self.ends.put(&key, &u64::try_from(ends.ms()).unwrap_or(0))?;
        Ok(true)
    }

    fn sweep(&self, now: Moment) -> Result<(), store::Error> {
        let mut ended = Batch::new();
        for key in self.ends.keys_under(b"") {
            let key = key?;
            let ends = match self.ends.get(&key) {
                Ok(ends) => ends,
                Err(store::Error::Unreadable { .. }) => None,
                Err(error) => return Err(error),
            };
            if ends.is_some_and(|ends| i64::try_from(ends).unwrap_or(i64::MAX) <= now.ms()) {
                ended.remove(&key);
            }
        }
        self.ends.apply(ended)
    }
}

/// Ids of different providers are different.
fn key(provider: &ProviderId, id: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(provider.as_str());
    hash.update([0]);
    hash.update(id);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Moment {
        Moment::from_ms(ms)
    }

    #[test]
    fn an_id_is_new_once_also_after_a_restart_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let provider = ProviderId::parse("company").unwrap();
        {
            let seen = Seen::open(&Store::open(folder.path()).unwrap()).unwrap();
            assert!(seen.keep(&provider, "_a", at(100_000), at(0)).unwrap());
            assert!(!seen.keep(&provider, "_a", at(100_000), at(1)).unwrap());
        }
        let seen = Seen::open(&Store::open(folder.path()).unwrap()).unwrap();

        assert!(!seen.keep(&provider, "_a", at(100_000), at(2)).unwrap());
        assert!(seen.keep(&ProviderId::parse("other").unwrap(), "_a", at(100_000), at(2)).unwrap());
        assert!(seen.keep(&provider, "_a", at(300_000), at(100_000)).unwrap(), "what ended is forgotten");
    }
}
