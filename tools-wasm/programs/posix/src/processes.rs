//! `ps` and `kill`.

use std::io::Write as _;

use glovebox_kit::bindings::glovebox::process::process;
use glovebox_kit::process::message;

use crate::failure::Failure;
use crate::files::USER;

const SIGNALS: [(&str, u8); 7] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("KILL", 9),
    ("PIPE", 13),
    ("TERM", 15),
    ("EXIT", 0),
];

/// `9`, `KILL` or `SIGKILL`.
pub fn signal_number(text: &str) -> Option<u8> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let named = SIGNALS
        .iter()
        .find(|(signal, _)| *signal == name)
        .map(|(_, number)| *number);
    named.or_else(|| text.parse().ok().filter(|number| *number < 65))
}

pub fn kill(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let words = crate::env::rest(&mut options)?;
    let mut words = words.iter().map(String::as_str).peekable();
    let mut signal = 15;
    let number = |text: &str| {
        signal_number(text).ok_or_else(|| Failure::new(1, format!("{text}: invalid signal")))
    };
    match words.peek().copied() {
        Some("-l" | "-L" | "--list") => {
            for (name, number) in SIGNALS.iter().filter(|(_, number)| *number > 0) {
                println!("{number:2}) SIG{name}");
            }
            return Ok(0);
        }
        Some("-s" | "--signal") => {
            words.next();
            signal = number(words.next().unwrap_or_default())?;
        }
        Some("--") => drop(words.next()),
        Some(word) if word.starts_with('-') => {
            signal = number(&word[1..])?;
            words.next();
        }
        _ => {}
    }
    if words.peek().is_none() {
        return Err(Failure::new(1, "usage: kill [-SIGNAL] PID..."));
    }
    let mut code = 0;
    for word in words.filter(|word| *word != "--") {
        let sent = match word.parse() {
            Ok(pid) => process::kill(pid, signal).map_err(message),
            Err(_) => Err("arguments must be process ids"),
        };
        if let Err(error) = sent {
            eprintln!("kill: ({word}) - {error}");
            code = 1;
        }
    }
    Ok(code)
}

/// Every form of `ps` shows every process: a sandbox has only its own.
pub fn ps(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let words = crate::env::rest(&mut options)?;
    let flags = words.first().map(String::as_str).unwrap_or_default();
    let long = flags.contains('u') || flags.contains('f');
    let mut processes = process::processes();
    processes.sort_by_key(|one| one.pid);
    let mut out = std::io::stdout().lock();
    if long {
        writeln!(
            out,
            "{:<8} {:>5} {:>5} {:>8} COMMAND",
            "USER", "PID", "PPID", "ELAPSED"
        )?;
    } else {
        writeln!(out, "{:>5} {:>8} COMMAND", "PID", "ELAPSED")?;
    }
    for one in processes {
        let seconds = one.started_ms_ago / 1000;
        let elapsed = format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        let command = one.arguments.join(" ");
        if long {
            writeln!(
                out,
                "{USER:<8} {:>5} {:>5} {elapsed} {command}",
                one.pid, one.parent
            )?;
        } else {
            writeln!(out, "{:>5} {elapsed} {command}", one.pid)?;
        }
    }
    Ok(0)
}
