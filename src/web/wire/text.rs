//! Places in a text, as a browser counts them.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

/// Byte ranges of `text` as pairs of UTF-16 code units, `[start, end]`: what `String.prototype.slice` takes. A range that
/// is no range of this text (a damaged record) is left out.
pub fn utf16(text: &str, ranges: &[Range<u32>]) -> Vec<Vec<u32>> {
    let units = |upto: u32| -> Option<u32> {
        let before = text.get(..usize::try_from(upto).ok()?)?;
        u32::try_from(before.encode_utf16().count()).ok()
    };
    ranges
        .iter()
        .filter(|range| range.start < range.end)
        .filter_map(|range| Some(vec![units(range.start)?, units(range.end)?]))
        .collect()
}

/// The shortest word of a query that is marked in a text; shorter ones stand everywhere.
const LETTERS_MIN: usize = 3;

/// The bytes of `text` where a word of the query stands, ascending: a text word counts where, without regard to case, it is
/// a query word, or one of them begins with the other and the shorter has at least four letters.
pub fn matches(text: &str, query: &str) -> Vec<Range<u32>> {
    let wanted: Vec<String> = query
        .unicode_words()
        .filter(|word| word.chars().count() >= LETTERS_MIN || word.chars().any(char::is_numeric))
        .map(str::to_lowercase)
        .collect();
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    text.unicode_word_indices()
        .filter(|(_, word)| {
            let word = word.to_lowercase();
            wanted.iter().any(|wanted| is_akin(&word, wanted))
        })
        .map(|(at, word)| place(at)..place(at + word.len()))
        .collect()
}

fn is_akin(word: &str, wanted: &str) -> bool {
    let shorter = word.chars().count().min(wanted.chars().count());
    word == wanted || (shorter >= 4 && (word.starts_with(wanted) || wanted.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_utf_16_code_units() {
        let text = "Grüße 👩‍🚀 an Mary";
        let start = u32::try_from(text.find("an").unwrap()).unwrap();

        let quotes = utf16(text, &[0..7, start..start + 2]);

        // "Grüße " is 6 units, the astronaut 2 + 1 + 2, the space 1.
        assert_eq!(quotes, [[0, 5], [12, 14]]);
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(String::from_utf16(&units[12..14]).unwrap(), "an");
    }

    #[test]
    fn a_range_inside_a_character_or_past_the_end_is_left_out() {
        assert!(utf16("é", &[1..2, 0..1]).is_empty());
        assert!(utf16("abc", &[1..9, 2..2]).is_empty());
    }

    #[test]
    fn the_words_of_a_query_are_found_whatever_their_case_or_ending() {
        let text = "Expenses are claimed by the 5th. An expense needs a receipt.";

        let found: Vec<&str> = matches(text, "when is an EXPENSE claim due, 5th?")
            .iter()
            .map(|r| &text[r.start as usize..r.end as usize])
            .collect();

        assert_eq!(found, ["Expenses", "claimed", "5th", "expense"]);
    }
}
