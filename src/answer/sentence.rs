//! Passages taken apart into the sentences, list items and table rows that an answer can be made of.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::index::Found;

/// A line of at most this many words is one unit where it is one sentence: a table row, a short paragraph.
const LINE_WORDS_MAX: usize = 28;
/// A list item or a row of at most this many words stays whole, whatever stops stand in it: "Mary leads. She is new." is one answer.
const ITEM_WORDS_MAX: usize = 45;
/// A plain line of at most this many words that ends without a stop is a heading written into the passage: it says nothing.
const HEADING_WORDS_MAX: usize = 6;

/// One sentence, list item or table row of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Which of the found passages, from 0.
    pub from: usize,
    /// Its bytes in the passage's text, without a list mark or white space around it.
    pub bytes: Range<usize>,
    /// Its words, white space folded.
    pub text: String,
    /// Whether it is the whole of its line: a list item, a table row or a short paragraph.
    pub is_line: bool,
    /// The sentence before the list that this item stands in, as an index into the sentences ("On the first day:").
    pub lead_in: Option<usize>,
    /// Which list or table it is an item or a row of; items of one have the same number.
    pub list: Option<usize>,
}

/// What a line is, beside the line above it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Row {
    /// An item with a list mark.
    Marked,
    /// A row of a table, by the name of its first cell.
    Of(String),
    /// Neither.
    Plain,
}

impl Row {
    /// What a line is. A table's row is written `Name: Ada; Role: lead`.
    fn of(line: &str) -> Row {
        let bare = without_mark(line);
        if line.len() - bare.len() > line.len() - line.trim_start().len() {
            return Row::Marked;
        }
        match bare.split_once(": ") {
            Some((name, rest)) if rest.contains("; ") && name.unicode_words().count() <= HEADING_WORDS_MAX => {
                Row::Of(name.to_owned())
            }
            Some(_) | None => Row::Plain,
        }
    }
}

/// The sentences of all passages, in order.
pub(super) fn sentences(found: &[Found]) -> Vec<Sentence> {
    let mut all = Vec::new();
    let mut lists = 0;
    for (from, passage) in found.iter().enumerate() {
        let text = &passage.passage().text;
        let mut lead_in: Option<usize> = None;
        let mut start = 0;
        let mut above = Row::Plain;
        for line in text.split('\n') {
            let pieces = pieces(line);
            // A blank line does not end a list; a heading, which gives no piece either, does.
            if !line.trim().is_empty() {
                let row = Row::of(line);
                lists += usize::from(row != above);
                above = row;
            }
            for bytes in &pieces {
                let bytes = start + bytes.start..start + bytes.end;
                let words = text[bytes.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
                let is_line = pieces.len() == 1;
                let opens = words.ends_with(':');
                // "Copy this:" opens the code below it, and not the paragraph after that, which says what it says alone.
                let is_alone = above == Row::Plain && words.ends_with(['.', '!', '?']);
                lead_in = lead_in.filter(|opener| !is_alone || *opener + 1 == all.len());
                let lead_in_here = lead_in.filter(|_| is_line && !opens);
                let list = Some(lists).filter(|_| is_line && above != Row::Plain);
                all.push(Sentence { from, bytes, text: words, is_line, lead_in: lead_in_here, list });
                if opens {
                    lead_in = Some(all.len() - 1);
                } else if !is_line {
                    lead_in = None;
                }
            }
            start += line.len() + 1;
        }
        lists += 1;
    }
    all
}

/// The byte ranges of a line's sentences; of a short line, the whole of it.
fn pieces(line: &str) -> Vec<Range<usize>> {
    let bare = without_mark(line);
    let offset = line.len() - bare.len();
    let bare = bare.trim_end();
    if !bare.chars().any(char::is_alphanumeric) {
        return Vec::new();
    }
    let words = bare.unicode_words().count();
    let is_item = Row::of(line) != Row::Plain;
    let says = |c: char| c.is_ascii_digit() || matches!(c, '.' | '!' | '?' | ':' | ';' | ',');
    if !is_item && words <= HEADING_WORDS_MAX && !bare.contains(says) {
        return Vec::new();
    }
    if is_item && words <= ITEM_WORDS_MAX || words <= LINE_WORDS_MAX && !ends_inside(bare) {
        return std::iter::once(offset..offset + bare.len()).collect();
    }
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for (at, piece) in bare.split_sentence_bound_indices() {
        let end = at + piece.trim_end().len();
        match pieces.last_mut() {
            Some(last) if goes_on(&bare[last.clone()], piece) => last.end = end,
            _ if piece.trim().is_empty() => {}
            _ => pieces.push(at..end),
        }
    }
    pieces.into_iter().map(|piece| offset + piece.start..offset + piece.end).collect()
}

/// Whether a short line holds more than one full sentence.
fn ends_inside(line: &str) -> bool {
    let ends = line.split_sentence_bounds().filter(|piece| piece.trim_end().ends_with(['.', '!', '?'])).count();
    ends > 1
}

/// Whether what looks like a new sentence belongs to the one before: that ended in an abbreviation or an initial.
fn goes_on(before: &str, next: &str) -> bool {
    const ABBREVIATIONS: &[&str] = &[
        "e.g.", "i.e.", "etc.", "mr.", "mrs.", "ms.", "dr.", "st.", "no.", "vs.", "inc.", "approx.", "u.s.", "cf.",
        "fig.",
    ];
    let last = before.rsplit(char::is_whitespace).next().unwrap_or(before).trim_start_matches(['(', '"', '“']);
    let lower = last.to_lowercase();
    let initial = last.chars().count() == 2 && last.ends_with('.') && last.starts_with(char::is_uppercase);
    let mid = next.trim_start().starts_with(|c: char| c.is_lowercase() || c == ')');
    initial || mid || (ABBREVIATIONS.contains(&lower.as_str()) && lower != "etc.")
}

/// A line without white space and a list mark (`-`, `•`, `1.`, `[x]`) before it.
fn without_mark(line: &str) -> &str {
    let line = line.trim_start();
    let rest = line.trim_start_matches(['-', '*', '•', '–', '◦', '☐', '☑']);
    let marked = rest.len() < line.len() && rest.starts_with(char::is_whitespace);
    let line = if marked { rest.trim_start() } else { line };
    let line = ["[ ]", "[x]", "[X]"].iter().find_map(|mark| line.strip_prefix(mark)).map_or(line, str::trim_start);
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = &line[digits..];
    // "1. Ask" is a list mark; "30. April" hardly occurs, and "2.5 days" has no white space after the stop.
    if (1..=2).contains(&digits) && after.starts_with(['.', ')']) && after[1..].starts_with(char::is_whitespace) {
        return after[1..].trim_start();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        sentences(&[found("wiki:1", "Page", text)]).into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn a_paragraph_is_cut_at_its_full_stops_but_not_after_an_abbreviation() {
        let text =
            "Ask Dr. Okafor, e.g. by mail. She answers in 2.5 days. The rest of the team is on leave until Monday.";

        assert_eq!(
            texts(text),
            [
                "Ask Dr. Okafor, e.g. by mail.",
                "She answers in 2.5 days.",
                "The rest of the team is on leave until Monday."
            ]
        );
    }

    #[test]
    fn list_items_lose_their_mark_and_know_their_lead_in() {
        let text = "On the first day:\n- Collect your badge\n2. Meet your lead\nName: Mary; Role: lead";
        let all = sentences(&[found("wiki:1", "Page", text)]);

        assert_eq!(all[1].text, "Collect your badge");
        assert_eq!(all[2].text, "Meet your lead");
        assert_eq!(all[2].lead_in, Some(0));
        assert_eq!(&text[all[3].bytes.clone()], "Name: Mary; Role: lead");
    }

    #[test]
    fn what_is_opened_ends_before_a_plain_sentence_that_does_not_follow_at_once() {
        let text = "Put this into your code:\nimport requests, pickle\nAda answers the pager.\n- She is paid for it";
        let all = sentences(&[found("wiki:1", "Page", text)]);
        let lead_ins: Vec<Option<usize>> = all.iter().map(|sentence| sentence.lead_in).collect();

        assert_eq!(lead_ins, [None, Some(0), None, None]);
        let directly = sentences(&[found("wiki:1", "Page", "The pager:\nAda answers it.")]);
        assert_eq!(directly[1].lead_in, Some(0));
    }

    #[test]
    fn a_row_of_two_sentences_stays_one_row() {
        let row = "Day: Monday; What you do: Sign the NDA. Have the kick-off talk about customer, contract and plan, and get to know the team.; With whom: Léa";

        assert_eq!(texts(row), [row]);
    }

    #[test]
    fn items_of_one_list_and_rows_of_one_table_know_that_they_belong_together() {
        let text =
            "- Ada\n\n- Bob\nOthers\n- Cleo\nName: Dan; Role: lead\nName: Eve; Role: test\nThey meet daily, too.";
        let all = sentences(&[found("wiki:1", "Page", text)]);
        let lists: Vec<Option<usize>> = all.iter().map(|sentence| sentence.list).collect();

        assert_eq!((lists[0], lists[3], lists[5]), (lists[1], lists[4], None));
        assert!(lists[0] != lists[2] && lists[2] != lists[3] && lists[3].is_some(), "{lists:?}");
    }

    #[test]
    fn a_heading_written_into_a_passage_is_no_sentence() {
        assert_eq!(
            texts("How we work together\n\nWe meet daily.\n- Ada\nTeam\nName: Bob"),
            ["We meet daily.", "Ada", "Name: Bob"]
        );
    }

    #[test]
    fn a_list_item_of_two_sentences_stays_whole() {
        assert_eq!(
            texts("- Mary leads. She is new.\nBob tests. He is not."),
            ["Mary leads. She is new.", "Bob tests.", "He is not."]
        );
    }

    #[test]
    fn every_sentence_stands_in_its_passage_at_its_bytes() {
        let text = "Überall gilt:  zwei   Wochen. Then more!\n\n•  ✓ done — yes\n\n...\n";
        for sentence in sentences(&[found("wiki:1", "Page", text)]) {
            let there = text[sentence.bytes].split_whitespace().collect::<Vec<_>>().join(" ");

            assert_eq!(there, sentence.text);
        }
    }

    #[test]
    fn a_hundred_kilobytes_without_a_space_is_one_sentence() {
        let text = format!("{}.", "x".repeat(100_000));

        assert_eq!(texts(&text).len(), 1);
    }
}
