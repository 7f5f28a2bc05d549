//! The words that options take as arguments, which may be shortened.

use super::options::{Clock, Format, Indicator, Sort};
use super::parse::usage;
use super::quote::{Quoting, always};
use crate::failure::Failure;

/// An option's argument that is none of its words: GNU's `ls` ends with 1 here, unlike for other wrong usage.
const INVALID_ARGUMENT: u8 = 1;

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Never,
    /// On a terminal.
    Auto,
}

/// `--sort`'s.
pub(super) fn sort(program: &str, word: &str) -> Result<Sort, Failure> {
    let words = [
        ("none", Sort::None),
        ("time", Sort::Time),
        ("size", Sort::Size),
        ("extension", Sort::Extension),
        ("version", Sort::Version),
        ("width", Sort::Width),
        ("name", Sort::Name),
    ];
    choice(program, "sort", word, &words)
}

/// `--time`'s.
pub(super) fn clock(program: &str, word: &str) -> Result<Clock, Failure> {
    let words = [
        ("atime", Clock::Accessed),
        ("access", Clock::Accessed),
        ("use", Clock::Accessed),
        ("ctime", Clock::Changed),
        ("status", Clock::Changed),
        ("mtime", Clock::Modified),
        ("modification", Clock::Modified),
    ];
    choice(program, "time", word, &words)
}

/// `--format`'s.
pub(super) fn format(program: &str, word: &str) -> Result<Format, Failure> {
    let words = [
        ("verbose", Format::Long),
        ("long", Format::Long),
        ("commas", Format::Commas),
        ("horizontal", Format::Across),
        ("across", Format::Across),
        ("vertical", Format::Columns),
        ("single-column", Format::OnePerLine),
    ];
    choice(program, "format", word, &words)
}

/// `--indicator-style`'s.
pub(super) fn indicator(program: &str, word: &str) -> Result<Indicator, Failure> {
    let words = [
        ("none", Indicator::None),
        ("slash", Indicator::Slash),
        ("file-type", Indicator::FileType),
        ("classify", Indicator::Classify),
    ];
    choice(program, "indicator-style", word, &words)
}

/// `--quoting-style`'s.
pub(super) fn quoting(program: &str, word: &str) -> Result<Quoting, Failure> {
    let words = [
        ("literal", Quoting::Literal),
        ("shell", Quoting::Shell),
        ("shell-always", Quoting::ShellAlways),
        ("shell-escape", Quoting::ShellEscape),
        ("shell-escape-always", Quoting::ShellEscapeAlways),
        ("c", Quoting::C),
        ("escape", Quoting::Escape),
        ("locale", Quoting::Locale),
        ("clocale", Quoting::C),
    ];
    choice(program, "quoting-style", word, &words)
}

/// `always`, `auto` or `never`.
pub(super) fn when(
    program: &str,
    option: &str,
    word: &str,
    terminal: bool,
) -> Result<bool, Failure> {
    let words = [
        ("always", When::Always),
        ("yes", When::Always),
        ("force", When::Always),
        ("never", When::Never),
        ("no", When::Never),
        ("none", When::Never),
        ("auto", When::Auto),
        ("tty", When::Auto),
        ("if-tty", When::Auto),
    ];
    Ok(match choice(program, option, word, &words)? {
        When::Always => true,
        When::Never => false,
        When::Auto => terminal,
    })
}

/// What `word`, or the only word that it begins, stands for.
fn choice<T: Copy + PartialEq>(
    program: &str,
    option: &str,
    word: &str,
    words: &[(&str, T)],
) -> Result<T, Failure> {
    if let Some((_, meaning)) = words.iter().find(|(name, _)| *name == word) {
        return Ok(*meaning);
    }
    let mut found = words.iter().filter(|(name, _)| name.starts_with(word));
    let trouble = match (found.next(), word.is_empty()) {
        (Some((_, meaning)), false) if found.all(|(_, other)| other == meaning) => {
            return Ok(*meaning);
        }
        (Some(_), _) => "ambiguous",
        (None, _) => "invalid",
    };
    let mut message = format!(
        "{trouble} argument {} for '--{option}'\nValid arguments are:",
        always(word)
    );
    for same in words.chunk_by(|(_, one), (_, other)| one == other) {
        let names: Vec<_> = same.iter().map(|(name, _)| format!("'{name}'")).collect();
        message += &format!("\n  - {}", names.join(", "));
    }
    Err(Failure {
        status: INVALID_ARGUMENT,
        ..usage(program, &message)
    })
}
