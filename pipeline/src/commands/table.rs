//! Text in columns, for people.

/// Rows of cells; the first row is the heading.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// How many columns, from the left, hold words and not numbers.
    words: usize,
}

impl Table {
    /// A table whose first `words` columns are aligned to the left, all others to the right.
    pub fn new(words: usize, heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|cell| (*cell).into()).collect()], words }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines, each with its line feed.
    pub fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if column < self.words {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_left_and_numbers_right() {
        let mut table = Table::new(1, &["name", "n"]);
        table.row(["é".into(), "1000".into()]);
        assert_eq!(table.text(), "name     n\né     1000\n");
    }
}
