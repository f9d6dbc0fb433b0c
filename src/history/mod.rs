//! Each person's past questions and answers, sealed for them.
//!
//! A conversation is a row of turns. Every turn, its title and what its owner thought of an answer are sealed with the
//! conversation's own key, each for its place, so that a record which somebody moves elsewhere does not open. What stands
//! beside them in the open are ids, counts and times.
//!
//! Ada asks two questions and deletes the conversation. It is hidden at once, from her too; for ten seconds she can bring
//! it back. Then [`History::sweep`] destroys its key, and only after that removes the records: whatever a log-structured
//! store still holds of them stays closed. Bob, who has found the conversation's id somewhere, gets the words that he would
//! get for an id that never was.
//!
//! Always true here:
//! - Nothing can be read without its owner's id and their key; another person's conversation is not there.
//! - A turn is kept with the receipt that proves its question to be on record.
//! - A damaged record costs that record only. A deletion is never lost with one.
//!
//! Uses: `clock`, `names`, `store`, `vault`, `acl`, `audit`, `answer`. Begin at [`History`].

mod again;
mod kept;
mod search;
#[cfg(test)]
mod tests;
mod title;
mod words;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use self::kept::{Head, Kept, Spot, Turn};
pub use self::search::Terms;
use crate::answer::{Answer, Mode, Question};
use crate::audit::Receipt;
use crate::clock::Moment;
use crate::names::{ApplicationId, ConversationId, MessageId, UserId};
use crate::store::{self, Store};
use crate::vault::{self, ConversationKey, Forget, Vault};

/// How long conversations are kept, and who holds their keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Who can open the keys.
    pub mode: Policy,
    /// Minutes without use of their history after which a bound key is wiped from memory; 0 for at sign-out alone.
    pub locked_after_minutes: u64,
    /// Days after its last message at which a conversation's key is destroyed, where its application does not say it; 0 keeps
    /// it until its owner deletes it.
    pub days: u64,
    /// Seconds in which a deletion can be undone.
    pub undo_s: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { mode: Policy::Server, locked_after_minutes: 30, days: 0, undo_s: 10 }
    }
}

/// Who can open the keys of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The server, for each person while they are signed in.
    Server,
    /// Only the person: nothing is kept of who has not bound theirs to a passphrase or a passkey.
    LoginBound,
    /// Each person chooses.
    Choice,
}

/// One turn: a question, its answer, and the sources as they were cited (all sealed).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// This message.
    pub message: MessageId,
    /// The message it follows; `None` for the first.
    pub parent: Option<MessageId>,
    /// In which application; of records from before there were several, the default one.
    #[serde(default)]
    pub application: ApplicationId,
    /// When it was asked.
    pub asked: Moment,
    /// The question.
    pub question: Question,
    /// The answer.
    pub answer: Answer,
    /// How it was made. Records from before it was kept are all written ones.
    #[serde(default)]
    pub mode: Mode,
    /// The owner's feedback.
    pub feedback: Option<Feedback>,
    /// What it needs to be released and run again. Its form is not history's, so that an old one costs no turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<serde_json::Value>,
}
store::json_record!(Entry, 1);

/// What the owner thinks of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// `up` or `down`.
    pub rating: String,
    /// Reason codes.
    pub reasons: Vec<String>,
    /// In their own words; sealed like the rest.
    pub comment: Option<String>,
}

/// One conversation in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: ConversationId,
    /// In which application it was begun.
    pub application: ApplicationId,
    /// Its title; `None` where the record does not open (damaged).
    pub title: Option<String>,
    /// When it began.
    pub began: Moment,
    /// When it was last added to.
    pub changed: Moment,
    /// Turns in it.
    pub turns: u64,
}

/// One turn, as it was read.
#[derive(Debug)]
pub enum Read {
    /// It opened.
    Entry(Box<Entry>),
    /// It is damaged or was moved: shown as unreadable; the rest opens.
    Unreadable,
}

/// The history.
pub struct History {
    kept: Kept,
    undo_ms: i64,
    /// Held while a conversation is added to, changed or destroyed: its turns are numbered without gaps, and nothing is
    /// written to one whose key goes.
    turn: Mutex<()>,
}

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What can go wrong with history.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such conversation of this person: never existed, another's, or deleted.
    #[error("there is no such conversation")]
    NotThere,
    /// A title without a visible character.
    #[error("a title needs at least one visible character")]
    NoTitle,
    /// The store failed.
    #[error("the history cannot be read or kept")]
    Store(#[from] store::Error),
    /// A key is missing or damaged.
    #[error("the history's keys cannot be used")]
    Vault(#[from] vault::Error),
}

impl History {
    /// Opens the history kept in the store.
    pub fn open(store: &Store, settings: &Settings) -> Result<History, Error> {
        Ok(History {
            kept: Kept::open(store)?,
            undo_ms: i64::try_from(settings.undo_s).unwrap_or(i64::MAX).saturating_mul(1_000),
            turn: Mutex::new(()),
        })
    }

    /// Keeps a turn at the end of its conversation, which is made where it is new (its title is the question, shortened). The
    /// receipt proves that the question is on record. On disk when this returns.
    pub fn keep(
        &self,
        vault: &Vault,
        owner: &UserId,
        conversation: &ConversationId,
        _receipt: &Receipt,
        entry: &Entry,
    ) -> Result<(), Error> {
        let _turn = self.turn();
        if self.kept.is_deleted(owner, conversation)? {
            // Deleted while the answer was written.
            return Err(Error::NotThere);
        }
        let key = match vault.key(owner, conversation) {
            Err(vault::Error::Forgotten) => return Err(Error::NotThere),
            key => key?,
        };
        let head = match self.head(owner, conversation, Some(&key))? {
            Some(head) => Head { changed: head.changed.max(entry.asked), turns: head.turns + 1, ..head },
            None => {
                let title = title::of_question(entry.question.as_str());
                let sealed = title::seal(title, &key, owner, conversation);
                let application = entry.application.clone();
                Head { application, began: entry.asked, changed: entry.asked, turns: 1, title: sealed }
            }
        };
        fail::fail_point!("turn keyed");
        let spot = Spot { owner: *owner, conversation: *conversation, sequence: head.turns - 1 };
        self.kept.add(&spot, &entry.message, &head, &Turn::seal(entry, &key, &spot))?;
        Ok(())
    }

    /// A person's conversations, the last changed first.
    pub fn list(&self, vault: &Vault, owner: &UserId) -> Result<Vec<Listed>, Error> {
        let keys = vault.keyring(owner)?;
        let mut all = Vec::new();
        for id in self.kept.conversations_of(owner)? {
            let key = keys.key(&id).ok();
            // Between the two reads a sweep may have taken it.
            if let Some(head) = self.head(owner, &id, key.as_ref())? {
                all.push(listed(owner, id, &head, key.as_ref()));
            }
        }
        all.sort_by_key(|listed| Reverse((listed.changed, listed.id)));
        Ok(all)
    }

    /// The turns of a person's conversation, oldest first.
    pub fn read(
        &self,
        vault: &Vault,
        owner: &UserId,
        conversation: &ConversationId,
    ) -> Result<(Listed, Vec<Read>), Error> {
        if self.kept.is_deleted(owner, conversation)? {
            return Err(Error::NotThere);
        }
        let key = match vault.existing_key(owner, conversation) {
            Ok(key) => Some(key),
            // Whether it is not there, or only its key is damaged, is told by its head.
            Err(vault::Error::Forgotten | vault::Error::DoesNotOpen) => None,
            Err(error) => return Err(error.into()),
        };
        let head = self.head(owner, conversation, key.as_ref())?.ok_or(Error::NotThere)?;
        let turns = (0..head.turns).map(|sequence| {
            let spot = Spot { owner: *owner, conversation: *conversation, sequence };
            self.open_entry(&spot, key.as_ref())
        });
        let turns = turns.map(|entry| Ok(entry?.map_or(Read::Unreadable, |entry| Read::Entry(Box::new(entry)))));
        Ok((listed(owner, *conversation, &head, key.as_ref()), turns.collect::<Result<_, Error>>()?))
    }

    /// One turn of this person, by its message.
    pub fn entry(&self, vault: &Vault, owner: &UserId, message: &MessageId) -> Result<Entry, Error> {
        let spot = self.kept.spot_of(owner, message)?.ok_or(Error::NotThere)?;
        let key = self.key_of_visible(vault, owner, &spot.conversation)?;
        self.open_entry(&spot, Some(&key))?.ok_or(Error::NotThere)
    }

    /// Gives it another title (at most 200 characters are kept).
    pub fn rename(
        &self,
        vault: &Vault,
        owner: &UserId,
        conversation: &ConversationId,
        title: &str,
    ) -> Result<(), Error> {
        let title = title::given(title).ok_or(Error::NoTitle)?;
        let _turn = self.turn();
        let key = self.key_of_visible(vault, owner, conversation)?;
        let head = self.head(owner, conversation, Some(&key))?.ok_or(Error::NotThere)?;
        let title = title::seal(title, &key, owner, conversation);
        Ok(self.kept.put_head(owner, conversation, &Head { title, ..head })?)
    }

    /// Keeps feedback on a message of this person; gives the conversation it stands in.
    pub fn rate(
        &self,
        vault: &Vault,
        owner: &UserId,
        message: &MessageId,
        feedback: Feedback,
    ) -> Result<ConversationId, Error> {
        let _turn = self.turn();
        let spot = self.kept.spot_of(owner, message)?.ok_or(Error::NotThere)?;
        let key = self.key_of_visible(vault, owner, &spot.conversation)?;
        let entry = self.open_entry(&spot, Some(&key))?.ok_or(Error::NotThere)?;
        let entry = Entry { feedback: Some(feedback), ..entry };
        self.kept.replace(owner, &spot.conversation, None, &[(spot, Turn::seal(&entry, &key, &spot))])?;
        Ok(spot.conversation)
    }

    /// Hides a conversation at once; [`History::sweep`] destroys its key when the time to undo has passed.
    pub fn delete(&self, owner: &UserId, conversation: &ConversationId, now: Moment) -> Result<(), Error> {
        let _turn = self.turn();
        if self.kept.is_deleted(owner, conversation)? || !self.kept.is_there(owner, conversation)? {
            return Err(Error::NotThere);
        }
        Ok(self.kept.put_deleted(owner, conversation, now)?)
    }

    /// Hides all of a person's conversations as [`History::delete`] hides one; gives how many. It needs no key, so who has lost
    /// theirs can do it too.
    pub fn delete_all(&self, owner: &UserId, now: Moment) -> Result<usize, Error> {
        let _turn = self.turn();
        let all = self.kept.conversations_of(owner)?;
        all.iter().try_for_each(|conversation| self.kept.put_deleted(owner, conversation, now))?;
        Ok(all.len())
    }

    /// Brings a deleted conversation back, where its key was not destroyed yet.
    pub fn undo(&self, owner: &UserId, conversation: &ConversationId, now: Moment) -> Result<(), Error> {
        let _turn = self.turn();
        match self.kept.deleted_at(owner, conversation) {
            Ok(Some(at)) if !self.is_due(at, now) => Ok(self.kept.remove_deleted(owner, conversation)?),
            Ok(Some(_) | None) | Err(store::Error::Unreadable { .. }) => Err(Error::NotThere),
            Err(error) => Err(error.into()),
        }
    }

    /// Destroys the keys of deleted conversations that cannot be brought back any more; gives which.
    pub fn sweep(&self, vault: &Vault, now: Moment) -> Result<Vec<(UserId, ConversationId)>, Error> {
        self.destroy_where(vault, self.kept.deleted()?, |owner, conversation| {
            match self.kept.deleted_at(owner, conversation) {
                // It was deleted; only when does not read.
                Err(store::Error::Unreadable { .. }) => Ok(true),
                at => Ok(at?.is_some_and(|at| self.is_due(at, now))),
            }
        })
    }

    /// Destroys the keys of conversations that have reached their age; gives which. `days` says after how many days without a
    /// message a conversation of somebody's in an application goes: 0 for never.
    pub fn expire(
        &self,
        vault: &Vault,
        now: Moment,
        days: &dyn Fn(&UserId, &ApplicationId) -> u64,
    ) -> Result<Vec<(UserId, ConversationId)>, Error> {
        self.destroy_where(vault, self.kept.conversations()?, |owner, conversation| {
            let Some(head) = self.head_of(vault, owner, conversation)? else { return Ok(false) };
            let days = i64::try_from(days(owner, &head.application)).unwrap_or(i64::MAX);
            Ok(days > 0 && now.since(head.changed) >= days.saturating_mul(DAY_MS))
        })
    }

    /// Destroys the keys of all conversations of some applications, whoever's they are; gives which. There is no time to undo it.
    pub fn forget_applications(
        &self,
        vault: &Vault,
        is_one: &dyn Fn(&ApplicationId) -> bool,
    ) -> Result<Vec<(UserId, ConversationId)>, Error> {
        self.destroy_where(vault, self.kept.conversations()?, |owner, conversation| {
            Ok(self.head_of(vault, owner, conversation)?.is_some_and(|head| is_one(&head.application)))
        })
    }

    fn destroy_where(
        &self,
        vault: &Vault,
        all: Vec<(UserId, ConversationId)>,
        is_over: impl Fn(&UserId, &ConversationId) -> Result<bool, Error>,
    ) -> Result<Vec<(UserId, ConversationId)>, Error> {
        let mut destroyed = Vec::new();
        for (owner, conversation) in all {
            let _turn = self.turn();
            if is_over(&owner, &conversation)? {
                // The key first: after a crash here the next look removes the records.
                vault.forget(&owner, Forget::Conversation(&conversation))?;
                fail::fail_point!("key destroyed");
                self.kept.destroy(&owner, &conversation)?;
                destroyed.push((owner, conversation));
            }
        }
        Ok(destroyed)
    }

    /// The head of a conversation; its key is asked for only where it is damaged.
    fn head_of(&self, vault: &Vault, owner: &UserId, conversation: &ConversationId) -> Result<Option<Head>, Error> {
        match self.kept.head(owner, conversation) {
            Err(store::Error::Unreadable { .. }) => match vault.existing_key(owner, conversation) {
                // What it is stands in its turns, which its owner alone can open: it waits for them.
                Err(vault::Error::Locked) => Ok(None),
                key => self.head(owner, conversation, key.ok().as_ref()),
            },
            head => Ok(head?),
        }
    }

    /// Destroys all keys of a person who left for good, and removes their conversations. There is no time to undo it.
    pub fn forget(&self, vault: &Vault, owner: &UserId) -> Result<(), Error> {
        let _turn = self.turn();
        // The key first, as in a sweep: what a crash leaves of the records does not open.
        vault.forget(owner, Forget::Everything)?;
        for conversation in self.kept.all_of(owner)? {
            self.kept.destroy(owner, &conversation)?;
        }
        Ok(())
    }

    /// Removes the records of conversations whose keys stand on the list of destroyed ones: after a restore an older backup
    /// still has them. Gives how many.
    pub fn drop_destroyed(&self, vault: &Vault) -> Result<u64, Error> {
        let destroyed: BTreeSet<(UserId, Option<ConversationId>)> = vault.destroyed()?.into_iter().collect();
        let mut dropped = 0;
        for (owner, conversation) in self.kept.conversations()? {
            if destroyed.contains(&(owner, None)) || destroyed.contains(&(owner, Some(conversation))) {
                self.kept.destroy(&owner, &conversation)?;
                dropped += 1;
            }
        }
        Ok(dropped)
    }

    /// A clock set back does not keep what was deleted: before the deletion is past the time to undo, too.
    fn is_due(&self, deleted: Moment, now: Moment) -> bool {
        !(0..self.undo_ms).contains(&now.since(deleted))
    }

    /// The head of a conversation; made again from its turns where it is damaged. `None` where there is no conversation.
    fn head(
        &self,
        owner: &UserId,
        conversation: &ConversationId,
        key: Option<&ConversationKey>,
    ) -> Result<Option<Head>, Error> {
        match self.kept.head(owner, conversation) {
            Err(store::Error::Unreadable { .. }) => {}
            head => return Ok(head?),
        }
        let turns = self.kept.turns(owner, conversation)?;
        let (mut times, mut applications) = (Vec::new(), Vec::new());
        for sequence in 0..turns {
            let spot = Spot { owner: *owner, conversation: *conversation, sequence };
            if let Some(entry) = self.open_entry(&spot, key)? {
                times.push(entry.asked);
                applications.push(entry.application);
            }
        }
        // Where no turn opens either, its age is not known: it counts as old, and so it is not kept for ever.
        let began = times.first().copied().unwrap_or(Moment::from_ms(0));
        let changed = times.last().copied().unwrap_or(Moment::from_ms(0));
        let application = applications.into_iter().next().unwrap_or_default();
        Ok(Some(Head { application, began, changed, turns, title: Vec::new() }))
    }

    /// `None` where the record is missing, damaged or moved.
    fn open_entry(&self, spot: &Spot, key: Option<&ConversationKey>) -> Result<Option<Entry>, Error> {
        let sealed = match self.kept.entry(spot) {
            Err(store::Error::Unreadable { .. }) => return Ok(None),
            sealed => sealed?,
        };
        Ok(sealed.zip(key).and_then(|(sealed, key)| sealed.open(key, &spot.place()).ok()))
    }

    fn key_of_visible(
        &self,
        vault: &Vault,
        owner: &UserId,
        conversation: &ConversationId,
    ) -> Result<ConversationKey, Error> {
        if self.kept.is_deleted(owner, conversation)? || !self.kept.is_there(owner, conversation)? {
            return Err(Error::NotThere);
        }
        match vault.existing_key(owner, conversation) {
            Err(vault::Error::Forgotten) => Err(Error::NotThere),
            key => Ok(key?),
        }
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listed(owner: &UserId, id: ConversationId, head: &Head, key: Option<&ConversationKey>) -> Listed {
    let title = key.and_then(|key| title::open(&head.title, key, owner, &id));
    Listed {
        id,
        application: head.application.clone(),
        title,
        began: head.began,
        changed: head.changed,
        turns: head.turns,
    }
}
