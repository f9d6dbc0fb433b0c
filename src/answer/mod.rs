//! Grounds an answer in found passages, claim by claim, or declines.
//!
//! Passages are taken apart into sentences; the few that could answer are numbered and given to the model; its leaning
//! decides whether anything is answered at all; what it then writes is held line by line against the sentence it names.
//! Where the words differ in a number, a name, a denial or a duty, the sentence's own words are shown instead.
//!
//! Always true here:
//! - A claim has a citation, and the cited bytes stand in a passage that was given to [`ground()`].
//! - Nothing is shown that no sentence supports. The model chooses and phrases; it is never believed.
//! - This room cannot search: it knows what it was given, and nothing else.
//!
//! Uses: `clock`, `corpus`, `acl`, `index`, `model`. Begin at [`ground()`].

mod align;
mod check;
mod choose;
mod differ;
mod form;
mod ground;
mod parts;
mod phrase;
mod prompt;
mod question;
mod quote;
mod refusal;
mod rewrite;
mod sentence;
mod suggest;
#[cfg(test)]
mod tests;
mod topic;
mod verdict;
mod wants;
mod words;
mod write;

pub use differ::DIFFER;
pub use ground::ground;
pub use parts::parts;
pub use phrase::Phrases;
pub use prompt::prompts_digest;
pub use question::{QUESTION_BYTES_MAX, Question};
pub use quote::{Mode, Without, quote};
pub use refusal::{REFUSAL, Tone, refusal};
pub use rewrite::{Standing, rewrite};
pub use suggest::examples;
pub use topic::Subject;

use std::ops::Range;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::acl::AclClass;
use crate::corpus::{DocumentId, PassageId, Space};
use crate::index::Found;

/// How answers are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Passages looked at for one question.
    pub passages: usize,
    /// From this leaning of the model towards "the passages answer it" on, it is for the sentences to answer; 0 to 1.
    #[serde(deserialize_with = "share")]
    pub gate: f32,
    /// Below this leaning the answer is declined; between it and `gate` a sentence must be judged `judge_in_doubt`. 0 to 1.
    #[serde(deserialize_with = "share")]
    pub doubt: f32,
    /// Below this judgement of a sentence, made from it alone, it is not shown as an answer; 0 to 1.
    #[serde(deserialize_with = "share")]
    pub judge: f32,
    /// The same where the leaning is in doubt: what stands beside a sentence, such as a text that does not belong there, moves
    /// the leaning, but not what is thought of the sentence by itself. 0 to 1.
    #[serde(deserialize_with = "share")]
    pub judge_in_doubt: f32,
    /// Tokens an answer may have.
    pub tokens_max: usize,
    /// Claims an answer may have; where a question asks two things, those of each.
    pub claims_max: usize,
    /// Words of the passages that the model reads: it is given the sentences that matter, not whole passages.
    pub words_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            passages: 6,
            gate: 0.5,
            doubt: 0.35,
            judge: 0.575,
            judge_in_doubt: 0.66,
            tokens_max: 200,
            claims_max: 10,
            words_max: 330,
        }
    }
}

impl Settings {
    /// How sure the model must be of a sentence that answers, at its leaning towards there being an answer; `None` where none is
    /// to be looked for.
    fn judge_at(&self, leaning: f32) -> Option<f32> {
        if leaning >= self.gate {
            Some(self.judge)
        } else {
            (leaning >= self.doubt).then(|| self.judge_in_doubt.max(self.judge))
        }
    }
}

/// Reads a share; with one that is none, such as 60 meant as a percentage, every question would be declined.
fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let share = f32::deserialize(from)?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(D::Error::custom("it is a share, 0 to 1")) }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// Claims in order, how many sentences the checker dropped, and follow-ups drawn from visible passages.
    Grounded {
        /// At least one.
        claims: Vec<Claim>,
        /// Sentences the checker dropped.
        withheld: u32,
        /// Questions that the passages found can answer; at most three.
        follow_ups: Vec<String>,
    },
    /// Nothing the asker may read supports an answer. A good outcome, not an error.
    Unanswered {
        /// Why.
        why: Why,
        /// Up to three pages close to the question, marked as no answer.
        related: Vec<Related>,
    },
    /// Stopped by the asker, or because a right was lost: what was shown until then.
    Stopped {
        /// What was shown.
        claims: Vec<Claim>,
        /// Who stopped it.
        by: StoppedBy,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nothing was found.
    NothingFound,
    /// What was found does not answer it.
    NotThere,
    /// What the model wrote was not supported.
    NotSupported,
    /// The question, or all of the answer, has words that the settings block.
    Blocked,
    /// The settings do not let this person ask about this.
    Topic,
}

/// Who stopped an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// The asker.
    Asker,
    /// The asker's rights changed.
    Rights,
}

/// A page close to the question that does not answer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// The document.
    pub document: DocumentId,
    /// Its class, for recall.
    pub class: AclClass,
    /// Its title.
    pub title: String,
    /// Its space.
    pub space: Space,
    /// Where a person opens the original.
    pub url: String,
}

/// A sentence with at least one citation. There is no other kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    text: String,
    first: Citation,
    more: Vec<Citation>,
}

impl Claim {
    /// A claim with its first citation and the others.
    pub fn new(text: String, first: Citation, more: Vec<Citation>) -> Claim {
        Claim { text, first, more }
    }
    /// The sentence.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// Its citations; at least one.
    pub fn citations(&self) -> impl Iterator<Item = &Citation> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

/// What a claim points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The passage.
    pub passage: PassageId,
    /// Its class when it was cited; recall asks the index for the class of today.
    pub class: AclClass,
    /// Bytes of the passage's text that support the claim.
    pub quote: Range<u32>,
}

/// What the asker sees as it happens: a phase, each source before the first claim that cites it, whole claims. Never tokens.
pub enum Piece<'a> {
    /// What is being done.
    Phase(Phase),
    /// A passage that the next claim cites, the first time one does.
    Source(&'a Found),
    /// One whole checked sentence.
    Claim(&'a Claim),
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
