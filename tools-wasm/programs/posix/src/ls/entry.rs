//! One file of a listing: its name, and what is known of it.

use std::fs::{self, FileType};
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::options::{Clock, Format, Options};
use crate::files::{Facts, facts, kind_of};

pub(super) struct Entry {
    /// As it was named, or as its directory names it.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: String,
    /// As `Facts::kind`, or `?` when nothing tells.
    pub(super) kind: char,
    /// None when nobody asked, or when they could not be read.
    pub(super) facts: Option<Facts>,
    /// A symlink's, when a listing shows it.
    pub(super) target: Option<Target>,
}

/// What a symlink points to.
pub(super) struct Target {
    pub(super) text: String,
    /// Kind and mode of the file there; none when there is none or nobody asked.
    pub(super) file: Option<(char, u32)>,
}

impl Entry {
    /// What is known from a directory alone.
    pub(super) fn new(directory: &str, name: String, kind: Option<FileType>) -> Self {
        Entry {
            path: join(directory, &name),
            name,
            kind: kind.map_or('?', kind_of),
            facts: None,
            target: None,
        }
    }

    /// An operand, whose facts are always read.
    pub(super) fn operand(name: String, facts: Facts) -> Self {
        Entry {
            path: name.clone(),
            name,
            kind: facts.kind,
            facts: Some(facts),
            target: None,
        }
    }

    /// Reads what the listing needs besides the name.
    pub(super) fn load(&mut self, follow: bool) -> io::Result<()> {
        let facts = facts(Path::new(&self.path), follow)?;
        self.kind = facts.kind;
        self.facts = Some(facts);
        Ok(())
    }

    /// Reads what a symlink points to, as far as the listing shows it.
    pub(super) fn load_target(&mut self, options: &Options) -> io::Result<()> {
        let long = options.format == Format::Long;
        if self.kind != 'l' || !(long || options.needs_target_kind()) {
            return Ok(());
        }
        let file = if options.needs_target_kind() {
            facts(Path::new(&self.path), true).ok()
        } else {
            None
        };
        self.target = Some(Target {
            text: fs::read_link(&self.path)?.to_string_lossy().into_owned(),
            file: file.map(|facts| (facts.kind, facts.mode)),
        });
        Ok(())
    }

    /// As messages name it: what is in `.` goes without.
    pub(super) fn shown_path(&self) -> &str {
        match self.path.strip_prefix("./") {
            Some(name) if name == self.name => name,
            _ => &self.path,
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        self.kind == 'd'
    }

    /// A directory or a symlink to one.
    pub(super) fn leads_to_directory(&self) -> bool {
        let target = self.target.as_ref().and_then(|target| target.file);
        self.is_directory() || target.is_some_and(|(kind, _)| kind == 'd')
    }

    pub(super) fn bytes(&self) -> u64 {
        self.facts.as_ref().map_or(0, |facts| facts.bytes)
    }

    /// What it takes on a disk.
    pub(super) fn allocated(&self) -> u64 {
        self.facts.as_ref().map_or(0, Facts::allocated)
    }

    pub(super) fn mode(&self) -> u32 {
        self.facts.as_ref().map_or(0, |facts| facts.mode)
    }

    pub(super) fn time(&self, clock: Clock) -> Option<Timestamp> {
        self.facts.as_ref().map(|facts| match clock {
            Clock::Modified => facts.modified,
            Clock::Changed => facts.changed,
            Clock::Accessed => facts.accessed,
        })
    }
}

/// `directory/name`.
fn join(directory: &str, name: &str) -> String {
    if directory.ends_with('/') {
        format!("{directory}{name}")
    } else {
        format!("{directory}/{name}")
    }
}
