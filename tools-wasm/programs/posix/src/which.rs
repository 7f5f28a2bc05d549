//! `which`.

use glovebox_kit::bindings::glovebox::process::{files, process};
use lexopt::prelude::*;

use crate::failure::Failure;

pub fn which(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let (mut all, mut silent, mut names) = (false, false, Vec::new());
    while let Some(option) = options.next()? {
        match option {
            Short('a') | Long("all") => all = true,
            Short('s') => silent = true,
            Value(name) => names.push(name.to_string_lossy().into_owned()),
            other => return Err(other.unexpected().into()),
        }
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let mut code = 0;
    for name in names {
        let mut found = Vec::new();
        if name.contains('/') {
            found.extend(Some(name).filter(|name| executable(name)));
        } else {
            let folders = path.split(':').filter(|folder| !folder.is_empty());
            found.extend(
                folders
                    .map(|folder| format!("{folder}/{name}"))
                    .filter(|file| executable(file)),
            );
            found.extend(process::which(&name).filter(|file| !found.contains(file)));
        }
        found.truncate(if all { usize::MAX } else { 1 });
        if found.is_empty() {
            code = 1;
        }
        if !silent {
            found.iter().for_each(|file| println!("{file}"));
        }
    }
    Ok(code)
}

fn executable(file: &str) -> bool {
    let path = glovebox_kit::process::absolute(file);
    std::fs::metadata(&path).is_ok_and(|data| data.is_file())
        && files::mode(&path, true).is_ok_and(|mode| mode & 0o111 != 0)
}
