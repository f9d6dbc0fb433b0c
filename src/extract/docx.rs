//! Word documents (ECMA-376 WordprocessingML) to blocks: headings by style, lists by numbering, tables.

use std::collections::HashMap;

use docx_rs::{
    DocumentChild, Docx, InsertChild, MoveToChild, Paragraph, ParagraphChild, Run, RunChild, StructuredDataTag,
    StructuredDataTagChild, Table, TableCellContent, TableChild, TableRowChild,
};

use super::grid::Shape;
use super::package::Package;
use super::sheet::Sheet;
use crate::corpus::Block;

/// Reads a docx file. Tracked deletions, comments and the table of contents are left out; footnotes follow the text.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, String> {
    Package::open(bytes)?.refuse_large()?;
    let docx = docx_rs::read_docx(bytes).map_err(|_| "it is no Word document, or damaged".to_owned())?;
    let mut reading = Reading { sheet: Sheet::new(), looks: looks(&docx), lists: lists(&docx), open: Vec::new() };
    for child in &docx.document.children {
        match child {
            DocumentChild::Paragraph(paragraph) => reading.paragraph(paragraph),
            DocumentChild::Table(table) => reading.table(table),
            DocumentChild::StructuredDataTag(tag) => reading.tag(tag),
            DocumentChild::BookmarkStart(_)
            | DocumentChild::BookmarkEnd(_)
            | DocumentChild::CommentStart(_)
            | DocumentChild::CommentEnd(_)
            | DocumentChild::TableOfContents(_)
            | DocumentChild::Section(_) => {}
        }
    }
    reading.close_lists(0);
    let Reading { sheet, .. } = reading;
    Ok(sheet.finish())
}

/// What a paragraph style makes of its paragraphs.
#[derive(Clone, Copy, PartialEq)]
enum Look {
    Heading(u8),
    Quote,
    Code,
    Contents,
}

/// Styles by id. Their names are the same in every language of Word (ECMA-376 Part 1 §17.7.4.9), their ids are not.
fn looks(docx: &Docx) -> HashMap<String, Look> {
    let mut looks = HashMap::new();
    for style in &docx.styles.styles {
        let name = serde_json::to_value(&style.name).ok();
        let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or(&style.style_id).to_lowercase();
        let outline = style.paragraph_property.outline_lvl.as_ref().map(|level| level.v);
        let look = look_of(&name).or_else(|| outline.and_then(heading_of));
        looks.extend(look.map(|look| (style.style_id.clone(), look)));
    }
    looks
}

fn look_of(name: &str) -> Option<Look> {
    if let Some(level) = name.strip_prefix("heading").and_then(|level| level.trim().parse::<u8>().ok()) {
        return Some(Look::Heading(level.clamp(1, 6)));
    }
    match name {
        "title" => Some(Look::Heading(1)),
        "quote" | "intense quote" | "quotations" | "block text" => Some(Look::Quote),
        "html preformatted" | "preformatted text" | "source code" | "code" | "plain text" => Some(Look::Code),
        _ if name.starts_with("toc ") || name == "toc heading" || name.starts_with("contents ") => Some(Look::Contents),
        _ => None,
    }
}

/// Outline levels count from 0; 9 is body text (ECMA-376 Part 1 §17.3.1.20).
fn heading_of(outline: usize) -> Option<Look> {
    u8::try_from(outline).ok().filter(|level| *level < 9).map(|level| Look::Heading((level + 1).min(6)))
}

/// Whether the levels of each numbering are numbered (rather than bulleted).
fn lists(docx: &Docx) -> HashMap<usize, Vec<bool>> {
    let mut lists = HashMap::new();
    for numbering in &docx.numberings.numberings {
        let base = docx.numberings.abstract_nums.iter().find(|base| base.id == numbering.abstract_num_id);
        let numbered =
            base.map(|base| base.levels.iter().map(|level| !matches!(level.format.val.as_str(), "bullet" | "none")));
        lists.insert(numbering.id, numbered.map(Iterator::collect).unwrap_or_default());
    }
    lists
}

struct Reading {
    sheet: Sheet,
    looks: HashMap<String, Look>,
    lists: HashMap<usize, Vec<bool>>,
    /// The numbering of each open list, outermost first.
    open: Vec<usize>,
}

impl Reading {
    fn paragraph(&mut self, paragraph: &Paragraph) {
        let property = &paragraph.property;
        let style = property.style.as_ref().map(|style| style.val.as_str()).unwrap_or_default();
        let outline = property.outline_lvl.as_ref().map(|level| level.v).and_then(heading_of);
        let look = outline.or_else(|| self.looks.get(style).copied()).or_else(|| look_of(&style.to_lowercase()));
        let numbering = property.numbering_property.as_ref();
        let list = numbering.and_then(|property| Some((property.id.as_ref()?.id, property.level.as_ref())));
        match (look, list) {
            (Some(Look::Contents), _) => return,
            (Some(Look::Heading(level)), _) => {
                self.close_lists(0);
                self.sheet.open_heading(level);
                self.line(paragraph);
                self.sheet.close_heading();
                return;
            }
            (Some(Look::Code), None) => {
                let mut text = String::new();
                gather(&paragraph.children, &mut text);
                self.sheet.code(None, &text);
                return;
            }
            // Numbering 0 takes a paragraph out of its style's list (ECMA-376 Part 1 §17.9.18).
            (_, Some((id, level))) if id != 0 => self.item(id, level.map_or(0, |level| level.val)),
            (Some(Look::Quote), _) => {
                self.close_lists(0);
                self.sheet.open_quote();
                self.line(paragraph);
                self.sheet.close_quote();
                return;
            }
            _ => self.close_lists(0),
        }
        self.line(paragraph);
        self.sheet.end_line();
    }

    fn item(&mut self, id: usize, level: usize) {
        let level = level.min(8);
        self.close_lists(level + 1);
        if self.open.get(level).is_some_and(|open| *open != id) {
            self.close_lists(level);
        }
        while self.open.len() <= level {
            let is_numbered = self.lists.get(&id).and_then(|levels| levels.get(self.open.len())).is_some_and(|is| *is);
            self.sheet.open_list(is_numbered.then_some(1));
            self.open.push(id);
        }
        self.sheet.open_item(None);
    }

    fn close_lists(&mut self, to: usize) {
        while self.open.len() > to {
            self.open.pop();
            self.sheet.close_list();
        }
    }

    fn line(&mut self, paragraph: &Paragraph) {
        let mut text = String::new();
        gather(&paragraph.children, &mut text);
        for (place, line) in text.split('\n').enumerate() {
            if place > 0 {
                self.sheet.line_break();
            }
            self.sheet.words(line);
        }
    }

    fn tag(&mut self, tag: &StructuredDataTag) {
        for child in &tag.children {
            match child {
                StructuredDataTagChild::Paragraph(paragraph) => self.paragraph(paragraph),
                StructuredDataTagChild::Table(table) => self.table(table),
                StructuredDataTagChild::StructuredDataTag(tag) => self.tag(tag),
                StructuredDataTagChild::Run(run) => {
                    let mut text = String::new();
                    words(run, &mut text);
                    self.sheet.words(&text);
                }
                StructuredDataTagChild::BookmarkStart(_)
                | StructuredDataTagChild::BookmarkEnd(_)
                | StructuredDataTagChild::CommentStart(_)
                | StructuredDataTagChild::CommentEnd(_) => {}
            }
        }
    }

    fn table(&mut self, table: &Table) {
        self.close_lists(0);
        let is_headed = is_headed(table);
        self.sheet.open_table();
        for (place, TableChild::TableRow(row)) in table.rows.iter().enumerate() {
            self.sheet.open_row();
            for TableRowChild::TableCell(cell) in &row.cells {
                self.sheet.open_cell(Shape { is_header: is_headed && place == 0, columns: columns(cell), rows: 1 });
                for content in &cell.children {
                    match content {
                        TableCellContent::Paragraph(paragraph) => self.paragraph(paragraph),
                        TableCellContent::Table(table) => self.table(table),
                        TableCellContent::StructuredDataTag(tag) => self.tag(tag),
                        TableCellContent::TableOfContents(_) => {}
                    }
                }
                self.close_lists(0);
                self.sheet.close_cell();
            }
        }
        self.sheet.close_table();
    }
}

/// Word seldom marks the row that names the columns. A first row with something in every cell, above at least one more row
/// of as many cells, is taken for one.
fn is_headed(table: &Table) -> bool {
    let width = |TableChild::TableRow(row): &TableChild| row.cells.len();
    let Some(TableChild::TableRow(first)) = table.rows.first() else { return false };
    let is_full = first.cells.iter().all(|TableRowChild::TableCell(cell)| {
        cell.children.iter().any(|content| {
            let mut text = String::new();
            if let TableCellContent::Paragraph(paragraph) = content {
                gather(&paragraph.children, &mut text);
            }
            !text.trim().is_empty()
        })
    });
    is_full && first.cells.len() > 1 && table.rows.get(1).is_some_and(|second| width(second) == first.cells.len())
}

/// How many grid columns a cell spans; the reader keeps it where only its JSON form shows it.
fn columns(cell: &docx_rs::TableCell) -> usize {
    let property = serde_json::to_value(&cell.property).ok();
    property.and_then(|property| property.get("gridSpan")?.as_u64()).map_or(1, |n| usize::try_from(n).unwrap_or(1))
}

fn gather(children: &[ParagraphChild], out: &mut String) {
    for child in children {
        match child {
            ParagraphChild::Run(run) => words(run, out),
            ParagraphChild::Hyperlink(link) => gather(&link.children, out),
            ParagraphChild::Insert(insert) => insert.children.iter().for_each(|child| {
                if let InsertChild::Run(run) = child {
                    words(run, out);
                }
            }),
            ParagraphChild::MoveTo(moved) => moved.children.iter().for_each(|child| {
                if let MoveToChild::Run(run) = child {
                    words(run, out);
                }
            }),
            ParagraphChild::StructuredDataTag(tag) => inline_tag(tag, out),
            // What was deleted or moved away is no longer said.
            ParagraphChild::Delete(_)
            | ParagraphChild::MoveFrom(_)
            | ParagraphChild::BookmarkStart(_)
            | ParagraphChild::BookmarkEnd(_)
            | ParagraphChild::CommentStart(_)
            | ParagraphChild::CommentEnd(_)
            | ParagraphChild::PageNum(_)
            | ParagraphChild::NumPages(_) => {}
        }
    }
}

fn inline_tag(tag: &StructuredDataTag, out: &mut String) {
    for child in &tag.children {
        match child {
            StructuredDataTagChild::Run(run) => words(run, out),
            StructuredDataTagChild::Paragraph(paragraph) => gather(&paragraph.children, out),
            StructuredDataTagChild::StructuredDataTag(tag) => inline_tag(tag, out),
            StructuredDataTagChild::Table(_)
            | StructuredDataTagChild::BookmarkStart(_)
            | StructuredDataTagChild::BookmarkEnd(_)
            | StructuredDataTagChild::CommentStart(_)
            | StructuredDataTagChild::CommentEnd(_) => {}
        }
    }
}

fn words(run: &Run, out: &mut String) {
    for child in &run.children {
        match child {
            RunChild::Text(text) => out.push_str(&text.text),
            RunChild::Tab(_) | RunChild::PTab(_) => out.push('\t'),
            RunChild::Break(_) | RunChild::CarriageReturn(_) => out.push('\n'),
            RunChild::Sym(_)
            | RunChild::DeleteText(_)
            | RunChild::Drawing(_)
            | RunChild::Shape(_)
            | RunChild::CommentStart(_)
            | RunChild::CommentEnd(_)
            | RunChild::FieldChar(_)
            | RunChild::InstrText(_)
            | RunChild::DeleteInstrText(_)
            | RunChild::InstrTextString(_)
            | RunChild::FootnoteReference(_)
            | RunChild::Shading(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use docx_rs::{
        AbstractNumbering, Delete, IndentLevel, Level, LevelJc, LevelText, NumberFormat, Numbering, NumberingId, Start,
        TableCell, TableRow,
    };

    fn paragraph(text: &str) -> Paragraph {
        Paragraph::new().add_run(Run::new().add_text(text))
    }

    fn packed(docx: Docx) -> Vec<u8> {
        let mut out = std::io::Cursor::new(Vec::new());
        docx.build().pack(&mut out).unwrap();
        out.into_inner()
    }

    #[test]
    fn headings_lists_and_tables_are_read() {
        let numbers = AbstractNumbering::new(2).add_level(Level::new(
            0,
            Start::new(1),
            NumberFormat::new("decimal"),
            LevelText::new("%1."),
            LevelJc::new("left"),
        ));
        let row = |cells: [&str; 2]| {
            TableRow::new(cells.iter().map(|text| TableCell::new().add_paragraph(paragraph(text))).collect())
        };
        let docx = Docx::new()
            .add_abstract_numbering(numbers)
            .add_numbering(Numbering::new(2, 2))
            .add_paragraph(paragraph("Plan").style("Heading1"))
            .add_paragraph(paragraph("First").numbering(NumberingId::new(2), IndentLevel::new(0)))
            .add_paragraph(paragraph("Second").numbering(NumberingId::new(2), IndentLevel::new(0)))
            .add_table(Table::new(vec![row(["Name", "Role"]), row(["Ana", "Lead & more"])]));

        let blocks = read(&packed(docx)).unwrap();

        let item = |number, text: &str| Block::Item { depth: 0, number, done: None, text: text.to_owned() };
        let table = Block::Table {
            header: vec!["Name".to_owned(), "Role".to_owned()],
            rows: vec![vec!["Ana".to_owned(), "Lead & more".to_owned()]],
        };
        let heading = Block::Heading { level: 1, text: "Plan".to_owned() };
        assert_eq!(blocks, vec![heading, item(Some(1), "First"), item(Some(2), "Second"), table]);
    }

    #[test]
    fn what_was_deleted_under_tracking_is_no_longer_said() {
        let gone = Delete::new().add_run(Run::new().add_delete_text("secret "));
        let docx = Docx::new().add_paragraph(Paragraph::new().add_delete(gone).add_run(Run::new().add_text("kept")));

        assert_eq!(read(&packed(docx)).unwrap(), vec![Block::Paragraph { text: "kept".to_owned() }]);
    }
}
