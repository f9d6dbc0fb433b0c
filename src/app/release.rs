//! Releasing one answer's evidence: its owner lets the question, the answer and the passages out of the house, so that
//! anybody can run it again and hold it against the log.

use super::ask::claims;
use super::evidence::{Evidence, FORM, Inputs, Maker, Output, Released, Shown, commitment};
use super::responses::Ready;
use super::{App, Asker, Error};
use crate::answer::{self, Question};
use crate::audit::{Event, Receipt};
use crate::index::Found;
use crate::model::{self, Generate};
use crate::names::MessageId;
use crate::vault;

/// An answer's evidence while it is made: what the log is given of it before anything is shown.
pub(super) struct Commitments {
    salt: [u8; 32],
    inputs: Inputs,
    pub(super) of_question: [u8; 32],
    pub(super) of_inputs: [u8; 32],
}

/// Why an answer is not released although it is there.
const CHANGED: &str =
    "this answer can no longer be released: a page that it was made of was changed, or you cannot open it now";
const UNKEPT: &str = "this answer was made before evidence was kept; ask again to release one";
const BLOCKED: &str = "this answer cannot be released: a page that it was made of has words that are not shown here";

impl App {
    /// Commits to what an answer is made of.
    pub(super) fn commit(
        &self,
        ready: &Ready,
        asked: &Question,
        alone: &Question,
        found: &[Found],
        model: Option<&dyn Generate>,
    ) -> Commitments {
        let salt = *vault::fresh::<32>();
        let (settings, is_detailed) = self.answer_settings(ready);
        let maker = Maker {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: model.map(|model| model.name().to_owned()),
            model_sha256: model.and_then(Generate::sha256).map(str::to_owned),
            machine: model::machine().to_owned(),
            prompts: hex::encode(answer::prompts_digest()),
            settings,
            is_detailed,
            has_blocked_phrases: !ready.phrases.is_empty(),
        };
        let inputs = Inputs::of(alone, found, maker);
        let of_question = commitment(&salt, asked.as_str().as_bytes());
        let of_inputs = inputs.commitment(&salt);
        Commitments { salt, inputs, of_question, of_inputs }
    }

    /// What its owner may release of an answer of theirs, as long as they may read all of it.
    pub fn release(&self, asker: &Asker, message: &MessageId) -> Result<Released, Error> {
        self.full_seats_only(asker)?;
        let entry = self.history.entry(&self.vault, self.opened(asker)?, message)?;
        let application = self.application_of(asker.user(), Some(entry.application.as_str()))?;
        let (sight, ready) = (self.sight_in(asker, &application)?, self.ready_of(&application));
        let evidence = entry.evidence.and_then(|kept| serde_json::from_value::<Evidence>(kept).ok());
        let evidence = evidence.ok_or_else(|| Error::Unreadable(UNKEPT.to_owned()))?;
        let changed = || Error::Unreadable(CHANGED.to_owned());
        let mut passages = Vec::with_capacity(evidence.shown.len());
        for id in &evidence.shown {
            // What may not be read now leaves neither, nor do words that a page no longer has (assurance §7).
            let found = self.index.reread(&sight.visibility, id)?.filter(|_| sight.trusts(&id.document));
            let found = found.ok_or_else(changed)?;
            let (passage, head) = (found.passage(), found.head());
            if ready.phrases.is_in(&passage.text) || ready.blocks_page(&head.title, &head.url) {
                return Err(Error::Unreadable(BLOCKED.to_owned()));
            }
            passages.push(Shown::of(passage, head));
        }
        for claim in claims(&entry.answer) {
            if !self.admits_claim(&sight, claim)? {
                return Err(changed());
            }
        }
        let inputs = Inputs { question: evidence.alone, passages, maker: evidence.maker };
        let salt = bytes_of(&evidence.salt).ok_or_else(changed)?;
        let inputs_commitment = hex::encode(inputs.commitment(&salt));
        // A title that was changed, a page that moved: what the log committed to is not this.
        if inputs_commitment != evidence.inputs {
            return Err(changed());
        }
        let receipt = self.audit.append(&Event::Released { user: asker.user(), message })?;
        tracing::debug!(leaf = receipt.leaf(), "released");
        Ok(Released {
            form: FORM.to_owned(),
            asked: entry.asked.rfc3339(),
            question_commitment: hex::encode(commitment(&salt, entry.question.as_str().as_bytes())),
            question: entry.question,
            salt: evidence.salt,
            inputs_commitment,
            leaf: evidence.leaf,
            inputs,
            output: Output::of(&entry.answer, entry.mode),
        })
    }
}

impl Commitments {
    /// What is kept of it with the answer: everything but the pages' words, which are read again where it is released.
    pub(super) fn kept(self, receipt: &Receipt) -> serde_json::Value {
        let evidence = Evidence {
            salt: hex::encode(self.salt),
            leaf: hex::encode(receipt.hash()),
            inputs: hex::encode(self.of_inputs),
            alone: self.inputs.question,
            shown: self.inputs.passages.into_iter().map(|passage| passage.id).collect(),
            maker: self.inputs.maker,
        };
        serde_json::to_value(evidence).expect("it is JSON with text keys")
    }
}

/// 32 bytes of 64 hexadecimal digits.
pub(super) fn bytes_of(hexadecimal: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hexadecimal, &mut bytes).ok()?;
    Some(bytes)
}
