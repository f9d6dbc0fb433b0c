//! Questions and answers on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FieldFilter, Space, utf16};
use crate::answer;
use crate::app;

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// 1 to 4096 bytes of UTF-8.
    pub question: String,
    /// The conversation it goes on in; absent to begin one.
    #[serde(default)]
    pub conversation_id: Option<String>,
    /// The message it follows; absent for the last one.
    #[serde(default)]
    pub parent_message_id: Option<String>,
    /// Space keys to narrow to.
    #[serde(default)]
    pub spaces: Option<Vec<String>>,
    /// Labels to narrow to; any of them.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// Display names of who changed a page last, or made it, as the source's settings keep them, to narrow to.
    #[serde(default)]
    pub authors: Option<Vec<String>>,
    /// Kinds to narrow to: `page`, `blogpost`, `comment`, `attachment`.
    #[serde(default)]
    pub kinds: Option<Vec<String>>,
    /// RFC 3339: only pages changed at or after.
    #[serde(default)]
    pub updated_after: Option<String>,
    /// RFC 3339: only pages changed before.
    #[serde(default)]
    pub updated_before: Option<String>,
    /// RFC 3339: only pages made at or after.
    #[serde(default)]
    pub created_after: Option<String>,
    /// RFC 3339: only pages made before.
    #[serde(default)]
    pub created_before: Option<String>,
    /// Documents, `SOURCE:ID`: only what hangs on one of these, or stands directly below it.
    #[serde(default)]
    pub parents: Option<Vec<String>>,
    /// Fields by the names that the sources' settings give them, to narrow to.
    #[serde(default)]
    pub fields: Option<BTreeMap<String, FieldFilter>>,
    /// The application; absent for that of the conversation, else the default one or the asker's first.
    #[serde(default)]
    pub application: Option<String>,
    /// Nothing is kept.
    #[serde(default)]
    pub temporary: bool,
}

/// Event `started`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Started {
    /// The conversation.
    pub conversation_id: String,
    /// The message that is being answered.
    pub message_id: String,
}

/// Event `progress`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
}

/// What is being done.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Finding passages.
    Searching,
    /// Reading them.
    Reading,
    /// Writing sentences.
    Writing,
    /// Checking them.
    Checking,
}

/// Event `claim`: one whole checked sentence.
#[derive(Debug, Serialize, ToSchema)]
pub struct Claim {
    /// The sentence; a fixed line where it is withheld.
    pub text: String,
    /// Numbers of its sources.
    pub citations: Vec<u32>,
    /// In a recalled answer: what it cites may not be read now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

/// Event `source`: a document that an answer cites.
#[derive(Debug, Serialize, ToSchema)]
pub struct Source {
    /// From 1, in the order of first citation.
    pub number: u32,
    /// `SOURCE:ID`.
    pub document_id: String,
    /// Its title.
    pub title: String,
    /// Its space.
    pub space: Space,
    /// Where the original is opened.
    pub url: String,
    /// RFC 3339.
    pub updated_at: String,
    /// When the source's permissions were last read whole, RFC 3339.
    pub permissions_as_of: Option<String>,
    /// The cited passages.
    pub passages: Vec<SourcePassage>,
}

/// A cited passage.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourcePassage {
    /// `SOURCE:ID@REVISION#PLACE`.
    pub passage_id: String,
    /// The headings above it, outermost first.
    pub under: Vec<String>,
    /// Its text.
    pub text: String,
    /// `[start, end]` in UTF-16 code units of `text`.
    pub quotes: Vec<Vec<u32>>,
}

/// A page close to the question that does not answer it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Related {
    /// `SOURCE:ID`.
    pub document_id: String,
    /// Its title.
    pub title: String,
    /// Its space.
    pub space: Space,
    /// Where the original is opened.
    pub url: String,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With claims.
    Answered,
    /// With the refusal.
    Refused,
    /// Stopped; what was shown until then.
    Stopped,
}

/// Event `mode`, told before the first sentence that is quoted, and part of the answer: how it was made.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Made {
    /// By the language model, or of sentences quoted without it.
    pub mode: Mode,
    /// Why without it; absent where the model wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Because>,
}

/// How an answer was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The language model chose its sentences.
    Written,
    /// It consists of the sentences that match the question best, as they stand in their pages.
    Extractive,
}

/// Why an answer was made without the language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It was busy with others.
    Busy,
    /// There is none.
    Missing,
    /// It failed, or stopped in the middle.
    Failed,
}

impl From<answer::Mode> for Made {
    fn from(mode: answer::Mode) -> Made {
        match mode {
            answer::Mode::Written => Made { mode: Mode::Written, because: None },
            answer::Mode::Quoted(without) => {
                let because = match without {
                    answer::Without::Busy => Because::Busy,
                    answer::Without::Missing => Because::Missing,
                    answer::Without::Failed => Because::Failed,
                };
                Made { mode: Mode::Extractive, because: Some(because) }
            }
        }
    }
}

/// Event `answer`, and the whole reply to `Accept: application/json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Answer {
    /// The conversation.
    pub conversation_id: String,
    /// This message.
    pub message_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How it was made.
    #[serde(flatten)]
    pub made: Made,
    /// The sentences.
    pub claims: Vec<Claim>,
    /// Sentences the checker dropped; never a matter of rights.
    pub withheld: u32,
    /// The fixed words of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The documents cited.
    pub sources: Vec<Source>,
    /// Where it was refused: pages that are close, and no answer.
    pub related: Vec<Related>,
    /// Questions that could follow.
    pub follow_ups: Vec<String>,
}

impl From<answer::Phase> for Phase {
    fn from(phase: answer::Phase) -> Phase {
        match phase {
            answer::Phase::Searching => Phase::Searching,
            answer::Phase::Reading => Phase::Reading,
            answer::Phase::Writing => Phase::Writing,
            answer::Phase::Checking => Phase::Checking,
        }
    }
}

impl From<&app::ToldClaim> for Claim {
    fn from(claim: &app::ToldClaim) -> Claim {
        Claim { text: claim.text.clone(), citations: claim.citations.clone(), withheld: claim.is_withheld }
    }
}

impl From<&app::Source> for Source {
    fn from(source: &app::Source) -> Source {
        Source {
            number: source.number,
            document_id: source.document.to_string(),
            title: source.title.clone(),
            space: Space::from(&source.space),
            url: source.url.clone(),
            updated_at: source.updated.rfc3339(),
            permissions_as_of: source.permissions_as_of.map(|at| at.rfc3339()),
            passages: source.passages.iter().map(SourcePassage::from).collect(),
        }
    }
}

impl From<&app::SourcePassage> for SourcePassage {
    fn from(passage: &app::SourcePassage) -> SourcePassage {
        SourcePassage {
            passage_id: passage.id.to_string(),
            under: passage.under.clone(),
            text: passage.text.clone(),
            quotes: utf16(&passage.text, &passage.quotes),
        }
    }
}

impl From<&answer::Related> for Related {
    fn from(related: &answer::Related) -> Related {
        Related {
            document_id: related.document.to_string(),
            title: related.title.clone(),
            space: Space::from(&related.space),
            url: related.url.clone(),
        }
    }
}

impl From<app::Outcome> for Outcome {
    fn from(outcome: app::Outcome) -> Outcome {
        match outcome {
            app::Outcome::Answered => Outcome::Answered,
            app::Outcome::Refused => Outcome::Refused,
            app::Outcome::Stopped => Outcome::Stopped,
        }
    }
}

impl From<&app::Reply> for Answer {
    fn from(reply: &app::Reply) -> Answer {
        Answer {
            conversation_id: reply.conversation.to_string(),
            message_id: reply.message.to_string(),
            outcome: reply.outcome.into(),
            made: reply.mode.into(),
            claims: reply.claims.iter().map(Claim::from).collect(),
            withheld: reply.withheld,
            refusal: reply.refusal.clone(),
            sources: reply.sources.iter().map(Source::from).collect(),
            related: reply.related.iter().map(Related::from).collect(),
            follow_ups: reply.follow_ups.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Moment;
    use crate::corpus::{self, DocumentId, PassageId};
    use crate::names::{ConversationId, MessageId};

    fn source() -> app::Source {
        let document = DocumentId::new("wiki", "101").unwrap();
        let passage = PassageId { document: document.clone(), revision: 3, place: 0 };
        app::Source {
            number: 1,
            document,
            title: "Bikes".to_owned(),
            space: corpus::Space { key: "HR".to_owned(), name: "People".to_owned() },
            url: "https://wiki/101".to_owned(),
            updated: Moment::from_ms(0),
            permissions_as_of: None,
            passages: vec![app::SourcePassage {
                id: passage,
                under: Vec::new(),
                text: "🚲 Hall 7.".to_owned(),
                quotes: std::iter::once(5..12).collect(),
            }],
        }
    }

    #[test]
    fn an_answer_has_the_shape_of_the_contract() {
        let reply = app::Reply {
            conversation: ConversationId::from_bytes([1; 16]),
            message: MessageId::from_bytes([2; 16]),
            outcome: app::Outcome::Answered,
            mode: answer::Mode::Written,
            claims: vec![app::ToldClaim { text: "In hall 7.".to_owned(), citations: vec![1], is_withheld: false }],
            withheld: 2,
            refusal: None,
            sources: vec![source()],
            related: Vec::new(),
            follow_ups: vec!["Where is hall 7?".to_owned()],
        };

        let sent = serde_json::to_value(Answer::from(&reply)).unwrap();

        let passage = json!({ "passage_id": "wiki:101@3#0", "under": [], "text": "🚲 Hall 7.", "quotes": [[3, 10]] });
        let source = json!({
            "number": 1, "document_id": "wiki:101", "title": "Bikes", "space": { "key": "HR", "name": "People" },
            "url": "https://wiki/101", "updated_at": "1970-01-01T00:00:00.000Z", "permissions_as_of": null,
            "passages": [passage],
        });
        let wanted = json!({
            "conversation_id": "01".repeat(16), "message_id": "02".repeat(16), "outcome": "answered", "mode": "written",
            "claims": [{ "text": "In hall 7.", "citations": [1] }], "withheld": 2, "sources": [source],
            "related": [], "follow_ups": ["Where is hall 7?"],
        });
        assert_eq!(sent, wanted);
    }

    #[test]
    fn a_sentence_that_may_not_be_read_now_says_so() {
        let told = app::ToldClaim { text: "No longer shown.".to_owned(), citations: Vec::new(), is_withheld: true };

        let sent = serde_json::to_value(Claim::from(&told)).unwrap();

        assert_eq!(sent, json!({ "text": "No longer shown.", "citations": [], "withheld": true }));
    }
}
