//! Turns what the model writes into claims: each line is aligned to a sentence, and each sentence judged before it is shown.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::align::{align, copies_one, stands_in};
use super::check::{Line, agrees, bare, check, copies_already};
use super::choose::Chosen;
use super::form::Form;
use super::ground::{Shown, words_above};
use super::prompt::{self, NO, Prompts, YES};
use super::sentence::Sentence;
use super::verdict::{Verdict, asks_for_verdict, verdict};
use super::wants::Wants;
use super::words::{content, names, numbers, words};
use super::{Citation, Claim, Phase, Piece, Settings};
use crate::index::Found;
use crate::model::{self, Ending, Generate, Limits, Prompt, Stop};

/// Tokens of one line: more than any sentence we give has.
const LINE_TOKENS_MAX: usize = 96;
/// Sentences that stand in no list, in an answer that wants all: more is reading on.
const PROSE_MAX: usize = 4;
/// How a sentence begins that limits the one before it: told without it, that one would say too much.
const LIMITS: &[&str] = &["however", "but", "except", "unless", "only", "otherwise", "exceptions", "exception"];
/// Lines that support nothing or answer nothing, after which the model is not asked further.
const UNSUPPORTED_MAX: u32 = 2;
/// Sentences that are judged because they share most with the question, where those the model pointed to do not answer.
const RANKED_MAX: usize = 2;
/// Words of a list that are judged: its first lines tell what it is.
const JUDGED_WORDS_MAX: usize = 60;
/// How far the judgement of a sentence moves with the share of the question's words that it and its headings have, in
/// logits: a sentence that lacks what was asked about must be the better answer.
const COVER: f32 = 0.75;
/// The share at which it does not move.
const COVER_EVEN: f32 = 0.7;
/// What it costs a sentence, in logits, that its passage lacks a name or a number of the question: what is said there is
/// most likely said of another. It is no bar, for a question may name what pages take for granted, such as the company.
const LACKS: f32 = 0.8;
/// Letters at the beginning of a name by which a form of it is known ("Norway", "Norwegian" are not told apart).
const NAME_LETTERS_MIN: usize = 4;
/// Sentences after one that announces a list, among which the list begins.
const ANNOUNCED_WITHIN: usize = 3;
/// Other documents that a claim names because they say the same.
const ALSO_MAX: usize = 2;
/// How a sentence begins that leans on the one before it.
const LEANS: &[&str] = &["it", "they", "this", "these", "he", "she", "those", "that", "both"];

/// How writing went.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Outcome {
    /// Lines and sentences that were not shown.
    pub withheld: u32,
    /// Nothing was found to answer, by the model's word or by the judgement of each sentence.
    pub is_none: bool,
}

/// In what words a sentence is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wording {
    /// In its own: the model copied it or a part of it.
    Sentence,
    /// In the model's, which agree with it.
    Line(String),
    /// In its own and in quotation marks: what the model wrote rests on it too loosely to be shown.
    Quotation,
}

impl Wording {
    /// The words, where they are not simply the sentence's.
    fn of(&self, sentence: &str) -> Option<String> {
        match self {
            Wording::Sentence => None,
            Wording::Line(line) => Some(line.clone()),
            // What opens a list is told with the list, and nothing that ends there is quoted.
            Wording::Quotation if sentence.ends_with(':') => None,
            Wording::Quotation => Some(format!("“{sentence}”")),
        }
    }
}

/// Asks the model line by line. As soon as a line is seen to copy its sentence, the model is broken off and the sentence
/// is put in for it: reading a line takes a tenth of the time of writing it.
pub(super) struct Writer<'w> {
    pub question: &'w str,
    pub model: &'w dyn Generate,
    pub prompts: &'w Prompts,
    pub found: &'w [Found],
    pub all: &'w [Sentence],
    pub chosen: &'w Chosen,
    pub stop: &'w Stop,
    pub settings: &'w Settings,
    /// Below this judgement a sentence is no answer.
    pub judge: f32,
    /// The stems of the question's words.
    pub asked: BTreeSet<String>,
    /// What form of answer it wants.
    pub wants: Wants,
    /// Lines that stand already, in the prompt's form.
    pub written: Vec<String>,
}

impl<'w> Writer<'w> {
    /// Shows the one sentence that answers, in the model's words where they are the sentence's, and what limits it.
    pub(super) fn one(&mut self, shown: &mut Shown<'_>) -> Result<Outcome, model::Error> {
        let (mut tried, mut withheld) = (BTreeSet::new(), 0);
        let mut first = None;
        for prompt in [self.prompts.best(), self.prompts.short()] {
            let pointed = self.pointed(&prompt, shown)?;
            if shown.is_broken_off || self.stop.is_set() {
                return Ok(Outcome { withheld, is_none: false });
            }
            let Some((at, wording)) = pointed else {
                withheld += u32::from(first.is_none());
                continue;
            };
            if first.is_some_and(|first| !self.may_stand_beside(first, at, shown)) {
                break;
            }
            let wording = if first.is_some() { Wording::Sentence } else { wording };
            if tried.insert(at) && self.show_if_answer(at, wording, shown)? {
                if first.is_some() || asks_for_verdict(self.question) {
                    return Ok(Outcome::default());
                }
                first = Some(at);
            }
        }
        if first.is_some() {
            return Ok(Outcome::default());
        }
        // What the model points to is not always what it takes for the answer when it sees it alone.
        let list =
            self.chosen.ranked.iter().copied().find(|at| self.wants == Wants::All && !self.list_of(*at).is_empty());
        for at in list.into_iter().chain(self.chosen.ranked.iter().copied().take(RANKED_MAX)) {
            if tried.insert(at) && self.show_if_answer(at, Wording::Sentence, shown)? {
                return Ok(Outcome::default());
            }
        }
        Ok(Outcome { withheld, is_none: withheld == 0 })
    }

    /// Whether a sentence may be shown after the one that answers best: where the same page has the few words that answer in
    /// another sentence, the two are hard to choose between. What other pages say is compared with it, and not told beside it.
    fn may_stand_beside(&self, first: usize, at: usize, shown: &Shown<'_>) -> bool {
        let document = |at: usize| &self.found[self.all[at].from].passage().id.document;
        let is_told = shown.claims.iter().flat_map(Claim::citations).any(|citation| *citation == self.cite(at));
        document(first) == document(at) && !is_told && shown.claims.len() < self.settings.claims_max
    }

    /// Shows a sentence with what must be told with it, where it answers.
    fn show_if_answer(&self, at: usize, wording: Wording, shown: &mut Shown<'_>) -> Result<bool, model::Error> {
        let list = self.unit(at);
        if !list.is_empty() {
            let is_answer = self.is_answer(list[0], &self.statement(&list))?;
            for item in
                list.iter().filter(|_| is_answer).take(self.settings.claims_max.saturating_sub(shown.claims.len()))
            {
                self.show(*item, Wording::Sentence, shown);
            }
            return Ok(is_answer);
        }
        // What is judged is what would be shown: in the model's words the same may be the plainer answer.
        let is_answer = match &wording {
            Wording::Line(line) => self.is_answer(at, line)?,
            Wording::Sentence | Wording::Quotation => self.is_answer(at, &self.statement(&[at]))?,
        };
        if is_answer {
            self.show_whole(at, wording, shown)?;
        }
        Ok(is_answer)
    }

    /// The sentence that one line of the model rests on, and the wording in which it may be shown.
    fn pointed(&self, prompt: &Prompt, shown: &mut Shown<'_>) -> Result<Option<(usize, Wording)>, model::Error> {
        let (texts, above) = (self.texts(), self.above());
        let tokens_max = self.settings.tokens_max.min(LINE_TOKENS_MAX);
        let (line, _) = self.line(prompt, tokens_max, &|line| copies_one(bare(line, texts.len()), &texts).is_some())?;
        if shown.is_broken_off || self.stop.is_set() {
            return Ok(None);
        }
        shown.tell(Piece::Phase(Phase::Checking));
        let line = bare(&line, texts.len());
        let copied = copies_one(line, &texts);
        let Some(number) = copied.or_else(|| align(line, self.question, &texts, &above)) else { return Ok(None) };
        let text = texts[number];
        let is_own = copied.is_none() && agrees(line, text, &above[number]) && words(line) != words(text);
        let wording = if is_own {
            Wording::Line(line.to_owned())
        } else if copied.is_some() || stands_in(&words(line), &words(text)) {
            Wording::Sentence
        } else {
            Wording::Quotation
        };
        Ok(Some((self.chosen.at[number], wording)))
    }

    /// Shows a sentence with what must be told with it; where yes or no was asked for, with that word before it.
    fn show_whole(&self, at: usize, wording: Wording, shown: &mut Shown<'_>) -> Result<(), model::Error> {
        let wording = match self.verdict(at)? {
            Some(verdict) => {
                let text = wording.of(&self.all[at].text).unwrap_or_else(|| self.all[at].text.clone());
                Wording::Line(format!("{} {text}", verdict.word()))
            }
            None => wording,
        };
        self.show(at, wording, shown);
        for with in self.belonging_to(at) {
            if shown.claims.len() < self.settings.claims_max && !shown.is_broken_off {
                self.show(with, Wording::Sentence, shown);
            }
        }
        Ok(())
    }

    /// The word, yes or no, that a sentence gives to the question; `None` where none is asked for or none is clear.
    pub(super) fn verdict(&self, at: usize) -> Result<Option<Verdict>, model::Error> {
        verdict(self.question, &self.all[at].text, &|| {
            self.lean(&prompt::verdict(self.question, &self.heading(at), &self.statement(&[at])))
        })
    }

    /// Whether a statement, which rests on a sentence, answers the question: judged by the model from it alone, and by how
    /// much of the question it and the headings above the sentence speak of.
    pub(super) fn is_answer(&self, at: usize, statement: &str) -> Result<bool, model::Error> {
        if self.stop.is_set() || !Form::of(self.question).may_be_met(statement) {
            return Ok(false);
        }
        let heading = self.heading(at);
        let leaning = self.lean(&prompt::states(self.question, &heading, statement))?;
        let there: BTreeSet<String> = content(statement).into_iter().chain(content(&heading)).collect();
        let shared = self.asked.iter().filter(|word| there.contains(*word)).count();
        let cover = if self.asked.is_empty() { COVER_EVEN } else { shared as f32 / self.asked.len() as f32 };
        let lacks = if self.lacks_named(at) { LACKS } else { 0.0 };
        let logit = (leaning / (1.0 - leaning).max(f32::MIN_POSITIVE)).ln() + COVER * (cover - COVER_EVEN) - lacks;
        Ok(1.0 / (1.0 + (-logit).exp()) >= self.judge)
    }

    /// Whether the passage of a sentence, its title and headings included, lacks a name or a number that the question has.
    pub(super) fn lacks_named(&self, at: usize) -> bool {
        let found = &self.found[self.all[at].from];
        let text = format!("{} {} {}", words_above(found), found.head().space.name, found.passage().text);
        let (known, figures) = (words(&text), numbers(&text));
        let has = |name: &String| {
            let least = name.char_indices().nth(NAME_LETTERS_MIN.max(name.chars().count().saturating_sub(2)));
            let begin = least.map_or(name.as_str(), |(end, _)| &name[..end]);
            known.iter().any(|word| word.starts_with(begin))
        };
        let is_figure = |word: &&String| !numbers(word).is_empty();
        !numbers(self.question).is_subset(&figures)
            || !names(self.question).iter().filter(|word| !is_figure(word)).all(has)
    }

    fn lean(&self, prompt: &Prompt) -> Result<f32, model::Error> {
        self.model.leaning(prompt, YES, NO, self.stop)
    }

    /// The title and headings above a sentence.
    fn heading(&self, at: usize) -> String {
        prompt::heading(&self.found[self.all[at].from], &self.asked)
    }

    /// Sentences as one statement, with what they lean on before them: the sentence that opens their list, or the one that
    /// their first word points back to.
    fn statement(&self, together: &[usize]) -> String {
        let first = together[0];
        let leans = words(&self.all[first].text).first().is_some_and(|word| LEANS.contains(&word.as_str()));
        let before = first.checked_sub(1).filter(|before| leans && self.all[*before].from == self.all[first].from);
        let opens = self.all[first].lead_in.or(before);
        let mut left = JUDGED_WORDS_MAX;
        let mut parts = Vec::new();
        for at in opens.into_iter().chain(together.iter().copied()) {
            let text = self.all[at].text.as_str();
            let cost = text.split_whitespace().count();
            if !parts.is_empty() && cost > left {
                break;
            }
            left = left.saturating_sub(cost);
            parts.push(text);
        }
        parts.join(" ")
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

    /// The list that a sentence is told with or not at all: where all of several are wanted, or where it is what stands
    /// above the list that answers ("it was reviewed" alone is no definition of done); else none.
    fn unit(&self, at: usize) -> Vec<usize> {
        let list = self.list_of(at);
        let is_wanted = self.wants == Wants::All || Form::of(self.question) == Form::Any && !self.speaks_of_it(at);
        if is_wanted && list.len() <= self.settings.claims_max { list } else { Vec::new() }
    }

    /// Whether a sentence itself has a word of the question.
    fn speaks_of_it(&self, at: usize) -> bool {
        content(&self.all[at].text).iter().any(|word| self.asked.contains(word))
    }

    /// The items of the list that a sentence announces by their number: "There are three environments."
    fn announced_by(&self, at: usize) -> Vec<usize> {
        let sentence = &self.all[at];
        let ahead = self.all.iter().skip(at + 1).take(ANNOUNCED_WITHIN);
        let list = ahead.take_while(|next| next.from == sentence.from).find_map(|next| next.list);
        let Some(list) = list.filter(|_| sentence.list.is_none()) else { return Vec::new() };
        let items: Vec<usize> = (0..self.all.len()).filter(|item| self.all[*item].list == Some(list)).collect();
        let is_counted = items.len() > 1 && numbers(&sentence.text).contains(&items.len().to_string());
        if is_counted { items } else { Vec::new() }
    }

    /// Writes until the model is done or a limit is met.
    pub(super) fn all_of_them(&mut self, shown: &mut Shown<'_>) -> Result<Outcome, model::Error> {
        let (texts, above) = (self.texts(), self.above());
        let mut used = BTreeSet::new();
        let mut withheld = 0;
        let (mut has_list, mut prose) = (false, 0);
        let mut tokens_left = self.settings.tokens_max;
        while tokens_left > 0 && shown.claims.len() < self.settings.claims_max {
            let prompt = self.prompts.write(&self.written);
            let limit = tokens_left.min(LINE_TOKENS_MAX);
            let (line, ending) = self.line(&prompt, limit, &|line| copies_already(line, &texts))?;
            if shown.is_broken_off || self.stop.is_set() {
                break;
            }
            // A token is about four bytes; the limit only has to end a model that does not stop by itself.
            tokens_left = tokens_left.saturating_sub(line.len().div_ceil(4).max(1));
            shown.tell(Piece::Phase(Phase::Checking));
            let (numbers, wording) = match check(&line, &texts, &above) {
                Line::None => return Ok(Outcome { withheld, is_none: true }),
                Line::Blank => break,
                Line::Unsupported => {
                    withheld += 1;
                    self.written.push(format!("{}\n", line.trim()));
                    if withheld >= UNSUPPORTED_MAX {
                        break;
                    }
                    continue;
                }
                Line::Rewords(number, text) => (vec![number], Wording::Line(text)),
                Line::Quotes(number) => (vec![number], Wording::Quotation),
                Line::Copies(numbers) => (numbers, Wording::Sentence),
            };
            // A model that comes back to a sentence goes in circles; one that comes to a page which is not about the
            // question, or from a list to what stands around it, is only reading on.
            let fresh: Vec<usize> = numbers.into_iter().filter(|number| !used.contains(number)).collect();
            let is_list = |number: &usize| self.all[self.chosen.at[*number]].list.is_some();
            let is_enough = has_list || prose >= PROSE_MAX;
            let reads_on = |number: &usize| self.strays(*number, shown) || is_enough && !is_list(number);
            if fresh.is_empty() || fresh.iter().any(reads_on) {
                break;
            }
            for number in fresh {
                let mut wanted = self.whole_list(number);
                wanted.extend(self.announced_by(self.chosen.at[number]));
                if !self.is_answer(wanted[0], &self.statement(&wanted))? {
                    // It stands before the model as written, or it would only write it again.
                    withheld += 1;
                    used.insert(number);
                    self.written.push(format!("{}. {}\n", number + 1, texts[number]));
                    continue;
                }
                let is_alone = wanted.len() == 1;
                has_list |= !is_alone;
                prose += usize::from(!is_list(&number));
                for at in wanted {
                    let place = self.chosen.at.iter().position(|chosen| *chosen == at);
                    let is_new = place.is_none_or(|place| used.insert(place));
                    if let Some(place) = place.filter(|_| is_new) {
                        self.written.push(format!("{}. {}\n", place + 1, texts[place]));
                    }
                    if is_new && shown.claims.len() < self.settings.claims_max {
                        // Rows of one table are all told in their own words: a row in the model's would lose its first cell.
                        self.show(at, if is_alone { wording.clone() } else { Wording::Sentence }, shown);
                    }
                }
            }
            if ending == Ending::Done || withheld >= UNSUPPORTED_MAX || shown.is_broken_off || self.stop.is_set() {
                break;
            }
        }
        Ok(Outcome { withheld, is_none: false })
    }

    /// What is shown with a chosen sentence: its whole list, where that is about the question; else the sentence alone.
    fn whole_list(&self, number: usize) -> Vec<usize> {
        let list = self.list_of(self.chosen.at[number]);
        if list.is_empty() { vec![self.chosen.at[number]] } else { list }
    }

    /// The items of the list that a sentence stands in, where what stands above the list is about the question; else none.
    /// Indexes into all sentences.
    fn list_of(&self, at: usize) -> Vec<usize> {
        let sentence = &self.all[at];
        if sentence.list.is_none() {
            return Vec::new();
        }
        let lead_in = sentence.lead_in.map(|at| self.all[at].text.as_str()).unwrap_or_default();
        let above: BTreeSet<String> =
            content(&format!("{} {lead_in}", words_above(&self.found[sentence.from]))).into_iter().collect();
        let shared = self.asked.iter().filter(|word| above.contains(*word)).count();
        let list: Vec<usize> = (0..self.all.len()).filter(|other| self.all[*other].list == sentence.list).collect();
        // Steps need not name what they are for, and then one of them is as good as all: the rest is wanted, too.
        let is_step = self.wants == Wants::All && !self.speaks_of_it(at) && list.len() <= self.settings.claims_max;
        if shared * 2 >= self.asked.len().max(1) || is_step { list } else { Vec::new() }
    }

    /// Whether a sentence stands on another page than the claims so far, one whose title and headings share no word with
    /// the question.
    fn strays(&self, number: usize, shown: &Shown<'_>) -> bool {
        let found = &self.found[self.all[self.chosen.at[number]].from];
        let document = &found.passage().id.document;
        let is_cited =
            shown.claims.iter().flat_map(Claim::citations).any(|citation| citation.passage.document == *document);
        let is_about = content(&words_above(found)).iter().any(|word| self.asked.contains(word));
        !shown.claims.is_empty() && !is_cited && !is_about
    }

    /// The chosen sentences.
    fn texts(&self) -> Vec<&'w str> {
        let all: &'w [Sentence] = self.all;
        self.chosen.at.iter().map(|at| all[*at].text.as_str()).collect()
    }

    /// The words that stand above each of them.
    fn above(&self) -> Vec<String> {
        self.chosen.at.iter().map(|at| words_above(&self.found[self.all[*at].from])).collect()
    }

    /// One line of the model, or as much of it as `is_enough`.
    pub(super) fn line(
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

    /// The bytes of a sentence in its passage.
    pub(super) fn cite(&self, at: usize) -> Citation {
        let sentence = &self.all[at];
        let found = &self.found[sentence.from];
        Citation {
            passage: found.passage().id.clone(),
            class: found.class(),
            quote: sentence.bytes.start as u32..sentence.bytes.end as u32,
        }
    }

    /// Shows one claim in the given wording. The first item of a list is shown with the sentence
    /// that opens the list, so that it can be understood alone. Other pages that say the same are cited, too.
    fn show(&self, at: usize, wording: Wording, shown: &mut Shown<'_>) {
        let sentence = &self.all[at];
        let text = wording.of(&sentence.text);
        let opened_before = shown.claims.iter().any(|claim| {
            sentence.lead_in.is_some_and(|lead_in| claim.citations().any(|citation| *citation == self.cite(lead_in)))
        });
        let lead_in = sentence.lead_in.filter(|_| text.is_none() && !opened_before);
        let (text, more) = match lead_in {
            Some(lead_in) => (format!("{} {}", self.all[lead_in].text, sentence.text), vec![lead_in]),
            None => (text.unwrap_or_else(|| sentence.text.clone()), self.also_said_by(at)),
        };
        let from: Vec<usize> = std::iter::once(at).chain(more.iter().copied()).map(|at| self.all[at].from).collect();
        let more = more.into_iter().map(|at| self.cite(at)).collect();
        shown.claim(self.found, &from, Claim::new(text, self.cite(at), more));
    }

    /// Sentences of other documents that say all that a sentence says, one of each document.
    fn also_said_by(&self, at: usize) -> Vec<usize> {
        let document = |at: usize| &self.found[self.all[at].from].passage().id.document;
        let text = &self.all[at].text;
        let mut documents = BTreeSet::from([document(at)]);
        let mut says_it = |other: &usize| {
            let sentence = &self.all[*other];
            !documents.contains(document(*other))
                && agrees(text, &sentence.text, &words_above(&self.found[sentence.from]))
                && documents.insert(document(*other))
        };
        (0..self.all.len()).filter(|other| says_it(other)).take(ALSO_MAX).collect()
    }
}
