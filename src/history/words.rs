//! The words of a turn, by which its owner finds it again: folded, each once, sealed like the turn itself and with the same
//! key, so that they are gone when it is.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::Entry;
use crate::answer::Answer;
use crate::store::{self, Record};

/// Sorted words with a space before each and one at the end.
pub(super) struct Words(String);

/// Letters of a word; what is longer is cut, and found by its beginning.
const WORD_CHARS_MAX: usize = 40;

impl Words {
    /// The words of the question, of the answer's sentences and of the owner's own comment.
    pub(super) fn of(entry: &Entry) -> Words {
        let mut words = BTreeSet::new();
        words.extend(folded(entry.question.as_str()));
        match &entry.answer {
            Answer::Grounded { claims, .. } | Answer::Stopped { claims, .. } => {
                claims.iter().for_each(|claim| words.extend(folded(claim.text())));
            }
            Answer::Unanswered { .. } => {}
        }
        let comment = entry.feedback.as_ref().and_then(|feedback| feedback.comment.as_deref());
        words.extend(comment.iter().flat_map(|comment| folded(comment)));
        let mut line = String::with_capacity(words.iter().map(|word| word.len() + 1).sum::<usize>() + 1);
        for word in words {
            line.push(' ');
            line.push_str(&word);
        }
        line.push(' ');
        Words(line)
    }

    /// Whether a word of the turn begins with this one. It must be folded.
    pub(super) fn begin_with(&self, term: &str) -> bool {
        self.0.match_indices(term).any(|(at, _)| self.0.as_bytes().get(at.wrapping_sub(1)) == Some(&b' '))
    }
}

impl Record for Words {
    const VERSION: u8 = 1;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }

    fn read(_: u8, bytes: &[u8]) -> Result<Words, store::Error> {
        let line = std::str::from_utf8(bytes).map_err(|_| store::Error::unreadable("its words are no text"))?;
        Ok(Words(line.to_owned()))
    }
}

/// The words of a text without case, accents and width, so that how they are typed does not matter.
pub(super) fn folded(text: &str) -> impl Iterator<Item = String> + '_ {
    let plain: String = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    let words: Vec<String> = plain
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_CHARS_MAX).collect())
        .collect();
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_cut() {
        let words: Vec<String> = folded("Où est l’Été? ＰＡＧＥＲ-4417 ẞ").collect();

        assert_eq!(words, ["ou", "est", "l", "ete", "pager", "4417", "ß"]);
        assert_eq!(folded(&"x".repeat(100)).next().map(|word| word.len()), Some(WORD_CHARS_MAX));
    }

    #[test]
    fn a_term_is_found_at_the_beginning_of_a_word_alone() {
        let words = Words(" annual leave unleavened ".to_owned());

        assert!(words.begin_with("leav") && words.begin_with("annual"));
        assert!(!words.begin_with("nual") && !words.begin_with("leaves"));
    }
}
