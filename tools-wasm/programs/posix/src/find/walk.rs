//! `find`'s walk.

use std::cell::{OnceCell, Ref, RefCell};
use std::fs;
use std::io::stdout;
use std::path::Path;

use super::{Expression, Follow, Out, Query};
use crate::failure::{Failure, plain};
use crate::files::{Facts, facts, kind};

/// One file on the way.
pub(super) struct Entry {
    pub(super) path: String,
    /// How much of `path` is the root it was found under.
    pub(super) root_bytes: usize,
    pub(super) depth: usize,
    pub(super) kind: char,
    follow: bool,
    facts: OnceCell<Option<RefCell<Facts>>>,
}

/// What an evaluation did to the walk.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) pruned: bool,
    pub(super) quit: bool,
    pub(super) failed: bool,
}

pub(super) struct Walk<'query> {
    query: &'query Query,
    out: Out,
    flow: Flow,
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        let path = self.path.trim_end_matches('/');
        match path.rsplit('/').next() {
            Some("") | None => "/",
            Some(name) => name,
        }
    }

    pub(super) fn folder(&self) -> &str {
        match self.path.trim_end_matches('/').rfind('/') {
            Some(0) => "/",
            Some(end) => &self.path[..end],
            None => ".",
        }
    }

    /// Read at most once, and only when something asks.
    pub(super) fn facts(&self) -> Option<Ref<'_, Facts>> {
        let path = Path::new(&self.path);
        let read = || {
            facts(path, self.follow)
                .or_else(|_| facts(path, false))
                .ok()
                .map(RefCell::new)
        };
        self.facts.get_or_init(read).as_ref().map(RefCell::borrow)
    }

    pub(super) fn with_facts(&self, test: impl FnOnce(&Facts) -> bool) -> bool {
        self.facts().is_some_and(|facts| test(&facts))
    }
}

impl<'query> Walk<'query> {
    pub(super) fn new(query: &'query Query) -> Self {
        Walk {
            query,
            out: Out::new(stdout().lock()),
            flow: Flow::default(),
        }
    }

    /// Walks one root; false when the search is over.
    pub(super) fn root(&mut self, root: &str) -> Result<bool, Failure> {
        let follow = self.query.follow != Follow::Never;
        let data = if follow {
            fs::metadata(root).or_else(|_| fs::symlink_metadata(root))
        } else {
            fs::symlink_metadata(root)
        };
        match data {
            Ok(data) => self.visit(root.to_owned(), root.len(), 0, kind(&data))?,
            Err(error) => self.complain(root, &error),
        }
        Ok(!self.flow.quit)
    }

    /// Runs what `-exec ... +` has collected; the exit status.
    pub(super) fn finish(mut self) -> Result<u8, Failure> {
        flush(&self.query.expression, &mut self.out, &mut self.flow)?;
        Ok(self.flow.failed.into())
    }

    fn visit(
        &mut self,
        path: String,
        root_bytes: usize,
        depth: usize,
        kind: char,
    ) -> Result<(), Failure> {
        let query = self.query;
        let follow =
            query.follow == Follow::Always || (query.follow == Follow::Roots && depth == 0);
        let entry = Entry {
            path,
            root_bytes,
            depth,
            kind,
            follow,
            facts: OnceCell::new(),
        };
        if !query.depth_first {
            self.evaluate(&entry)?;
        }
        let pruned = std::mem::take(&mut self.flow.pruned) && !query.depth_first;
        if kind == 'd' && depth < query.depth_max && !pruned && !self.flow.quit {
            self.children(&entry, follow)?;
        }
        if query.depth_first && !self.flow.quit {
            self.evaluate(&entry)?;
            self.flow.pruned = false;
        }
        Ok(())
    }

    fn children(&mut self, entry: &Entry, follow: bool) -> Result<(), Failure> {
        let entries = match fs::read_dir(&entry.path) {
            Ok(entries) => entries,
            Err(error) => {
                self.complain(&entry.path, &error);
                return Ok(());
            }
        };
        // Read to the end first: `-delete` and `-exec` change the folder.
        let mut children = Vec::new();
        for child in entries {
            match child {
                Ok(child) => children.push(child),
                Err(error) => self.complain(&entry.path, &error),
            }
        }
        for child in children {
            if self.flow.quit {
                break;
            }
            let separator = if entry.path.ends_with('/') { "" } else { "/" };
            let path = format!(
                "{}{separator}{}",
                entry.path,
                child.file_name().to_string_lossy()
            );
            let kind = match child.file_type() {
                Ok(found) if found.is_dir() => 'd',
                Ok(found) if found.is_file() => 'f',
                Ok(found) if found.is_symlink() && follow => {
                    fs::metadata(&path).map_or('l', |data| kind(&data))
                }
                Ok(found) if found.is_symlink() => 'l',
                Ok(_) => 'c',
                Err(error) => {
                    self.complain(&path, &error);
                    continue;
                }
            };
            self.visit(path, entry.root_bytes, entry.depth + 1, kind)?;
        }
        Ok(())
    }

    fn evaluate(&mut self, entry: &Entry) -> Result<(), Failure> {
        if entry.depth >= self.query.depth_min && entry.depth <= self.query.depth_max {
            evaluate(&self.query.expression, entry, &mut self.out, &mut self.flow)?;
        }
        Ok(())
    }

    fn complain(&mut self, path: &str, error: &std::io::Error) {
        eprintln!("find: ‘{path}’: {}", plain(error));
        self.flow.failed = true;
    }
}

fn evaluate(
    expression: &Expression,
    entry: &Entry,
    out: &mut Out,
    flow: &mut Flow,
) -> Result<bool, Failure> {
    Ok(match expression {
        Expression::Constant(value) => *value,
        Expression::Test(test) => test.passes(entry),
        Expression::Action(action) => action.run(entry, out, flow)?,
        Expression::Not(inner) => !evaluate(inner, entry, out, flow)?,
        Expression::And(parts) => {
            for part in parts {
                if !evaluate(part, entry, out, flow)? || flow.quit {
                    return Ok(false);
                }
            }
            true
        }
        Expression::Or(parts) => {
            for part in parts {
                if evaluate(part, entry, out, flow)? || flow.quit {
                    return Ok(true);
                }
            }
            false
        }
        Expression::List(parts) => {
            let mut last = false;
            for part in parts {
                last = evaluate(part, entry, out, flow)?;
            }
            last
        }
    })
}

fn flush(expression: &Expression, out: &mut Out, flow: &mut Flow) -> Result<(), Failure> {
    match expression {
        Expression::Action(super::action::Action::Exec(exec)) => exec.flush(out, flow),
        Expression::And(parts) | Expression::Or(parts) | Expression::List(parts) => {
            parts.iter().try_for_each(|part| flush(part, out, flow))
        }
        Expression::Not(inner) => flush(inner, out, flow),
        _ => Ok(()),
    }
}
