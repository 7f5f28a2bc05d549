//! `find`'s actions.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::Write as _;

use glovebox_kit::process::Command;

use super::Out;
use super::printf::Format;
use super::walk::{Entry, Flow};
use crate::failure::{Failure, plain};
use crate::files::{USER, mode_text};

/// As many bytes of paths as `-exec ... +` gives to one command.
const BATCH_BYTES_MAX: usize = 128 * 1024;

pub(super) enum Action {
    Print(char),
    PrintTo(RefCell<File>, char),
    Printf(Format),
    List,
    Delete,
    Prune,
    Quit,
    Exec(Exec),
}

pub(super) struct Exec {
    words: Vec<String>,
    /// `+` instead of `;`.
    batch: bool,
    /// `-execdir`: stand in the file's folder.
    in_folder: bool,
    waiting: RefCell<Vec<String>>,
    bytes: Cell<usize>,
}

impl Action {
    /// Does it; the answer counts as a test's. `flow` says how the walk goes on.
    pub(super) fn run(
        &self,
        entry: &Entry,
        out: &mut Out,
        flow: &mut Flow,
    ) -> Result<bool, Failure> {
        match self {
            Action::Print(end) => write!(out, "{}{end}", entry.path)?,
            Action::PrintTo(file, end) => write!(file.borrow_mut(), "{}{end}", entry.path)?,
            Action::Printf(format) => out.write_all(format.of(entry).as_bytes())?,
            Action::List => list(entry, out)?,
            Action::Delete => return Ok(delete(entry, flow)),
            Action::Prune => flow.pruned = true,
            Action::Quit => flow.quit = true,
            Action::Exec(exec) => return exec.add(entry, out, flow),
        }
        Ok(true)
    }
}

fn list(entry: &Entry, out: &mut Out) -> std::io::Result<()> {
    let Some(facts) = entry.facts() else {
        return Ok(());
    };
    let time = facts.modified.strftime("%b %e %H:%M");
    let target = match fs::read_link(&entry.path) {
        Ok(target) if entry.kind == 'l' => format!(" -> {}", target.display()),
        _ => String::new(),
    };
    writeln!(
        out,
        "{:>9} {:>6} {} {:>3} {USER:<8} {USER:<8} {:>8} {time} {}{target}",
        facts.inode,
        facts.allocated().div_ceil(1024),
        mode_text(entry.kind, facts.mode),
        facts.links,
        facts.bytes,
        entry.path,
    )
}

fn delete(entry: &Entry, flow: &mut Flow) -> bool {
    // `find . -delete` empties the folder it stands in.
    if entry.path == "." {
        return true;
    }
    let deleted = if entry.kind == 'd' {
        fs::remove_dir(&entry.path)
    } else {
        fs::remove_file(&entry.path)
    };
    match deleted {
        Ok(()) => true,
        Err(error) => {
            eprintln!("find: cannot delete ‘{}’: {}", entry.path, plain(&error));
            flow.failed = true;
            false
        }
    }
}

impl Exec {
    pub(super) fn new(words: Vec<String>, batch: bool, in_folder: bool) -> Self {
        Exec {
            words,
            batch,
            in_folder,
            waiting: RefCell::default(),
            bytes: Cell::new(0),
        }
    }

    fn add(&self, entry: &Entry, out: &mut Out, flow: &mut Flow) -> Result<bool, Failure> {
        let path = if self.in_folder {
            format!("./{}", entry.name())
        } else {
            entry.path.clone()
        };
        if !self.batch {
            let words: Vec<_> = self
                .words
                .iter()
                .map(|word| word.replace("{}", &path))
                .collect();
            return Ok(self.run(&words, self.in_folder.then(|| entry.folder()), out, flow)? == 0);
        }
        self.bytes.set(self.bytes.get() + path.len() + 1);
        self.waiting.borrow_mut().push(path);
        // Commands of different folders cannot share a batch.
        if self.in_folder {
            self.flush_in(Some(entry.folder()), out, flow)?;
        } else if self.bytes.get() >= BATCH_BYTES_MAX {
            self.flush(out, flow)?;
        }
        Ok(true)
    }

    /// Runs what waits.
    pub(super) fn flush(&self, out: &mut Out, flow: &mut Flow) -> Result<(), Failure> {
        self.flush_in(None, out, flow)
    }

    fn flush_in(
        &self,
        folder: Option<&str>,
        out: &mut Out,
        flow: &mut Flow,
    ) -> Result<(), Failure> {
        let paths = self.waiting.take();
        self.bytes.set(0);
        if !paths.is_empty() {
            let words: Vec<_> = self.words.iter().cloned().chain(paths).collect();
            if self.run(&words, folder, out, flow)? != 0 {
                flow.failed = true;
            }
        }
        Ok(())
    }

    fn run(
        &self,
        words: &[String],
        folder: Option<&str>,
        out: &mut Out,
        flow: &mut Flow,
    ) -> Result<u8, Failure> {
        out.flush()?;
        let mut command = Command::new(&words[0]).args(&words[1..]);
        if let Some(folder) = folder {
            command = command.current_directory(folder);
        }
        match command.spawn() {
            Ok(child) => Ok(child.wait()),
            Err(error) => {
                eprintln!("find: ‘{}’: {error}", words[0]);
                flow.failed = true;
                Ok(error.exit_status())
            }
        }
    }
}
