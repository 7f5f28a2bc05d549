//! The walk: operands first, then each directory, and those below it with `-R`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use jiff::Timestamp;

use super::SERIOUS;
use super::color::Colors;
use super::columns::{Cell, Table, separated};
use super::entry::Entry;
use super::long::Lines;
use super::options::{Follow, Format, Hidden, Options};
use super::order::sort;
use super::quote::always;
use crate::failure::plain;
use crate::files::{Facts, facts};
use crate::pattern::matches;

/// A problem below an operand.
const MINOR: u8 = 1;

pub(super) struct Listing<'a> {
    options: &'a Options,
    program: &'static str,
    colors: Option<Colors>,
    out: BufWriter<io::StdoutLock<'static>>,
    status: u8,
    /// Whether directories have a line with their name.
    headings: bool,
    /// Whether a directory has been listed.
    begun: bool,
    /// Whether a colour has been used.
    colored: bool,
    /// Device and inode of the directories that the walk is in, for symlinks that lead back to them.
    within: Vec<(u64, u64)>,
}

impl<'a> Listing<'a> {
    pub(super) fn new(options: &'a Options, program: &'static str) -> Self {
        let colors = options
            .color
            .then(|| Colors::new(&std::env::var("LS_COLORS").unwrap_or_default()));
        Listing {
            options,
            program,
            colors,
            out: BufWriter::new(io::stdout().lock()),
            status: 0,
            headings: options.recursive,
            begun: false,
            colored: false,
            within: Vec::new(),
        }
    }

    /// Lists the operands; the exit status, or why standard output cannot be written.
    pub(super) fn run(mut self, operands: Vec<String>) -> io::Result<u8> {
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        let count = operands.len();
        for name in operands {
            match self.operand(&name) {
                Ok(facts) => {
                    let mut entry = Entry::operand(name, facts);
                    self.load_target(&mut entry);
                    if entry.is_directory() && !self.options.directory {
                        directories.push(entry);
                    } else {
                        files.push(entry);
                    }
                }
                Err(error) => self.complain(SERIOUS, "cannot access", &name, &error),
            }
        }
        sort(&mut files, self.options);
        sort(&mut directories, self.options);
        self.headings |= count > 1;
        if !files.is_empty() {
            self.print(&files, &directories)?;
            if !directories.is_empty() {
                self.out.write_all(b"\n")?;
            }
        }
        for directory in directories {
            self.directory(&directory.path, SERIOUS)?;
        }
        self.out.flush()?;
        Ok(self.status)
    }

    fn operand(&self, name: &str) -> io::Result<Facts> {
        let path = Path::new(name);
        match self.options.follow {
            Follow::Always | Follow::Operands => facts(path, true),
            Follow::Never => facts(path, false),
            Follow::OperandDirectories => match facts(path, true) {
                Ok(facts) if facts.kind == 'd' => Ok(facts),
                _ => facts(path, false),
            },
        }
    }

    /// One directory, and those in it with `-R`. `status` is what not being able to open it means.
    fn directory(&mut self, path: &str, status: u8) -> io::Result<()> {
        let follow_loops = self.options.recursive && self.options.follow == Follow::Always;
        if follow_loops && let Ok(facts) = facts(Path::new(path), true) {
            let identity = (facts.device, facts.inode);
            if self.within.contains(&identity) {
                let program = self.program;
                eprintln!("{program}: {path}: not listing already-listed directory");
                self.status = SERIOUS;
                return Ok(());
            }
            self.within.push(identity);
        }
        match self.read(path) {
            Ok(mut entries) => {
                self.heading(path)?;
                sort(&mut entries, self.options);
                self.total(&entries)?;
                self.print(&entries, &[])?;
                if self.options.recursive {
                    let below = |entry: &&Entry| {
                        entry.is_directory() && !matches!(entry.name.as_str(), "." | "..")
                    };
                    for entry in entries.iter().filter(below) {
                        self.directory(&entry.path, MINOR)?;
                    }
                }
            }
            Err(error) => self.complain(status, "cannot open directory", path, &error),
        }
        if follow_loops {
            self.within.pop();
        }
        Ok(())
    }

    /// What is in a directory, as far as it is to be listed.
    fn read(&mut self, path: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        if self.options.hidden == Hidden::All {
            let kind = fs::metadata(path).ok().map(|data| data.file_type());
            entries.extend([".", ".."].map(|name| Entry::new(path, name.to_owned(), kind)));
        }
        for found in fs::read_dir(path)? {
            let found = found?;
            let name = found.file_name().to_string_lossy().into_owned();
            entries.push(Entry::new(path, name, found.file_type().ok()));
        }
        entries.retain(|entry| self.wanted(&entry.name));
        for entry in &mut entries {
            if self.options.needs_facts()
                && let Err(error) = entry.load(self.options.follow == Follow::Always)
            {
                self.complain(MINOR, "cannot access", entry.shown_path(), &error);
            } else {
                self.load_target(entry);
            }
        }
        Ok(entries)
    }

    fn load_target(&mut self, entry: &mut Entry) {
        if let Err(error) = entry.load_target(self.options) {
            self.complain(
                MINOR,
                "cannot read symbolic link",
                entry.shown_path(),
                &error,
            );
        }
    }

    fn wanted(&self, name: &str) -> bool {
        let options = self.options;
        // A pattern's `*` and `?` do not stand for a dot at the beginning.
        let fits = |pattern: &String| {
            name.starts_with('.') == pattern.starts_with('.') && matches(pattern, name, false)
        };
        let shown = options.hidden != Hidden::Skip
            || !(name.starts_with('.') || options.hide.iter().any(fits));
        shown && !options.ignore.iter().any(fits)
    }

    fn heading(&mut self, path: &str) -> io::Result<()> {
        if self.headings {
            let gap = if self.begun { "\n" } else { "" };
            let shown = self.options.quoting.quote(path, Some(':'));
            writeln!(self.out, "{gap}{shown}:")?;
        }
        self.begun = true;
        Ok(())
    }

    fn total(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.options.format == Format::Long || self.options.blocks {
            let bytes = entries.iter().map(Entry::allocated).sum();
            let total = self.options.block_unit.show(bytes);
            write!(self.out, "total {total}")?;
            self.out.write_all(&[self.options.end])?;
        }
        Ok(())
    }

    /// Prints a table of `entries`. Those of `also` are listed later, but count for its columns.
    fn print(&mut self, entries: &[Entry], also: &[Entry]) -> io::Result<()> {
        let options = self.options;
        let all: Vec<&Entry> = entries.iter().chain(also).collect();
        let lines = Lines::new(options, self.colors.as_ref(), Timestamp::now(), &all);
        let mut cells: Vec<Cell> = entries.iter().map(|entry| lines.cell(entry)).collect();
        let escape = "\x1b[";
        if options.color
            && !self.colored
            && let Some(first) = cells.iter_mut().find(|cell| cell.text.contains(escape))
        {
            // As GNU's: whatever colour the terminal is in ends before the first of ours.
            first.text = first.text.replacen(escape, "\x1b[0m\x1b[", 1);
            self.colored = true;
        }
        let (out, end) = (&mut self.out, options.end);
        let table = options.width.map(|width| Table {
            width,
            tab: options.tab,
            end,
        });
        match (options.format, table) {
            (Format::Long | Format::OnePerLine, _) => cells.iter().try_for_each(|cell| {
                out.write_all(cell.text.as_bytes())?;
                out.write_all(&[end])
            }),
            (Format::Commas, _) => separated(out, &cells, ",", options.width, end),
            (_, None) => separated(out, &cells, " ", None, end),
            (Format::Columns, Some(table)) => table.down(out, &cells),
            (Format::Across, Some(table)) => table.across(out, &cells),
        }
    }

    fn complain(&mut self, status: u8, what: &str, name: &str, error: &io::Error) {
        let (program, name, error) = (self.program, always(name), plain(error));
        eprintln!("{program}: {what} {name}: {error}");
        self.status = self.status.max(status);
    }
}
