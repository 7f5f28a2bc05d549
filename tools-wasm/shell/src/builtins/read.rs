//! read.

use super::Options;
use crate::exec::signal_number;
use crate::flow::Flow;
use crate::kernel::{Endpoint, Kind};
use crate::shell::Shell;
use crate::text;
use crate::variables::assign::{NewElement, NewValue, Place, parse_place};

#[derive(Default)]
struct Wanted {
    raw: bool,
    array: Option<String>,
    delimiter: Option<char>,
    characters: Option<usize>,
    exactly: bool,
    prompt: Option<String>,
    timeout_ms: Option<u64>,
    descriptor: u32,
}

/// A character, and whether a backslash quoted it.
type Marked = (char, bool);

impl Shell {
    pub(super) fn builtin_read(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "ersa:d:i:n:N:p:t:u:");
        let mut wanted = Wanted::default();
        while let Some(option) = options.next(self)? {
            let value = option.value;
            match option.letter {
                'r' => wanted.raw = true,
                'a' => wanted.array = Some(value),
                'd' => wanted.delimiter = Some(value.chars().next().unwrap_or('\0')),
                'n' | 'N' => {
                    wanted.exactly = option.letter == 'N';
                    match value.parse() {
                        Ok(count) => wanted.characters = Some(count),
                        Err(_) => {
                            self.complain(&format!("read: {value}: invalid number"));
                            return Ok(1);
                        }
                    }
                }
                'p' => wanted.prompt = Some(value),
                't' => match value.parse::<f64>() {
                    Ok(seconds) if seconds >= 0.0 => {
                        wanted.timeout_ms = Some((seconds * 1000.0).ceil() as u64)
                    }
                    _ => {
                        self.complain(&format!("read: {value}: invalid timeout specification"));
                        return Ok(1);
                    }
                },
                'u' => match value.parse() {
                    Ok(number) if self.descriptor(number).is_some() => wanted.descriptor = number,
                    _ => {
                        self.complain(&format!(
                            "read: {value}: invalid file descriptor: Bad file descriptor"
                        ));
                        return Ok(1);
                    }
                },
                _ => {}
            }
        }
        let names = options.rest().to_vec();
        for name in &names {
            if parse_place(name).is_none() {
                self.complain(&format!("read: `{name}': not a valid identifier"));
                return Ok(1);
            }
        }
        let Some(endpoint) = self.descriptor(wanted.descriptor) else {
            self.complain(&format!(
                "read: read error: {}: Bad file descriptor",
                wanted.descriptor
            ));
            return Ok(1);
        };
        if wanted.timeout_ms == Some(0) {
            return Ok(i32::from(!endpoint.readable(0)));
        }
        if let Some(prompt) = wanted
            .prompt
            .as_ref()
            .filter(|_| endpoint.kind() == Kind::Terminal)
        {
            let _ = self.write(2, prompt);
        }
        let (marked, status) = match self.read_marked(&endpoint, &wanted) {
            Ok(read) => read,
            Err(status) => return Ok(status),
        };
        let assigned = self.distribute(&marked, &names, &wanted);
        match assigned {
            Ok(()) => Ok(status),
            Err(crate::flow::Interrupt::Discard(status)) => Ok(status),
            Err(other) => Err(other),
        }
    }

    /// Reads up to the delimiter or the count. The status is 1 at the end of input, more when time ran out.
    fn read_marked(
        &mut self,
        endpoint: &Endpoint,
        wanted: &Wanted,
    ) -> Result<(Vec<Marked>, i32), i32> {
        let delimiter = wanted.delimiter.unwrap_or('\n');
        let deadline = wanted
            .timeout_ms
            .map(|timeout| self.kernel.now_ns() + u128::from(timeout) * 1_000_000);
        let mut marked = Vec::new();
        if wanted.characters == Some(0) {
            return Ok((marked, 0));
        }
        let mut reader = Characters {
            endpoint,
            chunk: Vec::new(),
            at: 0,
            seekable: matches!(endpoint.kind(), Kind::File),
        };
        let status = loop {
            if let Some(deadline) = deadline {
                if reader.at >= reader.chunk.len() {
                    let left = deadline.saturating_sub(self.kernel.now_ns()) / 1_000_000;
                    if !endpoint.readable(left as u64) {
                        break 128 + i32::from(signal_number("ALRM").unwrap_or(14));
                    }
                }
            }
            let character = match reader.next() {
                Ok(Some(character)) => character,
                Ok(None) => break 1,
                Err(errno) => {
                    self.complain(&format!(
                        "read: read error: {}: {}",
                        wanted.descriptor,
                        errno.text()
                    ));
                    return Err(1);
                }
            };
            if character == delimiter && !wanted.exactly {
                break 0;
            }
            if character == '\0' {
                continue;
            }
            if character == '\\' && !wanted.raw {
                match reader.next() {
                    Ok(Some('\n')) => continue,
                    Ok(Some(quoted)) => marked.push((quoted, true)),
                    _ => break 1,
                }
            } else {
                marked.push((character, false));
            }
            if wanted.characters.is_some_and(|count| marked.len() >= count) {
                break 0;
            }
        };
        reader.give_back();
        Ok((marked, status))
    }

    fn distribute(&mut self, marked: &[Marked], names: &[String], wanted: &Wanted) -> Flow<()> {
        let ifs = self.text_of("IFS").unwrap_or_else(|| " \t\n".to_owned());
        let plain = |marked: &[Marked]| {
            text::recombine(marked.iter().map(|(character, _)| *character).collect())
        };
        if let Some(array) = &wanted.array {
            let values = if wanted.exactly {
                vec![marked]
            } else {
                split_all(marked, &ifs)
            };
            let elements = values
                .iter()
                .map(|value| NewElement {
                    index: None,
                    append: false,
                    value: plain(value),
                })
                .collect();
            let place = Place {
                name: array.clone(),
                index: None,
            };
            if let Some(target) = self.resolve(array) {
                self.state.variables.unset(&target.name);
            }
            return self.assign(&place, NewValue::Array(elements), false);
        }
        if names.is_empty() {
            return self.assign_text("REPLY", &plain(marked));
        }
        let mut rest = if wanted.exactly {
            marked
        } else {
            trim_blanks(marked, &ifs)
        };
        for (position, name) in names.iter().enumerate() {
            let Some(place) = parse_place(name) else {
                continue;
            };
            let value = if wanted.exactly {
                let all = if position == 0 { rest } else { &[] };
                plain(all)
            } else if position + 1 == names.len() {
                plain(last_field(rest, &ifs))
            } else {
                let (field, after) = first_field(rest, &ifs);
                rest = after;
                plain(field)
            };
            self.assign(&place, NewValue::Text(value), false)?;
        }
        Ok(())
    }
}

fn is_delimiter(marked: &Marked, ifs: &str) -> bool {
    !marked.1 && ifs.contains(marked.0)
}

fn is_blank(marked: &Marked, ifs: &str) -> bool {
    is_delimiter(marked, ifs) && matches!(marked.0, ' ' | '\t' | '\n')
}

fn trim_blanks<'a>(marked: &'a [Marked], ifs: &str) -> &'a [Marked] {
    let start = marked.iter().take_while(|one| is_blank(one, ifs)).count();
    &marked[start..]
}

/// The first field, and what follows its delimiter.
fn first_field<'a>(marked: &'a [Marked], ifs: &str) -> (&'a [Marked], &'a [Marked]) {
    let end = marked
        .iter()
        .position(|one| is_delimiter(one, ifs))
        .unwrap_or(marked.len());
    let field = &marked[..end];
    let mut rest = trim_blanks(&marked[end..], ifs);
    if rest.first().is_some_and(|one| is_delimiter(one, ifs)) {
        rest = trim_blanks(&rest[1..], ifs);
    }
    (field, rest)
}

/// What the last variable gets: everything, without the blanks at its end, and without a single delimiter there.
fn last_field<'a>(marked: &'a [Marked], ifs: &str) -> &'a [Marked] {
    let (field, rest) = first_field(marked, ifs);
    if rest.is_empty() {
        return field;
    }
    let end = marked
        .iter()
        .rposition(|one| !is_blank(one, ifs))
        .map_or(0, |at| at + 1);
    &marked[..end]
}

fn split_all<'a>(marked: &'a [Marked], ifs: &str) -> Vec<&'a [Marked]> {
    let mut rest = trim_blanks(marked, ifs);
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (field, after) = first_field(rest, ifs);
        fields.push(field);
        rest = after;
    }
    fields
}

/// Characters of a description, no more than needed.
struct Characters<'a> {
    endpoint: &'a Endpoint,
    chunk: Vec<u8>,
    at: usize,
    seekable: bool,
}

impl Characters<'_> {
    fn byte(&mut self) -> Result<Option<u8>, crate::kernel::Errno> {
        if self.at >= self.chunk.len() {
            self.chunk = self.endpoint.read(if self.seekable { 4096 } else { 1 })?;
            self.at = 0;
            if self.chunk.is_empty() {
                return Ok(None);
            }
        }
        self.at += 1;
        Ok(Some(self.chunk[self.at - 1]))
    }

    fn next(&mut self) -> Result<Option<char>, crate::kernel::Errno> {
        let Some(first) = self.byte()? else {
            return Ok(None);
        };
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        if length == 1 {
            return Ok(Some(text::char_of_byte(first)));
        }
        let mut bytes = vec![first];
        while bytes.len() < length {
            match self.byte()? {
                Some(byte) => bytes.push(byte),
                None => break,
            }
        }
        // Broken characters come through as their bytes, the first of which is reported here.
        Ok(Some(match std::str::from_utf8(&bytes) {
            Ok(text) => text.chars().next().unwrap_or('\u{fffd}'),
            Err(_) => {
                self.at -= (bytes.len() - 1).min(self.at);
                text::char_of_byte(first)
            }
        }))
    }

    fn give_back(&mut self) {
        let surplus = self.chunk.len() - self.at;
        if surplus > 0 && self.seekable {
            let _ = self.endpoint.seek_by(-(surplus as i64));
        }
    }
}
