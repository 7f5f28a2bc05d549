//! `grep`, `egrep` and `fgrep` with GNU's options, and `rg`, on ripgrep's libraries.

mod basic;
mod gnu;
mod ripgrep;
mod search;

use basic::Syntax;

/// A message for the user; the status is 2.
type Failure = String;

fn main() {
    glovebox_kit::start();
    let argv0 = std::env::args_os()
        .next()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let options = lexopt::Parser::from_env();
    let (name, result) = match argv0.rsplit('/').next() {
        Some("rg") => ("rg", ripgrep::run(options)),
        Some("egrep") => ("grep", gnu::run(options, Syntax::Extended)),
        Some("fgrep") => ("grep", gnu::run(options, Syntax::Fixed)),
        _ => ("grep", gnu::run(options, Syntax::Basic)),
    };
    let code = result.unwrap_or_else(|message| {
        eprintln!("{name}: {message}");
        2
    });
    glovebox_kit::exit(code);
}

/// Patterns from a file, one a line; `-` is standard input.
fn patterns_from(file: &str) -> Result<Vec<String>, Failure> {
    let bytes = if file == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.map_err(|error| {
        format!(
            "{file}: {}",
            error
                .to_string()
                .split(" (os error")
                .next()
                .unwrap_or_default()
        )
    })?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text
        .strip_suffix('\n')
        .unwrap_or(&text)
        .split('\n')
        .filter(|_| !bytes.is_empty())
        .map(str::to_owned)
        .collect())
}
