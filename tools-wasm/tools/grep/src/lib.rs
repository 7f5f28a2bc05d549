//! The `grep` tool: ripgrep's own libraries, with the output of `rg -n --no-heading`.

mod output;

use std::path::Path;

use glovebox_kit::paths::{Policy, reason};
use glovebox_kit::tool::{Answer, Failure, failed, text};
use grep_printer::{Standard, StandardBuilder};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, MmapChoice, Searcher, SearcherBuilder};
use ignore::WalkBuilder;
use output::Capped;

/// What the model passes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Regular expression to search for, line by line.
    pattern: String,
    /// File or directory to search. Default: the working directory.
    path: Option<String>,
}

/// Searches the content of files for a regular expression (Rust syntax, as ripgrep) and returns the matching lines as
/// path:line:text, or line:text when path is a file.
///
/// Directories are searched recursively; hidden and binary files and what .gitignore names are passed over. The output
/// is cut at 100 KiB: narrow the pattern or the path when that happens. Begin the pattern with (?i) to ignore case.
#[glovebox_kit::tool(name = "grep", mounts = [("*", read)])]
pub fn call(input: Input) -> Answer {
    grep(&Policy::of_session(), &input)
}

/// Searches.
pub fn grep(policy: &Policy, input: &Input) -> Answer {
    let matcher = matcher(&input.pattern)
        .map_err(|error| Failure::InvalidInput(format!("grep: invalid regex: {error}")))?;
    let named = input
        .path
        .as_deref()
        .filter(|path| !path.is_empty())
        .unwrap_or(".");
    let root = policy
        .resolve(named)
        .map_err(|error| failed(format!("grep: {error}")))?;
    let metadata = std::fs::metadata(&root)
        .map_err(|error| failed(format!("grep: {named}: {}", reason(&error))))?;

    let mut printer = StandardBuilder::new()
        .heading(false)
        .path(metadata.is_dir())
        .build_no_color(Capped::default());
    if metadata.is_dir() {
        search_tree(&matcher, &root, &mut printer);
    } else {
        // A file that was asked for by name is searched even when it is binary; only its text is not shown then.
        let mut searcher = searcher(BinaryDetection::convert(0));
        search_file(&mut searcher, &matcher, &root, &mut printer)
            .map_err(|error| failed(format!("grep: {named}: {}", reason(&error))))?;
    }
    let found = printer.into_inner().into_inner().into_text();
    text(if found.is_empty() {
        "no matches".to_owned()
    } else {
        found
    })
}

fn matcher(pattern: &str) -> Result<RegexMatcher, grep_regex::Error> {
    // The same settings as rg's own.
    RegexMatcherBuilder::new()
        .multi_line(true)
        .line_terminator(Some(b'\n'))
        .build(pattern)
}

fn searcher(binary: BinaryDetection) -> Searcher {
    SearcherBuilder::new()
        .line_number(true)
        .binary_detection(binary)
        .memory_map(MmapChoice::never())
        .build()
}

/// What cannot be read is passed over, as a model cannot do anything about it.
fn search_tree(
    matcher: &RegexMatcher,
    root: &Path,
    printer: &mut Standard<termcolor::NoColor<Capped>>,
) {
    let mut searcher = searcher(BinaryDetection::quit(0));
    let walk = WalkBuilder::new(root)
        .add_custom_ignore_filename(".rgignore")
        .sort_by_file_name(Ord::cmp)
        .build();
    for entry in walk.flatten() {
        if entry
            .file_type()
            .is_some_and(|file_type| file_type.is_file())
            && search_file(&mut searcher, matcher, entry.path(), printer).is_err()
            && printer.get_mut().get_mut().is_full()
        {
            return;
        }
    }
}

fn search_file(
    searcher: &mut Searcher,
    matcher: &RegexMatcher,
    path: &Path,
    printer: &mut Standard<termcolor::NoColor<Capped>>,
) -> std::io::Result<()> {
    match searcher.search_path(matcher, path, printer.sink_with_path(matcher, path)) {
        Err(_) if printer.get_mut().get_mut().is_full() => {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
