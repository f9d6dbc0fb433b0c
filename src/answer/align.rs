//! Finds the sentence that a line of the model rests on, by what the line adds to the question.
//!
//! "The pager number is 4417", said to "What is the pager number?", adds 4417. A sentence that shares only the question's
//! words with it supports nothing; one that has what was added, and is about what was asked, supports it.

use std::collections::BTreeSet;

use super::words::{content, numbers, words};

/// The share of the added words that a sentence must have.
const ADDED: f32 = 0.6;
/// What the share of the question's words in the sentence and above it counts beside the share of the added words.
const ABOUT: f32 = 0.5;
/// What it counts that the sentence has the line as it stands.
const VERBATIM: f32 = 0.5;
/// Words after which a line that stands in one sentence alone is taken as its copy.
const COPY_WORDS: usize = 5;

/// The sentence that supports a line, as an index; `None` where the line adds nothing to the question or no sentence has
/// what it adds. `above` are the words that stand above each sentence.
pub(super) fn align(line: &str, question: &str, chosen: &[&str], above: &[String]) -> Option<usize> {
    let asked: BTreeSet<String> = content(question).into_iter().collect();
    let is_number = |word: &String| !numbers(word).is_empty();
    let added: BTreeSet<String> =
        content(line).into_iter().filter(|word| !asked.contains(word) && !is_number(word)).collect();
    let added_numbers: BTreeSet<String> = numbers(line).difference(&numbers(question)).cloned().collect();
    if added.is_empty() && added_numbers.is_empty() {
        return None;
    }
    let said = words(line);
    let share = |of: &BTreeSet<String>, there: &BTreeSet<String>| match of.len() {
        0 => 1.0,
        all => of.iter().filter(|word| there.contains(*word)).count() as f32 / all as f32,
    };
    let mut best: Option<(f32, usize)> = None;
    for (at, text) in chosen.iter().enumerate() {
        let own: BTreeSet<String> = content(text).into_iter().collect();
        let with_above: BTreeSet<String> = own.iter().cloned().chain(content(&above[at])).collect();
        // Every number that was added must stand in the sentence itself: a number of another sentence is another's.
        if !added_numbers.is_subset(&numbers(text)) {
            continue;
        }
        let (least, has_added) =
            if added.len() <= 2 { (1.0, share(&added, &own)) } else { (ADDED, share(&added, &with_above)) };
        let is_verbatim = stands_in(&said, &words(text));
        let about = share(&asked, &with_above);
        let adds_here = !added_numbers.is_empty() || added.iter().any(|word| own.contains(word));
        // A word or two stand in many sentences: the one meant speaks of what was asked itself, not only its heading.
        let is_about = if said.len() < COPY_WORDS { share(&asked, &own) > 0.0 } else { about > 0.0 || is_verbatim };
        if has_added < least || !adds_here || !(is_about || asked.is_empty()) {
            continue;
        }
        let score = has_added + ABOUT * about + if is_verbatim { VERBATIM } else { 0.0 };
        if best.is_none_or(|(other, _)| score > other) {
            best = Some((score, at));
        }
    }
    best.map(|(_, at)| at)
}

/// The one sentence in which a line, as far as it is written, stands; then the rest need not be waited for. `None` where it
/// stands in no sentence or in several, or is too short to say.
pub(super) fn copies_one(written: &str, chosen: &[&str]) -> Option<usize> {
    // The last word may still be growing.
    let (whole, _) = written.trim_start().rsplit_once(char::is_whitespace)?;
    let said = words(whole);
    if said.len() < COPY_WORDS {
        return None;
    }
    let mut there = (0..chosen.len()).filter(|at| stands_in(&said, &words(chosen[*at])));
    there.next().filter(|_| there.next().is_none())
}

/// Whether words stand in others, one after the other.
pub(super) fn stands_in(said: &[String], there: &[String]) -> bool {
    !said.is_empty() && there.windows(said.len()).any(|window| window == said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOSEN: &[&str] = &[
        "The pager number is 4417.",
        "Ask Mary Okafor about the pager.",
        "On call lasts two weeks.",
        "The door code is 4418.",
    ];

    fn aligned(line: &str, question: &str) -> Option<usize> {
        align(line, question, CHOSEN, &vec!["On call".to_owned(); CHOSEN.len()])
    }

    #[test]
    fn a_short_answer_finds_the_sentence_that_has_it_and_is_about_the_question() {
        assert_eq!(aligned("4417", "What is the pager number?"), Some(0));
        assert_eq!(aligned("Mary Okafor", "Whom do I ask about the pager?"), Some(1));
        assert_eq!(aligned("2 weeks", "How long does on call last?"), Some(2), "a number is one in words too");
    }

    #[test]
    fn a_line_that_only_says_the_question_again_rests_on_nothing() {
        assert_eq!(aligned("The pager number is the number of the pager.", "What is the pager number?"), None);
    }

    #[test]
    fn a_number_of_another_sentence_does_not_support_a_line() {
        assert_eq!(aligned("The pager number is 4419.", "What is the pager number?"), None);
        assert_eq!(aligned("4418", "What is the pager number?"), None, "the door's code is about no pager");
    }

    #[test]
    fn a_copy_is_known_when_only_one_sentence_goes_on_like_it() {
        assert_eq!(copies_one("Ask Mary Okafor about the ", CHOSEN), Some(1));
        assert_eq!(copies_one("The pager number is ", CHOSEN), None, "four words are not enough");
        assert_eq!(copies_one("Ask Bob Okafor about the ", CHOSEN), None);
        assert_eq!(copies_one("Ask Mary Okafor about the ", &[CHOSEN[1], CHOSEN[1]]), None, "it may be either");
    }
}
