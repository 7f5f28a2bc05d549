//! Files and folders, compared.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufWriter, StdoutLock, Write as _, stdout};
use std::path::Path;

use crate::TROUBLE;
use crate::compare::{Lines, compare};
use crate::format::Printer;
use crate::load;
use crate::options::{Format, Options};

struct Tree<'options> {
    options: &'options Options,
    out: BufWriter<StdoutLock<'static>>,
    code: u8,
}

pub(crate) fn run(options: &Options) -> Result<u8, String> {
    let mut tree = Tree {
        options,
        out: BufWriter::new(stdout().lock()),
        code: 0,
    };
    let [mut one, mut other] = options.files.clone();
    let folder = |path: &str| path != "-" && Path::new(path).is_dir();
    // `diff file folder` means the file of that name in the folder.
    match (folder(&one), folder(&other)) {
        (true, false) => one = join(&one, base(&other)),
        (false, true) => other = join(&other, base(&one)),
        _ => {}
    }
    if folder(&one) && folder(&other) {
        tree.folders(&one, &other)?
    } else {
        tree.files(&one, &other, false)?
    }
    tree.out.flush().map_err(|error| error.to_string())?;
    Ok(tree.code)
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

impl Tree<'_> {
    fn folders(&mut self, one: &str, other: &str) -> Result<(), String> {
        let list = |folder: &str| -> Result<BTreeSet<String>, String> {
            let entries = fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))?;
            Ok(entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect())
        };
        let (left, right) = (list(one)?, list(other)?);
        for name in left.union(&right).filter(|name| {
            !self
                .options
                .exclude
                .iter()
                .any(|pattern| glob(pattern, name))
        }) {
            let (first, second) = (join(one, name), join(other, name));
            let present = (left.contains(name), right.contains(name));
            let folders = (Path::new(&first).is_dir(), Path::new(&second).is_dir());
            if let ((true, false), _) | ((false, true), _) = (present, ()) {
                let is_folder = folders.0 || folders.1;
                if !self.options.new_file || (is_folder && !self.options.recursive) {
                    self.say(&format!(
                        "Only in {}: {name}",
                        if present.0 { one } else { other }
                    ))?;
                    self.code = self.code.max(1);
                    continue;
                }
                if is_folder {
                    self.only(&first, &second, present.0)?;
                    continue;
                }
            }
            match folders {
                (true, true) if self.options.recursive => self.folders(&first, &second)?,
                (true, true) => {
                    self.say(&format!("Common subdirectories: {first} and {second}"))?
                }
                (true, false) | (false, true) if present == (true, true) => {
                    let kind = |folder: bool| if folder { "directory" } else { "regular file" };
                    let text = format!(
                        "File {first} is a {} while file {second} is a {}",
                        kind(folders.0),
                        kind(folders.1)
                    );
                    self.say(&text)?;
                    self.code = self.code.max(1);
                }
                _ => {
                    if let Err(message) = self.files(&first, &second, true) {
                        eprintln!("diff: {message}");
                        self.code = TROUBLE;
                    }
                }
            }
        }
        Ok(())
    }

    /// `-N` with a folder that is on one side only.
    fn only(&mut self, one: &str, other: &str, left: bool) -> Result<(), String> {
        let present = if left { one } else { other };
        let mut names: Vec<_> = fs::read_dir(present)
            .map_err(|error| format!("{present}: {error}"))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        for name in names {
            let (first, second) = (join(one, &name), join(other, &name));
            if Path::new(if left { &first } else { &second }).is_dir() {
                self.only(&first, &second, left)?;
            } else {
                self.files(&first, &second, true)?;
            }
        }
        Ok(())
    }

    fn files(&mut self, one: &str, other: &str, inside: bool) -> Result<(), String> {
        let options = self.options;
        let read = |path: &str| {
            let absent = options.new_file && path != "-" && !Path::new(path).exists();
            if absent { Ok(Vec::new()) } else { load(path) }
        };
        let (left, right) = match (read(one), read(other)) {
            (Ok(left), Ok(right)) => (left, right),
            (Err(first), Err(second)) => {
                eprintln!("diff: {first}");
                return Err(second);
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        if left == right {
            return if options.report_same {
                self.say(&format!("Files {one} and {other} are identical"))
            } else {
                Ok(())
            };
        }
        let binary = !options.text && (left.contains(&0) || right.contains(&0));
        if binary {
            self.code = self.code.max(1);
            return self.say(&format!(
                "{} {one} and {other} differ",
                if options.brief {
                    "Files"
                } else {
                    "Binary files"
                }
            ));
        }
        let (left, right) = (Lines::of(&left), Lines::of(&right));
        let steps = compare(&left, &right, options);
        if !steps
            .iter()
            .any(|step| step.tag() != similar::DiffTag::Equal)
        {
            return Ok(());
        }
        self.code = self.code.max(1);
        if options.brief {
            return self.say(&format!("Files {one} and {other} differ"));
        }
        if inside {
            self.say(&format!("diff{} {one} {other}", options.written))?;
        }
        let head = |side: usize, path: &str| {
            options
                .labels
                .get(side)
                .cloned()
                .unwrap_or_else(|| format!("{path}\t{}", modified(path)))
        };
        let heads = [head(0, one), head(1, other)];
        let mut printer = Printer {
            out: &mut self.out,
            color: options.color,
        };
        match options.format {
            Format::Normal => printer.normal(&left, &right, &steps),
            Format::Unified => printer.unified(&left, &right, steps, options.context, &heads),
            Format::Context => printer.context(&left, &right, steps, options.context, &heads),
            Format::SideBySide => printer.side_by_side(&left, &right, &steps, options.width),
        }
        .map_err(|error| error.to_string())
    }

    fn say(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.out, "{line}").map_err(|error| error.to_string())
    }
}

/// `*` and `?`, which is what `-x` is used with.
fn glob(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => (0..=name.len())
            .filter(|at| name.is_char_boundary(*at))
            .any(|at| glob(&pattern[1..], &name[at..])),
        Some('?') => name
            .chars()
            .next()
            .is_some_and(|first| glob(&pattern[1..], &name[first.len_utf8()..])),
        Some(letter) => name
            .strip_prefix(letter)
            .is_some_and(|rest| glob(&pattern[letter.len_utf8()..], rest)),
    }
}

/// As GNU's headers have it; a missing file has the epoch.
fn modified(path: &str) -> String {
    let time = fs::metadata(path)
        .ok()
        .and_then(|data| data.modified().ok());
    let time = time
        .and_then(|time| jiff::Timestamp::try_from(time).ok())
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M:%S.%9f +0000").to_string()
}
