//! Rounds: one thread that does what is due: syncs, sweeps, embedding, retention, checkpoints.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{App, Error};
use crate::audit::Event;
use crate::clock::Moment;
use crate::crawl::{self, Mode};
use crate::model::Stop;
use crate::names::{ApplicationId, ConversationId, UserId};

/// How long a round rests.
const REST: Duration = Duration::from_millis(500);
/// Milliseconds after a failed sync before what was heard is looked at again.
const HEARD_AGAIN_MS: i64 = 60 * 1000;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Milliseconds between looks at the age of conversations, which is counted in days.
const AGE_EVERY_MS: i64 = 60 * 1000;
/// Milliseconds after which it is looked who has a seat though nothing was said to have changed.
const SEATS_EVERY_MS: i64 = 10 * 60 * 1000;
/// Passages embedded before the round looks whether it must end.
const EMBED_AT_ONCE: usize = 16;
/// Passages embedded before the round looks at what else is due: each portion costs a commit.
const EMBED_COMMIT: usize = 128;

/// The thread, and how it is ended.
#[derive(Default)]
pub(super) struct Rounds {
    thread: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
    stop: Stop,
    /// When facts of the past were last forgotten, milliseconds since the Unix epoch.
    forgot_ms: AtomicI64,
    /// When the age of conversations was last looked at.
    aged_ms: AtomicI64,
    /// When it was last looked who has a seat; 0 where something that decides it has changed since.
    seated_ms: AtomicI64,
}

impl Rounds {
    /// Something changed that decides who has a seat: the next round looks.
    pub(super) fn look_at_seats(&self) {
        self.seated_ms.store(0, Ordering::SeqCst);
    }

    /// Whether they were ended.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Ends the rounds and waits for the one under way.
    pub(super) fn stop(&self) {
        self.stop.set();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, thread)) = thread {
            drop(sender);
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("the rounds ended by a panic");
            }
        }
    }
}

/// Starts the rounds; they end when the appliance is closed or dropped.
pub(super) fn start(app: &Arc<App>) {
    let (sender, receiver) = mpsc::channel();
    let weak = Arc::downgrade(app);
    let spawned = std::thread::Builder::new().name("rounds".to_owned()).spawn(move || go(&weak, &receiver));
    match spawned {
        Ok(thread) => {
            *app.rounds.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some((sender, thread));
        }
        Err(error) => tracing::error!(%error, "the rounds did not start: nothing is synced or swept by itself"),
    }
}

/// One thing that may be due.
type Deed = fn(&App) -> Result<(), Error>;

fn go(app: &Weak<App>, ended: &mpsc::Receiver<()>) {
    loop {
        match ended.recv_timeout(REST) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let Some(app) = app.upgrade() else { return };
        let round: [(&str, Deed); 14] = [
            ("removed sources", App::forget_removed_sources),
            ("syncs", App::sync_what_is_due),
            ("conversations", App::forget_what_is_due),
            ("retention", App::forget_what_is_old),
            ("seats", App::mark_the_seated),
            ("sessions", App::sweep_sessions),
            ("unlocked histories", App::lock_what_is_due),
            ("keys", App::finish_renewals),
            ("checkpoint", App::sign_what_is_new),
            ("outside", App::send_what_is_due),
            ("past", App::forget_the_past),
            ("counts", App::count_what_was_asked),
            ("exposure", App::look_for_what_is_exposed),
            ("vectors", App::embed_what_is_new),
        ];
        for (what, deed) in round {
            if app.rounds.stop.is_set() {
                return;
            }
            // One deed that fails must not keep the others from being done; it is due again in the next round.
            if let Err(error) = deed(&app) {
                tracing::error!(what, error = &error as &dyn std::error::Error, "a round could not do what was due");
            }
        }
    }
}

impl App {
    fn sync_what_is_due(&self) -> Result<(), Error> {
        for source in &self.sources.all() {
            let due = self.next_sync(source)?.filter(|next| next.at <= self.now()).map(|next| next.mode);
            // What is due looks at all that was heard, unless it is permissions alone, after which this comes round again.
            let hinted = self.syncs.hinted(&source.name);
            let heard = if hinted.is_some() && self.failed_just_now(source)? { None } else { hinted };
            if let Some(mode) = due.or(heard).filter(|_| !self.syncs.is_running(&source.name)) {
                let mode = match hinted {
                    Some(Mode::Changes) if mode == Mode::News => Mode::Changes,
                    _ => mode,
                };
                match self.begin_sync(&source.name, mode) {
                    Ok(()) | Err(Error::Busy) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(())
    }

    /// Whether a source's last sync has failed so shortly ago that what was heard of it waits.
    fn failed_just_now(&self, source: &crawl::Settings) -> Result<bool, Error> {
        let status = crawl::status(&self.store, &source.name)?;
        let failed = status.runs.first().filter(|run| run.state == crawl::State::Failed);
        Ok(failed.and_then(|run| run.ended).is_some_and(|ended| self.now().since(ended) < HEARD_AGAIN_MS))
    }

    /// A source's next sync; `None` for on demand only. A source that never ran is due at once.
    pub(super) fn next_sync(&self, source: &crawl::Settings) -> Result<Option<crawl::Next>, Error> {
        Ok(crawl::next(source, &crawl::status(&self.store, &source.name)?, self.now()))
    }

    fn forget_what_is_due(&self) -> Result<(), Error> {
        let gone = self.history.sweep(&self.vault, self.now())?;
        self.record_forgotten(&gone)
    }

    /// Conversations that have reached the age at which their application, or their owner's seat, lets them go; and what a crash
    /// has left of those whose application was deleted.
    fn forget_what_is_old(&self) -> Result<(), Error> {
        let (now, last) = (self.now(), self.rounds.aged_ms.load(Ordering::Relaxed));
        // A clock that was set back is looked at, too.
        if (0..AGE_EVERY_MS).contains(&(now.ms() - last)) {
            return Ok(());
        }
        self.forget_deleted_applications()?;
        let tiers = RefCell::new(HashMap::new());
        let days = |user: &UserId, application: &ApplicationId| {
            let mut tiers = tiers.borrow_mut();
            let tier = *tiers.entry(*user).or_insert_with(|| self.applications.tier(&self.directory, user).ok());
            // Where it is not known whose seat it is, nothing is destroyed: the next look will know.
            tier.map_or(0, |tier| self.days_of(tier, application))
        };
        let gone = self.history.expire(&self.vault, now, &days)?;
        self.record_forgotten(&gone)?;
        self.rounds.aged_ms.store(now.ms(), Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn record_forgotten(&self, gone: &[(UserId, ConversationId)]) -> Result<(), Error> {
        for (user, conversation) in gone {
            let forgotten = Event::KeyForgotten { user, conversation };
            let receipt = self.audit.append(&forgotten)?;
            tracing::info!(leaf = receipt.leaf(), "a conversation's key was destroyed");
        }
        Ok(())
    }

    /// Notes since when each person has their seat.
    fn mark_the_seated(&self) -> Result<(), Error> {
        let (now, last) = (self.now().ms(), self.rounds.seated_ms.load(Ordering::SeqCst));
        if last != 0 && (0..SEATS_EVERY_MS).contains(&(now - last)) {
            return Ok(());
        }
        // First, so that what changes meanwhile is looked at again.
        self.rounds.seated_ms.store(now, Ordering::SeqCst);
        let mut seated = Vec::new();
        for person in self.directory.people() {
            if self.applications.tier(&self.directory, &person.id)?.is_some() {
                seated.push(person.id);
            }
        }
        Ok(self.applications.seats().mark(&seated, now)?)
    }

    /// Once a day is often enough for what is kept for months.
    fn forget_the_past(&self) -> Result<(), Error> {
        let now = self.now().ms();
        let last = self.rounds.forgot_ms.load(Ordering::Relaxed);
        if self.settings.directory.past_days == 0 || now.saturating_sub(last) < DAY_MS {
            return Ok(());
        }
        let days = i64::try_from(self.settings.directory.past_days).unwrap_or(i64::MAX);
        let before = now.saturating_sub(days.saturating_mul(DAY_MS));
        self.directory.forget_past(before)?;
        crawl::forget_past(&self.store, Moment::from_ms(before))?;
        self.rounds.forgot_ms.store(now, Ordering::Relaxed);
        Ok(())
    }

    fn sweep_sessions(&self) -> Result<(), Error> {
        self.sessions.sweep(self.now())?;
        Ok(())
    }

    fn sign_what_is_new(&self) -> Result<(), Error> {
        let signed = self.audit.last_checkpoint().map_or(0, |checkpoint| checkpoint.size);
        if self.audit.size() > signed {
            self.audit.checkpoint()?;
        }
        Ok(())
    }

    fn embed_what_is_new(&self) -> Result<(), Error> {
        let Some(embed) = &self.models.embed else { return Ok(()) };
        // While a sync writes, the index is its own: it commits when its batch is whole.
        let Ok(_indexing) = self.indexing.try_lock() else { return Ok(()) };
        let bare = self.index.without_vectors(EMBED_COMMIT)?;
        let mut made = Vec::with_capacity(bare.len());
        for portion in bare.chunks(EMBED_AT_ONCE) {
            if self.rounds.stop.is_set() {
                break;
            }
            let texts: Vec<&str> = portion.iter().map(|(_, text)| text.as_str()).collect();
            let vectors = embed.embed(&texts, &self.rounds.stop)?;
            made.extend(portion.iter().map(|(id, _)| id.clone()).zip(vectors.into_iter().map(|vector| vector.0)));
        }
        if !made.is_empty() {
            self.index.change(crate::index::Change::Vectors(&made))?;
            self.index.commit(self.index.reached())?;
        }
        Ok(())
    }
}
