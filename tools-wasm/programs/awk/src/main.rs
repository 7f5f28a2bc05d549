//! awk, on the crate `awk-rs`: its command line.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write as _};

use awk_rs::{Interpreter, Lexer, Parser};

const TROUBLE: i32 = 2;

#[derive(Default)]
struct Options {
    separator: Option<String>,
    variables: Vec<(String, String)>,
    source: Option<String>,
    operands: Vec<String>,
    posix: bool,
}

fn main() {
    glovebox_kit::start();
    let code = options()
        .and_then(|options| run(&options))
        .unwrap_or_else(|message| {
            eprintln!("awk: {message}");
            TROUBLE
        });
    std::process::exit(code);
}

fn options() -> Result<Options, String> {
    let mut options = Options::default();
    let mut words: VecDeque<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    while let Some(word) = words
        .front()
        .filter(|word| word.len() > 1 && word.starts_with('-'))
        .cloned()
    {
        words.pop_front();
        let mut value = |rest: &str| match rest {
            "" => words
                .pop_front()
                .ok_or_else(|| format!("option {word} requires an argument")),
            rest => Ok(rest
                .strip_prefix('=')
                .filter(|_| word.starts_with("--"))
                .unwrap_or(rest)
                .to_owned()),
        };
        if word == "--" {
            break;
        } else if word == "--version" || word == "-V" {
            println!("awk-rs (glovebox)");
            std::process::exit(0);
        } else if let Some(rest) = word
            .strip_prefix("--field-separator")
            .or_else(|| word.strip_prefix("-F"))
        {
            let separator = value(rest)?;
            // POSIX: a lone t is a tab.
            options.separator = Some(if separator == "t" {
                "\t".into()
            } else {
                separator
            });
        } else if let Some(rest) = word
            .strip_prefix("--assign")
            .or_else(|| word.strip_prefix("-v"))
        {
            let assignment = value(rest)?;
            let pair = assign(&assignment).ok_or_else(|| {
                format!("`{assignment}' argument to `-v' not in `var=value' form")
            })?;
            options.variables.push(pair);
        } else if let Some(rest) = word
            .strip_prefix("--file")
            .or_else(|| word.strip_prefix("-f"))
        {
            let file = value(rest)?;
            let text = if file == "-" {
                io::read_to_string(io::stdin())
            } else {
                fs::read_to_string(&file)
            };
            let text = text.map_err(|error| {
                format!("cannot open source file `{file}' for reading: {error}")
            })?;
            let source = options.source.get_or_insert_default();
            source.push_str(&text);
            source.push('\n');
        } else if matches!(word.as_str(), "--posix" | "-P") {
            options.posix = true;
        } else {
            return Err(format!("unknown option {word}"));
        }
    }
    if options.source.is_none() {
        options.source = Some(
            words
                .pop_front()
                .ok_or("usage: awk [-F fs] [-v var=value] 'program' [file ...]")?,
        );
    }
    options.operands = words.into();
    Ok(options)
}

/// `name=value`, with escapes in the value.
fn assign(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let mut letters = name.chars();
    let named = letters
        .next()
        .is_some_and(|first| first == '_' || first.is_ascii_alphabetic());
    (named && letters.all(|letter| letter == '_' || letter.is_ascii_alphanumeric()))
        .then(|| (name.to_owned(), unescape(value)))
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('\\')) => out.push('\\'),
            ('\\', Some('"')) => out.push('"'),
            ('\\', Some(other)) => out.extend(['\\', other]),
            (letter, _) => out.push(letter),
        }
    }
    out
}

fn run(options: &Options) -> Result<i32, String> {
    let source = options.source.as_deref().unwrap_or_default();
    let tokens = Lexer::new(source)
        .tokenize()
        .map_err(|error| error.to_string())?;
    let program = Parser::new(tokens)
        .parse()
        .map_err(|error| error.to_string())?;
    let mut interpreter = Interpreter::new(&program);
    interpreter.set_posix_mode(options.posix);
    interpreter.set_fs(options.separator.as_deref().unwrap_or(" "));
    let arguments = std::iter::once("awk".to_owned()).chain(options.operands.iter().cloned());
    interpreter.set_args(arguments.collect());
    for (name, value) in &options.variables {
        interpreter.set_variable(name, value);
    }
    let (mut readers, mut names): (Vec<Box<dyn BufRead>>, Vec<String>) = (Vec::new(), Vec::new());
    for operand in &options.operands {
        // An assignment among the files takes effect from the start here: nearly always it stands before the first.
        if let Some((name, value)) = assign(operand) {
            interpreter.set_variable(&name, &value);
            continue;
        }
        if operand == "-" {
            readers.push(Box::new(BufReader::new(io::stdin())));
        } else {
            let opened = File::open(operand)
                .map_err(|error| format!("cannot open `{operand}' for reading: {error}"))?;
            readers.push(Box::new(BufReader::new(opened)));
        }
        names.push(operand.clone());
    }
    if readers.is_empty() {
        readers.push(Box::new(BufReader::new(io::stdin())));
        names.push(String::new());
    }
    interpreter.set_filenames(names);
    let mut out = BufWriter::new(io::stdout().lock());
    let code = interpreter.run(readers, &mut out);
    let flushed = out.flush();
    let code = code.map_err(|error| error.to_string())?;
    flushed.map_err(|error| error.to_string())?;
    Ok(code)
}
