//! Rows of cells with spans, made into a table whose rows are all equally long.

use crate::corpus::Block;

/// The most columns a table keeps; cells beyond them are joined to the last one.
const COLUMNS_MAX: usize = 64;

/// The most rows a cell reaches down.
const SPAN_MAX: usize = 64;

/// Text longer than this, in bytes, is not repeated over a span: a few cells must not fill the memory.
const REPEATED_BYTES_MAX: usize = 200;

/// How a cell stands in its table.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// It names a column or a row.
    pub is_header: bool,
    /// Columns it spans.
    pub columns: usize,
    /// Rows it spans.
    pub rows: usize,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { is_header: false, columns: 1, rows: 1 }
    }
}

/// Cells as they are met, row by row.
pub(super) struct Grid {
    rows: Vec<Row>,
    cells: usize,
    /// What reaches down into coming rows: by column, the text and how many rows are left.
    hanging: Vec<Option<(String, usize)>>,
}

#[derive(Default)]
struct Row {
    cells: Vec<String>,
    headers: usize,
    met: usize,
}

impl Grid {
    pub(super) fn new() -> Grid {
        Grid { rows: Vec::new(), cells: 0, hanging: Vec::new() }
    }

    /// How many cells were met.
    pub(super) fn cells(&self) -> usize {
        self.cells
    }

    pub(super) fn open_row(&mut self) {
        self.fill();
        self.rows.push(Row::default());
    }

    pub(super) fn cell(&mut self, text: &str, shape: Shape) {
        if self.rows.is_empty() {
            self.rows.push(Row::default());
        }
        self.cells += 1;
        self.fill_to_gap();
        let columns = shape.columns.clamp(1, COLUMNS_MAX);
        let rows = shape.rows.clamp(1, SPAN_MAX);
        let again = if text.len() <= REPEATED_BYTES_MAX { text } else { "" };
        let Some(row) = self.rows.last_mut() else { return };
        row.met += 1;
        row.headers += usize::from(shape.is_header);
        if row.cells.len() >= COLUMNS_MAX {
            if let Some(last) = row.cells.last_mut() {
                last.push(' ');
                last.push_str(text);
            }
            return;
        }
        for place in 0..columns.min(COLUMNS_MAX - row.cells.len()) {
            let column = row.cells.len();
            row.cells.push(if place == 0 { text } else { again }.to_owned());
            if rows > 1 {
                if self.hanging.len() <= column {
                    self.hanging.resize(column + 1, None);
                }
                self.hanging[column] = Some((again.to_owned(), rows - 1));
            }
        }
    }

    /// Puts what hangs down from rows above at the places before the next free one.
    fn fill_to_gap(&mut self) {
        let Some(row) = self.rows.last_mut() else { return };
        while let Some(hanging @ Some(_)) = self.hanging.get_mut(row.cells.len()) {
            if let Some((text, left)) = hanging {
                row.cells.push(text.clone());
                *left -= 1;
                if *left == 0 {
                    *hanging = None;
                }
            }
        }
    }

    /// Ends the last row: everything that still hangs is put where it belongs.
    fn fill(&mut self) {
        if self.rows.is_empty() {
            return;
        }
        self.fill_to_gap();
        while self.rows.last().is_some_and(|row| {
            self.hanging.iter().skip(row.cells.len()).any(Option::is_some) && row.cells.len() < COLUMNS_MAX
        }) {
            if let Some(row) = self.rows.last_mut() {
                row.cells.push(String::new());
            }
            self.fill_to_gap();
        }
    }

    /// The table as blocks: none where no cell holds anything; items `name: value` where it is a list of properties.
    pub(super) fn into_blocks(mut self) -> Vec<Block> {
        self.fill();
        let mut rows: Vec<Row> =
            self.rows.into_iter().filter(|row| row.cells.iter().any(|cell| !cell.trim().is_empty())).collect();
        let Some(width) = rows.iter().map(|row| row.cells.len()).max() else { return Vec::new() };
        rows.iter_mut().for_each(|row| row.cells.resize(width, String::new()));
        if width == 2 && rows.iter().all(|row| row.headers == 1 && row.met == 2) {
            return rows.into_iter().filter_map(|row| property(&row.cells)).collect();
        }
        // A first row of nothing but header cells names the columns. One that also has plain cells names rows.
        let has_header = rows.len() > 1 && rows[0].met > 0 && rows[0].headers == rows[0].met && width > 1;
        let mut rows = rows.into_iter().map(|row| row.cells);
        let header = if has_header { rows.next().unwrap_or_default() } else { Vec::new() };
        vec![Block::Table { header, rows: rows.collect() }]
    }
}

fn property(cells: &[String]) -> Option<Block> {
    let [name, value] = cells else { return None };
    let text = match (name.trim().trim_end_matches(':'), value.trim()) {
        ("", value) => value.to_owned(),
        (name, "") => name.to_owned(),
        (name, value) => format!("{name}: {value}"),
    };
    Some(Block::Item { depth: 0, number: None, done: None, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[(&str, usize, usize)]]) -> Vec<Vec<String>> {
        let mut grid = Grid::new();
        for row in rows {
            grid.open_row();
            for (text, columns, rows) in *row {
                grid.cell(text, Shape { is_header: false, columns: *columns, rows: *rows });
            }
        }
        match grid.into_blocks().as_slice() {
            [Block::Table { rows, .. }] => rows.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_cell_that_spans_is_repeated_in_every_place_it_covers() {
        let rows = table(&[&[("a", 1, 3), ("b", 2, 1)], &[("c", 1, 1), ("d", 1, 1)], &[("e", 1, 1)]]);

        assert_eq!(rows, [["a", "b", "b"], ["a", "c", "d"], ["a", "e", ""]]);
    }

    #[test]
    fn a_last_column_that_hangs_down_lands_in_its_place() {
        let rows = table(&[&[("a", 1, 1), ("b", 1, 1), ("c", 1, 2)], &[("d", 1, 1)]]);

        assert_eq!(rows, [["a", "b", "c"], ["d", "", "c"]]);
    }

    #[test]
    fn only_a_first_row_of_header_cells_names_the_columns() {
        let mut grid = Grid::new();
        let head = Shape { is_header: true, ..Shape::default() };
        for row in [["Name", "Role"], ["Ana", "Lead"]] {
            grid.open_row();
            row.iter().enumerate().for_each(|(at, text)| {
                grid.cell(text, if row[0] == "Name" || at == 0 { head } else { Shape::default() })
            });
        }

        let header = vec!["Name".to_owned(), "Role".to_owned()];
        let rows = vec![vec!["Ana".to_owned(), "Lead".to_owned()]];
        assert_eq!(grid.into_blocks(), vec![Block::Table { header, rows }]);
    }

    #[test]
    fn a_table_of_names_and_values_is_a_list_of_properties() {
        let mut grid = Grid::new();
        for (name, value) in [("Owner", "Ana"), ("Due:", "May")] {
            grid.open_row();
            grid.cell(name, Shape { is_header: true, ..Shape::default() });
            grid.cell(value, Shape::default());
        }

        let item = |text: &str| Block::Item { depth: 0, number: None, done: None, text: text.to_owned() };
        assert_eq!(grid.into_blocks(), vec![item("Owner: Ana"), item("Due: May")]);
    }

    #[test]
    fn spans_of_absurd_size_stay_small() {
        let rows = table(&[&[("x", usize::MAX, usize::MAX), ("tail", 1, 1)], &[("y", 1, 1)]]);

        assert_eq!(rows[0].len(), COLUMNS_MAX);
        assert_eq!(rows[0][COLUMNS_MAX - 1], "x tail");
    }
}
