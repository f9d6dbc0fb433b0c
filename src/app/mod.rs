//! The rooms wired together, and the deeds that can be done there.
//!
//! Uses: every lower room. Begin at [`App`].

pub mod eval;

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::acl::PrincipalSet;
use crate::answer::{Phase, Question, Related};
use crate::clock::{Clock, Moment};
use crate::corpus::{DocumentId, PassageId, Space};
use crate::directory::{Person, Role};
use crate::history::{Feedback, Listed};
use crate::index::{Found, Opened, Scope};
use crate::model::{Embed, Generate, Stop};
use crate::names::{ConversationId, Ids, MessageId, ProviderId, SourceId, UserId};
use crate::{application, crawl, scim, session, sso};

/// Nouns of lower rooms, for tests and for `web`, which come in by this door.
pub mod nouns {
    pub use crate::answer::{Phase, QUESTION_BYTES_MAX, Question, REFUSAL};
    pub use crate::clock::{Clock, Moment};
    pub use crate::corpus::DocumentId;
    pub use crate::model::{Scripted, Stop};
    pub use crate::names::{ConversationId, Ids, MessageId, SourceId, UserId};
}

/// The settings of every lower room, composed by `config`.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where our state is kept.
    pub data: std::path::PathBuf,
}

/// The language model and the embedder, opened by `main` or by a test.
pub struct Models {
    /// Writes.
    pub generate: Arc<dyn Generate>,
    /// Makes vectors; `None` searches by words alone.
    pub embed: Option<Arc<dyn Embed>>,
}

/// The appliance.
pub struct App {}

/// A signed-in person at this request: what they answer to was asked of the directory just now.
pub struct Asker {
    user: UserId,
    person: Person,
    principals: PrincipalSet,
    roles: Vec<Role>,
}

impl Asker {
    /// Who.
    pub fn user(&self) -> &UserId {
        &self.user
    }
    /// As the directory has them.
    pub fn person(&self) -> &Person {
        &self.person
    }
    /// What they answer to now.
    pub fn principals(&self) -> &PrincipalSet {
        &self.principals
    }
    /// Whether they have a role now.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
    /// Their roles.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The question.
    pub question: Question,
    /// The conversation it goes on in; `None` begins one.
    pub conversation: Option<ConversationId>,
    /// The message it follows; `None` for the last one.
    pub parent: Option<MessageId>,
    /// Space keys to narrow to.
    pub spaces: Vec<String>,
    /// The application; `None` for the default one.
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
    /// The application.
    pub application: application::Application,
    /// The spaces in which they can open something.
    pub spaces: Vec<Space>,
    /// Questions made from titles they may read.
    pub examples: Vec<String>,
    /// Days a conversation is kept; 0 until deleted.
    pub retention_days: u64,
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
    /// When the next run is due; `None` for on demand only.
    pub next: Option<Moment>,
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
    pub directory: crate::directory::Counts,
    /// The sources.
    pub sources: Vec<SourceState>,
    /// Leaves in the audit log.
    pub audit_size: u64,
    /// When the last checkpoint was signed.
    pub checkpoint_at: Option<Moment>,
    /// When SCIM was last called with a good token.
    pub scim_last: Option<Moment>,
}

/// What can happen to a person. `web::reply` turns each into a status.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no session, or it has ended.
    #[error("you are not signed in")]
    SignedOut,
    /// The role is missing; shown as "not there" where that would tell something.
    #[error("this is not yours to do")]
    NotYours,
    /// It does not exist, or may not be seen: the same words.
    #[error("there is no such thing here")]
    NotThere,
    /// The model has no free turn.
    #[error("too many questions are being answered; try again in a moment")]
    Busy,
    /// What was sent does not fit; what to mend.
    #[error("{0}")]
    Unreadable(String),
    /// A login was refused.
    #[error(transparent)]
    Refused(#[from] sso::Refusal),
    /// The disk is full: nothing acknowledged is lost.
    #[error("the appliance has no room left; nothing that was kept is lost")]
    Full,
    /// Something of ours is broken; someone should look.
    #[error("something went wrong here")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl App {
    /// Opens every room.
    pub fn open(settings: Settings, clock: Clock, ids: Ids, models: Models) -> anyhow::Result<App> {
        let _ = (settings, clock, ids, models.embed.is_some());
        todo!()
    }

    /// Who holds this session token, as the directory has them now.
    pub fn asker(&self, token: &str) -> Result<Asker, Error> {
        todo!("{token}")
    }

    /// Answers a question from what the asker may read, and keeps it in their history.
    pub fn ask(
        &self,
        asker: &Asker,
        ask: &Ask,
        stop: &Stop,
        each: &mut dyn FnMut(Told<'_>) -> ControlFlow<()>,
    ) -> Result<Reply, Error> {
        let _ = (asker, stop, each);
        todo!("{ask:?}")
    }

    /// Finds passages.
    pub fn search(&self, asker: &Asker, query: &Question, scope: &Scope, limit: usize) -> Result<Vec<Found>, Error> {
        let _ = (asker, query, scope);
        todo!("{limit}")
    }

    /// Opens a document: the page as it was indexed, and the visible ones of its ancestors (title and id), root first.
    pub fn document(&self, asker: &Asker, id: &DocumentId) -> Result<(Opened, Vec<(DocumentId, String)>), Error> {
        let _ = asker;
        todo!("{id}")
    }

    /// Greets.
    pub fn me(&self, asker: &Asker) -> Result<Me, Error> {
        let _ = asker;
        todo!()
    }

    /// The asker's conversations, the last changed first.
    pub fn conversations(&self, asker: &Asker) -> Result<Vec<Listed>, Error> {
        let _ = asker;
        todo!()
    }

    /// One of the asker's conversations, checked again against what they may read now.
    pub fn recall(&self, asker: &Asker, conversation: &ConversationId) -> Result<(Listed, Vec<Turn>), Error> {
        let _ = asker;
        todo!("{conversation}")
    }

    /// Gives it another title.
    pub fn rename(&self, asker: &Asker, conversation: &ConversationId, title: &str) -> Result<(), Error> {
        let _ = asker;
        todo!("{conversation} {title}")
    }

    /// Deletes it: hidden at once, its key destroyed when the time to undo has passed.
    pub fn delete(&self, asker: &Asker, conversation: &ConversationId) -> Result<(), Error> {
        let _ = asker;
        todo!("{conversation}")
    }

    /// Deletes all of the asker's conversations; gives how many.
    pub fn delete_all(&self, asker: &Asker) -> Result<usize, Error> {
        let _ = asker;
        todo!()
    }

    /// Brings it back, in time.
    pub fn undo(&self, asker: &Asker, conversation: &ConversationId) -> Result<(), Error> {
        let _ = asker;
        todo!("{conversation}")
    }

    /// Keeps what the asker thinks of an answer.
    pub fn rate(&self, asker: &Asker, message: &MessageId, feedback: Feedback) -> Result<(), Error> {
        let _ = asker;
        todo!("{message} {feedback:?}")
    }

    /// The providers a person can sign in with: id and button text.
    pub fn providers(&self) -> Vec<(ProviderId, String)> {
        todo!()
    }

    /// Begins a sign-in: where to send the browser, and the state its cookie must hold.
    pub fn begin_sign_in(&self, provider: &ProviderId, return_to: &str) -> Result<(url::Url, String), Error> {
        todo!("{provider} {return_to}")
    }

    /// Ends a sign-in: the new session's token and the path to return to. `state_cookie` is what this browser holds;
    /// `old_token` is a session it had before, which ends (session fixation).
    pub fn finish_sign_in(
        &self,
        provider: &ProviderId,
        callback: &sso::oidc::Callback,
        state_cookie: Option<&str>,
        old_token: Option<&str>,
    ) -> Result<(session::Token, String), Error> {
        let _ = (callback, state_cookie, old_token);
        todo!("{provider}")
    }

    /// Ends the session; where the browser should go to end the provider's own, if anywhere.
    pub fn sign_out(&self, token: &str) -> Result<Option<url::Url>, Error> {
        todo!("{token}")
    }

    /// Answers a SCIM request that bears this token; `Error::SignedOut` where the token is not good.
    pub fn provision(&self, bearer: &str, request: &scim::Request<'_>) -> Result<scim::Reply, Error> {
        todo!("{bearer} {request:?}")
    }

    /// The overview; the asker must be an administrator.
    pub fn overview(&self, asker: &Asker) -> Result<Overview, Error> {
        let _ = asker;
        todo!()
    }

    /// The sources; the asker must be an administrator.
    pub fn sources(&self, asker: &Asker) -> Result<Vec<SourceState>, Error> {
        let _ = asker;
        todo!()
    }

    /// Begins a sync in the background; the asker must be an administrator. `Error::Busy` where one is running.
    pub fn refresh(&self, asker: &Asker, source: &SourceId, mode: crawl::Mode) -> Result<(), Error> {
        let _ = asker;
        todo!("{source} {mode:?}")
    }

    /// The overview for the owner of the machine (the control socket, the metrics): no asker, so nothing is put on record.
    pub fn overview_as_owner(&self) -> Result<Overview, Error> {
        todo!()
    }

    /// Begins a sync in the background, asked for by the owner. `Error::NotThere` where there is no such source,
    /// `Error::Busy` where one is running.
    pub fn refresh_as_owner(&self, source: &SourceId, mode: crawl::Mode) -> Result<(), Error> {
        todo!("{source} {mode:?}")
    }

    /// Writes the audit export of `contract.md` §5 for the owner.
    pub fn export_audit(&self, out: &mut dyn std::io::Write) -> Result<crate::audit::Verified, Error> {
        let _ = out;
        todo!()
    }

    /// The key that checkpoints are signed with, as a C2SP verifier key.
    pub fn audit_key(&self) -> String {
        todo!()
    }

    /// Signs the head of the audit log for the owner.
    pub fn audit_checkpoint(&self) -> Result<crate::audit::Checkpoint, Error> {
        todo!()
    }

    /// Ready to answer: model loaded, index open, store writable. The first thing that is not, in words.
    pub fn ready(&self) -> Result<(), String> {
        todo!()
    }

    /// Asks running answers to stop and background work to end; returns when it has.
    pub fn close(&self) {
        todo!()
    }
}
