//! jq, on jaq's libraries: its command line.

mod inputs;
mod options;
mod program;

use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

use jaq_json::Val;
use jaq_json::write::{Pp, Styles};

use options::Options;

/// Bad usage, or an input that cannot be read.
const USAGE: u8 = 2;
/// The program does not compile.
const COMPILE: u8 = 3;
/// The program, or an input, was wrong at run time.
const RUNTIME: u8 = 5;

struct Failure(u8, String);

fn main() -> ExitCode {
    glovebox_kit::start();
    match options::parse(lexopt::Parser::from_env()).and_then(|options| run(&options)) {
        Ok(code) => ExitCode::from(code),
        Err(Failure(code, message)) => {
            eprintln!("jq: {message}");
            ExitCode::from(code)
        }
    }
}

fn run(options: &Options) -> Result<u8, Failure> {
    let pretty = Pp {
        indent: options.indent.clone(),
        sort_keys: options.sort_keys,
        styles: if options.color {
            Styles::ansi()
        } else {
            Styles::default()
        },
        // jq writes a space after the colon when it indents, none with -c.
        sep_space: options.indent.is_some(),
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut last = None;
    let code = program::run(options, |value| {
        let text = match &value {
            Val::TStr(text) | Val::BStr(text) if options.raw_output => Some(text),
            _ => None,
        };
        match text {
            Some(text) => out.write_all(text)?,
            None => jaq_json::write::write(&mut out, &pretty, 0, &value)?,
        }
        if let Some(end) = options.end {
            out.write_all(&[end])?;
        }
        if options.unbuffered {
            out.flush()?;
        }
        last = Some(!matches!(value, Val::Null | Val::Bool(false)));
        Ok(())
    })?;
    out.flush()
        .map_err(|error| Failure(USAGE, error.to_string()))?;
    Ok(match (code, options.exit_status, last) {
        (0, true, None) => 4,
        (0, true, Some(false)) => 1,
        _ => code,
    })
}
