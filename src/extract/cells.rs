//! A sheet of a workbook: cells by their places, cut into tables where rows are empty.

use std::collections::BTreeMap;

use super::grid::{Grid, Shape};
use super::sheet::Sheet;

/// The most cells of one workbook that are read; what comes after is left out.
const CELLS_MAX: usize = 200_000;

/// The cells that hold something.
#[derive(Default)]
pub(super) struct Cells {
    rows: BTreeMap<usize, BTreeMap<usize, String>>,
    count: usize,
}

impl Cells {
    /// Puts a cell at its place, unless it is empty. Gives whether there is room for more.
    pub(super) fn put(&mut self, row: usize, column: usize, text: &str) -> bool {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() && self.count < CELLS_MAX {
            self.rows.entry(row).or_default().insert(column, text);
            self.count += 1;
        }
        self.count < CELLS_MAX
    }

    /// Writes the cells below the name of their sheet: a table for each run of rows with nothing empty between, a paragraph for
    /// what stands alone. A sheet without any cell leaves nothing.
    pub(super) fn write(self, name: &str, sheet: &mut Sheet) {
        if self.rows.is_empty() {
            return;
        }
        sheet.open_heading(1);
        sheet.words(name);
        sheet.close_heading();
        let mut run: Vec<BTreeMap<usize, String>> = Vec::new();
        let mut last = None;
        for (place, row) in self.rows {
            if last.is_some_and(|last| place > last + 1) {
                table(std::mem::take(&mut run), sheet);
            }
            last = Some(place);
            run.push(row);
        }
        table(run, sheet);
    }
}

fn table(mut rows: Vec<BTreeMap<usize, String>>, sheet: &mut Sheet) {
    let columns = |rows: &[BTreeMap<usize, String>]| {
        let mut columns: Vec<usize> = rows.iter().flat_map(|row| row.keys().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    };
    let is_wide = columns(&rows).len() > 1;
    // A line above a table is its title, not a row of it.
    let titles = rows.iter().take_while(|row| !is_wide || row.len() == 1).count();
    for text in rows.drain(..titles).flat_map(BTreeMap::into_values) {
        sheet.words(&text);
        sheet.end_line();
    }
    let columns = columns(&rows);
    let is_headed = rows.len() > 1 && names_columns(&rows[0], columns.len());
    let mut grid = Grid::new();
    for (place, row) in rows.into_iter().enumerate() {
        grid.open_row();
        for column in &columns {
            let shape = Shape { is_header: is_headed && place == 0, ..Shape::default() };
            grid.cell(row.get(column).map_or("", String::as_str), shape);
        }
    }
    sheet.blocks(grid.into_blocks());
}

/// Whether a row is taken for the names of the columns: something in each, and nothing that is a figure.
fn names_columns(row: &BTreeMap<usize, String>, columns: usize) -> bool {
    row.len() == columns && row.values().all(|text| text.contains(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Block;

    fn written(cells: &[(usize, usize, &str)]) -> Vec<Block> {
        let (mut all, mut sheet) = (Cells::default(), Sheet::new());
        for (row, column, text) in cells {
            all.put(*row, *column, text);
        }
        all.write("Grades", &mut sheet);
        sheet.finish()
    }

    #[test]
    fn a_title_a_table_and_a_remark_are_told_apart() {
        let blocks = written(&[
            (0, 0, "Grades of 2026"),
            (1, 0, "Grade"),
            (1, 4, "Days"),
            (2, 0, "A1"),
            (2, 4, "28"),
            (3, 4, "30"),
            (9, 0, "Valid from May."),
        ]);

        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table =
            Block::Table { header: cells(["Grade", "Days"]), rows: vec![cells(["A1", "28"]), cells(["", "30"])] };
        let paragraph = |text: &str| Block::Paragraph { text: text.to_owned() };
        let heading = Block::Heading { level: 1, text: "Grades".to_owned() };
        assert_eq!(blocks, vec![heading, paragraph("Grades of 2026"), table, paragraph("Valid from May.")]);
    }

    #[test]
    fn an_empty_sheet_leaves_nothing_and_far_places_cost_nothing() {
        assert!(written(&[(3, 3, "  ")]).is_empty());
        assert_eq!(written(&[(0, 0, "a"), (usize::MAX, usize::MAX, "b")]).len(), 3);
    }
}
