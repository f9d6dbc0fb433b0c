//! Answers without a language model: the sentences that match a question best, as they stand, or the refusal.
//!
//! Words are counted and nothing is understood, so the rule for declining is strict and fixed: a sentence is quoted only
//! where half or more of the question's words stand in it or above it (title, headings, the line that opens its list), one of
//! them in the sentence itself, and where a question for a number or a time finds one. What is quoted so is true to the page
//! whether or not it is what was meant, and it is marked as quoted.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::form::Form;
use super::ground::related;
use super::sentence::{Sentence, sentences};
use super::wants::{Wants, wants};
use super::words::content;
use super::{Answer, Citation, Claim, Phase, Piece, Question, Settings, StoppedBy, Why, suggest};
use crate::index::Found;
use crate::model::Stop;

/// How an answer was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The language model chose its sentences, and phrased them where that held.
    #[default]
    Written,
    /// Its sentences were chosen by their words, and stand as in their pages.
    Quoted(Without),
}

/// Why an answer was made without the language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Without {
    /// It was busy with others.
    Busy,
    /// There is none.
    Missing,
    /// It failed, or stopped in the middle.
    Failed,
}

/// Sentences quoted at most; a list that is wanted whole may have as many items as an answer has claims.
const QUOTES_MAX: usize = 3;
/// A longer sentence, in bytes, is none: a table in one cell, a file pasted into a page. Nobody would read it as an answer.
const QUOTE_BYTES_MAX: usize = 1200;
/// The share of the question's words that a sentence must have with what stands above it: more is there than is not.
const COVERS: f32 = 0.5;
/// What a word above the sentence counts beside one in it.
const ABOVE: f32 = 0.6;
/// What being in the passage that was found first counts; the passages after it have a half, a third, … of it.
const RANK: f32 = 0.15;

/// Answers with the sentences of what was found that match the question best, or declines. `found` is best first; `shown`
/// are claims that stand already, from a model that failed after them: they are kept and not said again.
pub fn quote(
    question: &Question,
    found: &[Found],
    settings: &Settings,
    shown: &[Claim],
    stop: &Stop,
    each: &mut dyn FnMut(Piece<'_>) -> ControlFlow<()>,
) -> Answer {
    let found = &found[..found.len().min(settings.passages)];
    let mut claims = shown.to_vec();
    if stop.is_set() || each(Piece::Phase(Phase::Reading)).is_break() {
        return Answer::Stopped { claims, by: StoppedBy::Asker };
    }
    let all = sentences(found);
    for at in chosen(question.as_str(), found, &all, settings.claims_max) {
        let quote = claim(found, &all, at, &claims);
        let is_said =
            claims.iter().flat_map(Claim::citations).any(|citation| Some(citation) == quote.citations().next());
        if is_said || claims.len() >= settings.claims_max {
            continue;
        }
        if stop.is_set()
            || each(Piece::Source(&found[all[at].from])).is_break()
            || each(Piece::Claim(&quote)).is_break()
        {
            return Answer::Stopped { claims, by: StoppedBy::Asker };
        }
        claims.push(quote);
    }
    if claims.is_empty() {
        let why = if all.is_empty() { Why::NothingFound } else { Why::NotThere };
        return Answer::Unanswered { why, related: related(question, found) };
    }
    let follow_ups = suggest::follow_ups(found, &claims, QUOTES_MAX);
    Answer::Grounded { claims, withheld: 0, follow_ups }
}

/// The sentences to quote, best first, as indexes; none where none matches well enough.
fn chosen(question: &str, found: &[Found], all: &[Sentence], items_max: usize) -> Vec<usize> {
    let asked: BTreeSet<String> = content(question).into_iter().collect();
    let form = Form::of(question);
    let mut ranked: Vec<(f32, usize)> = (0..all.len())
        .filter(|at| all[*at].text.len() <= QUOTE_BYTES_MAX && !all[*at].text.ends_with(':'))
        .filter_map(|at| {
            let own: BTreeSet<String> = content(&all[at].text).into_iter().collect();
            let above: BTreeSet<String> = above(found, all, at);
            let in_own = asked.iter().filter(|word| own.contains(*word)).count() as f32;
            let in_above = asked.iter().filter(|word| !own.contains(*word) && above.contains(*word)).count() as f32;
            let covers = (in_own + in_above) / asked.len().max(1) as f32;
            let is_enough = in_own > 0.0 && covers >= COVERS && form.is_met(&all[at].text, question);
            let score = (in_own + ABOVE * in_above) / asked.len().max(1) as f32;
            is_enough.then_some((score + RANK / (1.0 + all[at].from as f32), at))
        })
        .collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let best = ranked.first().map(|(_, at)| *at);
    let list = best.and_then(|at| all[at].list).filter(|_| wants(question) == Wants::All);
    match list {
        // Three of a team's five would pass for the team.
        Some(list) => (0..all.len())
            .filter(|at| all[*at].list == Some(list) && all[*at].text.len() <= QUOTE_BYTES_MAX)
            .take(items_max)
            .collect(),
        None => ranked.into_iter().map(|(_, at)| at).take(QUOTES_MAX).collect(),
    }
}

/// The words that stand above a sentence: the title, the headings, the line that opens its list.
fn above(found: &[Found], all: &[Sentence], at: usize) -> BTreeSet<String> {
    let passage = found[all[at].from].passage();
    let lead_in = all[at].lead_in.map(|at| all[at].text.as_str());
    let texts = std::iter::once(passage.title.as_str()).chain(passage.under.iter().map(String::as_str)).chain(lead_in);
    texts.flat_map(content).collect()
}

/// A sentence as a claim: its own words; the first item of a list with the line that opens it.
fn claim(found: &[Found], all: &[Sentence], at: usize, before: &[Claim]) -> Claim {
    let cite = |at: usize| Citation {
        passage: found[all[at].from].passage().id.clone(),
        class: found[all[at].from].class(),
        quote: all[at].bytes.start as u32..all[at].bytes.end as u32,
    };
    let is_opened = |lead_in: usize| before.iter().flat_map(Claim::citations).any(|known| *known == cite(lead_in));
    match all[at].lead_in.filter(|lead_in| all[*lead_in].text.len() <= QUOTE_BYTES_MAX && !is_opened(*lead_in)) {
        Some(lead_in) => Claim::new(format!("{} {}", all[lead_in].text, all[at].text), cite(at), vec![cite(lead_in)]),
        None => Claim::new(all[at].text.clone(), cite(at), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    fn quoted(text: &str, found: &[Found]) -> Answer {
        let question = Question::parse(text).unwrap();
        quote(&question, found, &Settings::default(), &[], &Stop::default(), &mut |_| ControlFlow::Continue(()))
    }

    fn texts(answer: &Answer) -> Vec<&str> {
        match answer {
            Answer::Grounded { claims, .. } | Answer::Stopped { claims, .. } => {
                claims.iter().map(Claim::text).collect()
            }
            Answer::Unanswered { .. } => Vec::new(),
        }
    }

    #[test]
    fn the_sentence_that_matches_best_is_quoted_as_it_stands_with_its_place() {
        let found = [found("wiki:1", "Pager", "Lunch is at noon. The pager number is 4417. Ask Ada.")];

        let answer = quoted("What is the pager number?", &found);

        let Answer::Grounded { claims, withheld: 0, .. } = &answer else { panic!("{answer:?}") };
        let citation = claims[0].citations().next().unwrap();
        let quote = citation.quote.start as usize..citation.quote.end as usize;
        assert_eq!(claims[0].text(), "The pager number is 4417.");
        assert_eq!(&found[0].passage().text[quote], "The pager number is 4417.");
    }

    #[test]
    fn what_shares_too_few_words_is_declined_with_the_pages_that_are_close() {
        let found = [found("wiki:1", "Pager", "The pager number is 4417.")];

        let answer = quoted("Which orchestra has a pager in Vienna tonight?", &found);

        let Answer::Unanswered { why: Why::NotThere, related } = &answer else { panic!("{answer:?}") };
        assert_eq!(related[0].title, "Pager");
        assert!(matches!(quoted("Pager?", &[]), Answer::Unanswered { why: Why::NothingFound, .. }));
    }

    #[test]
    fn a_question_for_a_number_or_a_time_is_not_answered_by_a_sentence_without_one() {
        let found = [found("wiki:1", "Leave", "Annual leave is asked for in the portal. Ada approves annual leave.")];

        assert!(texts(&quoted("How many days of annual leave do I get?", &found)).is_empty());
        assert!(texts(&quoted("When is annual leave paid out?", &found)).is_empty());
        assert_eq!(texts(&quoted("Who approves annual leave?", &found))[0], "Ada approves annual leave.");
    }

    #[test]
    fn no_more_than_three_sentences_are_quoted_but_a_list_that_is_wanted_is_whole() {
        let prose = "The pager beeps. ".repeat(4);
        let rows =
            "Name: Ada; Role: lead of the team\nName: Bob; Role: test\nName: Cleo; Role: design\nName: Dan; Role: help";

        assert_eq!(texts(&quoted("What is a pager?", &[found("wiki:1", "Pager", &prose)])).len(), QUOTES_MAX);
        assert_eq!(texts(&quoted("Who is on my team?", &[found("wiki:1", "The team", rows)])).len(), 4);
    }

    #[test]
    fn what_a_failed_model_had_shown_stays_and_is_not_said_twice() {
        let found = [found("wiki:1", "Pager", "The pager number is 4417. The pager is in the drawer.")];
        let question = Question::parse("Where is the pager, and what is its number?").unwrap();
        let Answer::Grounded { claims, .. } = quoted("What is the pager number?", &found) else { panic!() };
        let shown = &claims[..1];

        let answer =
            quote(&question, &found, &Settings::default(), shown, &Stop::default(), &mut |_| ControlFlow::Continue(()));

        assert_eq!(texts(&answer), ["The pager number is 4417.", "The pager is in the drawer."]);
    }

    #[test]
    fn a_stop_keeps_what_was_told_and_nothing_more() {
        let found = [found("wiki:1", "Pager", "The pager number is 4417. The spare pager number is 4418.")];
        let question = Question::parse("What is the pager number?").unwrap();
        let mut told = 0;

        let answer = quote(&question, &found, &Settings::default(), &[], &Stop::default(), &mut |piece| {
            told += usize::from(matches!(piece, Piece::Claim(_)));
            if told == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });

        assert!(matches!(&answer, Answer::Stopped { claims, .. } if claims.len() == 1), "{answer:?}");
    }

    #[test]
    fn a_question_of_emoji_or_of_small_words_alone_is_declined() {
        let found = [found("wiki:1", "Party 🎉", "The party 🎉 is on Friday.")];

        for question in ["🎉", "🎉🎉 🎈?", "who are you?", "?!"] {
            assert!(texts(&quoted(question, &found)).is_empty(), "{question}");
        }
    }

    #[test]
    fn a_passage_without_a_space_is_not_quoted() {
        let long = format!("The pager number is {}.", "4417".repeat(25_000));

        assert!(texts(&quoted("What is the pager number?", &[found("wiki:1", "Pager", &long)])).is_empty());
    }
}
