//! The way from found passages to checked claims.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::choose::choose;
use super::parts::parts;
use super::prompt::{NO, Prompts, YES};
use super::sentence::{Sentence, sentences};
use super::wants::{Wants, wants};
use super::words::content;
use super::write::{Outcome, Writer};
use super::{Answer, Citation, Claim, Phase, Piece, Question, Related, Settings, StoppedBy, Why, suggest};
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
    let parts = parts(question);
    let found = &found[..found.len().min(settings.passages * (1 + parts.len()))];
    let mut shown = Shown { each, claims: Vec::new(), told: BTreeSet::new(), is_broken_off: false };
    shown.tell(Piece::Phase(Phase::Reading));
    let all = sentences(found);
    let grounds = Grounds { found, all: &all, model, settings, stop };
    if !parts.is_empty() {
        grounds.each_of(&parts, &mut shown)?;
    }
    // Two things of which one is told nowhere may still be told together.
    let ended = if shown.claims.is_empty() { grounds.one(question, &mut shown)? } else { Outcome::default().into() };
    if shown.is_broken_off || stop.is_set() {
        return Ok(shown.stopped());
    }
    Ok(match ended {
        Ended::Declined(why) => Answer::Unanswered { why, related: related(question, found) },
        Ended::Written(withheld) => {
            let follow_ups = suggest::follow_ups(found, &shown.claims, FOLLOW_UPS_MAX);
            Answer::Grounded { claims: shown.claims, withheld, follow_ups }
        }
    })
}

/// What an answer is made of, and by what.
struct Grounds<'g> {
    found: &'g [Found],
    all: &'g [Sentence],
    model: &'g dyn Generate,
    settings: &'g Settings,
    stop: &'g Stop,
}

/// How a question ended that was not stopped.
enum Ended {
    /// With claims, and so many lines that were not shown.
    Written(u32),
    /// Without.
    Declined(Why),
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Ended {
        Ended::Written(outcome.withheld)
    }
}

impl Grounds<'_> {
    /// Shows what answers each of two questions, or nothing where one of them has no answer: half of a comparison is none.
    fn each_of(&self, parts: &[Question], shown: &mut Shown<'_>) -> Result<(), model::Error> {
        let mut together: Vec<Claim> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let others = parts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
            let found = own_of(part, others, self.found);
            let grounds = Grounds { found: &found, all: &sentences(&found), ..*self };
            let mut hush = |_: Piece<'_>| ControlFlow::Continue(());
            let mut apart = Shown { each: &mut hush, claims: Vec::new(), told: BTreeSet::new(), is_broken_off: false };
            grounds.one(part, &mut apart)?;
            if apart.claims.is_empty() || self.stop.is_set() {
                return Ok(());
            }
            let fresh: Vec<Claim> = apart.claims.into_iter().filter(|claim| !together.contains(claim)).collect();
            together.extend(fresh);
        }
        for claim in together {
            let place = |citation: &Citation| self.found.iter().position(|one| one.passage().id == citation.passage);
            let from: Vec<usize> = claim.citations().filter_map(place).collect();
            if !shown.is_broken_off {
                shown.claim(self.found, &from, claim);
            }
        }
        Ok(())
    }

    /// Shows what answers one question.
    fn one(&self, question: &Question, shown: &mut Shown<'_>) -> Result<Ended, model::Error> {
        let chosen = choose(question.as_str(), self.found, self.all, self.settings.words_max);
        if chosen.at.is_empty() {
            return Ok(Ended::Declined(Why::NothingFound));
        }
        let prompts = Prompts::new(question, self.found, self.all, &chosen.at);
        let leaning = self.model.leaning(&prompts.gate(), YES, NO, self.stop)?;
        let Some(judge) = self.settings.judge_at(leaning) else { return Ok(Ended::Declined(Why::NotThere)) };
        if shown.is_broken_off || self.stop.is_set() {
            return Ok(Ended::Declined(Why::NotThere));
        }

        shown.tell(Piece::Phase(Phase::Writing));
        let wants = wants(question.as_str());
        let mut writer = Writer {
            question: question.as_str(),
            model: self.model,
            prompts: &prompts,
            found: self.found,
            all: self.all,
            chosen: &chosen,
            stop: self.stop,
            settings: self.settings,
            judge,
            asked: content(question.as_str()).into_iter().collect(),
            wants,
            written: Vec::new(),
        };
        let outcome = match wants {
            Wants::One => writer.one(shown)?,
            Wants::All => writer.all_of_them(shown)?,
        };
        // Whether there is an answer is for the gate to say: a small model's NONE is often only that it found no list, and
        // the lines that it copied first need not be those that answer.
        let is_over = shown.is_broken_off || self.stop.is_set() || !shown.claims.is_empty();
        let outcome = if wants == Wants::One || is_over { outcome } else { writer.one(shown)? };
        if !self.stop.is_set() {
            writer.show_difference(shown)?;
        }
        Ok(match shown.claims.is_empty() {
            true if outcome.is_none => Ended::Declined(Why::NotThere),
            true => Ended::Declined(Why::NotSupported),
            false => outcome.into(),
        })
    }
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

    /// Shows a claim, its sources (places among the found) before it. What is kept is what was told: a claim the listener never got is not kept.
    pub(super) fn claim(&mut self, found: &[Found], from: &[usize], claim: Claim) {
        for from in from {
            if self.told.insert(*from) {
                self.tell(Piece::Source(&found[*from]));
            }
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

/// The passages of one of several questions: those that have most of the words which it alone has. "Parental leave" is not
/// told of on a page about annual leave.
fn own_of<'q>(part: &Question, others: impl Iterator<Item = &'q Question>, found: &[Found]) -> Vec<Found> {
    let theirs: BTreeSet<String> = others.flat_map(|other| content(other.as_str())).collect();
    let own: BTreeSet<String> = content(part.as_str()).into_iter().filter(|word| !theirs.contains(word)).collect();
    let has: Vec<usize> = found
        .iter()
        .map(|one| {
            let there: BTreeSet<String> =
                content(&words_above(one)).into_iter().chain(content(&one.passage().text)).collect();
            own.intersection(&there).count()
        })
        .collect();
    let most = has.iter().copied().max().unwrap_or_default();
    found.iter().zip(has).filter(|(_, has)| *has == most).map(|(one, _)| one.clone()).collect()
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
