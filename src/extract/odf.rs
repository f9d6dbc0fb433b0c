//! OpenDocument texts, presentations and spreadsheets (ISO/IEC 26300) to blocks.

use std::collections::HashMap;

use super::cells::Cells;
use super::grid::Shape;
use super::package::{self, Package};
use super::sheet::Sheet;
use super::xml::{self, Attributes, Listener};
use crate::corpus::Block;

/// Rows and columns that one empty or repeated cell may stand for; programs fill a sheet to its end with one.
const REPEATED_MAX: usize = 64;

/// Reads an odt, odp or ods file. Comments, tracked deletions and tables of contents are left out; footnotes follow the text.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, String> {
    let mut package = Package::open(bytes)?;
    if let Some(manifest) = package.part("META-INF/manifest.xml")? {
        let mut protection = Protection::default();
        drop(xml::read(&manifest, &mut protection));
        if protection.is_found {
            return Err(package::protected());
        }
    }
    let Some(content) = package.part("content.xml")? else { return Err("it is no OpenDocument file".to_owned()) };
    let mut reading = Reading::default();
    if let Some(styles) = package.part("styles.xml")? {
        // Without their styles lists are still lists.
        drop(xml::read(&styles, &mut Styles { lists: &mut reading.lists, open: None }));
    }
    drop(xml::read(&content, &mut Styles { lists: &mut reading.lists, open: None }));
    let outcome = xml::read(&content, &mut reading);
    let blocks = reading.finish();
    match outcome {
        Err(why) if blocks.is_empty() => Err(why),
        Ok(()) | Err(_) => Ok(blocks),
    }
}

/// Whether the manifest says that a part is encrypted.
#[derive(Default)]
struct Protection {
    is_found: bool,
}

impl Listener for Protection {
    fn open(&mut self, name: &str, _: &Attributes) {
        self.is_found |= name == "manifest:encryption-data";
    }

    fn text(&mut self, _: &str) {}

    fn close(&mut self, _: &str) {}
}

/// Which levels of each list style are numbered.
struct Styles<'a> {
    lists: &'a mut HashMap<String, Vec<usize>>,
    open: Option<String>,
}

impl Listener for Styles<'_> {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        match name {
            "text:list-style" => self.open = attributes.value("style:name").map(str::to_owned),
            "text:list-level-style-number" if attributes.value("style:num-format") != Some("") => {
                if let (Some(style), Some(level)) = (&self.open, attributes.number("text:level")) {
                    self.lists.entry(style.clone()).or_default().push(level);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, _: &str) {}

    fn close(&mut self, name: &str) {
        if name == "text:list-style" {
            self.open = None;
        }
    }
}

/// A cell of a spreadsheet while it is read.
#[derive(Default)]
struct Cell {
    text: String,
    repeated: usize,
}

/// A document while it is read.
#[derive(Default)]
struct Reading {
    sheet: Sheet,
    lists: HashMap<String, Vec<usize>>,
    /// The style of each open list.
    open_lists: Vec<Option<String>>,
    is_body: bool,
    /// How many elements are open inside (and with) one that is left out.
    dropped: usize,
    /// An open footnote, and those that were met.
    note: Option<String>,
    notes: Vec<String>,
    slides: usize,
    is_slide_named: bool,
    header_rows: bool,
    /// The name, cells and next place of an open sheet of a spreadsheet.
    spread: Option<(String, Cells)>,
    is_spreadsheet: bool,
    row: usize,
    row_repeated: usize,
    column: usize,
    cell: Option<Cell>,
}

impl Reading {
    fn finish(mut self) -> Vec<Block> {
        self.sheet.end_line();
        for note in std::mem::take(&mut self.notes) {
            self.sheet.words(&note);
            self.sheet.end_line();
        }
        self.sheet.finish()
    }

    fn say(&mut self, text: &str) {
        match (&mut self.note, &mut self.cell) {
            (Some(note), _) => note.push_str(text),
            (None, Some(cell)) => cell.text.push_str(text),
            (None, None) if self.spread.is_none() => self.sheet.words(text),
            (None, None) => {}
        }
    }

    fn open_list(&mut self, attributes: &Attributes) {
        let inherited = self.open_lists.last().cloned().flatten();
        let style = attributes.value("text:style-name").map(str::to_owned).or(inherited);
        let level = self.open_lists.len() + 1;
        let numbered = style.as_ref().and_then(|style| self.lists.get(style)).is_some_and(|of| of.contains(&level));
        self.sheet.open_list(numbered.then_some(1));
        self.open_lists.push(style);
    }

    /// Elements of a spreadsheet; gives whether this was one.
    fn open_spread(&mut self, name: &str, attributes: &Attributes) -> bool {
        match name {
            "table:table" => {
                let name = attributes.value("table:name").unwrap_or("Sheet").to_owned();
                self.spread = Some((name, Cells::default()));
                (self.row, self.column) = (0, 0);
            }
            "table:table-row" => {
                self.column = 0;
                self.row_repeated = attributes.number("table:number-rows-repeated").unwrap_or(1);
            }
            "table:table-cell" | "table:covered-table-cell" => {
                let repeated = attributes.number("table:number-columns-repeated").unwrap_or(1);
                self.cell = Some(Cell { text: String::new(), repeated });
            }
            _ => return false,
        }
        true
    }

    fn close_spread(&mut self, name: &str) -> bool {
        match name {
            "table:table" => {
                if let Some((name, cells)) = self.spread.take() {
                    cells.write(&name, &mut self.sheet);
                }
            }
            "table:table-row" => self.row = self.row.saturating_add(self.row_repeated),
            "table:table-cell" | "table:covered-table-cell" => {
                let Some(cell) = self.cell.take() else { return true };
                if let Some((_, cells)) = &mut self.spread {
                    for place in 0..cell.repeated.min(REPEATED_MAX) {
                        cells.put(self.row, self.column.saturating_add(place), &cell.text);
                    }
                }
                self.column = self.column.saturating_add(cell.repeated);
            }
            _ => return false,
        }
        true
    }

    fn open_table(&mut self, name: &str, attributes: &Attributes) {
        match name {
            "table:table" => self.sheet.open_table(),
            "table:table-header-rows" => self.header_rows = true,
            "table:table-row" => self.sheet.open_row(),
            "table:table-cell" => {
                let repeated = attributes.number("table:number-columns-repeated").unwrap_or(1).min(REPEATED_MAX);
                self.sheet.open_cell(Shape {
                    is_header: self.header_rows,
                    columns: attributes.number("table:number-columns-spanned").unwrap_or(1).max(repeated),
                    rows: attributes.number("table:number-rows-spanned").unwrap_or(1),
                });
            }
            _ => {}
        }
    }
}

/// What is no text of the document: what was deleted or is hidden, what others remarked, what repeats the headings.
fn is_left_out(name: &str) -> bool {
    matches!(
        name,
        "office:annotation"
            | "office:forms"
            | "office:scripts"
            | "text:tracked-changes"
            | "table:tracked-changes"
            | "text:table-of-content"
            | "text:alphabetical-index"
            | "text:illustration-index"
            | "text:note-citation"
            | "text:hidden-text"
            | "text:hidden-paragraph"
            | "text:ruby-text"
            | "draw:page-thumbnail"
            | "presentation:footer"
            | "presentation:date-time"
            | "text:page-number"
            | "table:named-expressions"
            | "table:shapes"
    )
}

impl Listener for Reading {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        if self.dropped > 0 || (self.is_body && is_left_out(name)) {
            self.dropped += 1;
            return;
        }
        if name == "office:body" {
            self.is_body = true;
        }
        if !self.is_body || (self.is_spreadsheet && self.open_spread(name, attributes)) {
            return;
        }
        match name {
            "office:spreadsheet" => self.is_spreadsheet = true,
            "text:h" if self.cell.is_none() => {
                self.sheet.open_heading(attributes.number("text:outline-level").map_or(1, |level| level.min(6) as u8));
            }
            "text:p" if self.cell.is_some() || self.note.is_some() => self.say(" "),
            "text:list" if self.cell.is_none() => self.open_list(attributes),
            "text:list-item" | "text:list-header" if self.cell.is_none() => self.sheet.open_item(None),
            "text:note-body" => self.note = Some(String::new()),
            "text:s" | "text:tab" => self.say(" "),
            "text:line-break" if self.cell.is_none() && self.note.is_none() => self.sheet.line_break(),
            "text:line-break" => self.say(" "),
            "draw:page" => {
                self.slides += 1;
                self.is_slide_named = false;
            }
            "draw:frame" if attributes.value("presentation:class") == Some("title") => {
                self.is_slide_named = true;
                self.sheet.open_heading(1);
            }
            "draw:frame" if self.slides > 0 && !self.is_slide_named => {
                self.is_slide_named = true;
                self.sheet.open_heading(1);
                self.sheet.words(&format!("Slide {}", self.slides));
                self.sheet.close_heading();
            }
            "svg:desc" | "svg:title" => self.say(" [image: "),
            "presentation:notes" => {
                self.sheet.open_heading(2);
                self.sheet.words("Notes");
                self.sheet.close_heading();
            }
            name => self.open_table(name, attributes),
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_body && self.dropped == 0 {
            self.say(text);
        }
    }

    fn close(&mut self, name: &str) {
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        if !self.is_body || (self.is_spreadsheet && self.close_spread(name)) {
            return;
        }
        match name {
            "text:h" if self.cell.is_none() => self.sheet.close_heading(),
            "text:p" if self.cell.is_none() && self.note.is_none() => self.sheet.end_line(),
            "text:list" if self.cell.is_none() => {
                self.open_lists.pop();
                self.sheet.close_list();
            }
            "text:list-item" | "text:list-header" if self.cell.is_none() => self.sheet.close_item(),
            "text:note-body" => self.notes.extend(self.note.take()),
            "svg:desc" | "svg:title" => self.say("] "),
            "draw:page" | "draw:frame" => self.sheet.close_heading(),
            "table:table-header-rows" => self.header_rows = false,
            "table:table-cell" => self.sheet.close_cell(),
            "table:table" => self.sheet.close_table(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::made;
    use super::*;

    fn document(kind: &str, body: &str) -> Vec<u8> {
        let styles = r#"<office:automatic-styles><text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1"/></text:list-style></office:automatic-styles>"#;
        let content = format!(
            "<office:document-content>{styles}<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
        );
        made::archive(&[("content.xml", &content)])
    }

    fn paragraph(text: &str) -> Block {
        Block::Paragraph { text: text.to_owned() }
    }

    fn heading(level: u8, text: &str) -> Block {
        Block::Heading { level, text: text.to_owned() }
    }

    #[test]
    fn headings_lists_tables_and_footnotes_of_a_text_are_read() {
        let body = r#"<text:tracked-changes><text:p>gone</text:p></text:tracked-changes><text:h text:outline-level="2">Leave</text:h>
            <text:p>Ask<text:s text:c="3"/>early<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Two weeks.</text:p></text:note-body></text:note>.<office:annotation><text:p>remark</text:p></office:annotation></text:p>
            <text:list text:style-name="L1"><text:list-item><text:p>One</text:p><text:list><text:list-item><text:p>Deep</text:p></text:list-item></text:list></text:list-item><text:list-item><text:p>Two</text:p></text:list-item></text:list>
            <table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Grade</text:p></table:table-cell><table:table-cell><text:p>Days</text:p></table:table-cell></table:table-row></table:table-header-rows><table:table-row><table:table-cell><text:p>A1</text:p></table:table-cell><table:table-cell><text:p>28</text:p></table:table-cell></table:table-row></table:table>"#;

        let item = |depth, number, text: &str| Block::Item { depth, number, done: None, text: text.to_owned() };
        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let expected = vec![
            heading(2, "Leave"),
            paragraph("Ask early."),
            item(0, Some(1), "One"),
            item(1, None, "Deep"),
            item(0, Some(2), "Two"),
            Block::Table { header: cells(["Grade", "Days"]), rows: vec![cells(["A1", "28"])] },
            paragraph("Two weeks."),
        ];
        assert_eq!(read(&document("text", body)).unwrap(), expected);
    }

    #[test]
    fn a_sheet_that_is_filled_to_its_end_with_nothing_keeps_its_cells() {
        let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
        let filler = r#"<table:table-cell table:number-columns-repeated="16382"/>"#;
        let row = |cells: [&str; 2]| {
            format!("<table:table-row>{}{}{filler}</table:table-row>", cell(cells[0]), cell(cells[1]))
        };
        let end = format!(r#"<table:table-row table:number-rows-repeated="1048574">{filler}</table:table-row>"#);
        let body = format!(
            r#"<table:table table:name="Leave">{}{}{end}</table:table>"#,
            row(["Grade", "Days"]),
            row(["A1", "28"])
        );

        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table = Block::Table { header: cells(["Grade", "Days"]), rows: vec![cells(["A1", "28"])] };
        assert_eq!(read(&document("spreadsheet", &body)).unwrap(), vec![heading(1, "Leave"), table]);
    }

    #[test]
    fn slides_have_their_titles_or_numbers() {
        let body = r#"<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>Leave</text:p></draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>Ask early.</text:p></draw:text-box></draw:frame></draw:page><draw:page><draw:frame><draw:text-box><text:p>End.</text:p></draw:text-box></draw:frame></draw:page>"#;

        let expected = vec![heading(1, "Leave"), paragraph("Ask early."), heading(1, "Slide 2"), paragraph("End.")];
        assert_eq!(read(&document("presentation", body)).unwrap(), expected);
    }

    #[test]
    fn a_protected_document_says_so() {
        let manifest = "<manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>";
        let bytes = made::archive(&[("META-INF/manifest.xml", manifest), ("content.xml", "\u{1}\u{2}")]);

        assert!(read(&bytes).unwrap_err().contains("password"));
    }
}
