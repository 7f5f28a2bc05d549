//! `diff` and `cmp`.

mod cmp;
mod compare;
mod format;
mod options;
mod tree;

use std::io::Write as _;

/// Trouble, as opposed to a difference.
const TROUBLE: u8 = 2;

fn main() {
    glovebox_kit::start();
    let argv0 = std::env::args_os()
        .next()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let (name, result) = match argv0.rsplit('/').next() {
        Some("cmp") => ("cmp", cmp::run(lexopt::Parser::from_env())),
        _ => (
            "diff",
            options::parse(lexopt::Parser::from_env()).and_then(|options| tree::run(&options)),
        ),
    };
    let code = result.unwrap_or_else(|message| {
        let _ = std::io::stdout().flush();
        eprintln!("{name}: {message}");
        TROUBLE
    });
    glovebox_kit::exit(code);
}

/// A file's bytes; `-` is standard input.
fn load(path: &str) -> Result<Vec<u8>, String> {
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    bytes.map_err(|error| {
        format!(
            "{path}: {}",
            error
                .to_string()
                .split(" (os error")
                .next()
                .unwrap_or_default()
        )
    })
}
