//! Phrases that are not said, found however they are written.
//!
//! A text is folded letter by letter: compatible forms made plain (full-width letters, ligatures), case and accents off, marks
//! that cannot be seen left out. "Project Falcon" is found in "PROJECT  FALCON", "project-falcon", "Pröject fálcon" and
//! "ProjectFalcon", and not in "project falconry". Letters of other scripts that only look alike are others.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::question::is_seen;

/// Phrases that are not said.
#[derive(Debug, Clone, Default)]
pub struct Phrases(Vec<Vec<Word>>);

/// A word of a text: letters and digits in a row, or one letter of a script that writes words without spaces.
#[derive(Debug, Clone)]
struct Word {
    folded: String,
    /// Its bytes in the text.
    bytes: Range<usize>,
    /// White space stands before it, and not only a hyphen, another mark or nothing.
    is_apart: bool,
}

impl Phrases {
    /// Reads phrases; one without a letter or digit is none.
    pub fn new<S: AsRef<str>>(phrases: &[S]) -> Phrases {
        Phrases(phrases.iter().map(|phrase| words(phrase.as_ref())).filter(|words| !words.is_empty()).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text says one of them.
    pub fn is_in(&self, text: &str) -> bool {
        !self.is_empty() && {
            let there = words(text);
            (0..there.len()).any(|at| self.0.iter().any(|phrase| end(phrase, &there[at..]).is_some()))
        }
    }

    /// The text with every phrase in it made unreadable: for each byte of it there is one of filling, so that places in the
    /// text stay what they were.
    pub fn mask(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        let there = words(text);
        let mut hidden = vec![false; text.len()];
        for at in 0..there.len() {
            for phrase in &self.0 {
                if let Some(last) = end(phrase, &there[at..]) {
                    hidden[there[at].bytes.start..there[at + last].bytes.end].fill(true);
                }
            }
        }
        let mut masked = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            match c.len_utf8() {
                _ if !hidden[at] => masked.push(c),
                1 => masked.push('*'),
                2 => masked.push('·'),
                3 => masked.push('•'),
                _ => masked.push_str("··"),
            }
        }
        masked
    }
}

/// Where a phrase ends that begins at the first of these words: the place of its last word there. The text may run together
/// what the phrase writes apart, and may write with a mark between what the phrase runs together.
fn end(phrase: &[Word], there: &[Word]) -> Option<usize> {
    let mut wanted = phrase
        .iter()
        .enumerate()
        .flat_map(|(at, word)| word.folded.chars().enumerate().map(move |(letter, c)| (c, at > 0 && letter == 0)));
    let mut left = phrase.iter().map(|word| word.folded.chars().count()).sum::<usize>();
    for (at, word) in there.iter().enumerate() {
        for (letter, c) in word.folded.chars().enumerate() {
            let (wanted, begins) = wanted.next()?;
            if c != wanted || letter == 0 && at > 0 && word.is_apart && !begins {
                return None;
            }
            left -= 1;
        }
        if left == 0 {
            return Some(at);
        }
    }
    None
}

/// The words of a text, folded.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let (mut is_open, mut is_apart) = (false, false);
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            (is_open, is_apart) = (false, true);
            continue;
        }
        // Upper case first: it writes out what has no lower case of its own (ß, ſ).
        let folded = std::iter::once(c).nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkd();
        let letters: String = folded.filter(|c| c.is_alphanumeric() && !is_combining_mark(*c)).collect();
        let bytes = at..at + c.len_utf8();
        if letters.is_empty() {
            // A mark that is put on a letter, or that cannot be seen, parts no words.
            match words.last_mut().filter(|_| is_open) {
                Some(word) if is_combining_mark(c) || !is_seen(c) => word.bytes.end = bytes.end,
                Some(_) | None => is_open = is_open && !is_seen(c),
            }
            continue;
        }
        match words.last_mut().filter(|_| is_open && !stands_alone(c)) {
            Some(word) => {
                word.folded.push_str(&letters);
                word.bytes.end = bytes.end;
            }
            None => {
                words.push(Word { folded: letters, bytes, is_apart });
                is_apart = false;
            }
        }
        is_open = !stands_alone(c);
    }
    words
}

/// Whether a letter's script writes words without spaces between them: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
fn stands_alone(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3005..=0x3007 | 0x3040..=0x30ff | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0xff66..=0xff9d | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(phrase: &str, text: &str) -> bool {
        Phrases::new(&[phrase]).is_in(text)
    }

    #[test]
    fn a_phrase_is_found_in_any_case_width_accent_and_with_any_marks_between_its_words() {
        for text in [
            "project falcon",
            "The PROJECT  FALCON plan",
            "see project-falcon.",
            "Prójeçt Fàlcon",
            "Ｐｒｏｊｅｃｔ Ｆａｌｃｏｎ",
            "project\nfalcon",
            "“project” (falcon)",
            "pro\u{ad}ject fal\u{200b}con",
            "ProjectFalcon's budget",
        ] {
            assert!(is_in("Project Falcon", text), "{text:?}");
        }
        assert!(is_in("email", "by e-mail") && is_in("e-mail", "by email") && is_in("Straße", "STRASSE"));
        assert!(is_in("年假", "我的年假有几天") && is_in("ガス", "ｶﾞｽ"));
    }

    #[test]
    fn other_words_and_parts_of_words_are_not_it() {
        for text in
            ["project falconry", "a projectfalconer", "falcon project", "project of the falcon", "project fal con", ""]
        {
            assert!(!is_in("Project Falcon", text), "{text:?}");
        }
        assert!(!is_in("therapist", "the rapist"), "words that stand apart are not run together");
        assert!(!is_in("--", "a -- b") && Phrases::new(&["--"]).is_empty());
    }

    #[test]
    fn a_masked_text_keeps_its_places_and_loses_the_phrase() {
        let phrases = Phrases::new(&["Fálcon", "年假", "🚲x"]);

        let text = "Über FÁLCON: 年假 🚲x end.";
        let masked = phrases.mask(text);

        assert_eq!(masked, "Über *·****: •• 🚲* end.");
        assert_eq!(masked.len(), text.len());
        assert_eq!(masked.find("end."), text.find("end."));
        assert!(!phrases.is_in(&masked));
    }
}
