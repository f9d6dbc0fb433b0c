//! A follow-up question made to stand alone, by rule.

use super::Question;
use super::words::{content, words};

/// Openers of a question that leans on the one before.
const OPENERS: &[&str] =
    &["and ", "what about ", "how about ", "and what about ", "or ", "but ", "also ", "what if ", "then "];
/// Words that point back to something said before.
const POINTERS: &[&str] = &[
    "it", "its", "they", "them", "their", "theirs", "that", "those", "these", "this", "he", "she", "him", "her", "his",
    "there", "then", "one", "ones", "same",
];
/// A question with this many content words says its own subject.
const OWN_WORDS: usize = 4;
/// Words that are put in at most: the newest subject, not the whole conversation.
const WORDS_MAX: usize = 8;

/// A follow-up question with what it leans on put in from the turns before it (question and shown claims, oldest first), so
/// that it can be searched for alone. A question that stands alone comes back as it is.
pub fn rewrite(question: &Question, turns: &[(String, String)]) -> Question {
    let Some(((before, _), earlier)) = turns.split_last() else { return question.clone() };
    if stands_alone(question.as_str()) {
        return question.clone();
    }
    // The question before may lean on an earlier one itself.
    let before = Question::parse(before).map(|before| rewrite(&before, earlier));
    let Ok(before) = before else { return question.clone() };
    let own = content(question.as_str());
    let mut said: Vec<&str> = Vec::new();
    for word in before.as_str().split(|c: char| !c.is_alphanumeric() && c != '-' && c != '\'' && c != '’') {
        let [stem] = &content(word)[..] else { continue };
        if !own.contains(stem) && !said.iter().any(|other| other.eq_ignore_ascii_case(word)) {
            said.push(word);
        }
    }
    if said.is_empty() {
        return question.clone();
    }
    let subject = said[said.len().saturating_sub(WORDS_MAX)..].join(" ");
    // Too long together: the question as it stands is better than half of it.
    Question::parse(&format!("{} (about: {subject})", question.as_str())).unwrap_or_else(|_| question.clone())
}

/// Whether a question says its own subject.
fn stands_alone(question: &str) -> bool {
    let lower = format!("{} ", question.to_lowercase());
    let leans = OPENERS.iter().any(|opener| lower.starts_with(opener));
    let words = words(question);
    let points =
        words.iter().enumerate().any(|(at, word)| POINTERS.contains(&word.as_str()) && !is_expletive(&words, at));
    let own = content(question).len();
    !(leans || points && own < OWN_WORDS || own == 0 || own == 1 && words.len() <= 2)
}

/// Whether a pointer points at nothing: "is there a …", "is it true that …", "does that mean" keeps pointing.
fn is_expletive(words: &[String], at: usize) -> bool {
    let next = words.get(at + 1).map(String::as_str);
    match words[at].as_str() {
        "there" => {
            at > 0 && ["is", "are", "was", "were", "will"].contains(&words[at - 1].as_str())
                || next.is_some_and(|next| ["is", "are"].contains(&next))
        }
        "this" | "that" | "these" | "those" => {
            next.is_some_and(|next| ["week", "month", "year", "company"].contains(&next))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: &[&str], question: &str) -> String {
        let turns: Vec<(String, String)> = before.iter().map(|q| ((*q).to_owned(), String::new())).collect();
        rewrite(&Question::parse(question).unwrap(), &turns).as_str().to_owned()
    }

    #[test]
    fn a_follow_up_takes_the_subject_of_the_question_before() {
        let rewritten = after(&["How many days of annual leave do I have?"], "And for part-time staff?");

        assert_eq!(rewritten, "And for part-time staff? (about: days annual leave)");
    }

    #[test]
    fn a_follow_up_to_a_follow_up_still_knows_the_subject() {
        let rewritten = after(&["Am I eligible for the dental plan?", "What does it cost?"], "And for my children?");

        assert!(rewritten.contains("dental"), "{rewritten}");
    }

    #[test]
    fn a_question_that_stands_alone_comes_back_as_it_is() {
        for question in ["Who is on my team?", "Is there a canteen in Leipzig?", "What benefits do I have?"] {
            assert_eq!(after(&["How do I book travel?"], question), question);
        }
        assert_eq!(after(&[], "And then?"), "And then?");
    }

    #[test]
    fn a_rewritten_question_is_never_too_long() {
        let long = format!("and it {}?", "x".repeat(4080));

        assert_eq!(after(&["How do I book travel to Leipzig?"], &long), long);
    }
}
