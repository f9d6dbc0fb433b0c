//! Says that two pages differ, where another page answers the same question otherwise.
//!
//! A small model cannot tell a contradiction from two facts that stand together: asked of 38 pairs written for this, its
//! leaning put a differing one before an agreeing one seven times in ten. So two sentences of two documents are said to differ
//! where the model judges that the other answers the question, too, and either they say nearly the same but for a number of
//! the same thing, a name, or a denial; or the other has every word of the question, and the model answers from each with few
//! words of its own, those of the one standing nowhere in the other, or one says yes to it and the other no. Who is told that pages differ and sees that they do not trusts no page after
//! that, so what may be a second fact is let pass: of 15 differences found without that bound in 350 questions over pages that
//! do not contradict each other, 14 were none.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::check::bare;
use super::form::Form;
use super::ground::Shown;
use super::prompt::Prompts;
use super::verdict::{Verdict, asks_for_verdict};
use super::words::{content, denies, names, numbers, stem, words};
use super::write::Writer;
use super::{Citation, Claim, Question};
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::index::Found;
use crate::model;

/// How a claim begins that sets two pages beside each other.
pub const DIFFER: &str = "Two pages differ.";

/// The share of the words of the shorter sentence, numbers and names apart, that the other must have.
const ALIKE: f32 = 0.6;
/// The same where one denies what the other does not: that alone must be the difference.
const ALIKE_BUT_FOR_DENIAL: f32 = 0.75;
/// Words that both must have.
const SHARED_MIN: usize = 2;
/// Sentences that are judged for this.
const JUDGED_MAX: usize = 5;
/// Pages that are set beside the one that answers.
const TOLD_MAX: usize = 2;
/// Letters at the beginning of a name by which a form of it is known ("Pennsylvania", "Pennsylvanian").
const NAME_LETTERS_MIN: usize = 4;
/// Tokens of the few words that answer.
const VALUE_TOKENS_MAX: usize = 24;
/// Months: days of different months are days all the same.
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// What a sentence answers.
enum Of {
    /// Yes or no, where it says either.
    Word(Option<Verdict>),
    /// The few words that answer; none where it has none.
    Value(BTreeSet<String>),
}

impl Writer<'_> {
    /// Shows, after the sentence that answers, that other pages say otherwise, where they do.
    pub(super) fn show_difference(&self, shown: &mut Shown<'_>) -> Result<(), model::Error> {
        let first = shown.claims.first().and_then(|claim| claim.citations().next()).cloned();
        let Some(at) = first.as_ref().and_then(|citation| self.at_of(citation)) else { return Ok(()) };
        // An item of a list that was told whole is no answer by itself.
        if self.all[at].list.is_some() && shown.claims.len() > 1 {
            return Ok(());
        }
        let says_all = |other: usize| self.shared_with_question(other) == self.asked.len();
        let others = self.others(at).into_iter().filter_map(|other| {
            let is_clear = differ(self.question, &self.all[at].text, &self.all[other].text);
            (is_clear || says_all(other)).then_some((other, is_clear))
        });
        let mut answers: BTreeMap<usize, Of> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for (other, is_clear) in others.take(JUDGED_MAX) {
            let is_enough = told.len() >= TOLD_MAX || shown.claims.len() >= self.settings.claims_max;
            if is_enough || shown.is_broken_off || self.stop.is_set() {
                break;
            }
            if told.contains(self.document(other)) || !self.is_answer(other, &self.all[other].text)? {
                continue;
            }
            if is_clear || self.answers_otherwise(at, other, &mut answers)? {
                told.insert(self.document(other));
                let text = format!("{DIFFER} {} {}", self.told_by(at), self.told_by(other));
                let claim = Claim::new(text, self.cite(at), vec![self.cite(other)]);
                shown.claim(self.found, &[self.all[other].from], claim);
            }
        }
        Ok(())
    }

    fn document(&self, at: usize) -> &DocumentId {
        &self.found[self.all[at].from].passage().id.document
    }

    /// Whether one sentence answers the question otherwise than another: with the other of yes and no; where neither is asked
    /// for, with few words of which the other has none. `answers` keeps what each answers.
    fn answers_otherwise(
        &self,
        at: usize,
        other: usize,
        answers: &mut BTreeMap<usize, Of>,
    ) -> Result<bool, model::Error> {
        for at in [at, other] {
            if let Entry::Vacant(slot) = answers.entry(at) {
                slot.insert(self.answer_of(at)?);
            }
        }
        let own = |at: usize| -> BTreeSet<String> { content(&self.all[at].text).into_iter().collect() };
        Ok(match (&answers[&at], &answers[&other]) {
            (Of::Word(Some(this)), Of::Word(Some(that))) => this != that,
            (Of::Value(this), Of::Value(that)) => {
                let are_own = this.is_subset(&own(at)) && that.is_subset(&own(other));
                let are_told = !this.is_empty() && !that.is_empty();
                // A sentence that tells what it denies or what was before has both: "in Wake, not in Jackson county".
                are_told && are_own && this.is_disjoint(&own(other)) && this.is_disjoint(that)
            }
            (Of::Word(_) | Of::Value(_), _) => false,
        })
    }

    /// What one sentence alone answers.
    fn answer_of(&self, at: usize) -> Result<Of, model::Error> {
        if asks_for_verdict(self.question) {
            return Ok(Of::Word(self.verdict(at)?));
        }
        // A sentence without a day answers no "when" with another day.
        let text = &self.all[at].text;
        Ok(Of::Value(if Form::of(self.question).is_met(text, self.question) {
            self.value_of(at)?
        } else {
            BTreeSet::new()
        }))
    }

    /// The words beyond the question's with which the model answers from one sentence alone.
    fn value_of(&self, at: usize) -> Result<BTreeSet<String>, model::Error> {
        let Ok(question) = Question::parse(self.question) else { return Ok(BTreeSet::new()) };
        let prompt = Prompts::new(&question, self.found, self.all, &[at]).short();
        let (line, _) = self.line(&prompt, VALUE_TOKENS_MAX, &|_| false)?;
        Ok(content(bare(&line, 1)).into_iter().filter(|word| !self.asked.contains(word)).collect())
    }

    /// Sentences of other documents that speak of the question as much as one does, those first that share most with it.
    fn others(&self, at: usize) -> Vec<usize> {
        let least = self.shared_with_question(at);
        let form = Form::of(self.question);
        let mut others: Vec<(usize, usize)> = (0..self.all.len())
            .filter(|other| {
                self.document(*other) != self.document(at) && words(&self.all[*other].text) != words(&self.all[at].text)
            })
            .filter(|other| form.may_be_met(&self.all[*other].text) && !self.lacks_named(*other))
            .map(|other| (self.shared_with_question(other), other))
            .filter(|(shared, _)| *shared >= least)
            .collect();
        others.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        others.into_iter().map(|(_, at)| at).collect()
    }

    /// How many words of the question a sentence itself has: a heading is above all that stands below it.
    fn shared_with_question(&self, at: usize) -> usize {
        let there: BTreeSet<String> = content(&self.all[at].text).into_iter().collect();
        self.asked.intersection(&there).count()
    }

    /// The sentence that a citation quotes.
    fn at_of(&self, citation: &Citation) -> Option<usize> {
        (0..self.all.len()).find(|at| self.cite(*at) == *citation)
    }

    /// A sentence with its page and the day on which that was last changed, where that is known.
    fn told_by(&self, at: usize) -> String {
        let found: &Found = &self.found[self.all[at].from];
        let title = found.passage().title.split_whitespace().collect::<Vec<_>>().join(" ");
        let changed = Some(found.head().updated_ms).filter(|ms| *ms > 0).map(|ms| Moment::from_ms(ms).rfc3339());
        let day = changed.as_deref().and_then(|text| text.split('T').next());
        let day = day.map(|day| format!(" (changed {day})")).unwrap_or_default();
        format!("“{title}”{day}: {}", self.all[at].text)
    }
}

/// Whether two sentences say the same of what was asked but for a number, a name or a denial.
fn differ(question: &str, one: &str, other: &str) -> bool {
    let alike = alike(one, other);
    if alike < ALIKE || words(one) == words(other) {
        return false;
    }
    let form = Form::of(question);
    let wants_number = form != Form::Any;
    let number = counts(one).iter().any(|(unit, these)| {
        let those = counts(other).into_iter().find(|(known, _)| known == unit).map(|(_, those)| those);
        those.is_some_and(|those| {
            let asked = numbers(question);
            let new = |of: &BTreeSet<String>| of.iter().any(|number| !asked.contains(number));
            these.is_disjoint(&those) && new(these) && new(&those)
        })
    });
    let asked: BTreeSet<String> = words(question).into_iter().collect();
    let named = |text: &str| names(text).into_iter().filter(|name| !asked.contains(name)).collect::<BTreeSet<_>>();
    let (these, those) = (named(one), named(other));
    let is_in = |name: &String, text: &str| words(text).iter().any(|word| is_form_of(name, word));
    let is_only_in = |names: &BTreeSet<String>, text: &str| !names.iter().any(|name| is_in(name, text));
    let is_named = !these.is_empty() && !those.is_empty();
    let name = !wants_number && is_named && is_only_in(&these, other) && is_only_in(&those, one);
    let denial = !wants_number && denies(one) != denies(other) && alike >= ALIKE_BUT_FOR_DENIAL;
    number || name || denial
}

/// Whether two words are forms of one name: one begins like the other, but for two letters at its end.
fn is_form_of(one: &str, other: &str) -> bool {
    let begin = |word: &str| {
        word.chars().take(NAME_LETTERS_MIN.max(word.chars().count().saturating_sub(2))).collect::<String>()
    };
    one == other
        || one.chars().count() >= NAME_LETTERS_MIN && other.starts_with(&begin(one))
        || other.chars().count() >= NAME_LETTERS_MIN && one.starts_with(&begin(other))
}

/// The share of the words of the shorter of two sentences that the other has, numbers and names apart; 0 where they share
/// too few to say.
fn alike(one: &str, other: &str) -> f32 {
    let plain = |text: &str| -> BTreeSet<String> {
        let names: BTreeSet<String> = names(text).iter().map(|name| stem(name)).collect();
        content(text).into_iter().filter(|word| numbers(word).is_empty() && !names.contains(word)).collect()
    };
    let (one, other) = (plain(one), plain(other));
    let shared = one.intersection(&other).count();
    if shared < SHARED_MIN.min(one.len()).max(1) {
        return 0.0;
    }
    shared as f32 / one.len().min(other.len()) as f32
}

/// The numbers of a sentence by what they count: the word after each ("27 days"), `month` for a day of a month, nothing
/// where none follows.
fn counts(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let words = words(text);
    let mut counts: Vec<(String, BTreeSet<String>)> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        for number in numbers(word) {
            let next = words.get(at + 1).filter(|next| numbers(next).is_empty());
            let unit = match next {
                Some(next) if MONTHS.contains(&next.as_str()) => "month".to_owned(),
                Some(next) => content(next).pop().unwrap_or_default(),
                None => String::new(),
            };
            match counts.iter_mut().find(|(known, _)| *known == unit) {
                Some((_, numbers)) => drop(numbers.insert(number)),
                None => counts.push((unit, BTreeSet::from([number]))),
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_number_name_or_denial_in_nearly_the_same_words_differs() {
        for (question, one, other) in [
            (
                "How many days of annual leave do I get?",
                "Every employee has 27 days of annual leave a year.",
                "Employees have 25 days of annual leave.",
            ),
            ("What is the pager number?", "The pager number is 4417.", "The on-call pager number is 4471."),
            (
                "Who leads the project?",
                "Ingrid Halvorsen leads the project.",
                "The project has Clara Benedetti to lead it.",
            ),
            ("When is the release?", "The release goes live on 10 December.", "On 7 January the release goes live."),
            ("Are contractors eligible?", "Contractors are not eligible.", "Contractors are eligible."),
        ] {
            assert!(differ(question, one, other), "{one} / {other}");
        }
    }

    #[test]
    fn two_facts_that_stand_together_do_not_differ() {
        for (question, one, other) in [
            (
                "How many days of annual leave do I get?",
                "Every employee has 27 days of annual leave a year.",
                "You get 27 days of annual leave.",
            ),
            (
                "How many days of annual leave do I get?",
                "Every employee has 27 days of annual leave a year.",
                "Ask for five days or more in the portal by two weeks' notice.",
            ),
            ("When is the release?", "The release goes live on 10 December.", "The freeze begins on 3 December."),
            ("Who leads the project?", "Ingrid Halvorsen leads the project.", "Tomasz Zielinski approves access."),
            (
                "What county is the office in?",
                "Lancaster county is home to many Pennsylvanian offices.",
                "In Pennsylvania many offices are at home in Lancaster county.",
            ),
            ("Are contractors eligible?", "Contractors are not eligible.", "Interns and apprentices take part."),
        ] {
            assert!(!differ(question, one, other), "{one} / {other}");
        }
    }

    #[test]
    fn days_of_two_months_are_days() {
        assert_eq!(
            counts("From 3 May to 7 June, 12 euros"),
            [
                ("month".to_owned(), BTreeSet::from(["3".to_owned(), "7".to_owned()])),
                ("euro".to_owned(), BTreeSet::from(["12".to_owned()])),
            ]
        );
    }
}
