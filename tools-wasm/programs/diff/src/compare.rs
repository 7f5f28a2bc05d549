//! Which lines two files share.

use std::borrow::Cow;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::options::Options;

/// A file as lines, each with its newline but perhaps the last.
pub(crate) struct Lines<'text>(pub(crate) Vec<&'text [u8]>);

impl<'text> Lines<'text> {
    pub(crate) fn of(text: &'text [u8]) -> Self {
        Lines(text.split_inclusive(|byte| *byte == b'\n').collect())
    }
}

/// The steps from one file to the other. Lines are equal when the options say so.
pub(crate) fn compare(one: &Lines<'_>, other: &Lines<'_>, options: &Options) -> Vec<DiffOp> {
    let keys = |lines: &Lines<'_>| {
        lines
            .0
            .iter()
            .map(|line| key(line, options).into_owned())
            .collect::<Vec<_>>()
    };
    let (left, right) = (keys(one), keys(other));
    let steps = capture_diff_slices(Algorithm::Myers, &left, &right);
    if !options.ignore_blank_lines {
        return steps;
    }
    // A change of blank lines only is none.
    let blank = |lines: &[&[u8]]| {
        lines
            .iter()
            .all(|line| line.iter().all(u8::is_ascii_whitespace))
    };
    let differs = |step: &DiffOp| {
        let (_, old, new) = step.as_tag_tuple();
        !matches!(step, DiffOp::Equal { .. }) && !(blank(&one.0[old]) && blank(&other.0[new]))
    };
    if steps.iter().any(differs) {
        steps
    } else {
        Vec::new()
    }
}

/// What two lines are compared by.
fn key<'line>(line: &'line [u8], options: &Options) -> Cow<'line, [u8]> {
    let spaces =
        options.ignore_all_space || options.ignore_space_change || options.ignore_trailing_space;
    if !spaces && !options.ignore_case && !options.strip_carriage_return {
        return Cow::Borrowed(line);
    }
    let mut line = line.to_vec();
    if options.strip_carriage_return && line.ends_with(b"\r\n") {
        line.truncate(line.len() - 2);
        line.push(b'\n');
    }
    if options.ignore_all_space {
        line.retain(|byte| !byte.is_ascii_whitespace());
    } else if spaces {
        line.truncate(line.trim_ascii_end().len());
    }
    if options.ignore_space_change {
        let mut last_blank = false;
        line.retain_mut(|byte| {
            let blank = byte.is_ascii_whitespace();
            if blank {
                *byte = b' ';
            }
            !(std::mem::replace(&mut last_blank, blank) && blank)
        });
    }
    if options.ignore_case {
        line.make_ascii_lowercase();
    }
    Cow::Owned(line)
}
