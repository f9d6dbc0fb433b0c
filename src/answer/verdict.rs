//! Questions that are answered by yes or no: whether one is asked for, and which a sentence says.

use super::words::{denies, words};
use crate::model;

/// How a question begins that is answered by yes or no.
const BEGINS: &[&str] = &[
    "am", "are", "can", "could", "did", "do", "does", "had", "has", "have", "is", "may", "might", "must", "need",
    "shall", "should", "was", "were", "will", "would",
];
/// Words that bound whom or what a sentence is about, so that it may say no without a denial: "only employees".
const BOUNDS: &[&str] = &["only", "exclusively", "solely", "instead", "rather"];
/// The leaning from which a sentence without a denial is taken to say yes. It is below the middle because small models lean
/// to no: of 38 sentences written for this, those that say yes lay between 0.13 and 0.77, those that say no below 0.43.
const YES_FROM: f32 = 0.38;
/// The leaning below which a sentence with a denial is taken to say no.
const NO_BELOW: f32 = 0.5;

/// What a sentence says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Yes.
    Yes,
    /// No.
    No,
}

impl Verdict {
    /// The word, as it stands before a sentence.
    pub(super) fn word(self) -> &'static str {
        match self {
            Verdict::Yes => "Yes.",
            Verdict::No => "No.",
        }
    }
}

/// Whether a question is answered by yes or no. "Is it A or B?" is not, and what "yes" says to "Is it not covered?" nobody
/// knows.
pub(super) fn asks_for_verdict(question: &str) -> bool {
    let words = words(question);
    words.first().is_some_and(|word| BEGINS.contains(&word.as_str()))
        && !words.iter().any(|word| word == "or")
        && !denies(question)
}

/// The word that a sentence gives to a question; `None` where none is asked for, or where the model's leaning and the
/// sentence's own denials do not agree: then the sentence speaks for itself. `leaning` is asked only where it is needed.
pub(super) fn verdict(
    question: &str,
    sentence: &str,
    leaning: &dyn Fn() -> Result<f32, model::Error>,
) -> Result<Option<Verdict>, model::Error> {
    if !asks_for_verdict(question) {
        return Ok(None);
    }
    let leaning = leaning()?;
    let turns = denies(sentence);
    let is_bounded = words(sentence).iter().any(|word| BOUNDS.contains(&word.as_str()));
    Ok(if leaning >= YES_FROM && !turns && !is_bounded {
        Some(Verdict::Yes)
    } else if leaning < NO_BELOW && (turns || is_bounded) {
        Some(Verdict::No)
    } else {
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(question: &str, sentence: &str, leaning: f32) -> Option<Verdict> {
        verdict(question, sentence, &|| Ok(leaning)).unwrap()
    }

    #[test]
    fn yes_and_no_are_said_where_the_sentence_and_the_model_agree() {
        let question = "Are contractors covered by the dental plan?";

        assert_eq!(said(question, "The dental plan covers contractors.", 0.9), Some(Verdict::Yes));
        assert_eq!(said(question, "Contractors are not covered.", 0.1), Some(Verdict::No));
        assert_eq!(said(question, "Only employees are covered.", 0.1), Some(Verdict::No));
    }

    #[test]
    fn where_they_differ_the_sentence_speaks_for_itself() {
        let question = "Are contractors covered by the dental plan?";

        assert_eq!(said(question, "Contractors are not covered.", 0.9), None);
        assert_eq!(said(question, "The dental plan covers contractors.", 0.1), None);
        assert_eq!(said(question, "Contractors are not covered.", 0.5), None);
        assert_eq!(said(question, "The dental plan covers contractors.", 0.3), None);
        assert_eq!(said(question, "Only employees are covered.", 0.9), None);
    }

    #[test]
    fn other_questions_are_given_no_word() {
        for question in ["Who is covered?", "Is it the red or the blue one?", "Dental plan?", "Is it not covered?"] {
            assert_eq!(said(question, "The dental plan covers contractors.", 0.9), None, "{question}");
        }
    }
}
