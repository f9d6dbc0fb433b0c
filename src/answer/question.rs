//! What is asked: read once, at the border.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The longest question, in bytes of UTF-8.
pub const QUESTION_BYTES_MAX: usize = 4096;

/// A question worth asking: not empty, not enormous, normalised (NFC, white space folded).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Question(String);

/// Why a text is no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoQuestion {
    /// Nothing but white space and marks that cannot be seen.
    #[error("the question is empty; write at least one word")]
    Empty,
    /// More than [`QUESTION_BYTES_MAX`] bytes.
    #[error("the question has {0} bytes; at most 4096 are taken")]
    TooLong(usize),
}

impl Question {
    /// Reads a question.
    pub fn parse(text: &str) -> Result<Question, NoQuestion> {
        // Measured before it is normalised, so that an enormous text costs nothing; again after, for NFC may lengthen it.
        if text.len() > QUESTION_BYTES_MAX {
            return Err(NoQuestion::TooLong(text.len()));
        }
        let visible: String = text.nfc().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect();
        let folded = visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if !folded.chars().any(is_seen) {
            return Err(NoQuestion::Empty);
        }
        if folded.len() > QUESTION_BYTES_MAX {
            return Err(NoQuestion::TooLong(folded.len()));
        }
        Ok(Question(folded))
    }

    /// Its words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Question {
    type Error = NoQuestion;
    fn try_from(text: String) -> Result<Question, NoQuestion> {
        Question::parse(&text)
    }
}

impl From<Question> for String {
    fn from(question: Question) -> String {
        question.0
    }
}

/// Whether a character leaves a mark on the page: white space, controls, joiners, fillers and bare combining marks do not.
pub(super) fn is_seen(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !unicode_normalization::char::is_combining_mark(c)
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_folded_and_letters_composed() {
        let question = Question::parse("  What is\n the cafe\u{301}\t menu? ").unwrap();

        assert_eq!(question.as_str(), "What is the café menu?");
    }

    #[test]
    fn a_question_of_marks_that_cannot_be_seen_is_empty() {
        for text in ["", " \n\t", "\u{200b}\u{feff}", "\u{301}\u{ad}", "\u{0}\u{7}"] {
            assert_eq!(Question::parse(text), Err(NoQuestion::Empty), "{text:?}");
        }
    }

    #[test]
    fn the_longest_question_is_taken_and_one_byte_more_is_not() {
        assert!(Question::parse(&"x".repeat(QUESTION_BYTES_MAX)).is_ok());
        assert_eq!(
            Question::parse(&"x".repeat(QUESTION_BYTES_MAX + 1)),
            Err(NoQuestion::TooLong(QUESTION_BYTES_MAX + 1))
        );
        // U+0344 is two code points after NFC: two bytes become four.
        assert!(matches!(
            Question::parse(&"\u{344}".repeat(QUESTION_BYTES_MAX / 2)),
            Err(NoQuestion::Empty | NoQuestion::TooLong(_))
        ));
    }
}
