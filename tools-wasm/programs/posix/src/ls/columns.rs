//! Names beside each other: down the columns, along the lines, or with commas.

use std::io::{self, Write};

/// What stands for one file, and the columns that it takes on a terminal.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) width: usize,
}

/// Spaces after the longest name of a column.
const GAP: usize = 2;

/// How the cells of a table are arranged.
pub(super) struct Table {
    /// Characters in a line.
    pub(super) width: usize,
    /// 0 for spaces alone.
    pub(super) tab: usize,
    pub(super) end: u8,
}

impl Table {
    /// Sorted down the columns.
    pub(super) fn down(&self, out: &mut impl Write, cells: &[Cell]) -> io::Result<()> {
        let widths = self.widths(cells, |at, columns| at / cells.len().div_ceil(columns));
        let rows = cells.len().div_ceil(widths.len());
        for row in 0..rows {
            let line = cells.iter().skip(row).step_by(rows);
            self.line(out, line, &widths)?;
        }
        Ok(())
    }

    /// Sorted along the lines.
    pub(super) fn across(&self, out: &mut impl Write, cells: &[Cell]) -> io::Result<()> {
        let widths = self.widths(cells, |at, columns| at % columns);
        for line in cells.chunks(widths.len()) {
            self.line(out, line.iter(), &widths)?;
        }
        Ok(())
    }

    fn line<'a>(
        &self,
        out: &mut impl Write,
        cells: impl Iterator<Item = &'a Cell>,
        widths: &[usize],
    ) -> io::Result<()> {
        let (mut start, mut here) = (0, 0);
        for (cell, width) in cells.zip(widths) {
            self.indent(out, here, start)?;
            out.write_all(cell.text.as_bytes())?;
            here = start + cell.width;
            start += width;
        }
        out.write_all(&[self.end])
    }

    fn indent(&self, out: &mut impl Write, mut from: usize, to: usize) -> io::Result<()> {
        while from < to {
            if self.tab > 0 && to / self.tab > (from + 1) / self.tab {
                out.write_all(b"\t")?;
                from += self.tab - from % self.tab;
            } else {
                out.write_all(b" ")?;
                from += 1;
            }
        }
        Ok(())
    }

    /// The widths of the most columns that fit; `column` is where a cell stands among so many of them.
    fn widths(&self, cells: &[Cell], column: impl Fn(usize, usize) -> usize) -> Vec<usize> {
        let most = self.width.div_ceil(GAP + 1).clamp(1, cells.len().max(1));
        let try_with = |columns: usize| {
            let mut widths = vec![GAP + 1; columns];
            for (at, cell) in cells.iter().enumerate() {
                let place = column(at, columns);
                let gap = if place + 1 == columns { 0 } else { GAP };
                widths[place] = widths[place].max(cell.width + gap);
            }
            (widths.iter().sum::<usize>() < self.width || columns == 1).then_some(widths)
        };
        (1..=most).rev().find_map(try_with).unwrap_or_default()
    }
}

/// `a, b, c`, broken into lines of at most `width` characters.
pub(super) fn separated(
    out: &mut impl Write,
    cells: &[Cell],
    separator: &str,
    width: Option<usize>,
    end: u8,
) -> io::Result<()> {
    let mut here = 0;
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.write_all(separator.as_bytes())?;
            if width.is_none_or(|width| here + cell.width + GAP < width) {
                here += GAP;
                out.write_all(b" ")?;
            } else {
                here = 0;
                out.write_all(&[end])?;
            }
        }
        out.write_all(cell.text.as_bytes())?;
        here += cell.width;
    }
    if cells.is_empty() {
        return Ok(());
    }
    out.write_all(&[end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(names: &str) -> Vec<Cell> {
        let cell = |name: &str| Cell {
            text: name.to_owned(),
            width: name.len(),
        };
        names.split(' ').map(cell).collect()
    }

    #[test]
    fn names_stand_in_as_many_columns_as_fit() {
        let table = Table {
            width: 14,
            tab: 0,
            end: b'\n',
        };
        let names = cells("a bbbb c dd e");
        let (mut down, mut across, mut commas) = (Vec::new(), Vec::new(), Vec::new());
        table.down(&mut down, &names).expect("a buffer");
        table.across(&mut across, &names).expect("a buffer");
        separated(&mut commas, &names, ",", Some(10), b'\n').expect("a buffer");
        assert_eq!(String::from_utf8_lossy(&down), "a     c   e\nbbbb  dd\n");
        assert_eq!(String::from_utf8_lossy(&across), "a   bbbb  c\ndd  e\n");
        assert_eq!(String::from_utf8_lossy(&commas), "a, bbbb,\nc, dd, e\n");
    }
}
