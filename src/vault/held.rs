//! Keys that are in memory only while their person is signed in.
//!
//! Each stands on a page of memory of its own, which the system is asked never to write to swap, and is wiped when the last
//! session that unlocked it ends or has been idle for too long.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use zeroize::Zeroize as _;

use super::cipher::KeyBytes;
use crate::names::UserId;

/// What a session is known by: the digest of its token.
pub type SessionMark = [u8; 32];

/// How long a key may be unused, seen at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Idle {
    /// Now, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// The longest, in milliseconds; 0 for ever.
    pub limit_ms: i64,
}

impl Idle {
    /// Whether what was used last then has been unused for too long.
    pub fn is_over(self, used_ms: i64) -> bool {
        self.limit_ms > 0 && self.now_ms.saturating_sub(used_ms) >= self.limit_ms
    }
}

/// The unlocked keys.
#[derive(Default)]
pub(super) struct Held {
    people: Mutex<HashMap<[u8; 16], Unlocked>>,
}

struct Unlocked {
    key: Guarded,
    /// The sessions that unlocked it, and when each used it last, in milliseconds since the Unix epoch.
    sessions: HashMap<SessionMark, i64>,
}

/// The smallest page of memory there is; what is locked is a whole number of pages.
const PAGE_BYTES: usize = 4096;

#[repr(align(4096))]
struct Page([u8; PAGE_BYTES]);

/// One key on a page of its own: pages are locked and unlocked whole, so two keys on one would unlock each other.
struct Guarded {
    /// `None` where the system did not allow it. Dropped before the page that it locks.
    _lock: Option<region::LockGuard>,
    page: Box<Page>,
}

impl Guarded {
    fn new(key: &KeyBytes) -> Guarded {
        let mut page = Box::new(Page([0; PAGE_BYTES]));
        let lock = match region::lock(page.0.as_ptr(), PAGE_BYTES) {
            Ok(lock) => Some(lock),
            Err(error) => {
                static SAID: Once = Once::new();
                SAID.call_once(|| {
                    tracing::warn!(%error, "keys cannot be kept out of swap: raise LimitMEMLOCK, or switch swap off");
                });
                None
            }
        };
        page.0[..32].copy_from_slice(&**key);
        Guarded { _lock: lock, page }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.page.0.zeroize();
    }
}

impl Held {
    /// Holds a key for a session.
    pub(super) fn hold(&self, owner: &UserId, session: &SessionMark, key: &KeyBytes, now_ms: i64) {
        let mut people = self.people();
        let unlocked = people
            .entry(*owner.as_bytes())
            .or_insert_with(|| Unlocked { key: Guarded::new(key), sessions: HashMap::new() });
        unlocked.sessions.insert(*session, now_ms);
    }

    /// Holds another key for those who held one.
    pub(super) fn replace(&self, owner: &UserId, key: &KeyBytes) {
        if let Some(unlocked) = self.people().get_mut(owner.as_bytes()) {
            unlocked.key = Guarded::new(key);
        }
    }

    /// The key, for as long as a request takes; `None` where it is locked.
    pub(super) fn key(&self, owner: &UserId) -> Option<KeyBytes> {
        let people = self.people();
        people.get(owner.as_bytes()).and_then(|unlocked| KeyBytes::of(&unlocked.key.page.0[..32]))
    }

    /// Whether this session unlocked it and has used it within the idle time, and notes that it was used.
    pub(super) fn is_open_to(&self, owner: &UserId, session: &SessionMark, idle: Idle) -> bool {
        let mut people = self.people();
        let used = people.get_mut(owner.as_bytes()).and_then(|unlocked| unlocked.sessions.get_mut(session));
        let used = used.filter(|used| !idle.is_over(**used));
        used.map(|used| *used = idle.now_ms.max(*used)).is_some()
    }

    /// Wipes the keys of sessions for which `has_ended` (session, last used); gives whose keys are in memory no more.
    pub(super) fn wipe(&self, has_ended: &mut dyn FnMut(&UserId, &SessionMark, i64) -> bool) -> Vec<UserId> {
        let mut wiped = Vec::new();
        self.people().retain(|owner, unlocked| {
            let owner = UserId::from_bytes(*owner);
            unlocked.sessions.retain(|session, used| !has_ended(&owner, session, *used));
            if unlocked.sessions.is_empty() {
                wiped.push(owner);
            }
            !unlocked.sessions.is_empty()
        });
        wiped
    }

    fn people(&self) -> MutexGuard<'_, HashMap<[u8; 16], Unlocked>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Ids;

    #[test]
    fn a_key_is_held_until_the_last_session_that_unlocked_it_ends() {
        let (held, ada, key) = (Held::default(), UserId::new(&Ids::Random), KeyBytes::random());
        held.hold(&ada, &[1; 32], &key, 10);
        held.hold(&ada, &[2; 32], &key, 20);

        assert!(held.wipe(&mut |_, session, _| *session == [1; 32]).is_empty());
        let at = |now_ms| Idle { now_ms, limit_ms: 50 };
        assert!(!held.is_open_to(&ada, &[1; 32], at(30)));
        assert!(held.is_open_to(&ada, &[2; 32], at(30)));
        assert!(!held.is_open_to(&ada, &[2; 32], at(80)), "unused for too long, before it is wiped too");
        assert_eq!(held.key(&ada).as_deref(), Some(&*key));

        assert_eq!(held.wipe(&mut |_, _, used| used <= 30), [ada]);
        assert!(held.key(&ada).is_none());
        assert!(!held.is_open_to(&ada, &[2; 32], at(30)));
    }
}
