//! Words as they are compared: folded, stemmed lightly, with numbers and negations apart.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Words that carry no subject. Kept short: a word too few here only costs a little ranking.
const STOP: &[&str] = &[
    "a", "about", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "get", "had", "has", "have", "having", "he", "her", "hers", "him",
    "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "let", "long", "many", "may", "me", "might",
    "mine", "much", "must", "my", "of", "on", "or", "our", "ours", "please", "shall", "she", "should", "so", "some",
    "such", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to",
    "too", "us", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "whose", "why", "will",
    "with", "would", "you", "your", "yours",
];

/// Words that turn a sentence round. `n't` is found by its ending.
const NEGATIONS: &[&str] =
    &["not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot", "except", "unless"];

/// Words that say how binding a sentence is: "may" must not become "must".
const MODALS: &[&str] = &["must", "may", "should", "can", "shall", "could", "might", "would", "required", "optional"];

/// Numbers in words, so that "two weeks" agrees with "2 weeks".
const NUMBER_WORDS: &[&str] =
    &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// The words of a text in order: NFKC, lower case, typographic apostrophes made plain, possessive endings off.
pub(super) fn words(text: &str) -> Vec<String> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect();
    folded.unicode_words().map(|word| word.strip_suffix("'s").unwrap_or(word).to_owned()).collect()
}

/// The stems of the words that carry the subject.
pub(super) fn content(text: &str) -> Vec<String> {
    words(text).iter().filter(|word| !STOP.contains(&word.as_str())).map(|word| stem(word)).collect()
}

/// A light English stem: equal for `benefit`, `benefits`; for `apply`, `applies`, `applied`; for `book`, `booking`.
pub(super) fn stem(word: &str) -> String {
    if !word.is_ascii() || word.len() < 4 || word.bytes().any(|b| b.is_ascii_digit()) {
        return word.to_owned();
    }
    let cut = |end: &str, least: usize| word.strip_suffix(end).filter(|rest| rest.len() >= least);
    let root = if let Some(rest) = cut("ies", 2).or_else(|| cut("ied", 2)) {
        return format!("{rest}y");
    } else if let Some(rest) = cut("sses", 2) {
        return format!("{rest}ss");
    } else if let Some(rest) = cut("ing", 3).or_else(|| cut("ed", 3)) {
        rest
    } else if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        word
    } else {
        cut("es", 3).or_else(|| cut("s", 3)).unwrap_or(word)
    };
    let bytes = root.as_bytes();
    let doubled =
        root.len() > 3 && bytes[root.len() - 1] == bytes[root.len() - 2] && !b"lsz".contains(&bytes[root.len() - 1]);
    let root = if doubled { &root[..root.len() - 1] } else { root };
    root.strip_suffix('e').filter(|rest| rest.len() >= 3).unwrap_or(root).to_owned()
}

/// The numbers of a text, written alike: without thousands separators, small number words as digits.
pub(super) fn numbers(text: &str) -> BTreeSet<String> {
    words(text)
        .into_iter()
        .filter_map(|word| {
            if let Some(value) = NUMBER_WORDS.iter().position(|name| *name == word) {
                return Some(value.to_string());
            }
            word.bytes().any(|b| b.is_ascii_digit()).then(|| word.replace(',', ""))
        })
        .collect()
}

/// Whether a text denies something.
pub(super) fn denies(text: &str) -> bool {
    words(text).iter().any(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't"))
}

/// How binding a text is: the modal words in it.
pub(super) fn modals(text: &str) -> BTreeSet<String> {
    words(text).into_iter().filter(|word| MODALS.contains(&word.as_str())).collect()
}

/// The names of a text, folded: words with a capital that do not begin a sentence, and words with a capital inside.
pub(super) fn names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut begins = true;
    for word in text.split_word_bounds() {
        let Some(first) = word.chars().next().filter(|c| c.is_alphanumeric()) else {
            begins |= word.contains(['.', '!', '?', ':', ';', '\n', '"', '“']);
            continue;
        };
        let inside = word.chars().skip(1).any(char::is_uppercase);
        if (first.is_uppercase() && !begins || inside) && word != "I" {
            names.extend(words(word));
        }
        begins = false;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_are_equal() {
        for (one, other) in [
            ("benefits", "benefit"),
            ("applies", "apply"),
            ("booking", "book"),
            ("enrolled", "enroll"),
            ("expenses", "expense"),
        ] {
            assert_eq!(stem(one), stem(other), "{one} and {other}");
        }
    }

    #[test]
    fn numbers_agree_however_they_are_written() {
        assert_eq!(numbers("You get $1,500 after two weeks."), numbers("1500 after 2 weeks"));
        assert!(numbers("none here").is_empty());
    }

    #[test]
    fn a_denial_is_seen_in_each_of_its_forms() {
        assert!(denies("You don’t have to."));
        assert!(denies("Nobody may enter without a badge."));
        assert!(!denies("Everyone may enter with a badge, notably Ada."));
    }

    #[test]
    fn names_are_capitals_inside_a_sentence() {
        let found = names("Ask Mary Okafor. She leads AnyOrgApp.");

        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["anyorgapp", "mary", "okafor"]);
    }
}
