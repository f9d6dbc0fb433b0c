//! PowerPoint presentations (ECMA-376 PresentationML) to blocks: a heading for each slide, its texts, tables and notes.

use std::collections::HashSet;

use super::grid::Shape;
use super::package::Package;
use super::sheet::Sheet;
use super::xml::{self, Attributes, Listener};
use crate::corpus::Block;

/// The part that lists the slides.
const PRESENTATION: &str = "ppt/presentation.xml";

/// Reads a pptx file. Hidden slides are left out; the speaker's notes follow their slide.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, String> {
    let mut package = Package::open(bytes)?;
    let Some(text) = package.part(PRESENTATION)? else { return Err("it is no PowerPoint presentation".to_owned()) };
    let mut listed = Listed::default();
    xml::read(&text, &mut listed)?;
    let targets = relations(&mut package, PRESENTATION)?;
    let mut sheet = Sheet::new();
    let mut met = HashSet::new();
    for (number, id) in listed.slides.iter().enumerate() {
        let Some(part) = targets.iter().find(|relation| relation.id == *id).map(|relation| relation.target.clone())
        else {
            continue;
        };
        // A slide that is listed a thousand times is read once.
        if !met.insert(part.clone()) {
            continue;
        }
        let Some(text) = package.part(&part)? else { continue };
        let mut slide = Slide::default();
        // What was read before a damaged place is kept.
        drop(xml::read(&text, &mut slide));
        if slide.is_hidden {
            continue;
        }
        let title = slide.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let blocks = slide.sheet.finish();
        let notes = notes(&mut package, &part)?;
        if title.is_empty() && blocks.is_empty() && notes.is_empty() {
            continue;
        }
        sheet.open_heading(1);
        sheet.words(&if title.is_empty() { format!("Slide {}", number + 1) } else { title });
        sheet.close_heading();
        sheet.blocks(blocks);
        if !notes.is_empty() {
            sheet.open_heading(2);
            sheet.words("Notes");
            sheet.close_heading();
            sheet.blocks(notes);
        }
    }
    Ok(sheet.finish())
}

fn notes(package: &mut Package<'_>, slide: &str) -> Result<Vec<Block>, String> {
    let relations = relations(package, slide)?;
    let Some(part) = relations.iter().find(|relation| relation.kind == "notesSlide") else { return Ok(Vec::new()) };
    let Some(text) = package.part(&part.target)? else { return Ok(Vec::new()) };
    let mut notes = Slide { are_notes: true, ..Slide::default() };
    drop(xml::read(&text, &mut notes));
    Ok(notes.sheet.finish())
}

/// What one part says of another (ECMA-376 Part 2 §9.3).
struct Relation {
    id: String,
    /// The last word of its type.
    kind: String,
    /// The other part's name.
    target: String,
}

fn relations(package: &mut Package<'_>, part: &str) -> Result<Vec<Relation>, String> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let Some(text) = package.part(&format!("{folder}/_rels/{name}.rels"))? else { return Ok(Vec::new()) };
    let mut all = Relations { folder, found: Vec::new() };
    xml::read(&text, &mut all)?;
    Ok(all.found)
}

struct Relations<'a> {
    folder: &'a str,
    found: Vec<Relation>,
}

impl Listener for Relations<'_> {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        let is_inside = attributes.value("TargetMode") != Some("External");
        if let ("Relationship", true, Some(id), Some(kind), Some(target)) =
            (name, is_inside, attributes.value("Id"), attributes.value("Type"), attributes.value("Target"))
        {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            self.found.push(Relation { id: id.to_owned(), kind, target: resolved(self.folder, target) });
        }
    }

    fn text(&mut self, _: &str) {}

    fn close(&mut self, _: &str) {}
}

/// A target as the name of a part: relative to the folder of the part that names it, or from the root.
fn resolved(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(parts.pop()),
            step => parts.push(step),
        }
    }
    parts.join("/")
}

/// The slides in their order.
#[derive(Default)]
struct Listed {
    slides: Vec<String>,
}

impl Listener for Listed {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        if name == "p:sldId" {
            self.slides.extend(attributes.value("r:id").map(str::to_owned));
        }
    }

    fn text(&mut self, _: &str) {}

    fn close(&mut self, _: &str) {}
}

/// What a shape on a slide is for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Place {
    /// A text box that somebody drew.
    #[default]
    Free,
    Title,
    /// A placeholder for the slide's text: its paragraphs are items.
    Body,
    /// Date, footer, number, the picture of the slide beside its notes.
    Around,
}

/// A slide, or its notes, while it is read.
#[derive(Default)]
struct Slide {
    sheet: Sheet,
    title: String,
    place: Place,
    is_hidden: bool,
    are_notes: bool,
    /// The open paragraph: its text, its depth, and whether it says that it is an item or none.
    line: String,
    depth: u8,
    is_item: Option<bool>,
    is_text: bool,
    tables: usize,
    is_headed: bool,
    rows: usize,
    /// How many elements are open inside (and with) one that is left out.
    dropped: usize,
}

impl Slide {
    fn is_read(&self) -> bool {
        match self.place {
            Place::Around => false,
            Place::Title | Place::Body => true,
            // Beside the notes stand other things that a program put there.
            Place::Free => !self.are_notes,
        }
    }

    fn end_paragraph(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.trim().is_empty() || !self.is_read() {
            return;
        }
        if self.place == Place::Title && !self.are_notes {
            self.title.push_str(&line);
            self.title.push(' ');
            return;
        }
        let is_item = self.is_item.unwrap_or(self.place == Place::Body && !self.are_notes) && self.tables == 0;
        if is_item {
            let text = line.split_whitespace().collect::<Vec<_>>().join(" ");
            self.sheet.blocks(vec![Block::Item { depth: self.depth, number: None, done: None, text }]);
            return;
        }
        for (place, part) in line.split('\n').enumerate() {
            if place > 0 {
                self.sheet.line_break();
            }
            self.sheet.words(part);
        }
        self.sheet.end_line();
    }
}

impl Listener for Slide {
    fn open(&mut self, name: &str, attributes: &Attributes) {
        // The second form of something that newer programs draw otherwise.
        if self.dropped > 0 || name == "mc:Fallback" {
            self.dropped += 1;
            return;
        }
        match name {
            "p:sld" => self.is_hidden = attributes.value("show").is_some_and(|show| matches!(show, "0" | "false")),
            "p:sp" => self.place = Place::Free,
            "p:ph" => {
                self.place = match attributes.value("type") {
                    Some("title" | "ctrTitle") => Place::Title,
                    Some("dt" | "ftr" | "hdr" | "sldNum" | "sldImg") => Place::Around,
                    Some("subTitle") => Place::Free,
                    Some(_) | None => Place::Body,
                }
            }
            "p:cNvPr" if !self.are_notes => {
                let alt = attributes.value("descr").map(str::trim).filter(|alt| !alt.is_empty());
                if let Some(alt) = alt {
                    self.sheet.words(&format!("[image: {alt}]"));
                    self.sheet.end_line();
                }
            }
            "a:p" => {
                self.line.clear();
                (self.depth, self.is_item) = (0, None);
            }
            "a:pPr" => self.depth = attributes.number("lvl").map_or(0, |level| level.min(8) as u8),
            "a:buNone" => self.is_item = Some(false),
            "a:buChar" | "a:buAutoNum" | "a:buBlip" => self.is_item = Some(true),
            "a:t" => self.is_text = true,
            "a:br" => self.line.push('\n'),
            "a:tbl" => {
                (self.tables, self.rows, self.is_headed) = (self.tables + 1, 0, false);
                self.sheet.open_table();
            }
            "a:tblPr" => self.is_headed = attributes.is("firstRow"),
            "a:tr" => {
                self.rows += 1;
                self.sheet.open_row();
            }
            // What a cell to the left or above spans.
            "a:tc" if attributes.is("hMerge") || attributes.is("vMerge") => self.dropped = 1,
            "a:tc" => self.sheet.open_cell(Shape {
                is_header: self.is_headed && self.rows == 1,
                columns: attributes.number("gridSpan").unwrap_or(1),
                rows: attributes.number("rowSpan").unwrap_or(1),
            }),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_text && self.dropped == 0 {
            self.line.push_str(text);
        }
    }

    fn close(&mut self, name: &str) {
        if self.dropped > 0 {
            self.dropped -= 1;
            return;
        }
        match name {
            "a:t" => self.is_text = false,
            "a:p" => self.end_paragraph(),
            "a:tc" => self.sheet.close_cell(),
            "a:tbl" => {
                self.tables = self.tables.saturating_sub(1);
                self.sheet.close_table();
            }
            "p:sp" => self.place = Place::Free,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::made;
    use super::*;

    const SLIDES: &str = r#"<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId id="256" r:id="rId2"/><p:sldId id="257" r:id="rId1"/><p:sldId id="258" r:id="rId2"/></p:sldIdLst></p:presentation>"#;
    const TARGETS: &str = r#"<Relationships><Relationship Id="rId1" Type="x/slide" Target="slides/slide1.xml"/><Relationship Id="rId2" Type="x/slide" Target="/ppt/slides/slide2.xml"/></Relationships>"#;

    fn shape(kind: &str, paragraphs: &str) -> String {
        format!(r#"<p:sp><p:nvSpPr><p:nvPr>{kind}</p:nvPr></p:nvSpPr><p:txBody>{paragraphs}</p:txBody></p:sp>"#)
    }

    fn paragraph(level: usize, text: &str) -> String {
        format!(r#"<a:p><a:pPr lvl="{level}"/><a:r><a:t>{text}</a:t></a:r></a:p>"#)
    }

    fn slide(show: &str, shapes: &str) -> String {
        format!(r#"<p:sld xmlns:p="p" xmlns:a="a" {show}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"#)
    }

    fn presentation(first: &str, second: &str, more: &[(&str, &str)]) -> Vec<u8> {
        let mut parts = vec![
            (PRESENTATION, SLIDES),
            ("ppt/_rels/presentation.xml.rels", TARGETS),
            ("ppt/slides/slide1.xml", first),
            ("ppt/slides/slide2.xml", second),
        ];
        parts.extend_from_slice(more);
        made::archive(&parts)
    }

    fn heading(level: u8, text: &str) -> Block {
        Block::Heading { level, text: text.to_owned() }
    }

    fn item(depth: u8, text: &str) -> Block {
        Block::Item { depth, number: None, done: None, text: text.to_owned() }
    }

    fn plain(text: &str) -> Block {
        Block::Paragraph { text: text.to_owned() }
    }

    #[test]
    fn slides_come_in_their_order_with_titles_items_and_notes() {
        let second = slide(
            "",
            &[
                shape(r#"<p:ph idx="1"/>"#, &(paragraph(0, "Ask early") + &paragraph(1, "two weeks &amp; more"))),
                shape(r#"<p:ph type="title"/>"#, &paragraph(0, "Leave")),
                shape(r#"<p:ph type="sldNum"/>"#, &paragraph(0, "7")),
                shape("", &paragraph(0, "A remark")),
            ]
            .concat(),
        );
        let first = slide("", &shape("", &paragraph(0, "Last page")));
        let notes = shape(r#"<p:ph type="body"/>"#, &paragraph(0, "Say it twice")) + &shape("", &paragraph(0, "noise"));
        let below = r#"<Relationships><Relationship Id="rId9" Type="x/notesSlide" Target="../notesSlides/n1.xml"/></Relationships>"#;
        let more = [("ppt/slides/_rels/slide2.xml.rels", below), ("ppt/notesSlides/n1.xml", &slide("", &notes))];

        let expected = vec![
            heading(1, "Leave"),
            item(0, "Ask early"),
            item(1, "two weeks & more"),
            plain("A remark"),
            heading(2, "Notes"),
            plain("Say it twice"),
            heading(1, "Slide 2"),
            plain("Last page"),
        ];
        assert_eq!(read(&presentation(&first, &second, &more)).unwrap(), expected);
    }

    #[test]
    fn a_table_keeps_its_header_and_a_hidden_slide_is_left_out() {
        let cell = |text: &str| format!("<a:tc><a:txBody>{}</a:txBody></a:tc>", paragraph(0, text));
        let row = |cells: [&str; 2]| format!("<a:tr>{}{}</a:tr>", cell(cells[0]), cell(cells[1]));
        let table = format!(
            r#"<p:graphicFrame><a:tbl><a:tblPr firstRow="1"/>{}{}</a:tbl></p:graphicFrame>"#,
            row(["Grade", "Days"]),
            row(["A1", "28"])
        );
        let hidden = slide(r#"show="0""#, &shape("", &paragraph(0, "secret")));

        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table_read = Block::Table { header: cells(["Grade", "Days"]), rows: vec![cells(["A1", "28"])] };
        let blocks = read(&presentation(&slide("", &table), &hidden, &[])).unwrap();
        assert_eq!(blocks, vec![heading(1, "Slide 2"), table_read]);
    }

    #[test]
    fn a_damaged_slide_keeps_what_came_before_and_the_next_one() {
        let first = slide("", &shape("", &paragraph(0, "whole")));
        let second = format!(
            "{}<p:sp><",
            slide("", &shape("", &paragraph(0, "kept"))).trim_end_matches("</p:spTree></p:cSld></p:sld>")
        );

        let blocks = read(&presentation(&first, &second, &[])).unwrap();

        assert_eq!(blocks, vec![heading(1, "Slide 1"), plain("kept"), heading(1, "Slide 2"), plain("whole")]);
    }
}
