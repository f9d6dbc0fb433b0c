//! Cutting a document into passages, by heading.
//!
//! A passage never crosses a heading of the first three levels, save that tiny neighbours are put together with their
//! headings written out. Inside a section, sentences, list items, table rows and code are packed up to a size.

use super::pack::{self, Group};
use super::{Block, Document, Passage, PassageId};

/// How large a passage may be, in words.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Where a passage is ended at the next sentence.
    pub words_wanted: usize,
    /// No passage is longer, save a single unbroken code block of up to half as much again.
    pub words_max: usize,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { words_wanted: 130, words_max: 220 }
    }
}

/// Headings of this level and above always begin a new section; deeper ones only where a section is too long.
const LEVEL_CUT: u8 = 3;

/// A section is tiny below this part of the wanted size.
const TINY_PART: usize = 5;

/// Words of its document's title that a passage bears. What is longer names nothing: it is a text in a title's place, and would
/// be part of every passage.
const TITLE_WORDS_MAX: usize = 16;

/// The blocks under one heading.
struct Section<'a> {
    under: Vec<&'a str>,
    blocks: &'a [Block],
}

/// A passage before it has its id.
struct Piece {
    under: Vec<String>,
    text: String,
    words: usize,
    /// It is all of its section, so that it may be put together with a neighbour.
    is_whole: bool,
}

/// Cuts a document into passages, in reading order. A document without any text gives one passage with its title; one
/// without a title too gives none.
pub fn cut(document: &Document, sizes: Sizes) -> Vec<Passage> {
    let sizes =
        Sizes { words_wanted: sizes.words_wanted.max(1), words_max: sizes.words_max.max(sizes.words_wanted).max(1) };
    let mut sections = Vec::new();
    split(&document.blocks, &[], LEVEL_CUT, sizes, &mut sections);
    let mut pieces = joined(sections.iter().flat_map(|section| pieces_of(section, &document.title, sizes)), sizes);
    if pieces.is_empty() && !document.title.trim().is_empty() {
        let text = pack::folded(&document.title);
        pieces.push(Piece { under: Vec::new(), words: pack::words(&text), text, is_whole: true });
    }

    let title = match document.title.split_whitespace().nth(TITLE_WORDS_MAX) {
        Some(_) => document.title.split_whitespace().take(TITLE_WORDS_MAX).collect::<Vec<_>>().join(" "),
        None => document.title.clone(),
    };
    let passage = |(place, piece): (usize, Piece)| Passage {
        id: PassageId { document: document.id.clone(), revision: document.revision, place: place as u32 },
        title: title.clone(),
        under: piece.under,
        text: piece.text,
    };
    pieces.into_iter().enumerate().map(passage).collect()
}

/// Splits blocks at headings up to `level`. A section that is too long is split again at its own deeper headings.
fn split<'a>(blocks: &'a [Block], above: &[&'a str], level: u8, sizes: Sizes, out: &mut Vec<Section<'a>>) {
    // The headings that hold at this point, each with its level.
    let mut path: Vec<(u8, &'a str)> = Vec::new();
    let mut begin = 0;
    for n in 0..=blocks.len() {
        let heading = blocks.get(n).and_then(heading_of).filter(|(found, _)| *found <= level);
        if heading.is_none() && n < blocks.len() {
            continue;
        }
        let under: Vec<&str> = above.iter().copied().chain(path.iter().map(|(_, text)| *text)).collect();
        // A heading with nothing below it, not even a deeper heading, is a section by itself: its words must be found.
        let is_last = path.last().is_some_and(|(last, _)| heading.is_none_or(|(found, _)| found <= *last));
        if begin < n {
            close(&blocks[begin..n], under, level, sizes, out);
        } else if is_last {
            out.push(Section { under: under[..under.len() - 1].to_vec(), blocks: &blocks[begin - 1..begin] });
        }
        if let Some((found, text)) = heading {
            path.retain(|(above, _)| *above < found);
            path.push((found, text));
            begin = n + 1;
        }
    }
}

fn close<'a>(blocks: &'a [Block], under: Vec<&'a str>, level: u8, sizes: Sizes, out: &mut Vec<Section<'a>>) {
    let deeper = blocks.iter().filter_map(heading_of).map(|(found, _)| found).min();
    let words = || pack::groups(blocks, sizes.words_max).iter().map(Group::words).sum::<usize>();
    match deeper {
        Some(deeper) if deeper > level && words() > sizes.words_max => split(blocks, &under, deeper, sizes, out),
        Some(_) | None => out.push(Section { under, blocks }),
    }
}

fn heading_of(block: &Block) -> Option<(u8, &str)> {
    if let Block::Heading { level, text } = block { Some((*level, text)) } else { None }
}

/// The passages of one section.
fn pieces_of(section: &Section<'_>, title: &str, sizes: Sizes) -> Vec<Piece> {
    let mut under: Vec<String> = section.under.iter().map(|text| pack::folded(text)).collect();
    under.retain(|text| !text.is_empty());
    // A first heading that only repeats the title tells nothing.
    if under.first().is_some_and(|first| first.to_lowercase() == pack::folded(title).to_lowercase()) {
        under.remove(0);
    }
    let texts = pack::packed(pack::groups(section.blocks, sizes.words_max), sizes);
    let is_whole = texts.len() == 1;
    texts.into_iter().map(|text| Piece { under: under.clone(), words: pack::words(&text), text, is_whole }).collect()
}

/// Puts tiny neighbours together, with the headings they do not share written out as lines of their own.
fn joined(pieces: impl Iterator<Item = Piece>, sizes: Sizes) -> Vec<Piece> {
    let tiny = sizes.words_wanted / TINY_PART;
    let mut out: Vec<Piece> = Vec::new();
    for piece in pieces {
        match out.last_mut() {
            Some(last) if last.is_whole && piece.is_whole && (last.words < tiny || piece.words < tiny) => {
                let shared = last.under.iter().zip(&piece.under).take_while(|(a, b)| a == b).count();
                let are_near = shared + 1 >= last.under.len().max(piece.under.len());
                let text = format!("{}\n{}", last.written_from(shared), piece.written_from(shared));
                let words = pack::words(&text);
                if are_near && words <= sizes.words_wanted {
                    last.under.truncate(shared);
                    (last.text, last.words) = (text, words);
                } else {
                    out.push(piece);
                }
            }
            Some(_) | None => out.push(piece),
        }
    }
    out
}

impl Piece {
    /// The text, below those headings that stand deeper than `depth`.
    fn written_from(&self, depth: usize) -> String {
        let mut lines = self.under[depth..].to_vec();
        lines.push(self.text.clone());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DocumentId, Kind, Space};
    use super::*;

    fn document(blocks: Vec<Block>) -> Document {
        Document {
            id: DocumentId::new("wiki", "1").unwrap(),
            kind: Kind::Page,
            title: "Leave".into(),
            space: Space { key: "HR".into(), name: "People".into() },
            url: "https://wiki.example/1".into(),
            container: None,
            ancestors: vec![],
            labels: vec![],
            author: "Ada".into(),
            updated_ms: 0,
            made: Default::default(),
            revision: 7,
            blocks,
            links: vec![],
        }
    }

    fn heading(level: u8, text: &str) -> Block {
        Block::Heading { level, text: text.into() }
    }

    fn paragraph(text: &str) -> Block {
        Block::Paragraph { text: text.into() }
    }

    fn item(text: &str) -> Block {
        Block::Item { depth: 0, number: None, done: None, text: text.into() }
    }

    /// `count` sentences of eight words, each with its own number.
    fn sentences(count: usize) -> String {
        (0..count).map(|n| format!("This is sentence number {n} of the text. ")).collect()
    }

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn each_heading_begins_a_passage_that_knows_what_it_stands_under() {
        let long = sentences(10);
        let passages = cut(
            &document(vec![
                paragraph(&long),
                heading(1, "Sick leave"),
                paragraph(&long),
                heading(2, "Borrowing"),
                paragraph(&long),
                heading(1, "Holidays"),
                paragraph(&long),
            ]),
            Sizes::default(),
        );

        let under: Vec<_> = passages.iter().map(|passage| passage.under.join(" > ")).collect();
        assert_eq!(under, ["", "Sick leave", "Sick leave > Borrowing", "Holidays"]);
        assert_eq!(passages[2].id.to_string(), "wiki:1@7#2");
    }

    #[test]
    fn a_heading_that_repeats_the_title_is_not_written_twice() {
        let passages = cut(&document(vec![heading(1, "LEAVE"), paragraph(&sentences(10))]), Sizes::default());

        assert_eq!(passages[0].under, Vec::<String>::new());
    }

    #[test]
    fn a_long_section_is_cut_at_sentences_and_nothing_is_lost() {
        let text = sentences(200);
        let passages = cut(&document(vec![paragraph(&text)]), Sizes::default());

        assert!(passages.len() > 8);
        assert!(passages.iter().all(|passage| words(&passage.text) <= 220 && passage.text.ends_with("text.")));
        let joined: Vec<_> = passages.iter().map(|passage| passage.text.as_str()).collect();
        assert_eq!(joined.join(" "), text.trim());
    }

    #[test]
    fn a_list_is_kept_together_with_the_line_that_leads_to_it() {
        let items = (0..12).map(|n| item(&format!("the item with number {n} is here for you")));
        let blocks = [paragraph(&sentences(18)), paragraph("You must bring the following:")].into_iter().chain(items);
        let passages = cut(&document(blocks.collect()), Sizes::default());

        assert_eq!(passages.len(), 2);
        assert!(passages[1].text.starts_with("You must bring the following:\n- the item with number 0"));
        assert!(passages[1].text.ends_with("number 11 is here for you"));
    }

    #[test]
    fn a_long_table_is_cut_between_rows_and_each_row_names_its_columns() {
        let row = |n: usize| vec![format!("Grade {n}"), "twenty five working days".into(), String::new()];
        let table = Block::Table {
            header: vec!["Grade".into(), "Days of leave".into(), "Note".into()],
            rows: (0..60).map(row).collect(),
        };
        let passages = cut(&document(vec![table]), Sizes::default());

        assert!(passages.len() > 2);
        let lines: Vec<_> = passages.iter().flat_map(|passage| passage.text.lines()).collect();
        assert_eq!(lines.len(), 60);
        assert_eq!(lines[3], "Grade: Grade 3; Days of leave: twenty five working days");
    }

    #[test]
    fn a_code_block_is_not_broken_until_it_is_half_as_long_again_as_allowed() {
        let code = |lines: usize| Block::Code {
            language: None,
            text: (0..lines).map(|n| format!("    let value_{n} = {n};\n")).collect(),
        };

        let kept = cut(&document(vec![paragraph(&sentences(15)), code(75)]), Sizes::default());
        assert_eq!(kept.len(), 2);
        assert!(kept[1].text.starts_with("    let value_0") && kept[1].text.ends_with("value_74 = 74;"));

        let broken = cut(&document(vec![code(300)]), Sizes::default());
        assert!(broken.len() > 4 && broken.iter().all(|passage| words(&passage.text) <= 220));
    }

    #[test]
    fn long_code_has_a_passage_of_its_own_with_what_leads_to_it_and_a_short_one_stands_with_its_text() {
        let code = |lines: usize| Block::Code { language: None, text: "let value = 1;\n".repeat(lines) };
        let around = |code| {
            let blocks = vec![paragraph("The pager is 4417."), paragraph("Run this:"), code, paragraph("Then call.")];
            cut(&document(blocks), Sizes::default()).into_iter().map(|passage| passage.text).collect::<Vec<_>>()
        };

        let apart = around(code(20));
        assert_eq!((apart.len(), apart[0].as_str(), apart[2].as_str()), (3, "The pager is 4417.", "Then call."));
        assert!(apart[1].starts_with("Run this:\nlet value = 1;"));
        assert_eq!(around(code(2)).len(), 1);
    }

    #[test]
    fn a_text_in_a_titles_place_is_not_part_of_every_passage() {
        let mut long = document(vec![paragraph("Call 4417.")]);
        long.title = "import requests ".repeat(200);

        assert_eq!(words(&cut(&long, Sizes::default())[0].title), TITLE_WORDS_MAX);
    }

    #[test]
    fn tiny_sections_are_put_together_with_their_headings() {
        let passages = cut(
            &document(vec![
                heading(2, "Contacts"),
                heading(3, "Payroll"),
                paragraph("Call 4417."),
                heading(3, "Leave"),
                paragraph("Call 4418."),
                heading(2, "Dates"),
                paragraph(&sentences(20)),
            ]),
            Sizes::default(),
        );

        assert_eq!(passages.len(), 2);
        assert_eq!(passages[0].under, ["Contacts"]);
        assert_eq!(passages[0].text, "Payroll\nCall 4417.\nLeave\nCall 4418.");
    }

    #[test]
    fn deeper_headings_cut_only_where_a_section_is_too_long() {
        let section = |count| {
            vec![heading(4, "One"), paragraph(&sentences(count)), heading(4, "Two"), paragraph(&sentences(count))]
        };

        let short = cut(&document(section(6)), Sizes::default());
        assert_eq!(short.len(), 1);
        assert!(short[0].text.starts_with("One\nThis is") && short[0].text.contains("\nTwo\nThis is"));

        let long = cut(&document(section(20)), Sizes::default());
        assert_eq!(long.iter().map(|passage| passage.under.join("")).collect::<Vec<_>>(), ["One", "Two"]);
    }

    #[test]
    fn headings_without_text_are_still_found() {
        let passages =
            cut(&document(vec![heading(1, "Alpha"), heading(2, "Beta"), heading(1, "Gamma")]), Sizes::default());

        let all: String =
            passages.iter().map(|passage| format!("{} {} ", passage.under.join(" "), passage.text)).collect();
        for word in ["Alpha", "Beta", "Gamma"] {
            assert!(all.contains(word), "{word} in {all}");
        }
    }

    #[test]
    fn a_document_without_text_gives_its_title_and_one_without_a_title_nothing() {
        let mut empty = document(vec![paragraph(" \u{200b}\n")]);
        assert_eq!(cut(&empty, Sizes::default())[0].text, "Leave");

        empty.title = " ".into();
        assert_eq!(cut(&empty, Sizes::default()), []);
    }

    #[test]
    fn text_without_spaces_is_cut_too() {
        let base64 = "QUJD".repeat(20_000);
        let chinese = "员工每年有二十五天假期。".repeat(300);
        for text in [base64, chinese] {
            let passages = cut(&document(vec![paragraph(&text)]), Sizes::default());

            assert!(passages.len() > 5);
            assert!(passages.iter().all(|passage| passage.text.len() < 8000));
            assert!(passages.iter().map(|passage| passage.text.as_str()).collect::<String>() == text);
        }
    }

    #[test]
    fn every_kind_of_block_is_written_once() {
        let table = Block::Table { header: vec![], rows: vec![vec!["a".into(), "b".into()]] };
        let task = Block::Item { depth: 1, number: Some(2), done: Some(true), text: "Sign".into() };
        let blocks = vec![heading(4, "Forms"), paragraph("Fill  in."), task, table];

        let passages = cut(&document(blocks), Sizes::default());

        assert_eq!(
            passages.iter().map(|passage| passage.text.as_str()).collect::<Vec<_>>(),
            ["Forms\nFill in.\n  2. [x] Sign\na; b"]
        );
    }
}
