//! A sheet that readers write on: words, headings, lists and tables go in as they are met, blocks come out.

use super::grid::{Grid, Shape};
use crate::corpus::Block;

/// The most text one file gives, in bytes; what comes after is left out. Larger than any page a person reads.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// Tables nested deeper than this are read as plain text.
const TABLES_MAX: usize = 6;

/// What the open line will become.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Line {
    Paragraph,
    Heading(u8),
    Item { number: Option<u32>, done: Option<bool> },
}

/// A table that is being read; what stood around it waits here.
struct Open {
    grid: Grid,
    outer: Vec<Block>,
    lists: Vec<Option<u32>>,
    quotes: usize,
    is_in_cell: bool,
    shape: Shape,
    /// The first cell's blocks: a table of one cell is layout, and gives them as they are.
    first: Vec<Block>,
}

/// Collects blocks. Every call is allowed at any time: what does not fit together is read as text, never lost.
pub struct Sheet {
    blocks: Vec<Block>,
    text: String,
    line: Line,
    /// Open lists, outermost first, each with the number of its next item where it is ordered.
    lists: Vec<Option<u32>>,
    quotes: usize,
    tables: Vec<Open>,
    /// Tables that are too deep and therefore not opened.
    ignored_tables: usize,
    bytes: usize,
}

impl Default for Sheet {
    fn default() -> Sheet {
        Sheet::new()
    }
}

impl Sheet {
    /// An empty sheet.
    pub fn new() -> Sheet {
        Sheet {
            blocks: Vec::new(),
            text: String::new(),
            line: Line::Paragraph,
            lists: Vec::new(),
            quotes: 0,
            tables: Vec::new(),
            ignored_tables: 0,
            bytes: 0,
        }
    }

    /// Adds words to the open line. White space is folded, invisible and control characters are dropped.
    pub fn words(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() || c == '\u{a0}' {
                if !self.text.is_empty() && !self.text.ends_with([' ', '\n']) {
                    self.text.push(' ');
                }
            } else if !is_invisible(c) && self.bytes < TEXT_BYTES_MAX {
                self.text.push(c);
                self.bytes += c.len_utf8();
            }
        }
    }

    /// Breaks the open line without ending its block.
    pub fn line_break(&mut self) {
        if matches!(self.line, Line::Heading(_)) || !self.tables.is_empty() {
            self.words(" ");
            return;
        }
        self.text.truncate(self.text.trim_end().len());
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Ends the open line: its text becomes a block.
    pub fn end_line(&mut self) {
        let text = self.text.trim();
        if text.is_empty() {
            self.text.clear();
            return;
        }
        let text = text.to_owned();
        self.text.clear();
        let block = match std::mem::replace(&mut self.line, Line::Paragraph) {
            Line::Heading(level) => Block::Heading { level, text },
            Line::Item { number, done } => Block::Item { depth: self.depth(), number, done, text },
            Line::Paragraph if self.quotes > 0 => Block::Quote { text },
            Line::Paragraph => Block::Paragraph { text },
        };
        self.blocks.push(block);
    }

    /// Begins a heading; `level` is brought into 1 to 6.
    pub fn open_heading(&mut self, level: u8) {
        self.end_line();
        self.line = Line::Heading(level.clamp(1, 6));
    }

    /// Ends a heading, also an empty one.
    pub fn close_heading(&mut self) {
        self.end_line();
        self.line = Line::Paragraph;
    }

    /// Begins a list; `first` is the number of its first item where it is ordered.
    pub fn open_list(&mut self, first: Option<u32>) {
        self.end_line();
        self.lists.push(first);
    }

    /// Ends a list.
    pub fn close_list(&mut self) {
        self.close_item();
        self.lists.pop();
    }

    /// Begins an item of the innermost list; `done` where it is a task.
    pub fn open_item(&mut self, done: Option<bool>) {
        self.end_line();
        let number = self.lists.last_mut().and_then(|next| {
            let number = *next;
            *next = next.map(|n| n.saturating_add(1));
            number
        });
        self.line = Line::Item { number, done };
    }

    /// Says of the open item that it is a task.
    pub fn mark_task(&mut self, is_done: bool) {
        if let Line::Item { done, .. } = &mut self.line {
            *done = Some(is_done);
        }
    }

    /// Ends an item.
    pub fn close_item(&mut self) {
        self.end_line();
        self.line = Line::Paragraph;
    }

    /// Begins a quotation.
    pub fn open_quote(&mut self) {
        self.end_line();
        self.quotes += 1;
    }

    /// Ends a quotation.
    pub fn close_quote(&mut self) {
        self.end_line();
        self.quotes = self.quotes.saturating_sub(1);
    }

    /// Adds code, kept as it stands; blank code is left out.
    pub fn code(&mut self, language: Option<&str>, text: &str) {
        self.end_line();
        let text = text.trim_matches(['\n', '\r']).trim_end();
        if text.trim().is_empty() || self.bytes + text.len() > TEXT_BYTES_MAX {
            return;
        }
        self.bytes += text.len();
        let language = language.map(str::trim).filter(|language| !language.is_empty()).map(str::to_owned);
        let text = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
        self.blocks.push(Block::Code { language, text });
    }

    /// Begins a table.
    pub fn open_table(&mut self) {
        self.end_line();
        if self.tables.len() >= TABLES_MAX {
            self.ignored_tables += 1;
            return;
        }
        self.tables.push(Open {
            grid: Grid::new(),
            outer: std::mem::take(&mut self.blocks),
            lists: std::mem::take(&mut self.lists),
            quotes: std::mem::take(&mut self.quotes),
            is_in_cell: false,
            shape: Shape::default(),
            first: Vec::new(),
        });
        self.line = Line::Paragraph;
    }

    /// Begins a row of the innermost table.
    pub fn open_row(&mut self) {
        self.close_cell();
        if self.ignored_tables == 0
            && let Some(open) = self.tables.last_mut()
        {
            open.grid.open_row();
        }
    }

    /// Begins a cell of the innermost table.
    pub fn open_cell(&mut self, shape: Shape) {
        self.close_cell();
        if self.ignored_tables > 0 {
            return;
        }
        if let Some(open) = self.tables.last_mut() {
            // A caption, or text that stands where no cell is: it comes before the table.
            open.outer.append(&mut self.blocks);
            open.is_in_cell = true;
            open.shape = shape;
        }
    }

    /// Ends a cell.
    pub fn close_cell(&mut self) {
        self.end_line();
        if self.ignored_tables > 0 {
            return;
        }
        if let Some(open) = self.tables.last_mut().filter(|open| open.is_in_cell) {
            open.is_in_cell = false;
            let blocks = std::mem::take(&mut self.blocks);
            open.grid.cell(&flat(&blocks), open.shape);
            if open.grid.cells() == 1 {
                open.first = blocks;
            }
            self.lists.clear();
            self.quotes = 0;
            self.line = Line::Paragraph;
        }
    }

    /// Ends the innermost table.
    pub fn close_table(&mut self) {
        self.end_line();
        if self.ignored_tables > 0 {
            self.ignored_tables -= 1;
            return;
        }
        self.close_cell();
        let Some(open) = self.tables.pop() else { return };
        let stray = std::mem::replace(&mut self.blocks, open.outer);
        self.blocks.extend(stray);
        self.lists = open.lists;
        self.quotes = open.quotes;
        if open.grid.cells() == 1 {
            self.blocks.extend(open.first);
        } else {
            self.blocks.extend(open.grid.into_blocks());
        }
    }

    /// The blocks, in reading order; whatever is open is ended.
    pub fn finish(mut self) -> Vec<Block> {
        self.ignored_tables = 0;
        while !self.tables.is_empty() {
            self.close_table();
        }
        self.end_line();
        self.blocks
    }

    /// Adds blocks that another reader made.
    pub fn blocks(&mut self, blocks: Vec<Block>) {
        self.end_line();
        self.blocks.extend(blocks);
    }

    fn depth(&self) -> u8 {
        u8::try_from(self.lists.len().saturating_sub(1)).unwrap_or(u8::MAX)
    }
}

/// Zero-width and formatting characters: they make words that look equal differ, and can hide text from a reader.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The text of a cell on one line.
fn flat(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        match block {
            Block::Heading { text, .. }
            | Block::Paragraph { text }
            | Block::Item { text, .. }
            | Block::Code { text, .. }
            | Block::Quote { text } => join(&mut out, text),
            Block::Table { header, rows } => {
                for row in std::iter::once(header).chain(rows) {
                    row.iter().for_each(|cell| join(&mut out, cell));
                }
            }
        }
    }
    out
}

fn join(out: &mut String, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push_str(if out.ends_with(['.', ',', ';', ':', '!', '?']) { " " } else { ", " });
    }
    let mut words = text.split_whitespace();
    if let Some(first) = words.next() {
        out.push_str(first);
    }
    for word in words {
        out.push(' ');
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(sheet: &mut Sheet, is_header: bool, text: &str) {
        sheet.open_cell(Shape { is_header, ..Shape::default() });
        sheet.words(text);
        sheet.close_cell();
    }

    #[test]
    fn items_know_their_depth_and_number() {
        let mut sheet = Sheet::new();
        sheet.open_list(Some(3));
        sheet.open_item(None);
        sheet.words("outer");
        sheet.open_list(None);
        sheet.open_item(None);
        sheet.words("inner");
        sheet.close_list();
        sheet.close_item();
        sheet.open_item(None);
        sheet.words("next");

        let item = |depth, number, text: &str| Block::Item { depth, number, done: None, text: text.to_owned() };
        let expected = vec![item(0, Some(3), "outer"), item(1, None, "inner"), item(0, Some(4), "next")];
        assert_eq!(sheet.finish(), expected);
    }

    #[test]
    fn a_table_of_one_cell_is_layout() {
        let mut sheet = Sheet::new();
        sheet.open_table();
        sheet.open_row();
        sheet.open_cell(Shape::default());
        sheet.open_heading(2);
        sheet.words("Inside");
        sheet.close_heading();
        sheet.close_table();

        assert_eq!(sheet.finish(), vec![Block::Heading { level: 2, text: "Inside".to_owned() }]);
    }

    #[test]
    fn a_nested_table_is_flattened_into_its_cell() {
        let mut sheet = Sheet::new();
        sheet.open_table();
        sheet.open_row();
        cell(&mut sheet, false, "left");
        sheet.open_cell(Shape::default());
        sheet.open_table();
        sheet.open_row();
        cell(&mut sheet, false, "a");
        cell(&mut sheet, false, "b");
        sheet.close_table();
        sheet.close_table();

        let rows = vec![vec!["left".to_owned(), "a, b".to_owned()]];
        assert_eq!(sheet.finish(), vec![Block::Table { header: vec![], rows }]);
    }

    #[test]
    fn tables_nested_without_end_keep_their_words() {
        let mut sheet = Sheet::new();
        for _ in 0..10_000 {
            sheet.open_table();
            sheet.open_row();
            sheet.open_cell(Shape::default());
        }
        sheet.words("deep");

        assert_eq!(sheet.finish(), vec![Block::Paragraph { text: "deep".to_owned() }]);
    }

    #[test]
    fn invisible_characters_are_dropped_and_spaces_folded() {
        let mut sheet = Sheet::new();
        sheet.words("in\u{200b}visi\u{ad}ble \u{a0}\n  ink\u{202e}");

        assert_eq!(sheet.finish(), vec![Block::Paragraph { text: "invisible ink".to_owned() }]);
    }
}
