//! Who is signed in at which browser, and until when.
//!
//! A browser holds a [`Token`]; we keep only its SHA-256, and under it the session, sealed and bound to that digest. So a
//! stolen disk shows no token to come in with and no ID token to reuse, and a session moved under another digest does
//! not open.
//!
//! A session ends after a time without a request, after its whole age, when the provider said that its own would end, at
//! sign-out here or there ([`Sessions::end_named`]), when its person is deactivated ([`Sessions::end_all`]), and when it
//! does not open. Whoever signs in again gets a new token: the old one is ended first,
//! so a token that somebody planted in a browser is worth nothing (session fixation).
//!
//! Always true here:
//! - What has ended stays ended. A clock set back revives none: by a little, time stands still here; by more, every
//!   session ends, because none of their ages is known any more.
//! - A lookup takes the same steps for a token that never was and for one that has ended.
//!
//! Uses: `clock`, `names`, `store`, `vault`. Begin at [`Sessions`].

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::names::{ProviderId, UserId};
use crate::store::{self, Batch, Store, Tree};
use crate::vault::{self, Label, Own, Vault};

/// How long a session lasts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Minutes without a request after which a session ends.
    pub idle_minutes: u64,
    /// Hours after which a session ends in any case.
    pub age_hours: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { idle_minutes: 60, age_hours: 12 }
    }
}

/// The secret a browser holds: 32 random bytes, base64url. Only its SHA-256 is kept.
pub struct Token(pub SecretString);

impl Token {
    /// The secret itself: for the browser's cookie and nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What a session is named by on the desk: the first half of its token's digest. It lets nobody in, for a browser is asked
/// for what the digest is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// Reads 32 hexadecimal digits; `None` where it is not that.
    pub fn parse(text: &str) -> Option<SessionId> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(SessionId(bytes))
    }

    fn of(digest: &Digest) -> SessionId {
        let (first, _) = digest.split_at(16);
        SessionId(first.try_into().expect("the first half of a digest has 16 bytes"))
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// One session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// Who is signed in.
    pub user: UserId,
    /// Through which provider.
    pub provider: ProviderId,
    /// The provider's own session, where it named one.
    pub provider_session: Option<String>,
    /// What the provider calls the person when it ends a session; `None` in sessions of before it was kept.
    #[serde(default)]
    pub called: Option<String>,
    /// When the provider's own session ends, and with it this one.
    #[serde(default)]
    pub not_after: Option<Moment>,
    /// The ID token, for RP-initiated logout.
    pub id_token: Option<String>,
    /// When it began.
    pub began: Moment,
    /// When it was used last; kept to the minute.
    pub used: Moment,
}

/// All sessions; they live over a restart.
pub struct Sessions {
    /// Sealed sessions by the digest of their token.
    kept: Tree<[u8; 32], Vec<u8>>,
    /// The latest moment ever seen, under one key; written at least as often as a session is.
    latest: Tree<String, u64>,
    own: Own,
    idle_ms: i64,
    age_ms: i64,
    /// The latest moment seen. Held while the clock is judged, so that a clock set back is noticed once.
    seen: Mutex<Moment>,
    /// Held while sessions are ended, and while one is written again: so none is written back after it was ended.
    /// Taken after `seen`, where both are.
    turn: Mutex<()>,
}

/// A session is bound to the digest of its token.
const LABEL: Label = Label("session");
/// A clock may go back by so much (a leap, a step of NTP) and only stands still here.
const STEP_BACK_MS: i64 = 2 * 60 * 1000;
/// The use of a session is written down when it is older than this, or than a tenth of the idle limit.
const USED_MS: i64 = 60 * 1000;
/// Thirty-two bytes in base64url without padding.
const TOKEN_CHARS: usize = 43;

type Digest = [u8; 32];

impl Sessions {
    /// Opens the sessions kept in the store.
    pub fn open(store: &Store, vault: &Vault, settings: &Settings) -> Result<Sessions, store::Error> {
        let latest: Tree<String, u64> = store.tree("session.latest")?;
        let seen = match latest.get(&key()) {
            Ok(seen) => seen.unwrap_or(0),
            // The sessions' own ages still hold; only a clock set back goes unnoticed once.
            Err(store::Error::Unreadable { .. }) => 0,
            Err(error) => return Err(error),
        };
        Ok(Sessions {
            kept: store.tree("session.kept")?,
            latest,
            own: vault.own(&LABEL),
            idle_ms: limit_ms(settings.idle_minutes, 60_000),
            age_ms: limit_ms(settings.age_hours, 3_600_000),
            seen: Mutex::new(Moment::from_ms(i64::try_from(seen).unwrap_or(0))),
            turn: Mutex::new(()),
        })
    }

    /// Starts a session under a new token.
    pub fn start(&self, session: Session) -> Result<Token, store::Error> {
        let now = self.judge(session.began)?;
        let token = URL_SAFE_NO_PAD.encode(*vault::fresh::<32>());
        self.keep(&vault::sha256(token.as_bytes()), &Session { began: now, used: now, ..session })?;
        Ok(Token(token.into()))
    }

    /// The session of a token, where it has not ended; notes that it was used. A clock set back revives none.
    pub fn find(&self, token: &str, now: Moment) -> Result<Option<Session>, store::Error> {
        let now = self.judge(now)?;
        let Some(digest) = digest(token) else {
            return Ok(None);
        };
        let Some(session) = self.read(&digest)? else {
            return Ok(None);
        };
        if self.has_ended(&session, now) {
            // Now, and not at the next sweep: the clock may go back before it.
            self.kept.remove(&digest)?;
            return Ok(None);
        }
        if now.since(session.used) < USED_MS.min(self.idle_ms / 10) {
            return Ok(Some(session));
        }
        let _turn = self.turn();
        if self.read(&digest)?.is_none() {
            return Ok(None);
        }
        let session = Session { used: now, ..session };
        match self.keep(&digest, &session) {
            // A full disk must not sign everybody out; the session only ends a little early.
            Ok(()) | Err(store::Error::Full) => Ok(Some(session)),
            Err(error) => Err(error),
        }
    }

    /// Whether the session of this digest has not ended; it is not noted as used.
    pub fn is_alive(&self, digest: &[u8; 32], now: Moment) -> Result<bool, store::Error> {
        let now = self.judge(now)?;
        Ok(self.read(digest)?.is_some_and(|session| !self.has_ended(&session, now)))
    }

    /// Ends one session and gives back what it was.
    pub fn end(&self, token: &str) -> Result<Option<Session>, store::Error> {
        let Some(digest) = digest(token) else {
            return Ok(None);
        };
        let _turn = self.turn();
        let session = self.read(&digest)?;
        self.kept.remove(&digest)?;
        Ok(session)
    }

    /// The sessions that have not ended, in no order that means anything.
    pub fn list(&self, now: Moment) -> Result<Vec<(SessionId, Session)>, store::Error> {
        let now = self.judge(now)?;
        let mut all = Vec::new();
        for digest in self.kept.keys_under(b"") {
            let digest = digest?;
            let session = self.read(&digest)?.filter(|session| !self.has_ended(session, now));
            all.extend(session.map(|session| (SessionId::of(&digest), session)));
        }
        Ok(all)
    }

    /// Ends the session of that name and gives back what it was.
    pub fn end_one(&self, id: &SessionId) -> Result<Option<Session>, store::Error> {
        let _turn = self.turn();
        let mut ended = None;
        for digest in self.kept.keys_under(&id.0) {
            let digest = digest?;
            ended = self.read(&digest)?;
            self.kept.remove(&digest)?;
        }
        Ok(ended)
    }

    /// Ends all sessions of a person; gives how many. One that does not open ends too: it may be theirs.
    pub fn end_all(&self, user: &UserId) -> Result<usize, store::Error> {
        self.end_where(|session| session.is_none_or(|session| session.user == *user))
    }

    /// Ends the sessions of everybody who may not stay; gives how many.
    pub fn end_unless(&self, may_stay: impl Fn(&UserId) -> bool) -> Result<usize, store::Error> {
        self.end_where(|session| session.is_some_and(|session| !may_stay(&session.user)))
    }

    /// Ends the sessions that a provider ends at its place: those of whom it calls so, and of these only the ones of
    /// `provider_sessions`, where it names any. With no name the provider's sessions alone decide. Gives whose they were.
    pub fn end_named(
        &self,
        provider: &ProviderId,
        called: Option<&str>,
        provider_sessions: &[String],
    ) -> Result<Vec<UserId>, store::Error> {
        let ended = Mutex::new(Vec::new());
        self.end_where(|session| {
            let Some(session) = session.filter(|session| session.provider == *provider) else { return false };
            let is_theirs = called.is_none_or(|called| session.called.as_deref() == Some(called));
            let is_named = session.provider_session.as_ref().is_some_and(|own| provider_sessions.contains(own));
            let ends = is_theirs && (is_named || (called.is_some() && provider_sessions.is_empty()));
            if ends {
                ended.lock().unwrap_or_else(PoisonError::into_inner).push(session.user);
            }
            ends
        })?;
        Ok(ended.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Removes what has ended; gives how many.
    pub fn sweep(&self, now: Moment) -> Result<usize, store::Error> {
        let now = self.judge(now)?;
        self.end_where(|session| session.is_none_or(|session| self.has_ended(session, now)))
    }

    fn end_where(&self, ends: impl Fn(Option<&Session>) -> bool) -> Result<usize, store::Error> {
        let _turn = self.turn();
        let mut ended = Batch::new();
        let mut count = 0;
        for digest in self.kept.keys_under(b"") {
            let digest = digest?;
            if ends(self.read(&digest)?.as_ref()) {
                ended.remove(&digest);
                count += 1;
            }
        }
        self.kept.apply(ended)?;
        Ok(count)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_ended(&self, session: &Session, now: Moment) -> bool {
        now.since(session.used) >= self.idle_ms
            || now.since(session.began) >= self.age_ms
            || session.not_after.is_some_and(|end| now >= end)
    }

    /// The moment that counts: never before one seen already. A clock set back by more than a step ends every session.
    fn judge(&self, now: Moment) -> Result<Moment, store::Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.since(now) > STEP_BACK_MS {
            let ended = self.end_where(|_| true)?;
            tracing::warn!(ended, "the clock was set back: every session was ended; check the machine's time");
            *seen = now;
            self.mark(now)?;
        }
        *seen = now.max(*seen);
        Ok(*seen)
    }

    fn mark(&self, now: Moment) -> Result<(), store::Error> {
        self.latest.put(&key(), &u64::try_from(now.ms()).unwrap_or(0))
    }

    fn keep(&self, digest: &Digest, session: &Session) -> Result<(), store::Error> {
        let open = zeroize::Zeroizing::new(serde_json::to_vec(session).expect("a session is plain JSON"));
        // The mark first: a session on disk is never younger than it.
        self.mark(session.used)?;
        self.kept.put(digest, &self.own.seal(digest, &open).into_vec())
    }

    /// `None` where there is none, or where it does not open: then nobody is signed in with it.
    fn read(&self, digest: &Digest) -> Result<Option<Session>, store::Error> {
        let sealed = match self.kept.get(digest) {
            Ok(Some(sealed)) => sealed,
            Ok(None) | Err(store::Error::Unreadable { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(open) = self.own.open(digest, &sealed) else {
            return Ok(None);
        };
        Ok(serde_json::from_slice(open.expose_secret()).ok())
    }
}

/// What a token is kept under; `None` where the text cannot be one of ours. A lookup by digest tells nothing by its time.
fn digest(token: &str) -> Option<Digest> {
    (token.len() == TOKEN_CHARS).then(|| vault::sha256(token.as_bytes()))
}

fn key() -> String {
    "latest".to_owned()
}

fn limit_ms(count: u64, unit_ms: i64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(unit_ms)
}
