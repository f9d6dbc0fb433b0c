//! A generator by rule, for tests: no weights, no randomness.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::{Ending, Error, Generate, Limits, Prompt, Stop};

/// Words of a question that no sentence needs to share.
const STOP: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have", "how", "i",
    "in", "is", "it", "its", "many", "may", "me", "much", "must", "my", "of", "on", "or", "our", "should", "that",
    "the", "there", "this", "to", "was", "we", "what", "when", "where", "which", "who", "why", "will", "with", "you",
    "your",
];
/// Sentences it copies at most.
const LINES_MAX: usize = 10;
/// The share of the question's words that a sentence and its headings must have to answer it.
const ANSWERS: f32 = 0.5;

/// A generator for tests. Of the numbered sentences in a prompt it copies those that share most words with the question,
/// headings counted in, and leans towards "yes" where one shares at least half of them. It understands nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scripted {}

impl Generate for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn generate(
        &self,
        prompt: &Prompt,
        limits: Limits,
        stop: &Stop,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Ending, Error> {
        let (share, mut lines) = best_lines(&prompt.user.concat());
        if share < ANSWERS {
            lines = vec!["NONE\n".to_owned()];
        }
        let mut written = 0;
        for line in lines.iter().filter(|line| !prompt.begin.contains(line)) {
            for piece in line.split_inclusive(' ') {
                written += 1;
                if stop.is_set() || each(piece).is_break() {
                    return Ok(Ending::Stopped);
                }
                if written >= limits.tokens_max {
                    return Ok(Ending::Limit);
                }
            }
        }
        Ok(Ending::Done)
    }

    fn leaning(&self, prompt: &Prompt, _: &str, _: &str, stop: &Stop) -> Result<f32, Error> {
        let (share, _) = best_lines(&prompt.user.concat());
        Ok(if stop.is_set() {
            0.0
        } else if share >= ANSWERS {
            0.9
        } else {
            0.05
        })
    }
}

/// The numbered lines that share most words with the question, and the share they have. Of lines that share as many, those
/// that have what stands first in the question come first: a follow-up begins with what is new in it.
fn best_lines(text: &str) -> (f32, Vec<String>) {
    let question = text.lines().find_map(|line| line.strip_prefix("Question: ")).unwrap_or_default();
    let asked = words(question);
    let first = question.split_whitespace().find_map(|word| words(word).into_iter().next());
    let mut heading = BTreeSet::new();
    let mut best = (0.0, Vec::new());
    for line in text.lines() {
        if line.starts_with('[') || line.starts_with("Page: ") {
            heading = words(line);
        }
        let numbered = line.split_once(". ").filter(|(number, _)| number.parse::<usize>().is_ok());
        let Some(sentence) = numbered.map(|(_, sentence)| sentence).or_else(|| line.strip_prefix("Statement: ")) else {
            continue;
        };
        let own = words(sentence);
        let shared = asked.iter().filter(|word| own.contains(*word) || heading.contains(*word)).count();
        let share = shared as f32 / asked.len().max(1) as f32;
        if share > best.0 {
            best = (share, Vec::new());
        }
        if share == best.0 && best.1.len() < LINES_MAX {
            let has_first = first.as_ref().is_some_and(|first| own.contains(first));
            best.1.push((!has_first, format!("{line}\n")));
        }
    }
    best.1.sort_by_key(|(is_later, _)| *is_later);
    (best.0, best.1.into_iter().map(|(_, line)| line).collect())
}

/// The words that count, in lower case, without a plural `s`.
fn words(text: &str) -> BTreeSet<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !STOP.contains(word))
        .map(|word| word.strip_suffix('s').filter(|stem| stem.len() > 2).unwrap_or(word).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sharing;

    fn prompt(sentences: &str, question: &str) -> Prompt {
        let user = vec![format!("Sentences:\n{sentences}\nQuestion: {question}\n"), "Copy.".to_owned()];
        Prompt { system: String::new(), user, begin: Vec::new(), sharing: Sharing::new() }
    }

    fn written(prompt: &Prompt) -> String {
        let mut text = String::new();
        let mut each = |piece: &str| {
            text.push_str(piece);
            ControlFlow::Continue(())
        };
        Scripted {}.generate(prompt, Limits { tokens_max: 100 }, &Stop::default(), &mut each).unwrap();
        text
    }

    #[test]
    fn it_copies_the_sentence_that_shares_most_words() {
        let prompt = prompt("[Pager]\n1. Lunch is at noon.\n2. The pager number is 4417.", "What is the pager number?");

        assert_eq!(written(&prompt), "2. The pager number is 4417.\n");
        assert!(Scripted {}.leaning(&prompt, "Yes", "No", &Stop::default()).unwrap() > 0.5);
    }

    #[test]
    fn it_says_none_where_nothing_is_shared() {
        let prompt = prompt("[Pager]\n1. Lunch is at noon.", "Where is France's capital?");

        assert_eq!(written(&prompt), "NONE\n");
        assert!(Scripted {}.leaning(&prompt, "Yes", "No", &Stop::default()).unwrap() < 0.5);
    }

    #[test]
    fn it_goes_on_after_the_lines_that_stand() {
        let mut prompt = prompt("[Team]\n1. Ada leads.\n2. Bob tests.", "Who is on the team?");
        prompt.begin = vec!["1. Ada leads.\n".to_owned()];

        assert_eq!(written(&prompt), "2. Bob tests.\n");
    }
}
