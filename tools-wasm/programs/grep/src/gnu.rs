//! GNU grep's command line.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};
use lexopt::prelude::*;

use crate::Failure;
use crate::basic::Syntax;
use crate::search::{Binary, Output, Run, Search};

#[derive(Default)]
struct Files {
    named: Vec<PathBuf>,
    recursive: bool,
    follow: bool,
    include: Vec<String>,
    exclude: Vec<String>,
    exclude_folders: Vec<String>,
    /// `-d skip`.
    skip_folders: bool,
}

pub(crate) fn run(mut options: lexopt::Parser, syntax: Syntax) -> Result<u8, Failure> {
    let mut search = Search {
        syntax,
        ..Search::default()
    };
    let (mut files, mut words, mut given) = (Files::default(), Vec::new(), false);
    let (mut with_path, mut label, mut ignore_case) = (None, "(standard input)".to_owned(), false);
    while let Some(option) = options.next().map_err(text)? {
        match option {
            Short('E') | Long("extended-regexp") => search.syntax = Syntax::Extended,
            Short('F') | Long("fixed-strings") => search.syntax = Syntax::Fixed,
            Short('G') | Long("basic-regexp") => search.syntax = Syntax::Basic,
            Short('P') | Long("perl-regexp") => search.syntax = Syntax::Rust,
            Short('e') | Long("regexp") => {
                search.patterns.push(value(&mut options)?);
                given = true;
            }
            Short('f') | Long("file") => {
                search
                    .patterns
                    .extend(crate::patterns_from(&value(&mut options)?)?);
                given = true;
            }
            Short('i' | 'y') | Long("ignore-case") => ignore_case = true,
            Long("no-ignore-case") => ignore_case = false,
            Short('w') | Long("word-regexp") => search.word = true,
            Short('x') | Long("line-regexp") => search.whole_line = true,
            Short('v') | Long("invert-match") => search.invert = true,
            Short('c') | Long("count") => search.output = Output::Count,
            Short('l') | Long("files-with-matches") => search.output = Output::FilesWithMatches,
            Short('L') | Long("files-without-match") => search.output = Output::FilesWithoutMatch,
            Short('o') | Long("only-matching") if search.output == Output::Lines => {
                search.output = Output::OnlyMatching
            }
            Short('o') | Long("only-matching") => {}
            Short('q') | Long("quiet" | "silent") => search.output = Output::Quiet,
            Short('s') | Long("no-messages") => search.quiet_errors = true,
            Short('m') | Long("max-count") => search.max_count = Some(number(&mut options)?),
            Short('n') | Long("line-number") => search.line_number = true,
            Short('b') | Long("byte-offset") => search.byte_offset = true,
            Short('H') | Long("with-filename") => with_path = Some(true),
            Short('h') | Long("no-filename") => with_path = Some(false),
            Long("label") => label = value(&mut options)?,
            Short('Z') | Long("null") => search.null = true,
            Short('T')
            | Long("initial-tab")
            | Short('u' | 'U')
            | Long("binary" | "line-buffered") => {}
            Short('A') | Long("after-context") => search.after = number(&mut options)?,
            Short('B') | Long("before-context") => search.before = number(&mut options)?,
            Short('C') | Long("context") => {
                search.after = number(&mut options)?;
                search.before = search.after;
            }
            // `-3` is `-C 3`.
            Short(digit @ '0'..='9') => {
                let count = search
                    .after
                    .saturating_mul(10)
                    .saturating_add(digit as usize - '0' as usize);
                (search.before, search.after) = (count, count);
            }
            Long("group-separator") => {
                search.context_separator = Some(value(&mut options)?.into_bytes())
            }
            Long("no-group-separator") => search.context_separator = None,
            Short('a') | Long("text") => search.binary = Binary::Text,
            Short('I') => search.binary = Binary::Skip,
            Long("binary-files") => {
                search.binary = match value(&mut options)?.as_str() {
                    "text" => Binary::Text,
                    "without-match" => Binary::Skip,
                    _ => Binary::Announce,
                };
            }
            Long("color" | "colour") => {
                search.color = options
                    .optional_value()
                    .is_some_and(|when| when == "always");
            }
            Short('r') | Long("recursive") => files.recursive = true,
            Short('R') | Long("dereference-recursive") => {
                (files.recursive, files.follow) = (true, true)
            }
            Short('d') | Long("directories") => match value(&mut options)?.as_str() {
                "recurse" => files.recursive = true,
                "skip" => files.skip_folders = true,
                _ => {}
            },
            Short('D') | Long("devices") => drop(value(&mut options)?),
            Long("include") => files.include.push(value(&mut options)?),
            Long("exclude") => files.exclude.push(value(&mut options)?),
            Long("exclude-dir") => files.exclude_folders.push(value(&mut options)?),
            Short('V') | Long("version") => {
                println!("grep (GNU grep compatible, Glovebox)");
                return Ok(0);
            }
            Value(word) => words.push(word),
            other => return Err(text(other.unexpected())),
        }
    }
    if !given {
        if words.is_empty() {
            return Err("usage: grep [OPTION]... PATTERNS [FILE]...".into());
        }
        search.patterns = words
            .remove(0)
            .to_string_lossy()
            .split('\n')
            .map(str::to_owned)
            .collect();
    }
    search.ignore_case = ignore_case;
    files.named = words.into_iter().map(PathBuf::from).collect();
    if files.named.is_empty() {
        files
            .named
            .push(if files.recursive { "." } else { "-" }.into());
    }
    let many = files.named.len() > 1
        || (files.recursive
            && !files
                .named
                .iter()
                .all(|file| file.is_file() || file == Path::new("-")));
    // No pattern at all (an empty `-f`) matches nothing.
    if search.patterns.is_empty() {
        search.patterns.push(r"[^\s\S]".into());
        search.syntax = Syntax::Rust;
    }
    let mut run = Run::new("grep", &search, with_path.unwrap_or(many))?;
    files.search(&mut run, &label)?;
    Ok(run.finish())
}

impl Files {
    fn search(&self, run: &mut Run, label: &str) -> Result<(), Failure> {
        let chosen = self.chosen()?;
        for path in &self.named {
            if run.done() {
                break;
            }
            if path == Path::new("-") {
                run.stdin(label);
            } else if !path.is_dir() {
                // `--include` and `--exclude` hold for files named here too.
                if !chosen
                    .matched(path.file_name().unwrap_or_default(), false)
                    .is_ignore()
                {
                    run.file(path);
                }
            } else if self.recursive {
                self.walk(path, &chosen, run);
            } else if !self.skip_folders {
                run.flush();
                eprintln!("grep: {}: Is a directory", path.display());
            }
        }
        Ok(())
    }

    /// The globs of `--include` and `--exclude` as ripgrep's overrides, where `!` excludes.
    fn chosen(&self) -> Result<Override, Failure> {
        let mut builder = OverrideBuilder::new("/");
        for glob in &self.include {
            builder.add(glob).map_err(text)?;
        }
        for glob in &self.exclude {
            builder.add(&format!("!{glob}")).map_err(text)?;
        }
        builder.build().map_err(text)
    }

    fn walk(&self, root: &Path, chosen: &Override, run: &mut Run) {
        let folders = OverrideBuilder::new("/");
        let mut folders = folders;
        for glob in &self.exclude_folders {
            let _ = folders.add(&format!("!{}", glob.trim_end_matches('/')));
        }
        let Ok(folders) = folders.build() else { return };
        let mut builder = WalkBuilder::new(root);
        // GNU grep knows no ignore files and no hidden files.
        builder
            .standard_filters(false)
            .follow_links(self.follow)
            .sort_by_file_name(std::ffi::OsStr::cmp);
        builder.filter_entry(move |entry| {
            let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            entry.depth() == 0 || !folder || !folders.matched(entry.file_name(), true).is_ignore()
        });
        for entry in builder.build() {
            if run.done() {
                return;
            }
            match entry {
                Ok(entry) => {
                    let file = entry.file_type().is_some_and(|kind| kind.is_file());
                    if file && !chosen.matched(entry.file_name(), false).is_ignore() {
                        run.file(entry.path());
                    }
                }
                Err(error) => run.trouble(&error.to_string()),
            }
        }
    }
}

fn value(options: &mut lexopt::Parser) -> Result<String, Failure> {
    options
        .value()
        .map(|value| value.to_string_lossy().into_owned())
        .map_err(text)
}

fn number<N: std::str::FromStr>(options: &mut lexopt::Parser) -> Result<N, Failure> {
    let value = value(options)?;
    value
        .parse()
        .map_err(|_| format!("{value}: invalid number"))
}

fn text(error: impl std::fmt::Display) -> Failure {
    error.to_string()
}
