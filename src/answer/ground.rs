//! The way from found passages to checked claims.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::choose::choose;
use super::prompt::{NO, Prompts, YES};
use super::sentence::sentences;
use super::wants::{Wants, wants};
use super::words::content;
use super::write::Writer;
use super::{Answer, Claim, Phase, Piece, Question, Related, Settings, StoppedBy, Why, suggest};
use crate::index::Found;
use crate::model::{self, Generate, Stop};

/// Pages named beside a refusal.
const RELATED_MAX: usize = 3;
/// Questions offered after an answer.
const FOLLOW_UPS_MAX: usize = 3;

/// Grounds an answer in what was found, or declines. `found` is best first. Breaking off in `each`, or setting `stop`,
/// stops it; what was shown until then is kept.
pub fn ground(
    question: &Question,
    found: &[Found],
    model: &dyn Generate,
    settings: &Settings,
    stop: &Stop,
    each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Result<Answer, model::Error> {
    let found = &found[..found.len().min(settings.passages)];
    let mut shown = Shown { each, claims: Vec::new(), told: BTreeSet::new(), is_broken_off: false };
    shown.tell(Piece::Phase(Phase::Reading));
    let all = sentences(found);
    let chosen = choose(question.as_str(), found, &all, settings.words_max);
    if chosen.at.is_empty() {
        return Ok(Answer::Unanswered { why: Why::NothingFound, related: related(question, found) });
    }

    let prompts = Prompts::new(question, found, &all, &chosen.at);
    let leaning = model.leaning(&prompts.gate(), YES, NO, stop)?;
    if shown.is_broken_off || stop.is_set() {
        return Ok(shown.stopped());
    }
    if leaning < settings.gate {
        return Ok(Answer::Unanswered { why: Why::NotThere, related: related(question, found) });
    }

    shown.tell(Piece::Phase(Phase::Writing));
    let mut writer = Writer {
        question: question.as_str(),
        model,
        prompts: &prompts,
        found,
        all: &all,
        chosen: &chosen,
        stop,
        settings,
        asked: content(question.as_str()).into_iter().collect(),
        written: Vec::new(),
    };
    let wants = wants(question.as_str());
    let outcome = match wants {
        Wants::One => writer.one(&mut shown)?,
        Wants::All => writer.all_of_them(&mut shown)?,
    };
    // Whether there is an answer is for the gate to say: a small model's NONE is often only that it found no list, and the
    // lines that it copied first need not be those that answer.
    let is_over = shown.is_broken_off || stop.is_set() || !shown.claims.is_empty();
    let outcome = if wants == Wants::One || is_over { outcome } else { writer.one(&mut shown)? };
    if shown.is_broken_off || stop.is_set() {
        return Ok(shown.stopped());
    }
    let withheld = outcome.withheld;
    if shown.claims.is_empty() {
        let why = if outcome.is_none { Why::NotThere } else { Why::NotSupported };
        return Ok(Answer::Unanswered { why, related: related(question, found) });
    }
    let follow_ups = suggest::follow_ups(found, &shown.claims, FOLLOW_UPS_MAX);
    Ok(Answer::Grounded { claims: shown.claims, withheld, follow_ups })
}

/// What the asker has been shown so far.
pub(super) struct Shown<'e> {
    each: &'e mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    /// In order.
    pub claims: Vec<Claim>,
    /// Found passages that were told as sources, by their place among the found.
    told: BTreeSet<usize>,
    /// The listener broke off: nothing more is told.
    pub is_broken_off: bool,
}

impl Shown<'_> {
    pub(super) fn tell(&mut self, piece: Piece<'_>) {
        self.is_broken_off = self.is_broken_off || (self.each)(piece).is_break();
    }

    /// Shows a claim, its source before it. What is kept is what was told: a claim the listener never got is not kept.
    pub(super) fn claim(&mut self, found: &[Found], from: usize, claim: Claim) {
        if self.told.insert(from) {
            self.tell(Piece::Source(&found[from]));
        }
        if !self.is_broken_off {
            self.tell(Piece::Claim(&claim));
            self.claims.push(claim);
        }
    }

    fn stopped(self) -> Answer {
        Answer::Stopped { claims: self.claims, by: StoppedBy::Asker }
    }
}

/// Title and headings of a passage, as words a line may use.
pub(super) fn words_above(found: &Found) -> String {
    let passage = found.passage();
    format!("{} {}", passage.title, passage.under.join(" "))
}

/// Documents close to the question: those found that share a word with it, best first.
pub(super) fn related(question: &Question, found: &[Found]) -> Vec<Related> {
    let asked: BTreeSet<String> = content(question.as_str()).into_iter().collect();
    let mut related: Vec<Related> = Vec::new();
    for one in found {
        let passage = one.passage();
        let shares = content(&words_above(one)).iter().chain(&content(&passage.text)).any(|word| asked.contains(word));
        let is_new = related.iter().all(|other| other.document != passage.id.document);
        if shares && is_new && related.len() < RELATED_MAX {
            related.push(Related {
                document: passage.id.document.clone(),
                class: one.class(),
                title: passage.title.clone(),
                space: one.head().space.clone(),
                url: one.head().url.clone(),
            });
        }
    }
    related
}
