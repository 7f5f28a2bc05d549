//! `timeout`.

use std::time::{Duration, Instant};

use glovebox_kit::process::Command;
use lexopt::prelude::*;

use crate::env::rest;
use crate::failure::Failure;
use crate::processes::signal_number;

const TIMED_OUT: u8 = 124;
const TROUBLE: u8 = 125;
const SIGKILL: u8 = 9;
/// How often the child is asked whether it has ended: at first quickly, then more and more seldom.
const POLL_FIRST: Duration = Duration::from_micros(200);
const POLL_MAX: Duration = Duration::from_millis(10);

pub fn timeout(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let bad = |error: lexopt::Error| Failure::new(TROUBLE, error);
    let (mut signal, mut preserve, mut limit) = (15, false, None);
    while let Some(option) = options.next().map_err(bad)? {
        match option {
            Short('s') | Long("signal") => {
                let name = options.value().map_err(bad)?.to_string_lossy().into_owned();
                signal = signal_number(&name)
                    .ok_or_else(|| Failure::new(TROUBLE, format!("invalid signal {name}")))?;
            }
            // No signal can be caught here, so the second one is never needed.
            Short('k') | Long("kill-after") => drop(options.value().map_err(bad)?),
            Long("preserve-status") => preserve = true,
            Long("foreground") | Short('v') | Long("verbose") => {}
            Value(value) => {
                let text = value.to_string_lossy().into_owned();
                limit = Some(duration(&text).ok_or_else(|| {
                    Failure::new(TROUBLE, format!("invalid time interval ‘{text}’"))
                })?);
                break;
            }
            other => return Err(bad(other.unexpected())),
        }
    }
    let words = rest(&mut options)?;
    let (Some(limit), Some((program, arguments))) = (limit, words.split_first()) else {
        return Err(Failure::new(TROUBLE, "missing operand"));
    };
    let child = Command::new(program)
        .args(arguments)
        .spawn()
        .map_err(|error| {
            Failure::new(
                error.exit_status(),
                format!("failed to run command ‘{program}’: {error}"),
            )
        })?;
    if limit.is_zero() {
        return Ok(child.wait());
    }
    let start = Instant::now();
    let mut poll = POLL_FIRST;
    loop {
        if let Some(code) = child.try_wait() {
            return Ok(code);
        }
        let Some(left) = limit.checked_sub(start.elapsed()) else {
            break;
        };
        std::thread::sleep(poll.min(left));
        poll = (poll * 2).min(POLL_MAX);
    }
    child.kill(signal);
    let code = child.wait();
    Ok(if preserve || signal == SIGKILL {
        code
    } else {
        TIMED_OUT
    })
}

/// `10`, `2.5s`, `1m`, `1h`, `1d`.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        (at, 'd') => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}
