//! Excel workbooks (ECMA-376 SpreadsheetML) to blocks: a heading for each sheet, a table for each run of rows.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetVisible, Xlsx};

use super::cells::Cells;
use super::package::Package;
use super::sheet::Sheet;
use crate::corpus::Block;

/// Reads an xlsx file. Hidden sheets are left out; of a formula its last value is read.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, String> {
    Package::open(bytes)?.refuse_large()?;
    let damaged = || "it is no Excel workbook, or damaged".to_owned();
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| damaged())?;
    let shown = workbook.sheets_metadata().iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = shown.map(|sheet| sheet.name.clone()).collect();
    let mut sheet = Sheet::new();
    let mut is_read = names.is_empty();
    for name in names {
        // A sheet of nothing but a chart has no cells, and a damaged one must not cost the others.
        let Ok(mut reader) = workbook.worksheet_cells_reader(&name) else { continue };
        let mut cells = Cells::default();
        while let Ok(Some(cell)) = reader.next_cell() {
            let (row, column) = cell.get_position();
            // A cell at a time, by its place: a sheet may say that it is a thousand times as large as what it holds.
            if !cells.put(row as usize, column as usize, &text_of(cell.get_value())) {
                break;
            }
        }
        is_read = true;
        cells.write(&name, &mut sheet);
    }
    if is_read { Ok(sheet.finish()) } else { Err(damaged()) }
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(is) => (if *is { "yes" } else { "no" }).to_owned(),
        DataRef::DateTime(at) => date(at),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// A day, with the time where there is one; a length of time in hours and minutes.
fn date(at: &ExcelDateTime) -> String {
    if at.is_duration() {
        let minutes = (at.as_f64() * 24.0 * 60.0).round();
        return format!("{}:{:02} h", (minutes / 60.0).trunc(), (minutes % 60.0).abs());
    }
    match at.to_ymd_hms_milli() {
        (year, month, day, 0, 0, _, _) => format!("{year:04}-{month:02}-{day:02}"),
        (1899, 12, 31, hour, minute, _, _) => format!("{hour:02}:{minute:02}"),
        (year, month, day, hour, minute, _, _) => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::package::made;
    use super::*;

    const TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#;
    const TOP: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    const BOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Leave" sheetId="1" r:id="rId1"/><sheet name="Notes" sheetId="2" state="hidden" r:id="rId2"/></sheets></workbook>"#;
    const BELOW: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
    const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

    /// A workbook whose first sheet has these rows.
    fn workbook(rows: &str) -> Vec<u8> {
        let sheet = |rows: &str| {
            format!(
                r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>{rows}</sheetData></worksheet>"#
            )
        };
        let hidden = sheet(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>secret</t></is></c></row>"#);
        made::archive(&[
            ("[Content_Types].xml", TYPES),
            ("_rels/.rels", TOP),
            ("xl/workbook.xml", BOOK),
            ("xl/_rels/workbook.xml.rels", BELOW),
            ("xl/styles.xml", STYLES),
            ("xl/worksheets/sheet1.xml", &sheet(rows)),
            ("xl/worksheets/sheet2.xml", &hidden),
        ])
    }

    fn text(place: &str, text: &str) -> String {
        format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#)
    }

    #[test]
    fn a_sheet_is_a_table_below_its_name_and_a_hidden_one_is_left_out() {
        let rows = format!(
            r#"<row r="1">{}{}{}</row><row r="2">{}<c r="B2"><v>28</v></c><c r="C2" s="1"><v>46143</v></c></row>"#,
            text("A1", "Grade"),
            text("B1", "Days"),
            text("C1", "From"),
            text("A2", "A &amp; B")
        );

        let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows_read = vec![cells(["A & B", "28", "2026-05-01"])];
        let table = Block::Table { header: cells(["Grade", "Days", "From"]), rows: rows_read };
        let heading = Block::Heading { level: 1, text: "Leave".to_owned() };
        assert_eq!(read(&workbook(&rows)).unwrap(), vec![heading, table]);
    }

    #[test]
    fn a_cell_in_the_last_corner_costs_no_more_than_any_other() {
        let rows =
            format!(r#"<row r="1">{}</row><row r="1048576">{}</row>"#, text("A1", "first"), text("XFD1048576", "last"));

        let texts = ["first", "last"].map(|text| Block::Paragraph { text: text.to_owned() });
        assert_eq!(read(&workbook(&rows)).unwrap()[1..], texts);
    }

    #[test]
    fn something_else_in_an_archive_is_no_workbook() {
        assert!(read(&made::archive(&[("a.xml", "<a/>")])).unwrap_err().contains("no Excel workbook"));
    }
}
