//! PDF to blocks: characters with places become lines, lines become headings, items, rows and paragraphs.
//!
//! A PDF says where each character stands and how large it is, and nothing of paragraphs. Larger letters than the body's are
//! headings; a wider gap, a mark or a short last line begins a new paragraph; words that were parted by a hyphen at a line's
//! end are joined again; lines that stand on most pages are running heads and are dropped.

use std::collections::HashMap;

use pdf_extract::{Document, MediaBox, OutputDev, OutputError, Transform, output_doc};

use super::grid::Shape;
use super::sheet::Sheet;
use super::text::bullet;
use crate::corpus::Block;

/// Reads a PDF file. One that is encrypted with a user password cannot be read.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, String> {
    let mut document = Document::load_mem(bytes).map_err(|_| "it is no PDF, or damaged".to_owned())?;
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err("it is protected by a password".to_owned());
    }
    let mut page = Lines::default();
    output_doc(&document, &mut page).map_err(|_| "a page of it cannot be read".to_owned())?;
    page.end();
    Ok(blocks(page.lines))
}

/// One line of text with its place.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    page: u32,
    /// Parts that a wide gap keeps apart: the cells of a row.
    parts: Vec<String>,
    left: f64,
    right: f64,
    /// From the top of the page.
    y: f64,
    size: f64,
}

impl Line {
    fn text(&self) -> String {
        self.parts.join(" ")
    }
}

/// Gathers lines while the pages are drawn.
#[derive(Default)]
struct Lines {
    page: u32,
    top: f64,
    open: Option<Line>,
    lines: Vec<Line>,
}

impl Lines {
    fn end(&mut self) {
        if let Some(mut line) = self.open.take() {
            line.parts.iter_mut().for_each(|part| *part = part.trim().to_owned());
            line.parts.retain(|part| !part.is_empty());
            if !line.parts.is_empty() {
                self.lines.push(line);
            }
        }
    }
}

impl OutputDev for Lines {
    fn begin_page(&mut self, page: u32, media: &MediaBox, _: Option<(f64, f64, f64, f64)>) -> Result<(), OutputError> {
        self.end();
        (self.page, self.top) = (page, media.ury);
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        self.end();
        Ok(())
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        _: f64,
        font_size: f64,
        character: &str,
    ) -> Result<(), OutputError> {
        // The side of a square as large as the letter's box: letters may be stretched or turned.
        let size = font_size * (place.m11 * place.m22 - place.m12 * place.m21).abs().sqrt();
        let (x, y) = (place.m31, self.top - place.m32);
        if !(x.is_finite() && y.is_finite() && size.is_finite()) {
            return Ok(());
        }
        let size = size.clamp(0.5, 500.0);
        let stays = self.open.as_ref().is_some_and(|line| {
            // Raised and lowered letters stay on their line; text drawn back to the left begins another.
            (y - line.y).abs() < 0.6 * line.size.max(size) && x > line.right - 2.0 * size
        });
        if !stays {
            self.end();
        }
        let end = x + if width > 0.0 { width } else { usual_width(character) } * size;
        let line = self.open.get_or_insert_with(|| Line {
            page: self.page,
            parts: vec![String::new()],
            left: x,
            right: x,
            y,
            size,
        });
        let gap = x - line.right;
        if let Some(part) = line.parts.last_mut() {
            if gap > 0.9 * size && !part.trim().is_empty() {
                line.parts.push(String::new());
            } else if gap > 0.15 * size && !part.ends_with(' ') {
                part.push(' ');
            }
        }
        if let Some(part) = line.parts.last_mut() {
            character.chars().for_each(|c| spell(c, part));
        }
        // A raised figure must not make the whole line small.
        line.size = line.size.max(size);
        line.right = line.right.max(end);
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

/// About how wide a letter is, in its size, where the file's widths were not understood (compact ranges in CID fonts).
fn usual_width(character: &str) -> f64 {
    match character.chars().next() {
        Some('.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'i' | 'j' | 'l' | ' ') => 0.3,
        Some('\u{300}'..='\u{36f}') | None => 0.0,
        Some(_) => 0.6,
    }
}

/// Writes a character, a ligature as its letters: nobody searches for `ﬁ`.
fn spell(c: char, out: &mut String) {
    match c {
        'ﬀ' => out.push_str("ff"),
        'ﬁ' => out.push_str("fi"),
        'ﬂ' => out.push_str("fl"),
        'ﬃ' => out.push_str("ffi"),
        'ﬄ' => out.push_str("ffl"),
        'ﬅ' | 'ﬆ' => out.push_str("st"),
        c if c.is_control() => out.push(' '),
        c => out.push(c),
    }
}

/// Makes blocks of lines.
fn blocks(lines: Vec<Line>) -> Vec<Block> {
    let lines = without_running_heads(lines);
    let body = body_size(&lines);
    let leading = leading(&lines, body);
    let right = lines.iter().filter(|line| is_body(line, body)).map(|line| line.right).fold(0.0, f64::max);
    let levels = heading_sizes(&lines, body);

    let mut sheet = Sheet::new();
    let mut text = String::new();
    let mut before: Option<&Line> = None;
    let mut place = 0;
    while let Some(line) = lines.get(place) {
        let rows = rows_from(&lines[place..], body);
        if rows > 1 {
            flush(&mut sheet, &mut text);
            table(&mut sheet, &lines[place..place + rows]);
            place += rows;
            before = None;
            continue;
        }
        place += 1;
        let content = line.text();
        let level = levels.iter().position(|size| *size == halves(line.size)).filter(|_| content.len() <= 200);
        if let Some(level) = level {
            let goes_on = before.is_some_and(|before| {
                halves(before.size) == halves(line.size)
                    && before.page == line.page
                    && (line.y - before.y) < 1.6 * line.size
            });
            if !goes_on {
                flush(&mut sheet, &mut text);
                sheet.open_heading(u8::try_from(level + 1).unwrap_or(6));
            }
            sheet.words(" ");
            sheet.words(&content);
            before = Some(line);
            continue;
        }
        let was_heading = before.is_some_and(|before| levels.contains(&halves(before.size)));
        if was_heading {
            sheet.close_heading();
        }
        let item = bullet(&content).map(|rest| (None, rest)).or_else(|| numbered(&content));
        let begins =
            item.is_some() || was_heading || before.is_none_or(|before| is_parted(before, line, leading, right, &text));
        if begins {
            flush(&mut sheet, &mut text);
        }
        match item {
            Some((number, rest)) => {
                sheet.open_list(number);
                sheet.open_item(None);
                text.push_str(rest);
            }
            None => append(&mut text, &content),
        }
        before = Some(line);
    }
    flush(&mut sheet, &mut text);
    sheet.finish()
}

/// Ends the open paragraph or item.
fn flush(sheet: &mut Sheet, text: &mut String) {
    sheet.words(text);
    text.clear();
    sheet.close_list();
}

/// Adds a line to a paragraph; a word parted at the line's end is joined again.
fn append(text: &mut String, line: &str) {
    let is_parted = text.ends_with('-')
        && text.chars().rev().nth(1).is_some_and(char::is_lowercase)
        && line.chars().next().is_some_and(char::is_lowercase);
    if is_parted {
        text.pop();
    } else if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(line);
}

/// Whether a line does not continue the one before it.
fn is_parted(before: &Line, line: &Line, leading: f64, right: f64, text: &str) -> bool {
    let ends = text.ends_with(['.', '!', '?', ':', '”', '"']);
    if (before.size - line.size).abs() > 0.12 * before.size {
        return true;
    }
    if before.page != line.page || line.y < before.y {
        // Over a page or a column: a sentence that has not ended goes on.
        return ends;
    }
    let is_apart = line.y - before.y > 1.35 * leading;
    let is_short = before.right < before.left + 0.8 * (right - before.left);
    is_apart || (ends && is_short)
}

/// A number and a mark at the beginning of a line: `3. `, `3) `.
fn numbered(text: &str) -> Option<(Option<u32>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.get(digits..)?.strip_prefix(['.', ')'])?;
    let number = text[..digits].parse().ok().filter(|_| digits <= 2)?;
    rest.starts_with([' ', '\t']).then(|| (Some(number), rest.trim_start()))
}

/// How many lines from here on are rows of one table: as many parts each, at the body's size, close below each other.
fn rows_from(lines: &[Line], body: f64) -> usize {
    let width = lines.first().map_or(0, |line| line.parts.len());
    let is_list = lines.first().is_some_and(|line| {
        let first = line.parts[0].as_str();
        bullet(&format!("{first} ")).is_some_and(str::is_empty) || numbered(&format!("{first} ")).is_some()
    });
    if width < 2 || is_list {
        return 0;
    }
    let fits = |pair: &[Line]| {
        pair[1].parts.len() == width
            && pair[1].page == pair[0].page
            && (0.0..4.0 * body).contains(&(pair[1].y - pair[0].y))
    };
    1 + lines.windows(2).take_while(|pair| fits(pair)).count()
}

fn table(sheet: &mut Sheet, rows: &[Line]) {
    sheet.open_table();
    for (place, row) in rows.iter().enumerate() {
        sheet.open_row();
        // A first row without figures above at least two more is taken for the names of the columns.
        let is_header =
            place == 0 && rows.len() > 2 && !row.parts.iter().any(|part| part.contains(|c: char| c.is_ascii_digit()));
        for part in &row.parts {
            sheet.open_cell(Shape { is_header, ..Shape::default() });
            sheet.words(part);
        }
    }
    sheet.close_table();
}

/// Sizes are compared in half points: renderers round differently.
fn halves(size: f64) -> i64 {
    (size * 2.0).round() as i64
}

/// The size most letters have.
fn body_size(lines: &[Line]) -> f64 {
    let mut letters: HashMap<i64, usize> = HashMap::new();
    for line in lines {
        *letters.entry(halves(line.size)).or_default() += line.parts.iter().map(String::len).sum::<usize>();
    }
    let most = letters.into_iter().max_by_key(|(size, letters)| (*letters, *size));
    most.map_or(10.0, |(size, _)| size as f64 / 2.0)
}

fn is_body(line: &Line, body: f64) -> bool {
    halves(line.size) == halves(body)
}

/// Sizes clearly larger than the body's, the largest first: headings of level 1, 2, …
fn heading_sizes(lines: &[Line], body: f64) -> Vec<i64> {
    let mut sizes: Vec<i64> = lines
        .iter()
        .filter(|line| line.size > 1.12 * body && line.parts.len() == 1)
        .map(|line| halves(line.size))
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.reverse();
    sizes.truncate(6);
    sizes
}

/// The usual distance from line to line of the body.
fn leading(lines: &[Line], body: f64) -> f64 {
    let mut steps: Vec<f64> = lines
        .windows(2)
        .filter(|pair| pair[0].page == pair[1].page && is_body(&pair[0], body) && is_body(&pair[1], body))
        .map(|pair| pair[1].y - pair[0].y)
        .filter(|step| *step > 0.5 * body && *step < 3.0 * body)
        .collect();
    steps.sort_unstable_by(f64::total_cmp);
    // The lower third: in a page of single lines the middle would already be the distance between paragraphs.
    steps.get(steps.len() / 3).copied().unwrap_or(1.3 * body)
}

/// Drops lines that stand at the edge of most pages, figures aside: running heads, page numbers.
fn without_running_heads(lines: Vec<Line>) -> Vec<Line> {
    let mut heights: HashMap<u32, Vec<f64>> = HashMap::new();
    for line in &lines {
        heights.entry(line.page).or_default().push(line.y);
    }
    if heights.len() < 3 {
        return lines;
    }
    heights.values_mut().for_each(|heights| heights.sort_unstable_by(f64::total_cmp));
    let is_edge = |line: &Line| {
        heights.get(&line.page).is_some_and(|heights| {
            let last = heights.len() - 1;
            line.y <= heights[1.min(last)] || line.y >= heights[last.saturating_sub(1)]
        })
    };
    let key = |line: &Line| {
        let text = line.text();
        (halves(line.y / 4.0), text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>())
    };
    let mut met: HashMap<_, std::collections::HashSet<u32>> = HashMap::new();
    for line in lines.iter().filter(|line| is_edge(line)) {
        met.entry(key(line)).or_default().insert(line.page);
    }
    let is_running = |line: &Line| is_edge(line) && met.get(&key(line)).is_some_and(|on| on.len() * 2 > heights.len());
    lines.iter().filter(|line| !is_running(line)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(page: u32, y: f64, size: f64, parts: &[&str]) -> Line {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let right = 72.0 + parts.iter().map(String::len).sum::<usize>() as f64 * size * 0.5;
        Line { page, parts, left: 72.0, right, y, size }
    }

    fn paragraph(text: &str) -> Block {
        Block::Paragraph { text: text.to_owned() }
    }

    #[test]
    fn figures_whose_widths_are_unknown_stay_together() {
        let mut page = Lines::default();
        // A letter is 6 points wide; the file gives no width for figures.
        for (place, c) in "in 2027, not".chars().enumerate().filter(|(_, c)| *c != ' ') {
            let at = Transform::row_major(1.0, 0.0, 0.0, 1.0, 72.0 + 6.0 * place as f64, 700.0);
            let width = if c.is_ascii_digit() { 0.0 } else { 0.6 };
            page.output_character(&at, width, 0.0, 10.0, &c.to_string()).unwrap();
        }
        page.end();

        assert_eq!(page.lines[0].parts, ["in 2027, not"]);
    }

    #[test]
    fn wrapped_lines_and_parted_words_are_joined() {
        let lines = vec![
            line(1, 100.0, 10.0, &["Everybody who works here for longer than a month is eli-"]),
            line(1, 112.0, 10.0, &["gible for the well-"]),
            line(1, 124.0, 10.0, &["Being plan."]),
            line(1, 150.0, 10.0, &["Another paragraph."]),
        ];

        let joined = "Everybody who works here for longer than a month is eligible for the well- Being plan.";
        assert_eq!(blocks(lines), vec![paragraph(joined), paragraph("Another paragraph.")]);
    }

    #[test]
    fn larger_letters_are_headings_and_marks_are_items() {
        let lines = vec![
            line(1, 80.0, 18.0, &["The plan"]),
            line(1, 110.0, 10.0, &["It has two parts that are described below in a few words:"]),
            line(1, 122.0, 10.0, &["•", "one"]),
            line(1, 134.0, 10.0, &["2. two"]),
        ];

        let item = |number, text: &str| Block::Item { depth: 0, number, done: None, text: text.to_owned() };
        let expected = vec![
            Block::Heading { level: 1, text: "The plan".to_owned() },
            paragraph("It has two parts that are described below in a few words:"),
            item(None, "one"),
            item(Some(2), "two"),
        ];
        assert_eq!(blocks(lines), expected);
    }

    #[test]
    fn rows_of_as_many_parts_are_a_table() {
        let lines = vec![
            line(1, 100.0, 10.0, &["Name", "Days"]),
            line(1, 114.0, 10.0, &["Leave", "20"]),
            line(1, 128.0, 10.0, &["Study", "5"]),
        ];

        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table =
            Block::Table { header: row(["Name", "Days"]), rows: vec![row(["Leave", "20"]), row(["Study", "5"])] };
        assert_eq!(blocks(lines), vec![table]);
    }

    #[test]
    fn running_heads_are_dropped_and_a_sentence_goes_on_over_the_page() {
        let mut lines = Vec::new();
        for (page, words) in [(1, "Those who travel"), (2, "by night train"), (3, "are paid a bed.")] {
            lines.push(line(page, 30.0, 8.0, &[&format!("Handbook, page {page} of 3")]));
            lines.push(line(page, 100.0, 10.0, &[words]));
        }

        let text = "Those who travel by night train are paid a bed.";
        assert_eq!(blocks(lines), vec![paragraph(text)]);
    }
}
