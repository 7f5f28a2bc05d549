//! The shapes of a difference.

use std::io::{self, Write};
use std::ops::Range;

use similar::{DiffOp, DiffTag, group_diff_ops};

use crate::compare::Lines;

const NO_NEWLINE: &str = "\\ No newline at end of file";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// Where lines go, in colours or without.
pub(crate) struct Printer<'out> {
    pub(crate) out: &'out mut dyn Write,
    pub(crate) color: bool,
}

impl Printer<'_> {
    /// A line with what marks it; a missing newline is said.
    fn line(&mut self, mark: &str, line: &[u8], color: &str) -> io::Result<()> {
        let text = line.strip_suffix(b"\n");
        let (before, after) = if self.color && !color.is_empty() {
            (color, RESET)
        } else {
            ("", "")
        };
        write!(self.out, "{before}{mark}")?;
        self.out.write_all(text.unwrap_or(line))?;
        writeln!(self.out, "{after}")?;
        if text.is_none() {
            writeln!(self.out, "{NO_NEWLINE}")?;
        }
        Ok(())
    }

    fn head(&mut self, text: &str, color: &str) -> io::Result<()> {
        if self.color {
            writeln!(self.out, "{color}{text}{RESET}")
        } else {
            writeln!(self.out, "{text}")
        }
    }

    pub(crate) fn normal(
        &mut self,
        one: &Lines<'_>,
        other: &Lines<'_>,
        steps: &[DiffOp],
    ) -> io::Result<()> {
        for step in steps {
            let (tag, old, new) = step.as_tag_tuple();
            let letter = match tag {
                DiffTag::Equal => continue,
                DiffTag::Delete => 'd',
                DiffTag::Insert => 'a',
                DiffTag::Replace => 'c',
            };
            self.head(&format!("{}{letter}{}", span(&old), span(&new)), CYAN)?;
            for line in &one.0[old] {
                self.line("< ", line, RED)?;
            }
            if tag == DiffTag::Replace {
                writeln!(self.out, "---")?;
            }
            for line in &other.0[new] {
                self.line("> ", line, GREEN)?;
            }
        }
        Ok(())
    }

    pub(crate) fn unified(
        &mut self,
        one: &Lines<'_>,
        other: &Lines<'_>,
        steps: Vec<DiffOp>,
        context: usize,
        heads: &[String; 2],
    ) -> io::Result<()> {
        self.head(&format!("--- {}", heads[0]), BOLD)?;
        self.head(&format!("+++ {}", heads[1]), BOLD)?;
        for hunk in group_diff_ops(steps, context) {
            let (old, new) = bounds(&hunk);
            self.head(
                &format!("@@ -{} +{} @@", unified_span(&old), unified_span(&new)),
                CYAN,
            )?;
            for step in hunk {
                let (tag, old, new) = step.as_tag_tuple();
                if tag == DiffTag::Equal {
                    for line in &one.0[old] {
                        self.line(" ", line, "")?;
                    }
                    continue;
                }
                for line in &one.0[old] {
                    self.line("-", line, RED)?;
                }
                for line in &other.0[new] {
                    self.line("+", line, GREEN)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn context(
        &mut self,
        one: &Lines<'_>,
        other: &Lines<'_>,
        steps: Vec<DiffOp>,
        context: usize,
        heads: &[String; 2],
    ) -> io::Result<()> {
        self.head(&format!("*** {}", heads[0]), BOLD)?;
        self.head(&format!("--- {}", heads[1]), BOLD)?;
        for hunk in group_diff_ops(steps, context) {
            let (old, new) = bounds(&hunk);
            writeln!(self.out, "***************")?;
            for (lines, bounds, side, mark, color) in [
                (one, &old, DiffTag::Delete, "- ", RED),
                (other, &new, DiffTag::Insert, "+ ", GREEN),
            ] {
                let head = if side == DiffTag::Delete {
                    format!("*** {} ****", span(bounds))
                } else {
                    format!("--- {} ----", span(bounds))
                };
                self.head(&head, CYAN)?;
                if !hunk
                    .iter()
                    .any(|step| step.tag() == side || step.tag() == DiffTag::Replace)
                {
                    continue;
                }
                for step in &hunk {
                    let range = if side == DiffTag::Delete {
                        step.old_range()
                    } else {
                        step.new_range()
                    };
                    let (mark, color) = match step.tag() {
                        DiffTag::Equal => ("  ", ""),
                        DiffTag::Replace => ("! ", color),
                        _ => (mark, color),
                    };
                    for line in &lines.0[range] {
                        self.line(mark, line, color)?;
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn side_by_side(
        &mut self,
        one: &Lines<'_>,
        other: &Lines<'_>,
        steps: &[DiffOp],
        width: usize,
    ) -> io::Result<()> {
        let half = (width.saturating_sub(3) / 2).max(1);
        for step in steps {
            let (tag, old, new) = step.as_tag_tuple();
            let rows = old.len().max(new.len());
            for row in 0..rows {
                let left = old.clone().nth(row).map(|at| one.0[at]);
                let right = new.clone().nth(row).map(|at| other.0[at]);
                let mark = match (tag, left, right) {
                    (DiffTag::Equal, ..) => ' ',
                    (_, Some(_), Some(_)) => '|',
                    (_, Some(_), None) => '<',
                    _ => '>',
                };
                let cell = |line: Option<&[u8]>| -> String {
                    let text = String::from_utf8_lossy(line.unwrap_or_default())
                        .trim_end_matches('\n')
                        .replace('\t', "        ");
                    text.chars().take(half).collect()
                };
                let text = format!("{:<half$} {mark} {}", cell(left), cell(right));
                writeln!(self.out, "{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// The lines a hunk covers on both sides.
fn bounds(hunk: &[DiffOp]) -> (Range<usize>, Range<usize>) {
    match (hunk.first(), hunk.last()) {
        (Some(first), Some(last)) => (
            first.old_range().start..last.old_range().end,
            first.new_range().start..last.new_range().end,
        ),
        _ => (0..0, 0..0),
    }
}

/// `3`, `3,5`, or for no lines the one before.
fn span(range: &Range<usize>) -> String {
    match range.len() {
        0 => range.start.to_string(),
        1 => (range.start + 1).to_string(),
        _ => format!("{},{}", range.start + 1, range.end),
    }
}

/// `3`, `3,2`, or for no lines `2,0`.
fn unified_span(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => (range.start + 1).to_string(),
        count => format!("{},{count}", range.start + 1),
    }
}
