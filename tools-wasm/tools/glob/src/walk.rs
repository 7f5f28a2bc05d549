//! Walking a tree along a pattern: only directories that can hold a match are read.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::pattern::{Pattern, Segment, matches as name_matches};

/// Stops a pattern that matches an enormous tree.
const MATCHES_MAX: usize = 50_000;

pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// Whether a symlink was followed below the root, so that the path may lead out of it.
    pub(crate) through_symlink: bool,
}

/// A directory (or, at the end of a pattern, a match) and the segments still to be matched below it.
struct Step<'a> {
    path: PathBuf,
    rest: &'a [Segment],
    through_symlink: bool,
    is_directory: bool,
}

struct Walk<'a> {
    root: &'a Path,
    steps: Vec<Step<'a>>,
    found: Vec<Found>,
    seen: HashSet<PathBuf>,
}

/// Everything below `root` that matches, in no particular order. Directories that cannot be read are passed over.
pub(crate) fn matches<'a>(root: &'a Path, patterns: &'a [Pattern]) -> Vec<Found> {
    let mut walk = Walk {
        root,
        steps: Vec::new(),
        found: Vec::new(),
        seen: HashSet::new(),
    };
    for pattern in patterns {
        walk.steps.push(Step {
            path: root.to_owned(),
            rest: &pattern.segments,
            through_symlink: false,
            is_directory: true,
        });
        while let Some(step) = walk.steps.pop() {
            if walk.found.len() >= MATCHES_MAX {
                return walk.found;
            }
            walk.take(step);
        }
    }
    walk.found
}

impl<'a> Walk<'a> {
    fn take(&mut self, step: Step<'a>) {
        match step.rest {
            [] => self.record(step),
            _ if !step.is_directory => {}
            [Segment::Literal(name), rest @ ..] => {
                let path = step.path.join(name);
                if let Ok(metadata) = std::fs::symlink_metadata(&path) {
                    self.descend(path, metadata.file_type(), rest, step.through_symlink);
                }
            }
            [Segment::Wild(tokens), rest @ ..] => {
                for (path, file_type) in entries(&step.path, |name| name_matches(tokens, name)) {
                    self.descend(path, file_type, rest, step.through_symlink);
                }
            }
            [Segment::AnyDepth, rest @ ..] => self.any_depth(&step, rest),
        }
    }

    /// `**`: here, and below every directory that is not reached by a symlink.
    fn any_depth(&mut self, step: &Step<'a>, rest: &'a [Segment]) {
        for (path, file_type) in entries(&step.path, |_| true) {
            if file_type.is_dir() {
                self.push(path, step.rest, step.through_symlink, true);
            } else if rest.is_empty() {
                self.push(
                    path,
                    rest,
                    step.through_symlink || file_type.is_symlink(),
                    false,
                );
            }
        }
        self.push(step.path.clone(), rest, step.through_symlink, true);
    }

    fn descend(
        &mut self,
        path: PathBuf,
        file_type: std::fs::FileType,
        rest: &'a [Segment],
        through_symlink: bool,
    ) {
        let is_symlink = file_type.is_symlink();
        let is_directory = if is_symlink && !rest.is_empty() {
            path.is_dir()
        } else {
            file_type.is_dir()
        };
        self.push(path, rest, through_symlink || is_symlink, is_directory);
    }

    fn push(
        &mut self,
        path: PathBuf,
        rest: &'a [Segment],
        through_symlink: bool,
        is_directory: bool,
    ) {
        self.steps.push(Step {
            path,
            rest,
            through_symlink,
            is_directory,
        });
    }

    fn record(&mut self, step: Step<'a>) {
        // `**` matches no directory at all as well, but the root itself is no answer.
        if step.path != self.root && self.seen.insert(step.path.clone()) {
            self.found.push(Found {
                path: step.path,
                through_symlink: step.through_symlink,
            });
        }
    }
}

fn entries(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<(PathBuf, std::fs::FileType)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| wanted(&entry.file_name().to_string_lossy()))
        .filter_map(|entry| Some((entry.path(), entry.file_type().ok()?)))
        .collect()
}
