//! The way from found passages to checked claims.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::align::{align, copies_one};
use super::check::{Line, agrees, bare, check, copies_already};
use super::choose::choose;
use super::prompt::{NO, Prompts, YES};
use super::sentence::{Sentence, sentences};
use super::wants::{Wants, wants};
use super::words::{content, words};
use super::{Answer, Citation, Claim, Phase, Piece, Question, Related, Settings, StoppedBy, Why, suggest};
use crate::index::Found;
use crate::model::{self, Ending, Generate, Limits, Prompt, Stop};

/// Pages named beside a refusal.
const RELATED_MAX: usize = 3;
/// Questions offered after an answer.
const FOLLOW_UPS_MAX: usize = 3;
/// Tokens of one line: more than any sentence we give has.
const LINE_TOKENS_MAX: usize = 96;
/// Sentences that stand in no list, in an answer that wants all: more is reading on.
const PROSE_MAX: usize = 4;
/// How a sentence begins that limits the one before it: told without it, that one would say too much.
const LIMITS: &[&str] = &["however", "but", "except", "unless", "only", "otherwise", "exceptions", "exception"];
/// Lines that support nothing, after which the model is not asked further.
const UNSUPPORTED_MAX: u32 = 2;

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
    if chosen.is_empty() {
        return Ok(Answer::Unanswered { why: Why::NothingFound, related: related(question, found) });
    }

    let prompts = Prompts::new(question, found, &all, &chosen);
    let leaning = model.leaning(&prompts.gate(), YES, NO, stop)?;
    if shown.is_broken_off || stop.is_set() {
        return Ok(shown.stopped());
    }
    if leaning < settings.gate {
        return Ok(Answer::Unanswered { why: Why::NotThere, related: related(question, found) });
    }

    shown.tell(Piece::Phase(Phase::Writing));
    let asked = content(question.as_str()).into_iter().collect();
    let mut writer =
        Writer { model, prompts: &prompts, found, all: &all, chosen: &chosen, stop, asked, written: Vec::new() };
    let (withheld, said_none) = match wants(question.as_str()) {
        Wants::One => (writer.one(question.as_str(), settings, &mut shown)?, false),
        Wants::All => writer.all_of_them(settings, &mut shown)?,
    };
    // Whether there is an answer is for the gate to say: a small model's NONE is often only that it found no list.
    let (withheld, said_none) = if said_none && shown.claims.is_empty() {
        (withheld + writer.one(question.as_str(), settings, &mut shown)?, false)
    } else {
        (withheld, said_none)
    };
    if shown.is_broken_off || stop.is_set() {
        return Ok(shown.stopped());
    }
    if shown.claims.is_empty() {
        let why = if said_none && withheld == 0 { Why::NotThere } else { Why::NotSupported };
        return Ok(Answer::Unanswered { why, related: related(question, found) });
    }
    let follow_ups = suggest::follow_ups(found, &shown.claims, FOLLOW_UPS_MAX);
    Ok(Answer::Grounded { claims: shown.claims, withheld, follow_ups })
}

/// What the asker has been shown so far.
struct Shown<'e> {
    each: &'e mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
    claims: Vec<Claim>,
    /// Found passages that were told as sources, by their place among the found.
    told: BTreeSet<usize>,
    /// The listener broke off: nothing more is told.
    is_broken_off: bool,
}

impl Shown<'_> {
    fn tell(&mut self, piece: Piece<'_>) {
        self.is_broken_off = self.is_broken_off || (self.each)(piece).is_break();
    }

    /// Shows a claim, its source before it. What is kept is what was told: a claim the listener never got is not kept.
    fn claim(&mut self, found: &[Found], from: usize, claim: Claim) {
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

/// Asks the model line by line. As soon as a line is seen to copy its sentence, the model is broken off and the sentence
/// is put in for it: reading a line takes a tenth of the time of writing it.
struct Writer<'w> {
    model: &'w dyn Generate,
    prompts: &'w Prompts,
    found: &'w [Found],
    all: &'w [Sentence],
    chosen: &'w [usize],
    stop: &'w Stop,
    /// The stems of the question's words.
    asked: BTreeSet<String>,
    /// Lines that stand already, in the prompt's form.
    written: Vec<String>,
}

impl<'w> Writer<'w> {
    /// Writes the one sentence that answers, in the model's words where they are the sentence's, and what limits it. Gives how
    /// many lines were withheld.
    fn one(&mut self, question: &str, settings: &Settings, shown: &mut Shown<'_>) -> Result<u32, model::Error> {
        let (texts, above) = (self.texts(), self.above());
        let tokens_max = settings.tokens_max.min(LINE_TOKENS_MAX);
        let mut withheld = 0;
        for prompt in [self.prompts.best(), self.prompts.short()] {
            let (line, _) =
                self.line(&prompt, tokens_max, &|line| copies_one(bare(line, texts.len()), &texts).is_some())?;
            if shown.is_broken_off || self.stop.is_set() {
                break;
            }
            shown.tell(Piece::Phase(Phase::Checking));
            let copied = copies_one(bare(&line, texts.len()), &texts);
            let line = bare(&line, texts.len());
            let Some(number) = copied.or_else(|| align(line, question, &texts, &above)) else {
                withheld += 1;
                continue;
            };
            let is_own = copied.is_none() && agrees(line, texts[number], &above[number]);
            let said = is_own.then(|| line.to_owned()).filter(|line| words(line) != words(texts[number]));
            let at = self.chosen[number];
            self.show(at, said, shown);
            for with in self.belonging_to(at) {
                if shown.claims.len() < settings.claims_max && !shown.is_broken_off {
                    self.show(with, None, shown);
                }
            }
            return Ok(0);
        }
        Ok(withheld)
    }

    /// What must be told with a sentence: the next one where it limits it, and the items of the list that it opens ("You
    /// must have all of the following:"), without which it says nothing.
    fn belonging_to(&self, at: usize) -> impl Iterator<Item = usize> + use<'w> {
        let all: &'w [Sentence] = self.all;
        let next = all.get(at + 1).filter(|next| next.from == all[at].from && next.list.is_none());
        let first = next.and_then(|next| words(&next.text).into_iter().next());
        let limit = first.filter(|word| LIMITS.contains(&word.as_str())).map(|_| at + 1);
        let items = (0..all.len()).filter(move |item| all[*item].lead_in == Some(at) && Some(*item) != limit);
        limit.into_iter().chain(items)
    }

    /// Writes until the model is done or a limit is met. Gives how many lines were withheld, and whether the model said
    /// that nothing answers.
    fn all_of_them(&mut self, settings: &Settings, shown: &mut Shown<'_>) -> Result<(u32, bool), model::Error> {
        let (texts, above) = (self.texts(), self.above());
        let mut used = BTreeSet::new();
        let mut withheld = 0;
        let (mut has_list, mut prose) = (false, 0);
        let mut tokens_left = settings.tokens_max;
        while tokens_left > 0 && shown.claims.len() < settings.claims_max {
            let prompt = self.prompts.write(&self.written);
            let limit = tokens_left.min(LINE_TOKENS_MAX);
            let (line, ending) = self.line(&prompt, limit, &|line| copies_already(line, &texts))?;
            if shown.is_broken_off || self.stop.is_set() {
                break;
            }
            // A token is about four bytes; the limit only has to end a model that does not stop by itself.
            tokens_left = tokens_left.saturating_sub(line.len().div_ceil(4).max(1));
            shown.tell(Piece::Phase(Phase::Checking));
            let (numbers, text) = match check(&line, &texts, &above) {
                Line::None => return Ok((withheld, true)),
                Line::Blank => break,
                Line::Unsupported => {
                    withheld += 1;
                    self.written.push(format!("{}\n", line.trim()));
                    if withheld >= UNSUPPORTED_MAX {
                        break;
                    }
                    continue;
                }
                Line::Rewords(number, text) => (vec![number], Some(text)),
                Line::Copies(numbers) => (numbers, None),
            };
            // A model that comes back to a sentence goes in circles; one that comes to a page which is not about the
            // question, or from a list to what stands around it, is only reading on.
            let fresh: Vec<usize> = numbers.into_iter().filter(|number| !used.contains(number)).collect();
            let is_list = |number: &usize| self.all[self.chosen[*number]].list.is_some();
            let is_enough = has_list || prose >= PROSE_MAX;
            let reads_on = |number: &usize| self.strays(*number, shown) || is_enough && !is_list(number);
            if fresh.is_empty() || fresh.iter().any(reads_on) {
                break;
            }
            for number in fresh {
                let wanted = self.whole_list(number);
                let is_alone = wanted.len() == 1;
                has_list |= !is_alone;
                prose += usize::from(!is_list(&number));
                for at in wanted {
                    let place = self.chosen.iter().position(|chosen| *chosen == at);
                    let is_new = place.is_none_or(|place| used.insert(place));
                    if let Some(place) = place.filter(|_| is_new) {
                        self.written.push(format!("{}. {}\n", place + 1, texts[place]));
                    }
                    if is_new && shown.claims.len() < settings.claims_max {
                        // Rows of one table are all told in their own words: a row in the model's would lose its first cell.
                        self.show(at, text.clone().filter(|_| is_alone), shown);
                    }
                }
            }
            if ending == Ending::Done || shown.is_broken_off {
                break;
            }
        }
        Ok((withheld, false))
    }

    /// The items of the list that a chosen sentence stands in, where the list as a whole is about the question; else the
    /// sentence alone. Indexes into all sentences.
    fn whole_list(&self, number: usize) -> Vec<usize> {
        let at = self.chosen[number];
        let sentence = &self.all[at];
        let lead_in = sentence.lead_in.map(|at| self.all[at].text.as_str()).unwrap_or_default();
        let above: BTreeSet<String> =
            content(&format!("{} {lead_in}", words_above(&self.found[sentence.from]))).into_iter().collect();
        let shared = self.asked.iter().filter(|word| above.contains(*word)).count();
        if sentence.list.is_none() || shared * 2 < self.asked.len().max(1) {
            return vec![at];
        }
        (0..self.all.len()).filter(|other| self.all[*other].list == sentence.list).collect()
    }

    /// Whether a sentence stands on another page than the claims so far, one whose title and headings share no word with
    /// the question.
    fn strays(&self, number: usize, shown: &Shown<'_>) -> bool {
        let found = &self.found[self.all[self.chosen[number]].from];
        let document = &found.passage().id.document;
        let is_cited =
            shown.claims.iter().flat_map(Claim::citations).any(|citation| citation.passage.document == *document);
        let is_about = content(&words_above(found)).iter().any(|word| self.asked.contains(word));
        !shown.claims.is_empty() && !is_cited && !is_about
    }

    /// The chosen sentences.
    fn texts(&self) -> Vec<&'w str> {
        let all: &'w [Sentence] = self.all;
        self.chosen.iter().map(|at| all[*at].text.as_str()).collect()
    }

    /// The words that stand above each of them.
    fn above(&self) -> Vec<String> {
        self.chosen.iter().map(|at| words_above(&self.found[self.all[*at].from])).collect()
    }

    /// One line of the model, or as much of it as `is_enough`.
    fn line(
        &self,
        prompt: &Prompt,
        tokens_max: usize,
        is_enough: &dyn Fn(&str) -> bool,
    ) -> Result<(String, Ending), model::Error> {
        let mut line = String::new();
        let ending = self.model.generate(prompt, Limits { tokens_max }, self.stop, &mut |piece| {
            for c in piece.chars() {
                if c == '\n' && !line.trim().is_empty() {
                    return ControlFlow::Break(());
                }
                line.push(if c == '\n' { ' ' } else { c });
            }
            if is_enough(&line) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok((line, ending))
    }

    /// Shows one claim: in the given words, or in the sentence's own. The first item of a list is shown with the sentence
    /// that opens the list, so that it can be understood alone.
    fn show(&self, at: usize, text: Option<String>, shown: &mut Shown<'_>) {
        let sentence = &self.all[at];
        let found = &self.found[sentence.from];
        let cite = |sentence: &Sentence| Citation {
            passage: found.passage().id.clone(),
            class: found.class(),
            quote: sentence.bytes.start as u32..sentence.bytes.end as u32,
        };
        let opened_before = shown.claims.iter().any(|claim| {
            sentence
                .lead_in
                .is_some_and(|lead_in| claim.citations().any(|citation| *citation == cite(&self.all[lead_in])))
        });
        let lead_in = sentence.lead_in.filter(|_| text.is_none() && !opened_before).map(|at| &self.all[at]);
        let claim = match lead_in {
            Some(lead_in) => {
                Claim::new(format!("{} {}", lead_in.text, sentence.text), cite(sentence), vec![cite(lead_in)])
            }
            None => Claim::new(text.unwrap_or_else(|| sentence.text.clone()), cite(sentence), Vec::new()),
        };
        shown.claim(self.found, sentence.from, claim);
    }
}

/// Title and headings of a passage, as words a line may use.
fn words_above(found: &Found) -> String {
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
