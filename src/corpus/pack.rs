//! Writes blocks as plain text and packs them into texts of a size.

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Block, Sizes};

/// Words that end with a full stop and do not end a sentence.
const ABBREVIATIONS: [&str; 14] =
    ["e.g.", "i.e.", "etc.", "vs.", "cf.", "no.", "dr.", "mr.", "mrs.", "ms.", "prof.", "st.", "approx.", "incl."];

/// A run of letters without a space counts as one word for each so many bytes.
const WORD_BYTES: usize = 24;

/// Words from which on a code block has a passage of its own, with what leads to it: among prose it would be most of what the
/// passage is taken to be about.
const CODE_APART_WORDS: usize = 20;

/// The longest run without any border that is taken as one, in bytes.
const RUN_BYTES_MAX: usize = 192;

/// What belongs together: a paragraph, a list, a table, a code block. Its pieces are parted only where it is too long.
pub(super) struct Group {
    /// Sentences, items, rows or lines; never empty ones.
    pieces: Vec<String>,
    /// What stands between pieces.
    glue: &'static str,
    /// It leads to the next group and should not be parted from it: a heading, or "the following:".
    is_lead: bool,
    /// It shares its passages with nothing else: long code.
    is_apart: bool,
}

impl Group {
    pub(super) fn text(&self) -> String {
        self.pieces.join(self.glue).trim_end().to_owned()
    }

    pub(super) fn words(&self) -> usize {
        self.pieces.iter().map(|piece| words(piece)).sum()
    }
}

/// How many words a text has. Scripts without spaces count by their own word borders, and a long run counts as several, so
/// that no text escapes the limit.
pub(super) fn words(text: &str) -> usize {
    let of_token = |token: &str| {
        let borders = if token.is_ascii() { 1 } else { token.unicode_words().count().max(1) };
        borders.max(1 + token.len() / WORD_BYTES)
    };
    text.split_whitespace().map(of_token).sum()
}

/// Folds white space to single spaces and drops what cannot be seen (control characters, soft hyphens, zero-width marks).
pub(super) fn folded(text: &str) -> String {
    let is_unseen = |c: char| {
        (c.is_control() && !c.is_whitespace()) || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
    };
    let seen: String = text.chars().filter(|c| !is_unseen(*c)).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Blocks as groups, in order. No piece has more than `words_max` words, save a code block of up to half as much again.
pub(super) fn groups(blocks: &[Block], words_max: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut was_item = false;
    for block in blocks {
        let is_item = matches!(block, Block::Item { .. });
        let group = group_of(block, words_max);
        if !group.pieces.is_empty() {
            match groups.last_mut() {
                Some(list) if was_item && is_item => list.pieces.extend(group.pieces),
                Some(_) | None => groups.push(group),
            }
        }
        was_item = is_item;
    }
    groups
}

fn group_of(block: &Block, words_max: usize) -> Group {
    let (pieces, glue, is_lead) = match block {
        Block::Heading { text, .. } => (vec![folded(text)], "\n", true),
        Block::Paragraph { text } | Block::Quote { text } => {
            let text = folded(text);
            (sentences(&text), "", text.ends_with(':'))
        }
        Block::Item { depth, number, done, text } => (item(*depth, *number, *done, text), "\n", false),
        Block::Table { header, rows } => (table(header, rows), "\n", false),
        Block::Code { text, .. } => return code(text, words_max),
    };
    let pieces = pieces.into_iter().filter(|piece| !piece.trim().is_empty());
    Group { pieces: pieces.flat_map(|piece| bounded(piece, words_max)).collect(), glue, is_lead, is_apart: false }
}

fn item(depth: u8, number: Option<u32>, done: Option<bool>, text: &str) -> Vec<String> {
    let text = folded(text);
    if text.is_empty() {
        return Vec::new();
    }
    let indent = "  ".repeat(usize::from(depth.min(8)));
    let mark = number.map_or_else(|| "-".to_owned(), |number| format!("{number}."));
    let task = match done {
        Some(true) => "[x] ",
        Some(false) => "[ ] ",
        None => "",
    };
    vec![format!("{indent}{mark} {task}{text}")]
}

/// One line for each row, each naming its columns, so that a row can be read alone.
fn table(header: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let header: Vec<String> = header.iter().map(|cell| folded(cell)).collect();
    if rows.is_empty() {
        return vec![header.into_iter().filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("; ")];
    }
    let cell = |(column, cell): (usize, &String)| {
        let value = folded(cell);
        let name = header.get(column).filter(|name| !name.is_empty());
        (!value.is_empty()).then(|| name.map_or_else(|| value.clone(), |name| format!("{name}: {value}")))
    };
    rows.iter().map(|row| row.iter().enumerate().filter_map(cell).collect::<Vec<_>>().join("; ")).collect()
}

fn code(text: &str, words_max: usize) -> Group {
    let is_kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let text: String = text.chars().filter(is_kept).collect();
    let text = text.trim_matches('\n').trim_end();
    let pieces = if text.trim().is_empty() {
        Vec::new()
    } else if words(text) * 2 <= words_max * 3 {
        vec![text.to_owned()]
    } else {
        let lines = text.lines().filter(|line| !line.trim().is_empty()).map(str::trim_end);
        lines.flat_map(|line| bounded(line.to_owned(), words_max)).collect()
    };
    Group { pieces, glue: "\n", is_lead: false, is_apart: words(text) >= CODE_APART_WORDS }
}

/// The sentences of a text (UAX #29), each with the space after it, not parted after a usual abbreviation.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    let mut goes_on = false;
    for part in text.split_sentence_bounds() {
        match sentences.last_mut() {
            Some(last) if goes_on => last.push_str(part),
            Some(_) | None => sentences.push(part.to_owned()),
        }
        let last = part.split_whitespace().next_back().unwrap_or_default().to_lowercase();
        goes_on = ABBREVIATIONS.contains(&last.trim_start_matches(['(', '[', '"']));
    }
    sentences
}

/// A piece of more than `words_max` words, parted at word borders, and where there are none anywhere.
fn bounded(piece: String, words_max: usize) -> Vec<String> {
    if words(&piece) <= words_max {
        return vec![piece];
    }
    let mut parts = Vec::new();
    let (mut part, mut count) = (String::new(), 0);
    for run in piece.split_word_bounds().flat_map(runs) {
        let of_run = words(run);
        if count + of_run > words_max {
            parts.push(std::mem::take(&mut part));
            count = 0;
        }
        part.push_str(run);
        count += of_run;
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// A run of text in parts of at most [`RUN_BYTES_MAX`] bytes.
fn runs(mut text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while text.len() > RUN_BYTES_MAX {
        let end = text.floor_char_boundary(RUN_BYTES_MAX);
        parts.push(&text[..end]);
        text = &text[end..];
    }
    parts.push(text);
    parts
}

/// A text being filled.
struct Filling {
    sizes: Sizes,
    texts: Vec<String>,
    text: String,
    words: usize,
    /// Words not yet placed.
    left: usize,
}

/// Packs groups into texts: whole groups where they fit, else their pieces, and no short rest where it fits the last text.
/// Long code stands apart.
pub(super) fn packed(groups: Vec<Group>, sizes: Sizes) -> Vec<String> {
    let groups = with_leads(groups, sizes);
    let left = groups.iter().map(Group::words).sum();
    let mut filling = Filling { sizes, texts: Vec::new(), text: String::new(), words: 0, left };
    for group in &groups {
        let words = group.words();
        let is_full = filling.words + words > sizes.words_max
            && words <= sizes.words_max
            && filling.words * 2 >= sizes.words_wanted;
        if is_full || group.is_apart {
            filling.flush();
        }
        if filling.words + words <= sizes.words_max {
            filling.add(&group.text(), words, "\n");
        } else {
            for (n, piece) in group.pieces.iter().enumerate() {
                filling.add(piece, self::words(piece), if n == 0 { "\n" } else { group.glue });
            }
        }
        if group.is_apart {
            filling.flush();
        }
    }
    filling.flush();
    filling.texts
}

/// Puts what leads to a group into its first piece.
fn with_leads(groups: Vec<Group>, sizes: Sizes) -> Vec<Group> {
    let mut out: Vec<Group> = Vec::new();
    for mut group in groups {
        let lead = out.pop_if(|last| last.is_lead && last.words() + words(&group.pieces[0]) <= sizes.words_max);
        if let Some(lead) = lead {
            group.pieces[0] = format!("{}\n{}", lead.text(), group.pieces[0]);
        }
        out.push(group);
    }
    out
}

impl Filling {
    fn add(&mut self, text: &str, words: usize, glue: &str) {
        if self.words + words > self.sizes.words_max {
            self.flush();
        }
        if !self.text.is_empty() {
            self.text.push_str(glue);
        }
        self.text.push_str(text);
        self.words += words;
        self.left -= words;
        if self.words >= self.sizes.words_wanted && self.words + self.left > self.sizes.words_max {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.texts.push(std::mem::take(&mut self.text).trim_end().to_owned());
        }
        self.words = 0;
    }
}
