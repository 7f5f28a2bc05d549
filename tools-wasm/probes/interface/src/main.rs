//! Every function of `wasi:filesystem`, called by itself, with no library in between.
//!
//! `functions DIRECTORY` does each thing once and prints what came of it; `errors DIRECTORY ELSEWHERE` does what must
//! fail, where `ELSEWHERE` is another mount. Both print one line for each call; the host knows what they must say.

mod errors;
mod functions;

use std::fmt::Debug;

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

const NONE: PathFlags = PathFlags::empty();
const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;

fn main() {
    glovebox_kit::start();
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match arguments[..] {
        ["functions", directory] => functions::all(&directory_at(directory)),
        ["errors", directory, elsewhere] => {
            errors::all(&directory_at(directory), &directory_at(elsewhere));
        }
        _ => panic!("functions or errors"),
    }
}

/// A directory by its absolute path.
fn directory_at(path: &str) -> Descriptor {
    let mut directories = get_directories();
    // The one that is nearest to it.
    directories.retain(|(_, name)| path.starts_with(name.as_str()));
    directories.sort_by_key(|(_, name)| name.len());
    let (root, name) = directories.pop().expect("a directory to begin with");
    let rest = path[name.len()..].trim_start_matches('/');
    let rest = if rest.is_empty() { "." } else { rest };
    root.open_at(FOLLOW, rest, OpenFlags::DIRECTORY, READ)
        .expect("the directory")
}

fn show<T: Debug>(what: &str, result: Result<T, ErrorCode>) {
    match result {
        Ok(value) => println!("{what}: {value:?}"),
        Err(code) => println!("{what}: {}", code.name()),
    }
}

/// A new file, open to be read and written.
fn create(at: &Descriptor, name: &str, content: &[u8]) -> Descriptor {
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = at
        .open_at(NONE, name, flags, READ | WRITE)
        .expect("a new file");
    let mut written = 0;
    while written < content.len() {
        let offset = written as u64;
        written += file.write(&content[written..], offset).expect("a write") as usize;
    }
    file
}
