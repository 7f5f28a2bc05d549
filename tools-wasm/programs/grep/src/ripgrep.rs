//! ripgrep's command line.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;
use ignore::types::TypesBuilder;
use lexopt::prelude::*;

use crate::Failure;
use crate::basic::Syntax;
use crate::search::{Binary, Output, Run, Search};

#[derive(Default)]
struct Files {
    roots: Vec<PathBuf>,
    hidden: bool,
    no_ignore: bool,
    no_ignore_vcs: bool,
    follow: bool,
    globs: Vec<String>,
    globs_any_case: Vec<String>,
    types: Vec<String>,
    types_not: Vec<String>,
    depth_max: Option<usize>,
    file_bytes_max: Option<u64>,
    reverse: bool,
}

pub(crate) fn run(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let mut search = Search {
        count_zero: false,
        binary: Binary::Skip,
        ..Search::default()
    };
    let (mut files, mut words, mut given, mut list, mut loose) =
        (Files::default(), Vec::new(), false, false, 0);
    let (mut with_path, mut line_number, mut heading) = (None, None, None);
    while let Some(option) = options.next().map_err(text)? {
        match option {
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
            Short('F') | Long("fixed-strings") => search.syntax = Syntax::Fixed,
            Short('P') | Long("pcre2" | "auto-hybrid-regex") => {}
            Short('i') | Long("ignore-case") => {
                (search.ignore_case, search.smart_case) = (true, false)
            }
            Short('s') | Long("case-sensitive") => {
                (search.ignore_case, search.smart_case) = (false, false)
            }
            Short('S') | Long("smart-case") => {
                (search.ignore_case, search.smart_case) = (false, true)
            }
            Short('w') | Long("word-regexp") => search.word = true,
            Short('x') | Long("line-regexp") => search.whole_line = true,
            Short('v') | Long("invert-match") => search.invert = true,
            Short('U') | Long("multiline") => search.multi_line = true,
            Long("multiline-dotall") => search.dot_all = true,
            Short('c') | Long("count") => search.output = Output::Count,
            Long("count-matches") => search.output = Output::CountMatches,
            Long("include-zero") => search.count_zero = true,
            Short('l') | Long("files-with-matches") => search.output = Output::FilesWithMatches,
            Long("files-without-match") => search.output = Output::FilesWithoutMatch,
            Short('o') | Long("only-matching") => search.output = Output::OnlyMatching,
            Short('q') | Long("quiet") => search.output = Output::Quiet,
            Short('r') | Long("replace") => search.replacement = Some(value(&mut options)?),
            Short('m') | Long("max-count") => search.max_count = Some(number(&mut options)?),
            Short('n') | Long("line-number") => line_number = Some(true),
            Short('N') | Long("no-line-number") => line_number = Some(false),
            Short('H') | Long("with-filename") => with_path = Some(true),
            Short('I') | Long("no-filename") => with_path = Some(false),
            Long("column") => (search.column, line_number) = (true, Some(true)),
            Long("vimgrep") => {
                (search.column, line_number, heading, with_path) =
                    (true, Some(true), Some(false), Some(true))
            }
            Short('b') | Long("byte-offset") => search.byte_offset = true,
            Short('0') | Long("null") => search.null = true,
            Long("heading") => heading = Some(true),
            Long("no-heading") => heading = Some(false),
            Short('p') | Long("pretty") => {
                (heading, line_number, search.color) = (Some(true), Some(true), true)
            }
            Long("color" | "colors") => {
                search.color = value(&mut options)? == "always" || search.color
            }
            Long("trim") => search.trim = true,
            Long("passthru" | "passthrough") => search.passthru = true,
            Short('M') | Long("max-columns") => {
                search.max_columns = Some(number(&mut options)?).filter(|max| *max > 0)
            }
            Short('A') | Long("after-context") => search.after = number(&mut options)?,
            Short('B') | Long("before-context") => search.before = number(&mut options)?,
            Short('C') | Long("context") => {
                search.after = number(&mut options)?;
                search.before = search.after;
            }
            Long("context-separator") => {
                search.context_separator = Some(value(&mut options)?.into_bytes())
            }
            Long("no-context-separator") => search.context_separator = None,
            Short('a') | Long("text") => search.binary = Binary::Text,
            Long("binary") => search.binary = Binary::Announce,
            Long("no-messages") => search.quiet_errors = true,
            Short('.') | Long("hidden") => files.hidden = true,
            Long("no-ignore") => files.no_ignore = true,
            Long("no-ignore-vcs") => files.no_ignore_vcs = true,
            Short('u') | Long("unrestricted") => loose += 1,
            Short('L') | Long("follow") => files.follow = true,
            Short('g') | Long("glob") => files.globs.push(value(&mut options)?),
            Long("iglob") => files.globs_any_case.push(value(&mut options)?),
            Short('t') | Long("type") => files.types.push(value(&mut options)?),
            Short('T') | Long("type-not") => files.types_not.push(value(&mut options)?),
            Short('d') | Long("max-depth") => files.depth_max = Some(number(&mut options)?),
            Long("max-filesize") => files.file_bytes_max = Some(bytes(&value(&mut options)?)?),
            Long("sort") => drop(value(&mut options)?),
            Long("sortr") => files.reverse = value(&mut options)? == "path",
            Short('j')
            | Long("threads" | "engine" | "regex-size-limit" | "dfa-size-limit" | "encoding")
            | Short('E') => drop(value(&mut options)?),
            Long("files") => list = true,
            Long("type-list") => return Ok(print_types()),
            Long(
                "line-buffered" | "block-buffered" | "mmap" | "no-mmap" | "no-config"
                | "one-file-system" | "no-ignore-messages",
            )
            | Long(
                "no-ignore-parent"
                | "no-ignore-global"
                | "no-require-git"
                | "crlf"
                | "unicode"
                | "stats"
                | "max-columns-preview",
            ) => {}
            Short('V') | Long("version") => {
                println!("ripgrep 15.1.0 (Glovebox)");
                return Ok(0);
            }
            Value(word) => words.push(word),
            other => return Err(text(other.unexpected())),
        }
    }
    files.no_ignore |= loose > 0;
    files.hidden |= loose > 1;
    if loose > 2 {
        search.binary = Binary::Announce;
    }
    if !given && !list {
        if words.is_empty() {
            return Err("ripgrep requires at least one pattern to execute a search".into());
        }
        search
            .patterns
            .push(words.remove(0).to_string_lossy().into_owned());
    }
    files.roots = words.into_iter().map(PathBuf::from).collect();
    if list {
        return files.list();
    }
    // With nothing named, what is piped in is searched, and else the folder.
    let piped = files.roots.is_empty() && piped();
    let one = piped
        || matches!(files.roots.as_slice(), [root] if root == Path::new("-") || root.is_file());
    let with_path = with_path.unwrap_or(!one);
    search.heading = heading.unwrap_or(false);
    search.line_number = line_number.unwrap_or(false);
    let mut run = Run::new("rg", &search, with_path)?;
    if piped {
        run.stdin("<stdin>");
    } else {
        files.search(&mut run)?;
    }
    Ok(run.finish())
}

/// Whether standard input holds something to search: a pipe or a file.
fn piped() -> bool {
    use glovebox_kit::bindings::glovebox::process::{process, types::EndpointKind};
    process::descriptor(0).is_some_and(|input| {
        matches!(
            input.kind(),
            EndpointKind::Pipe | EndpointKind::File | EndpointKind::Buffer
        )
    })
}

impl Files {
    fn walk(&self) -> Result<WalkBuilder, Failure> {
        let mut roots = self.roots.iter().filter(|root| *root != Path::new("-"));
        let mut builder = WalkBuilder::new(roots.next().map_or(Path::new("./"), PathBuf::as_path));
        for root in roots {
            builder.add(root);
        }
        let mut globs = OverrideBuilder::new(std::env::current_dir().map_err(text)?);
        for glob in &self.globs {
            globs.add(glob).map_err(text)?;
        }
        globs.case_insensitive(true).map_err(text)?;
        for glob in &self.globs_any_case {
            globs.add(glob).map_err(text)?;
        }
        let mut types = TypesBuilder::new();
        types.add_defaults();
        for name in &self.types {
            types.select(name);
        }
        for name in &self.types_not {
            types.negate(name);
        }
        builder
            .overrides(globs.build().map_err(text)?)
            .types(types.build().map_err(text)?)
            .hidden(!self.hidden)
            .follow_links(self.follow)
            .max_depth(self.depth_max)
            .max_filesize(self.file_bytes_max)
            .git_global(false);
        if self.no_ignore {
            builder
                .ignore(false)
                .git_ignore(false)
                .git_exclude(false)
                .parents(false);
        }
        if self.no_ignore_vcs {
            builder.git_ignore(false).git_exclude(false);
        }
        let reverse = self.reverse;
        builder.sort_by_file_name(move |one, other| {
            if reverse {
                other.cmp(one)
            } else {
                one.cmp(other)
            }
        });
        Ok(builder)
    }

    fn search(&self, run: &mut Run) -> Result<(), Failure> {
        if self.roots.iter().any(|root| root == Path::new("-")) {
            run.stdin("<stdin>");
            if self.roots.len() == 1 {
                return Ok(());
            }
        }
        for entry in self.walk()?.build() {
            if run.done() {
                break;
            }
            match entry {
                Ok(entry) if entry.depth() == 0 && entry.path().is_file() => run.file(entry.path()),
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    run.file(short(entry.path(), &self.roots))
                }
                Ok(_) => {}
                Err(error) => run.trouble(&error.to_string()),
            }
        }
        Ok(())
    }

    /// `--files`: what would be searched.
    fn list(&self) -> Result<u8, Failure> {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut code = 1;
        for entry in self.walk()?.build().flatten() {
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                code = 0;
                writeln!(out, "{}", short(entry.path(), &self.roots).display()).map_err(text)?;
            }
        }
        out.flush().map_err(text)?;
        Ok(code)
    }
}

/// Without the `./` of a folder that nobody named.
fn short<'path>(path: &'path Path, roots: &[PathBuf]) -> &'path Path {
    if roots.is_empty() {
        path.strip_prefix("./").unwrap_or(path)
    } else {
        path
    }
}

fn print_types() -> u8 {
    for definition in TypesBuilder::new().add_defaults().definitions() {
        println!("{}: {}", definition.name(), definition.globs().join(", "));
    }
    0
}

/// `10`, `10K`, `10M`, `10G`.
fn bytes(text: &str) -> Result<u64, Failure> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    digits
        .parse::<u64>()
        .map(|count| count * unit)
        .map_err(|_| format!("invalid size {text}"))
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
