//! cd, pwd, and the stack of directories.

use super::Options;
use crate::flow::Flow;
use crate::kernel::{Errno, FileType};
use crate::options::{Set, Shopt};
use crate::shell::Shell;

/// Collapses `.`, `..` and doubled slashes by the text alone.
pub(crate) fn collapse(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

impl Shell {
    /// The path with all symbolic links followed.
    pub(crate) fn physical(&self, path: &str) -> String {
        let mut resolved = String::new();
        let mut rest: Vec<String> = path.split('/').rev().map(ToOwned::to_owned).collect();
        let mut hops = 0;
        while let Some(part) = rest.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    let end = resolved.rfind('/').unwrap_or(0);
                    resolved.truncate(end);
                    continue;
                }
                _ => {}
            }
            let candidate = format!("{resolved}/{part}");
            match self.kernel.read_link(&candidate) {
                Ok(target) if hops < 40 => {
                    hops += 1;
                    if target.starts_with('/') {
                        resolved.clear();
                    }
                    rest.extend(target.split('/').rev().map(ToOwned::to_owned));
                }
                _ => resolved = candidate,
            }
        }
        if resolved.is_empty() {
            "/".to_owned()
        } else {
            resolved
        }
    }

    /// Changes the directory and tells PWD and OLDPWD.
    fn change_directory(&mut self, target: &str, physical: bool) -> Result<(), Errno> {
        let joined = self.absolute(target);
        let logical = collapse(&joined);
        let path = if physical {
            self.physical(&joined)
        } else {
            logical
        };
        let check = |path: &str| match self.kernel.stat(path, true) {
            Ok(info) if info.file_type == FileType::Directory => {
                if self.kernel.mode(path).is_ok_and(|mode| mode & 0o111 == 0) {
                    Err(Errno::Access)
                } else {
                    Ok(())
                }
            }
            Ok(_) => Err(Errno::NotDirectory),
            Err(errno) => Err(errno),
        };
        // What comes before a `..` must exist as well.
        if joined.contains("/..") {
            let before = joined.split("/..").next().unwrap_or("/");
            check(if before.is_empty() { "/" } else { before })?;
        }
        check(&path)?;
        let old = std::mem::replace(&mut self.state.directory, path.clone());
        let old = self.text_of("PWD").unwrap_or(old);
        self.put("OLDPWD", &old);
        self.put("PWD", &path);
        Ok(())
    }

    pub(super) fn builtin_cd(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "LPe@");
        let mut physical = self.is_set(Set::Physical);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'P' => physical = true,
                'L' => physical = false,
                _ => {}
            }
        }
        let operands = options.rest().to_vec();
        if operands.len() > 1 {
            self.complain("cd: too many arguments");
            return Ok(1);
        }
        let mut shows = false;
        let target = match operands.first().map(String::as_str) {
            None => match self.text_of("HOME") {
                Some(home) => home,
                None => {
                    self.complain("cd: HOME not set");
                    return Ok(1);
                }
            },
            Some("-") => match self.text_of("OLDPWD") {
                Some(old) => {
                    shows = true;
                    old
                }
                None => {
                    self.complain("cd: OLDPWD not set");
                    return Ok(1);
                }
            },
            Some(target) => target.to_owned(),
        };
        if target.is_empty() {
            return Ok(0);
        }
        let search = self
            .text_of("CDPATH")
            .filter(|_| !target.starts_with(['/', '.']));
        for base in search.iter().flat_map(|search| search.split(':')) {
            let candidate = if base.is_empty() {
                target.clone()
            } else {
                format!("{base}/{target}")
            };
            if self.change_directory(&candidate, physical).is_ok() {
                let line = format!("{}\n", self.state.directory);
                return Ok(if base.is_empty() {
                    0
                } else {
                    self.print("cd", &line)
                });
            }
        }
        match self.change_directory(&target, physical) {
            Ok(()) => {
                if shows {
                    let line = format!("{}\n", self.state.directory);
                    return Ok(self.print("cd", &line));
                }
                Ok(0)
            }
            Err(errno) => {
                if self.shopt(Shopt::CdableVars) {
                    if let Some(value) = self.text_of(&target) {
                        if self.change_directory(&value, physical).is_ok() {
                            let line = format!("{}\n", self.state.directory);
                            return Ok(self.print("cd", &line));
                        }
                    }
                }
                self.complain(&format!("cd: {target}: {}", errno.text()));
                Ok(1)
            }
        }
    }

    pub(super) fn builtin_pwd(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "LP");
        let mut physical = self.is_set(Set::Physical);
        while let Some(option) = options.next(self)? {
            physical = option.letter == 'P';
        }
        let path = if physical {
            self.physical(&self.state.directory)
        } else {
            self.state.directory.clone()
        };
        Ok(self.print("pwd", &format!("{path}\n")))
    }

    /// The stack as `dirs` shows it, the current directory first.
    fn stack(&self) -> Vec<String> {
        std::iter::once(self.state.directory.clone())
            .chain(self.state.directory_stack.iter().rev().cloned())
            .collect()
    }

    fn tilded(&self, path: &str) -> String {
        match self.text_of("HOME").filter(|home| home.len() > 1) {
            Some(home) => match path.strip_prefix(home.as_str()) {
                Some(below) if below.is_empty() || below.starts_with('/') => format!("~{below}"),
                _ => path.to_owned(),
            },
            None => path.to_owned(),
        }
    }

    fn show_stack(&mut self) -> i32 {
        let line = self
            .stack()
            .iter()
            .map(|path| self.tilded(path))
            .collect::<Vec<_>>()
            .join(" ")
            + "\n";
        self.print("dirs", &line)
    }

    /// The position in [`Self::stack`] that `+N` or `-N` names.
    fn stack_position(&mut self, command: &str, argument: &str) -> Result<usize, i32> {
        let length = self.state.directory_stack.len() + 1;
        let number: Option<usize> = argument[1..].parse().ok();
        match number {
            None => {
                self.complain(&format!("{command}: {argument}: invalid number"));
                let usage = match command {
                    "dirs" => "dirs [-clpv] [+N] [-N]",
                    "pushd" => "pushd [-n] [+N | -N | dir]",
                    _ => "popd [-n] [+N | -N]",
                };
                let _ = self.write(2, &format!("{command}: usage: {usage}\n"));
                Err(2)
            }
            Some(number) if number < length => Ok(if argument.starts_with('-') {
                length - 1 - number
            } else {
                number
            }),
            Some(_) => {
                self.complain(&if self.state.directory_stack.is_empty() {
                    format!("{command}: directory stack empty")
                } else {
                    format!("{command}: {argument}: directory stack index out of range")
                });
                Err(1)
            }
        }
    }

    pub(super) fn builtin_dirs(&mut self, arguments: &[String]) -> Flow {
        let (mut long, mut lines, mut numbered) = (false, false, false);
        let mut chosen = None;
        for argument in &arguments[1..] {
            match argument.as_str() {
                "-c" => {
                    self.state.directory_stack.clear();
                    return Ok(0);
                }
                "-l" => long = true,
                "-p" => lines = true,
                "-v" => (lines, numbered) = (true, true),
                "--" => {}
                other if other.len() > 1 && other.starts_with(['+', '-']) => {
                    match self.stack_position("dirs", other) {
                        Ok(position) => chosen = Some(position),
                        Err(status) => return Ok(status),
                    }
                }
                other => {
                    self.complain(&format!("dirs: {other}: invalid option"));
                    let _ = self.write(2, "dirs: usage: dirs [-clpv] [+N] [-N]\n");
                    return Ok(1);
                }
            }
        }
        let paths: Vec<String> = self
            .stack()
            .iter()
            .map(|path| {
                if long {
                    path.clone()
                } else {
                    self.tilded(path)
                }
            })
            .collect();
        let output = match chosen {
            Some(position) => paths[position].clone() + "\n",
            None if numbered => paths
                .iter()
                .enumerate()
                .map(|(position, path)| format!("{position:2}  {path}\n"))
                .collect(),
            None if lines => paths.iter().map(|path| format!("{path}\n")).collect(),
            None => paths.join(" ") + "\n",
        };
        Ok(self.print("dirs", &output))
    }

    pub(super) fn builtin_pushd(&mut self, arguments: &[String]) -> Flow {
        let mut stay = false;
        let mut operands: Vec<&String> = Vec::new();
        let mut ended = false;
        for argument in &arguments[1..] {
            match argument.as_str() {
                "-n" if !ended => stay = true,
                "--" if !ended => ended = true,
                _ => operands.push(argument),
            }
        }
        if operands.len() > 1 {
            self.complain("pushd: too many arguments");
            return Ok(1);
        }
        let mut stack = self.stack();
        match operands.first() {
            None => {
                if stack.len() < 2 {
                    self.complain("pushd: no other directory");
                    return Ok(1);
                }
                stack.swap(0, 1);
            }
            Some(rotation) if !ended && rotation.len() > 1 && rotation.starts_with(['+', '-']) => {
                match self.stack_position("pushd", rotation) {
                    Ok(position) => stack.rotate_left(position),
                    Err(status) => return Ok(status),
                }
            }
            Some(path) => {
                let path = (*path).clone();
                if stay {
                    let absolute = collapse(&self.absolute(&path));
                    self.state.directory_stack.push(absolute);
                    return Ok(self.show_stack());
                }
                let old = self.state.directory.clone();
                if let Err(errno) = self.change_directory(&path, false) {
                    self.complain(&format!("pushd: {path}: {}", errno.text()));
                    return Ok(1);
                }
                self.state.directory_stack.push(old);
                return Ok(self.show_stack());
            }
        }
        let top = stack.remove(0);
        if !stay {
            if let Err(errno) = self.change_directory(&top, false) {
                self.complain(&format!("pushd: {top}: {}", errno.text()));
                return Ok(1);
            }
        }
        stack.reverse();
        self.state.directory_stack = stack;
        Ok(self.show_stack())
    }

    pub(super) fn builtin_popd(&mut self, arguments: &[String]) -> Flow {
        let mut stay = false;
        let mut position = 0;
        for argument in &arguments[1..] {
            match argument.as_str() {
                "-n" => stay = true,
                "--" => {}
                other if other.len() > 1 && other.starts_with(['+', '-']) => {
                    match self.stack_position("popd", other) {
                        Ok(found) => position = found,
                        Err(status) => return Ok(status),
                    }
                }
                other => {
                    self.complain(&format!("popd: {other}: invalid argument"));
                    let _ = self.write(2, "popd: usage: popd [-n] [+N | -N]\n");
                    return Ok(2);
                }
            }
        }
        if self.state.directory_stack.is_empty() {
            self.complain("popd: directory stack empty");
            return Ok(1);
        }
        let length = self.state.directory_stack.len();
        if position == 0 {
            let top = self.state.directory_stack[length - 1].clone();
            if !stay {
                if let Err(errno) = self.change_directory(&top, false) {
                    self.complain(&format!("popd: {top}: {}", errno.text()));
                    return Ok(1);
                }
            }
            self.state.directory_stack.pop();
        } else {
            self.state.directory_stack.remove(length - position);
        }
        Ok(self.show_stack())
    }
}
