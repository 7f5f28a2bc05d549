//! The search that both command lines ask for.

use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use grep_printer::{
    ColorSpecs, Standard, StandardBuilder, Summary, SummaryBuilder, SummaryKind,
    default_color_specs,
};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink};
use termcolor::{Ansi, NoColor, WriteColor};

use crate::basic::{Syntax, translate};

/// What to do with each file.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Output {
    Lines,
    OnlyMatching,
    Count,
    CountMatches,
    FilesWithMatches,
    FilesWithoutMatch,
    Quiet,
}

/// What to do with a file that holds a NUL byte.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Binary {
    /// Search it as text.
    Text,
    /// Search it, but say only that it matches.
    Announce,
    /// Stop there.
    Skip,
}

pub(crate) struct Search {
    pub(crate) patterns: Vec<String>,
    pub(crate) syntax: Syntax,
    pub(crate) ignore_case: bool,
    pub(crate) smart_case: bool,
    pub(crate) word: bool,
    pub(crate) whole_line: bool,
    pub(crate) invert: bool,
    pub(crate) multi_line: bool,
    pub(crate) dot_all: bool,
    pub(crate) output: Output,
    pub(crate) binary: Binary,
    pub(crate) before: usize,
    pub(crate) after: usize,
    pub(crate) max_count: Option<u64>,
    pub(crate) line_number: bool,
    pub(crate) column: bool,
    pub(crate) byte_offset: bool,
    pub(crate) heading: bool,
    pub(crate) color: bool,
    /// A NUL after each path instead of the usual byte.
    pub(crate) null: bool,
    pub(crate) trim: bool,
    pub(crate) passthru: bool,
    pub(crate) replacement: Option<String>,
    pub(crate) max_columns: Option<u64>,
    /// Files without a match are counted too.
    pub(crate) count_zero: bool,
    pub(crate) quiet_errors: bool,
    pub(crate) context_separator: Option<Vec<u8>>,
}

impl Default for Search {
    fn default() -> Self {
        Search {
            patterns: Vec::new(),
            syntax: Syntax::Rust,
            ignore_case: false,
            smart_case: false,
            word: false,
            whole_line: false,
            invert: false,
            multi_line: false,
            dot_all: false,
            output: Output::Lines,
            binary: Binary::Announce,
            before: 0,
            after: 0,
            max_count: None,
            line_number: false,
            column: false,
            byte_offset: false,
            heading: false,
            color: false,
            null: false,
            trim: false,
            passthru: false,
            replacement: None,
            max_columns: None,
            count_zero: true,
            quiet_errors: false,
            context_separator: Some(b"--".to_vec()),
        }
    }
}

type Out = Box<dyn WriteColor>;

enum Printer {
    Lines(Standard<Out>),
    Summary(Summary<Out>),
}

#[derive(Clone, Copy)]
enum Source {
    File,
    Stdin,
}

/// A run over files.
pub(crate) struct Run {
    name: &'static str,
    matcher: RegexMatcher,
    searcher: Searcher,
    printer: Printer,
    output: Output,
    quiet_errors: bool,
    pub(crate) matched: bool,
    pub(crate) failed: bool,
}

impl Run {
    /// `with_path`: each line says which file it is from.
    pub(crate) fn new(name: &'static str, search: &Search, with_path: bool) -> Result<Run, String> {
        Ok(Run {
            name,
            matcher: matcher(search)?,
            searcher: searcher(search),
            printer: printer(search, with_path),
            output: search.output,
            quiet_errors: search.quiet_errors,
            matched: false,
            failed: false,
        })
    }

    /// Whether nothing more can change the answer.
    pub(crate) fn done(&self) -> bool {
        self.matched && self.output == Output::Quiet
    }

    /// Searches a file.
    pub(crate) fn file(&mut self, path: &Path) {
        self.search(path, Source::File);
    }

    /// Searches standard input.
    pub(crate) fn stdin(&mut self, label: &str) {
        self.search(Path::new(label), Source::Stdin);
    }

    fn search(&mut self, path: &Path, source: Source) {
        let (searcher, matcher) = (&mut self.searcher, &self.matcher);
        let (result, matched) = match &mut self.printer {
            Printer::Lines(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                (
                    source.search(searcher, matcher, path, &mut sink),
                    sink.has_match(),
                )
            }
            Printer::Summary(printer) => {
                let mut sink = printer.sink_with_path(matcher, path);
                let result = source.search(searcher, matcher, path, &mut sink);
                // `-L` succeeds when it lists a file.
                (
                    result,
                    sink.has_match() != (self.output == Output::FilesWithoutMatch),
                )
            }
        };
        match result {
            Ok(()) => self.matched |= matched,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(2),
            Err(error) => {
                let text = error.to_string();
                self.trouble(&format!(
                    "{}: {}",
                    path.display(),
                    text.split(" (os error").next().unwrap_or_default()
                ));
            }
        }
    }

    /// Notes a problem with a path.
    pub(crate) fn trouble(&mut self, message: &str) {
        self.failed = true;
        if !self.quiet_errors {
            self.flush();
            eprintln!("{}: {message}", self.name);
        }
    }

    pub(crate) fn flush(&mut self) {
        // A reader that went away is no failure of the search.
        let _ = match &mut self.printer {
            Printer::Lines(printer) => printer.get_mut().flush(),
            Printer::Summary(printer) => printer.get_mut().flush(),
        };
    }

    /// The exit status: 0 for a match, 1 for none, 2 for trouble.
    pub(crate) fn finish(mut self) -> u8 {
        self.flush();
        match (self.matched, self.failed) {
            (true, true) if self.output == Output::Quiet => 0,
            (_, true) => 2,
            (true, false) => 0,
            (false, false) => 1,
        }
    }
}

impl Source {
    fn search<S: Sink<Error = io::Error>>(
        self,
        searcher: &mut Searcher,
        matcher: &RegexMatcher,
        path: &Path,
        sink: S,
    ) -> io::Result<()> {
        match self {
            Source::File => searcher.search_path(matcher, path, sink),
            Source::Stdin => searcher.search_reader(matcher, io::stdin(), sink),
        }
    }
}

fn matcher(search: &Search) -> Result<RegexMatcher, String> {
    // A newline in a pattern separates patterns.
    let lines = |pattern: &'_ String| -> Vec<String> {
        if search.multi_line {
            vec![pattern.clone()]
        } else {
            pattern.split('\n').map(str::to_owned).collect()
        }
    };
    let patterns: Vec<String> = search
        .patterns
        .iter()
        .flat_map(lines)
        .map(|pattern| translate(&pattern, search.syntax))
        .collect();
    let mut builder = RegexMatcherBuilder::new();
    builder
        .multi_line(true)
        .unicode(true)
        .octal(false)
        .case_insensitive(search.ignore_case)
        .case_smart(search.smart_case)
        .word(search.word)
        .whole_line(search.whole_line)
        .dot_matches_new_line(search.dot_all);
    if !search.multi_line {
        builder.line_terminator(Some(b'\n'));
    }
    builder
        .build_many(&patterns)
        .map_err(|error| error.to_string())
}

fn searcher(search: &Search) -> Searcher {
    let context = matches!(search.output, Output::Lines | Output::OnlyMatching);
    SearcherBuilder::new()
        .invert_match(search.invert)
        .line_number(search.line_number)
        .multi_line(search.multi_line)
        .before_context(if context { search.before } else { 0 })
        .after_context(if context { search.after } else { 0 })
        .passthru(search.passthru)
        .max_matches(search.max_count)
        .binary_detection(match search.binary {
            Binary::Text => BinaryDetection::none(),
            Binary::Announce => BinaryDetection::convert(0),
            Binary::Skip => BinaryDetection::quit(0),
        })
        .build()
}

fn printer(search: &Search, with_path: bool) -> Printer {
    let stdout = BufWriter::with_capacity(64 * 1024, io::stdout());
    let out: Out = if search.color {
        Box::new(Ansi::new(stdout))
    } else {
        Box::new(NoColor::new(stdout))
    };
    let terminator = search.null.then_some(0);
    let kind = match search.output {
        Output::Lines | Output::OnlyMatching => {
            let context = search.before > 0 || search.after > 0;
            let between = match (search.heading && with_path, context) {
                (true, _) => Some(Vec::new()),
                (false, true) => search.context_separator.clone(),
                (false, false) => None,
            };
            let lines = StandardBuilder::new()
                .color_specs(ColorSpecs::new(&default_color_specs()))
                .heading(search.heading)
                .path(with_path)
                .only_matching(search.output == Output::OnlyMatching)
                .column(search.column)
                .byte_offset(search.byte_offset)
                .trim_ascii(search.trim)
                .max_columns(search.max_columns)
                .max_columns_preview(true)
                .replacement(
                    search
                        .replacement
                        .as_ref()
                        .map(|text| text.clone().into_bytes()),
                )
                .separator_search(between)
                .separator_context(search.context_separator.clone())
                .path_terminator(terminator)
                .build(out);
            return Printer::Lines(lines);
        }
        Output::Count => SummaryKind::Count,
        Output::CountMatches => SummaryKind::CountMatches,
        Output::FilesWithMatches => SummaryKind::PathWithMatch,
        Output::FilesWithoutMatch => SummaryKind::PathWithoutMatch,
        Output::Quiet => SummaryKind::QuietWithMatch,
    };
    Printer::Summary(
        SummaryBuilder::new()
            .kind(kind)
            .color_specs(ColorSpecs::new(&default_color_specs()))
            .path(with_path)
            .exclude_zero(!search.count_zero)
            .path_terminator(terminator)
            .build(out),
    )
}
