//! What is asked and what is told: the shapes of the deeds, for `web` and the command line.

use std::ops::Range;
use std::sync::Arc;

use super::OutsideState;
use super::protect::Standing;
use crate::answer::{Mode, Phase, Question, Related};
use crate::application::{Application, Tier};
use crate::clock::Moment;
use crate::corpus::{DocumentId, PassageId, Space};
use crate::crawl;
use crate::directory::{Counts, Person, Role};
use crate::history::Feedback;
use crate::index::Scope;
use crate::names::{ConversationId, MessageId, SourceId};

/// What stands in the place of a sentence whose sources may not be read now: the same words whether the page was deleted,
/// moved or restricted, and without a date, so that it tells nothing of what happened.
pub const WITHHELD: &str = "Part of this answer is no longer shown.";

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The question.
    pub question: Question,
    /// The conversation it goes on in; `None` begins one.
    pub conversation: Option<ConversationId>,
    /// The message it follows; `None` for the last one.
    pub parent: Option<MessageId>,
    /// What it is narrowed to.
    pub scope: Scope,
    /// The application; `None` for that of the conversation, else the default one or their first.
    pub application: Option<String>,
    /// Nothing is kept.
    pub temporary: bool,
}

/// What is told while an answer is made.
pub enum Told<'a> {
    /// The ids it will have.
    Started { conversation: ConversationId, message: MessageId },
    /// What is being done.
    Phase(Phase),
    /// From here on the answer is made so: told before the first sentence that is quoted.
    Mode(Mode),
    /// A source, before the first claim that cites it.
    Source(&'a Source),
    /// One checked sentence with the numbers of its sources.
    Claim(&'a ToldClaim),
}

/// One sentence as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldClaim {
    /// The sentence; the fixed line where it is withheld.
    pub text: String,
    /// Numbers of its sources; none where it is withheld.
    pub citations: Vec<u32>,
    /// In a recalled answer: what it cites may not be read now.
    pub is_withheld: bool,
}

/// A document that an answer cites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// From 1, in the order of first citation.
    pub number: u32,
    /// Which.
    pub document: DocumentId,
    /// Its title.
    pub title: String,
    /// Its space.
    pub space: Space,
    /// Where the original is opened.
    pub url: String,
    /// When it was changed last.
    pub updated: Moment,
    /// When its source's permissions were last read whole.
    pub permissions_as_of: Option<Moment>,
    /// The cited passages.
    pub passages: Vec<SourcePassage>,
}

/// A cited passage with the words that support the claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePassage {
    /// Which.
    pub id: PassageId,
    /// Its headings, outermost first.
    pub under: Vec<String>,
    /// Its text.
    pub text: String,
    /// Bytes of `text`, ascending, not overlapping.
    pub quotes: Vec<Range<u32>>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With claims.
    Answered,
    /// With the refusal.
    Refused,
    /// Stopped; what was shown until then.
    Stopped,
}

/// An answer as it is shown, at once or when it is recalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The conversation.
    pub conversation: ConversationId,
    /// This message.
    pub message: MessageId,
    /// How it ended.
    pub outcome: Outcome,
    /// How it was made.
    pub mode: Mode,
    /// The sentences.
    pub claims: Vec<ToldClaim>,
    /// Sentences the checker dropped; never a matter of rights.
    pub withheld: u32,
    /// The fixed words, where it was refused.
    pub refusal: Option<String>,
    /// The documents cited.
    pub sources: Vec<Source>,
    /// Where it was refused: pages that are close, marked as no answer.
    pub related: Vec<Related>,
    /// Questions that could follow.
    pub follow_ups: Vec<String>,
}

/// One turn of a recalled conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It opened; what may not be read now is withheld.
    Read {
        /// The message it follows.
        parent: Option<MessageId>,
        /// When it was asked.
        asked: Moment,
        /// The question.
        question: String,
        /// The answer.
        reply: Box<Reply>,
        /// What its owner thought of it.
        feedback: Option<Feedback>,
    },
    /// The record is damaged.
    Unreadable,
}

/// What the page needs to greet somebody: all of it a function of what they may see.
#[derive(Debug, Clone)]
pub struct Me {
    /// Who.
    pub person: Person,
    /// Their roles.
    pub roles: Vec<Role>,
    /// The application they are in.
    pub application: Arc<Application>,
    /// All that are theirs.
    pub applications: Vec<Arc<Application>>,
    /// What their seat lets them do.
    pub tier: Tier,
    /// The spaces in which they can open something there.
    pub spaces: Vec<Space>,
    /// Questions to begin with: the application's, then such as are made from titles they may read.
    pub examples: Vec<String>,
    /// Days a conversation is kept; 0 until deleted.
    pub retention_days: u64,
    /// How their history stands in this session.
    pub history: Standing,
}

/// One source on the desk.
#[derive(Debug, Clone)]
pub struct SourceState {
    /// Which.
    pub name: SourceId,
    /// Its address.
    pub url: String,
    /// What is known of it.
    pub status: crawl::Status,
    /// The next run; `None` for on demand only.
    pub next: Option<crawl::Next>,
}

/// The administrator's overview: health and counts, no content.
#[derive(Debug, Clone)]
pub struct Overview {
    /// When it was taken.
    pub at: Moment,
    /// The binary's version.
    pub version: &'static str,
    /// The language model's name.
    pub model: String,
    /// Whether vectors are made.
    pub embedder: bool,
    /// Documents and passages in the index.
    pub documents: u64,
    /// Passages.
    pub passages: u64,
    /// Of them still without a vector.
    pub without_vectors: u64,
    /// People and groups.
    pub directory: Counts,
    /// The sources.
    pub sources: Vec<SourceState>,
    /// Leaves in the audit log.
    pub audit_size: u64,
    /// When the last checkpoint was signed.
    pub checkpoint_at: Option<Moment>,
    /// What of the log is held outside this machine.
    pub outside: OutsideState,
    /// When SCIM was last called with a good token.
    pub scim_last: Option<Moment>,
    /// Those who sign in without a provider.
    pub emergency: super::Emergency,
}
