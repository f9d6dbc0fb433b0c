//! Each person's past questions and answers, sealed for them.
//!
//! Uses: `clock`, `names`, `store`, `vault`, `acl`, `audit`, `answer`. Begin at [`History`].

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Question};
use crate::audit::Receipt;
use crate::clock::Moment;
use crate::names::{ConversationId, MessageId, UserId};
use crate::store::{self, Store};
use crate::vault::{self, Vault};

/// How long conversations are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Days after its last message at which a conversation's key is destroyed; 0 keeps it until its owner deletes it.
    pub days: u64,
    /// Seconds in which a deletion can be undone.
    pub undo_s: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { days: 0, undo_s: 10 }
    }
}

/// One turn: a question, its answer, and the sources as they were cited (all sealed).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// This message.
    pub message: MessageId,
    /// The message it follows; `None` for the first.
    pub parent: Option<MessageId>,
    /// When it was asked.
    pub asked: Moment,
    /// The question.
    pub question: Question,
    /// The answer.
    pub answer: Answer,
    /// The owner's feedback.
    pub feedback: Option<Feedback>,
}

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
pub struct History {}

/// What can go wrong with history.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such conversation of this person: never existed, another's, or deleted.
    #[error("there is no such conversation")]
    NotThere,
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
        let _ = store;
        todo!("{settings:?}")
    }

    /// Keeps a turn at the end of its conversation, which is made where it is new (its title is the question, shortened). The receipt proves
    /// that the question is on record. On disk when this returns.
    pub fn keep(
        &self,
        vault: &Vault,
        owner: &UserId,
        conversation: &ConversationId,
        receipt: &Receipt,
        entry: &Entry,
    ) -> Result<(), Error> {
        let _ = (vault, receipt, entry);
        todo!("{owner} {conversation}")
    }

    /// A person's conversations, the last changed first.
    pub fn list(&self, vault: &Vault, owner: &UserId) -> Result<Vec<Listed>, Error> {
        let _ = vault;
        todo!("{owner}")
    }

    /// The turns of a person's conversation, oldest first.
    pub fn read(
        &self,
        vault: &Vault,
        owner: &UserId,
        conversation: &ConversationId,
    ) -> Result<(Listed, Vec<Read>), Error> {
        let _ = vault;
        todo!("{owner} {conversation}")
    }

    /// Gives it another title (at most 200 characters are kept).
    pub fn rename(
        &self,
        vault: &Vault,
        owner: &UserId,
        conversation: &ConversationId,
        title: &str,
    ) -> Result<(), Error> {
        let _ = vault;
        todo!("{owner} {conversation} {title}")
    }

    /// Keeps feedback on a message of this person; gives the conversation it stands in.
    pub fn rate(
        &self,
        vault: &Vault,
        owner: &UserId,
        message: &MessageId,
        feedback: Feedback,
    ) -> Result<ConversationId, Error> {
        let _ = vault;
        todo!("{owner} {message} {feedback:?}")
    }

    /// Hides a conversation at once; [`History::sweep`] destroys its key when the time to undo has passed.
    pub fn delete(&self, owner: &UserId, conversation: &ConversationId, now: Moment) -> Result<(), Error> {
        todo!("{owner} {conversation} {now:?}")
    }

    /// Brings a deleted conversation back, where its key was not destroyed yet.
    pub fn undo(&self, owner: &UserId, conversation: &ConversationId, now: Moment) -> Result<(), Error> {
        todo!("{owner} {conversation} {now:?}")
    }

    /// Destroys the keys of conversations whose time has come; gives which.
    pub fn sweep(&self, vault: &Vault, now: Moment) -> Result<Vec<(UserId, ConversationId)>, Error> {
        let _ = vault;
        todo!("{now:?}")
    }
}
