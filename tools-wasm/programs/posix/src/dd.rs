//! `dd`: that of uutils wants a thread.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek as _, SeekFrom, Write};
use std::time::Instant;

use crate::failure::{Failure, plain};

struct Job {
    input: Option<String>,
    output: Option<String>,
    in_block: usize,
    out_block: usize,
    count: Option<u64>,
    skip: u64,
    seek: u64,
    truncate: bool,
    append: bool,
    count_bytes: bool,
    quiet: bool,
    upper: Option<bool>,
    sync: bool,
}

pub fn dd(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let mut job = Job {
        input: None,
        output: None,
        in_block: 512,
        out_block: 512,
        count: None,
        skip: 0,
        seek: 0,
        truncate: true,
        append: false,
        count_bytes: false,
        quiet: false,
        upper: None,
        sync: false,
    };
    for word in crate::env::rest(&mut options)? {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| Failure::new(1, format!("unrecognized operand ‘{word}’")))?;
        let number =
            || size(value).ok_or_else(|| Failure::new(1, format!("invalid number: ‘{value}’")));
        let block = || {
            number()
                .and_then(|bytes| usize::try_from(bytes).map_err(|error| Failure::new(1, error)))
        };
        match name {
            "if" => job.input = Some(value.to_owned()),
            "of" => job.output = Some(value.to_owned()),
            "bs" => (job.in_block, job.out_block) = (block()?, block()?),
            "ibs" => job.in_block = block()?,
            "obs" => job.out_block = block()?,
            "count" => job.count = Some(number()?),
            "skip" | "iseek" => job.skip = number()?,
            "seek" | "oseek" => job.seek = number()?,
            "status" => job.quiet = value == "none",
            "conv" => {
                for flag in value.split(',') {
                    match flag {
                        "notrunc" => job.truncate = false,
                        "ucase" => job.upper = Some(true),
                        "lcase" => job.upper = Some(false),
                        "sync" => job.sync = true,
                        "fsync" | "fdatasync" | "noerror" => {}
                        _ => return Err(Failure::new(1, format!("invalid conversion: ‘{flag}’"))),
                    }
                }
            }
            "iflag" => job.count_bytes |= value.contains("count_bytes"),
            "oflag" => job.append |= value.contains("append"),
            _ => return Err(Failure::new(1, format!("unrecognized operand ‘{word}’"))),
        }
    }
    if job.in_block == 0 || job.out_block == 0 {
        return Err(Failure::new(1, "invalid number: ‘0’"));
    }
    job.run()
}

impl Job {
    fn run(&self) -> Result<u8, Failure> {
        let started = Instant::now();
        let mut input = self.open_input()?;
        let mut output = self.open_output()?;
        let (mut full, mut partial, mut bytes) = (0u64, 0u64, 0u64);
        let mut buffer = vec![0; self.in_block];
        loop {
            let wanted = match (self.count, self.count_bytes) {
                (Some(count), true) if bytes >= count => break,
                (Some(count), true) => usize::try_from(count - bytes)
                    .unwrap_or(usize::MAX)
                    .min(self.in_block),
                (Some(count), false) if full + partial >= count => break,
                _ => self.in_block,
            };
            let mut read = fill(&mut *input, &mut buffer[..wanted])?;
            if read == 0 {
                break;
            }
            if read == self.in_block {
                full += 1
            } else {
                partial += 1
            }
            if self.sync && read < self.in_block {
                buffer[read..].fill(0);
                read = self.in_block;
            }
            match self.upper {
                Some(true) => buffer[..read].make_ascii_uppercase(),
                Some(false) => buffer[..read].make_ascii_lowercase(),
                None => {}
            }
            output.write_all(&buffer[..read])?;
            bytes += read as u64;
        }
        output.flush()?;
        if !self.quiet {
            let block = self.out_block as u64;
            let seconds = started.elapsed().as_secs_f64();
            let rate = crate::files::human((bytes as f64 / seconds.max(1e-9)) as u64, 1000);
            eprintln!("{full}+{partial} records in");
            eprintln!(
                "{}+{} records out",
                bytes / block,
                u8::from(bytes % block > 0)
            );
            eprintln!("{bytes} bytes copied, {seconds:.6} s, {rate}B/s");
        }
        Ok(0)
    }

    fn open_input(&self) -> Result<Box<dyn Read>, Failure> {
        let skip = self.skip * self.in_block as u64;
        let Some(path) = &self.input else {
            let mut input = std::io::stdin().lock();
            std::io::copy(&mut (&mut input).take(skip), &mut std::io::sink())?;
            return Ok(Box::new(input));
        };
        let mut file = File::open(path).map_err(|error| {
            Failure::new(1, format!("failed to open '{path}': {}", plain(&error)))
        })?;
        if skip > 0 {
            file.seek(SeekFrom::Start(skip))?;
        }
        Ok(Box::new(file))
    }

    fn open_output(&self) -> Result<Box<dyn Write>, Failure> {
        let Some(path) = &self.output else {
            return Ok(Box::new(std::io::stdout().lock()));
        };
        let mut options = OpenOptions::new();
        options.create(true);
        if self.append {
            options.append(true);
        } else {
            options
                .write(true)
                .truncate(self.truncate && self.seek == 0);
        }
        let failed = |error: std::io::Error| {
            Failure::new(1, format!("failed to open '{path}': {}", plain(&error)))
        };
        let mut file = options.open(path).map_err(failed)?;
        if self.seek > 0 {
            let start = self.seek * self.out_block as u64;
            if self.truncate {
                file.set_len(start)?;
            }
            file.seek(SeekFrom::Start(start))?;
        }
        Ok(Box::new(file))
    }
}

/// One block, or what is left. The kernel cuts reads into pieces, which a user must not see: all blocks are full ones.
fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// `512`, `4k`, `1M`, `1GB`, `2x512`.
fn size(text: &str) -> Option<u64> {
    if let Some((left, right)) = text.split_once('x') {
        return size(left)?.checked_mul(size(right)?);
    }
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "" | "c" => 1,
        "w" => 2,
        "b" => 512,
        "k" | "K" | "KiB" => 1 << 10,
        "kB" | "KB" => 1000,
        "M" | "MiB" => 1 << 20,
        "MB" => 1_000_000,
        "G" | "GiB" => 1 << 30,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}
