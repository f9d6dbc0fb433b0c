//! What an answer was made of and what came out, in the form in which both are committed to in the log, and released.

use serde::{Deserialize, Serialize};

use super::ask::claims;
use crate::answer::{Answer, Mode, Question, Settings, Without};
use crate::corpus::{DocumentId, Passage, PassageId, Space};
use crate::index::{Found, Head};
use crate::vault;

/// All that an answer depends on. The same of these gives the same answer, byte for byte, on a machine of the same kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The question; a follow-up as it was completed.
    pub question: Question,
    /// The passages that the answer could be made of, best first.
    pub passages: Vec<Shown>,
    /// What made it.
    pub maker: Maker,
}

/// What made an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maker {
    /// The version of sotto.
    pub version: String,
    /// The language model's name; `None` where none had a part in it.
    pub model: Option<String>,
    /// SHA-256 of its file, hexadecimal; `None` where it has none.
    pub model_sha256: Option<String>,
    /// The level of the processor's arithmetic: on another, last bits may differ.
    pub machine: String,
    /// SHA-256 of the fixed texts of all prompts, hexadecimal.
    pub prompts: String,
    /// How answers were made.
    pub settings: Settings,
    /// Whether sentences beside the answer were added.
    pub is_detailed: bool,
    /// Whether sentences may have been taken out afterwards because of phrases that the settings block.
    pub has_blocked_phrases: bool,
}

/// What is kept of an answer's evidence with the answer, sealed: everything but the pages' words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Evidence {
    /// See [`Released`].
    pub(super) salt: String,
    pub(super) leaf: String,
    /// The commitment to the inputs.
    pub(super) inputs: String,
    /// The question; a follow-up as it was completed.
    pub(super) alone: Question,
    pub(super) shown: Vec<PassageId>,
    pub(super) maker: Maker,
}

/// A passage with what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Its document, revision and place.
    pub id: PassageId,
    /// The document's title.
    pub title: String,
    /// The headings above it.
    pub under: Vec<String>,
    /// Its text.
    pub text: String,
    /// The document's space.
    pub space: Space,
    /// Where the original is opened.
    pub url: String,
    /// When it was changed last, in milliseconds since the Unix epoch.
    pub updated_ms: i64,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// `answered`, `refused` or `stopped`.
    pub outcome: String,
    /// `written` by the model, or `extractive`; where it was, why.
    pub mode: String,
    /// The sentences.
    pub claims: Vec<Said>,
    /// Sentences that the checker dropped.
    pub withheld: u32,
    /// Pages beside a refusal.
    pub related: Vec<DocumentId>,
    /// Questions that could follow.
    pub follow_ups: Vec<String>,
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// Its words.
    pub text: String,
    /// What it cites: the passage, and the bytes of its text.
    pub citations: Vec<(PassageId, [u32; 2])>,
}

/// A released answer, as the file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// [`FORM`].
    pub form: String,
    /// When it was asked, RFC 3339.
    pub asked: String,
    /// The question as it was asked.
    pub question: Question,
    /// 32 random bytes, hexadecimal: they open the commitments below, and nothing else.
    pub salt: String,
    /// SHA-256(salt ‖ question), hexadecimal, as the leaf has it under `question`.
    pub question_commitment: String,
    /// SHA-256(salt ‖ canonical JSON of `inputs`), as the leaf has it under `inputs`.
    pub inputs_commitment: String,
    /// The leaf's hash (RFC 6962), hexadecimal.
    pub leaf: String,
    /// What the answer was made of.
    pub inputs: Inputs,
    /// What came out.
    pub output: Output,
}

/// The form of the file.
pub const FORM: &str = "sotto evidence 1";

impl Inputs {
    pub(super) fn of(question: &Question, found: &[Found], maker: Maker) -> Inputs {
        let passages = found.iter().map(|found| Shown::of(found.passage(), found.head())).collect();
        Inputs { question: question.clone(), passages, maker }
    }

    /// The commitment of the log to these.
    pub fn commitment(&self, salt: &[u8; 32]) -> [u8; 32] {
        commitment(salt, &canonical(self))
    }
}

impl Shown {
    pub(super) fn of(passage: &Passage, head: &Head) -> Shown {
        Shown {
            id: passage.id.clone(),
            title: passage.title.clone(),
            under: passage.under.clone(),
            text: passage.text.clone(),
            space: head.space.clone(),
            url: head.url.clone(),
            updated_ms: head.updated_ms,
        }
    }
}

impl Output {
    pub(super) fn of(answer: &Answer, mode: Mode) -> Output {
        let said = |claim: &crate::answer::Claim| Said {
            text: claim.text().to_owned(),
            citations: claim
                .citations()
                .map(|citation| (citation.passage.clone(), [citation.quote.start, citation.quote.end]))
                .collect(),
        };
        let (outcome, withheld, related, follow_ups) = match answer {
            Answer::Grounded { withheld, follow_ups, .. } => ("answered", *withheld, Vec::new(), follow_ups.clone()),
            Answer::Unanswered { related, .. } => {
                ("refused", 0, related.iter().map(|page| page.document.clone()).collect(), Vec::new())
            }
            Answer::Stopped { .. } => ("stopped", 0, Vec::new(), Vec::new()),
        };
        Output {
            outcome: outcome.to_owned(),
            mode: mode_word(mode).to_owned(),
            claims: claims(answer).iter().map(said).collect(),
            withheld,
            related,
            follow_ups,
        }
    }
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Written => "written",
        Mode::Quoted(Without::Busy) => "extractive busy",
        Mode::Quoted(Without::Failed) => "extractive failed",
        Mode::Quoted(Without::Missing) => "extractive missing",
    }
}

/// The mode of a word that [`Output`] has.
pub(super) fn mode_of(word: &str) -> Option<Mode> {
    let modes =
        [Mode::Written, Mode::Quoted(Without::Busy), Mode::Quoted(Without::Failed), Mode::Quoted(Without::Missing)];
    modes.into_iter().find(|mode| mode_word(*mode) == word)
}

/// SHA-256(salt ‖ value).
pub fn commitment(salt: &[u8; 32], value: &[u8]) -> [u8; 32] {
    vault::sha256(&[salt, value].concat())
}

/// RFC 8785, of the value as it stands in a file: numbers are what whoever reads the file reads.
pub(super) fn canonical(value: &impl Serialize) -> Vec<u8> {
    let value = serde_json::to_value(value).expect("it is JSON with text keys");
    serde_json_canonicalizer::to_vec(&value).expect("it is JSON with text keys and numbers below 2^53")
}
