//! Leaves out a passage that says nothing which a better one does not say already: the page that was copied to another
//! space, the paragraph that stands on thirty pages.
//!
//! "Berlin office: 30 days" and "Leipzig office: 28 days" share nearly all of their words and are two answers. One word may
//! be a number, a name, a "not", or "monthly" instead of "weekly", and no list of words knows them all. So likeness counts
//! for nothing here: a passage is folded only where each of its sentences stands, word for word, in the better one. A copy
//! too many is read twice; a passage too few is an answer that nobody gets.
//!
//! Only what is given out folds anything, so what is hidden does not.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::Found;
use super::words::{Stem, terms};
use crate::corpus::Passage;

/// A text of so many words says what it says under any title. "Open from 9 to 5." says it of what stands above.
const ALONE_WORDS: usize = 20;

/// The worse of two passages that stand under the same title has at least so many tenths of the other's words: a sentence
/// of a long passage, alone, may be the better thing to read.
const TENTHS_MIN: usize = 9;

/// What was given out so far, by what it says.
pub(super) struct Folding {
    /// The stems that are looked for.
    asked: HashSet<String>,
    /// Where each text stands.
    by_text: HashMap<String, Vec<String>>,
    /// The sentences of the passages that stand at a place.
    by_place: HashMap<String, Vec<Vec<String>>>,
}

impl Folding {
    pub(super) fn of<'a>(stems: impl IntoIterator<Item = &'a Stem>) -> Folding {
        let asked = stems.into_iter().flat_map(|stem| stem.forms.iter().cloned()).collect();
        Folding { asked, by_text: HashMap::new(), by_place: HashMap::new() }
    }

    /// Whether a passage says anything new. Passages come best first.
    pub(super) fn keeps(&mut self, found: &Found) -> bool {
        let (place, sentences) = (place_of(&found.passage), sentences_of(&found.passage.text));
        let text = sentences.join(" ");
        let is_known = self.by_text.get(&text).is_some_and(|places| {
            let stands_alone = words_of(&sentences) >= ALONE_WORDS;
            places.iter().any(|other| *other == place || stands_alone && !self.asks_for(&place, other))
        });
        let is_told = |better: &Vec<String>| says_no_more(&sentences, better);
        if is_known || self.by_place.get(&place).is_some_and(|better| better.iter().any(is_told)) {
            return false;
        }
        self.by_text.entry(text).or_default().push(place.clone());
        self.by_place.entry(place).or_default().push(sentences);
        true
    }

    /// Whether a title and headings are asked for by a word that another's do not have: "office hours in Leipzig" wants
    /// Leipzig's page, though Berlin's says the same.
    fn asks_for(&self, place: &str, other: &str) -> bool {
        let stems = |place: &str| -> HashSet<String> {
            terms(place, &[]).stems.into_iter().flat_map(|stem| stem.forms).collect()
        };
        let (here, there) = (stems(place), stems(other));
        here.difference(&there).any(|stem| self.asked.contains(stem))
    }
}

/// The title and the headings that a passage stands under, in one case.
fn place_of(passage: &Passage) -> String {
    let lines: Vec<String> =
        std::iter::once(&passage.title).chain(&passage.under).map(|line| folded(line).to_lowercase()).collect();
    lines.join("\n")
}

/// The sentences of a text, line by line, each without what is only typography.
fn sentences_of(text: &str) -> Vec<String> {
    text.lines().flat_map(str::unicode_sentences).map(folded).filter(|sentence| !sentence.is_empty()).collect()
}

/// A text in one form of letters, white space, quotes and dashes, without the marks around words. Signs that belong to a
/// value stay (`-5`, `<= 3`, `5%`), and so does the case: `IT` is not `it`.
fn folded(text: &str) -> String {
    let straight = |c: char| match c {
        '\u{2018}' | '\u{2019}' | '\u{201a}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    };
    let text: String = text.nfkc().map(straight).collect();
    let bare = |word: &'_ str| {
        let word = word.trim_start_matches(['"', '\'', '(', '[']);
        let word = word.trim_end_matches(['"', '\'', ')', ']', '.', ',', ';', ':', '!']);
        if ["-", "*", "\u{2022}"].contains(&word) { String::new() } else { word.to_owned() }
    };
    let words: Vec<String> = text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn words_of(sentences: &[String]) -> usize {
    sentences.iter().map(|sentence| sentence.split(' ').count()).sum()
}

/// Whether each sentence stands in the better passage too, in the same order, and they are nearly as many.
fn says_no_more(worse: &[String], better: &[String]) -> bool {
    let mut left = better.iter();
    words_of(worse) * 10 >= words_of(better) * TENTHS_MIN
        && worse.iter().all(|sentence| left.any(|one| one == sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOILERPLATE: &str = "Write to the desk for help with anything on this page, between nine and five on any day \
        of the week, and say in the first line which machine it is about.";

    fn found(title: &str, text: &str) -> Found {
        let text = text.to_owned();
        let document = crate::corpus::DocumentId::new("wiki", &format!("{title}{}", text.len())).unwrap();
        let id = crate::corpus::PassageId { document: document.clone(), revision: 1, place: 0 };
        let head = super::super::Head {
            id: document,
            kind: crate::corpus::Kind::Page,
            title: title.to_owned(),
            space: crate::corpus::Space { key: "HR".into(), name: "People".into() },
            url: String::new(),
            updated_ms: 0,
            labels: Vec::new(),
            author: String::new(),
            made: Default::default(),
            parent: None,
        };
        let passage = Passage { id, title: title.to_owned(), under: vec!["Hours".to_owned()], text };
        Found::from_parts(passage, head, crate::acl::AclClass::from_number(0), 0.0)
    }

    /// How many of these stay, of a search for `query`.
    fn kept(query: &str, passages: &[(&str, &str)]) -> usize {
        let mut folding = Folding::of(&terms(query, &[]).stems);
        passages.iter().filter(|(title, text)| folding.keeps(&found(title, text))).count()
    }

    #[test]
    fn a_copy_is_folded_whatever_its_typography() {
        let one = "The desk's hours are \"9 to 5\" \u{2013} no later.\n- Ring twice";
        let other = "The  desk\u{2019}s hours are \u{201c}9 to 5\u{201d} - no later.\n* Ring twice.";

        assert_eq!(kept("hours", &[("Desk", one), ("DESK", other)]), 1);
    }

    #[test]
    fn passages_that_differ_in_any_word_stay() {
        let long = |word: &str| format!("{BOILERPLATE} The leave of this office is {word} days. {BOILERPLATE}");
        let of = |one: &str, other: &str| kept("leave", &[("Leave", &long(one)), ("Leave", &long(other))]);

        for (one, other) in [
            ("30", "28"),
            ("-5", "5"),
            ("<= 3", ">= 3"),
            ("Berlin", "Leipzig"),
            ("paid", "not paid"),
            ("monthly", "weekly"),
            ("IT", "it"),
            ("v1.2", "v1.3"),
            ("C", "C++"),
        ] {
            assert_eq!(of(one, other), 2, "{one} is not {other}");
            assert_eq!(of(one, one), 1, "{one}");
        }
        assert_eq!(kept("report", &[("Team", "Ada reports to Bob."), ("Team", "Bob reports to Ada.")]), 2);
    }

    #[test]
    fn what_stands_on_many_pages_is_given_once_unless_a_page_is_asked_for_by_name() {
        let pages = [("Laptops", BOILERPLATE), ("Phones", BOILERPLATE), ("Badges", BOILERPLATE)];

        assert_eq!(kept("help", &pages), 1);
        assert_eq!(kept("help with badges", &pages), 2);
        assert_eq!(kept("help with laptops", &pages), 1);
    }

    #[test]
    fn a_short_text_says_it_of_its_own_page_only() {
        assert_eq!(kept("open", &[("Berlin office", "Open from 9 to 5."), ("Leipzig office", "Open from 9 to 5.")]), 2);
        assert_eq!(kept("open", &[("Berlin office", "Open from 9 to 5."), ("Berlin office", "Open from 9 to 5")]), 1);
    }

    #[test]
    fn a_passage_that_lacks_a_sentence_is_folded_and_one_that_has_a_sentence_more_is_not() {
        let shorter = format!("{BOILERPLATE} {BOILERPLATE} Laptops are lent.");
        let longer = format!("{shorter} Phones are not.");

        assert_eq!(kept("laptops", &[("Desk", &longer), ("Desk", &shorter)]), 1);
        assert_eq!(kept("laptops", &[("Desk", &shorter), ("Desk", &longer)]), 2);
        assert_eq!(kept("laptops", &[("Desk", &longer), ("Desk", "Laptops are lent.")]), 2, "a part is no copy");
    }
}
