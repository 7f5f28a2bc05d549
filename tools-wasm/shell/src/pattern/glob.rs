//! Pathname expansion.

use super::wildcard::{Pattern, has_wildcard};
use crate::kernel::{FileType, Kernel};

#[derive(Debug, Clone, Copy, Default)]
pub struct GlobOptions {
    pub dotglob: bool,
    pub globstar: bool,
    pub extglob: bool,
    pub ignore_case: bool,
}

struct Walk<'a> {
    kernel: &'a dyn Kernel,
    directory: &'a str,
    options: GlobOptions,
    found: Vec<String>,
}

/// The paths that match `pattern`, sorted. `directory` is where relative ones start.
pub fn glob(
    kernel: &dyn Kernel,
    directory: &str,
    pattern: &str,
    options: GlobOptions,
) -> Vec<String> {
    let mut walk = Walk {
        kernel,
        directory,
        options,
        found: Vec::new(),
    };
    let (prefix, rest) = match pattern.find(|character| character != '/') {
        Some(at) => pattern.split_at(at),
        None => return Vec::new(),
    };
    walk.descend(prefix, rest);
    walk.found.sort_unstable();
    walk.found.dedup();
    walk.found
}

fn unquote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            out.extend(characters.next());
        } else {
            out.push(character);
        }
    }
    out
}

/// The first slash that is not inside a bracket or parenthesis.
fn slash(pattern: &str) -> Option<usize> {
    let mut depth = 0;
    let bytes = pattern.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b'/' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

impl Walk<'_> {
    fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.directory.trim_end_matches('/'))
        }
    }

    fn is_directory(&self, path: &str, follow: bool) -> bool {
        self.kernel
            .stat(&self.absolute(path), follow)
            .is_ok_and(|info| info.file_type == FileType::Directory)
    }

    fn names(&self, path: &str) -> Vec<String> {
        self.kernel
            .read_directory(&self.absolute(path))
            .unwrap_or_default()
    }

    /// `base` is what has been matched, with a slash at its end unless it is empty.
    fn descend(&mut self, base: &str, pattern: &str) {
        let (component, slashes, rest) = match slash(pattern) {
            Some(at) => {
                let after = pattern[at..].trim_start_matches('/');
                (
                    &pattern[..at],
                    &pattern[at..pattern.len() - after.len()],
                    after,
                )
            }
            None => (pattern, "", ""),
        };
        if component == "**" && self.options.globstar {
            return self.descend_everywhere(base, slashes, rest);
        }
        if !has_wildcard(component, self.options.extglob) {
            let path = format!("{base}{}", unquote(component));
            if slashes.is_empty() {
                if self.kernel.stat(&self.absolute(&path), false).is_ok() {
                    self.found.push(path);
                }
            } else if self.is_directory(&path, true) {
                self.enter(&path, slashes, rest);
            }
            return;
        }
        let matcher = Pattern::new(component, self.options.extglob, self.options.ignore_case);
        let dotted = matcher.starts_with_dot();
        for name in self.names(base) {
            if name.starts_with('.') && !dotted && !self.options.dotglob {
                continue;
            }
            if !matcher.matches(&name) {
                continue;
            }
            let path = format!("{base}{name}");
            if slashes.is_empty() {
                self.found.push(path);
            } else if self.is_directory(&path, true) {
                self.enter(&path, slashes, rest);
            }
        }
    }

    fn enter(&mut self, path: &str, slashes: &str, rest: &str) {
        let base = format!("{path}{slashes}");
        if rest.is_empty() {
            self.found.push(base);
        } else {
            self.descend(&base, rest);
        }
    }

    /// `**`: this directory and all below it; not through symbolic links.
    fn descend_everywhere(&mut self, base: &str, slashes: &str, rest: &str) {
        if slashes.is_empty() {
            if !base.is_empty() {
                self.found.push(base.to_owned());
            }
        } else if rest.is_empty() {
            if !base.is_empty() {
                self.found.push(base.to_owned());
            }
        } else {
            self.descend(base, rest);
        }
        for name in self.names(base) {
            if name.starts_with('.') && !self.options.dotglob {
                continue;
            }
            let path = format!("{base}{name}");
            let directory = self.is_directory(&path, false);
            if directory {
                self.descend_everywhere(&format!("{path}/"), slashes, rest);
            }
            if slashes.is_empty() {
                self.found.push(path);
            }
        }
        if slashes.is_empty() && !base.is_empty() {
            // Directories were added with their slash on the way in; without it they are already there.
            self.found
                .retain(|found| found != base || !base.ends_with('/') || base.len() == 1);
        }
    }
}
