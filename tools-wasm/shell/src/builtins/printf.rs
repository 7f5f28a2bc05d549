//! printf.

use std::fmt::Write as _;

use crate::expand::quoting;
use crate::flow::{Flow, Interrupt};
use crate::shell::Shell;
use crate::syntax::{Escapes, unescape};
use crate::text;
use crate::variables::assign::{NewValue, parse_place};

/// One conversion: `%-10.3s`.
#[derive(Default)]
struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

struct Format<'a> {
    operands: &'a [String],
    at: usize,
    out: String,
    status: i32,
    /// An operand was missing or there was none left.
    stop: bool,
}

impl Shell {
    pub(super) fn builtin_printf(&mut self, arguments: &[String]) -> Flow {
        let mut operands = &arguments[1..];
        let mut variable = None;
        match operands {
            [first, name, rest @ ..] if first == "-v" => {
                let Some(place) = parse_place(name) else {
                    self.complain(&format!("printf: `{name}': not a valid identifier"));
                    return Ok(2);
                };
                variable = Some(place);
                operands = rest;
            }
            [first, ..] if first.starts_with("-v") && first.len() > 2 => {
                let Some(place) = parse_place(&first[2..]) else {
                    self.complain(&format!(
                        "printf: `{}': not a valid identifier",
                        &first[2..]
                    ));
                    return Ok(2);
                };
                variable = Some(place);
                operands = &operands[1..];
            }
            _ => {}
        }
        if operands.first().is_some_and(|operand| operand == "--") {
            operands = &operands[1..];
        } else if let Some(option) = operands
            .first()
            .filter(|operand| operand.len() > 1 && operand.starts_with('-') && variable.is_none())
        {
            self.complain(&format!(
                "printf: {}: invalid option",
                option.chars().take(2).collect::<String>()
            ));
            let _ = self.write(2, "printf: usage: printf [-v var] format [arguments]\n");
            return Ok(2);
        }
        let Some((format, operands)) = operands.split_first() else {
            let _ = self.write(2, "printf: usage: printf [-v var] format [arguments]\n");
            return Ok(2);
        };
        let mut state = Format {
            operands,
            at: 0,
            out: String::new(),
            status: 0,
            stop: false,
        };
        loop {
            let before = state.at;
            self.printf_once(format, &mut state);
            // The format is used again while it takes operands and there are some.
            if state.stop || state.at >= operands.len() || state.at == before {
                break;
            }
        }
        let out = text::recombine(state.out);
        match variable {
            Some(place) => match self.assign(&place, NewValue::Text(out), false) {
                Ok(()) => Ok(state.status),
                Err(Interrupt::Discard(status)) => Ok(status),
                Err(other) => Err(other),
            },
            None => {
                let printed = self.print("printf", &out);
                Ok(if state.status == 0 {
                    printed
                } else {
                    state.status
                })
            }
        }
    }

    fn printf_once(&mut self, format: &str, state: &mut Format<'_>) {
        let mut rest = format;
        while let Some(at) = rest.find(['%', '\\']) {
            state.out.push_str(&rest[..at]);
            rest = &rest[at..];
            if rest.starts_with('\\') {
                // Escapes go on to the next percent sign.
                let mut end = rest.find('%').unwrap_or(rest.len());
                // `\\%`: an odd backslash would swallow the sign.
                if rest[..end]
                    .bytes()
                    .rev()
                    .take_while(|byte| *byte == b'\\')
                    .count()
                    % 2
                    == 1
                    && end < rest.len()
                {
                    end = rest[end + 1..]
                        .find('%')
                        .map_or(rest.len(), |next| end + 1 + next);
                    let piece = &rest[..end];
                    let split = piece.rfind('\\').unwrap_or(0);
                    state
                        .out
                        .push_str(&unescape(&piece[..split], Escapes::Ansi).0);
                    state.out.push('\\');
                    rest = &rest[split + 1..];
                    continue;
                }
                let raw = &rest[..end];
                if let Some(stop) = find_stop(raw) {
                    state.out.push_str(&unescape(&raw[..stop], Escapes::Ansi).0);
                    state.stop = true;
                    return;
                }
                state.out.push_str(&unescape(raw, Escapes::Ansi).0);
                rest = &rest[end..];
                continue;
            }
            rest = &rest[1..];
            if let Some(after) = rest.strip_prefix('%') {
                state.out.push('%');
                rest = after;
                continue;
            }
            rest = self.printf_conversion(rest, state);
            if state.stop {
                return;
            }
        }
        state.out.push_str(rest);
    }

    /// The conversion after a percent sign; returns what follows it.
    fn printf_conversion<'a>(&mut self, text: &'a str, state: &mut Format<'_>) -> &'a str {
        let mut conversion = Conversion::default();
        let mut rest = text;
        while let Some(flag) = rest.chars().next() {
            match flag {
                '-' => conversion.left = true,
                '+' => conversion.plus = true,
                ' ' => conversion.space = true,
                '#' => conversion.alternate = true,
                '0' => conversion.zero = true,
                '\'' => {}
                _ => break,
            }
            rest = &rest[1..];
        }
        let (width, after) = self.printf_number(rest, state);
        rest = after;
        if let Some(width) = width {
            conversion.left |= width < 0;
            conversion.width = usize::try_from(width.unsigned_abs())
                .unwrap_or(0)
                .min(1 << 20);
        }
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = self.printf_number(after, state);
            rest = after;
            conversion.precision = match precision {
                Some(precision) if precision < 0 => None,
                Some(precision) => Some(usize::try_from(precision).unwrap_or(0).min(1 << 20)),
                None => Some(0),
            };
        }
        let mut date = None;
        if let Some(after) = rest.strip_prefix('(') {
            if let Some(end) = after.find(")T") {
                date = Some(&after[..end]);
                rest = &after[end + 1..];
            }
        }
        rest = rest
            .trim_start_matches(['h', 'l', 'L', 'j', 'z', 't', 'q'])
            .strip_prefix("")
            .unwrap_or(rest);
        // `q` is a conversion too; only the others are length modifiers.
        if text.len() > rest.len() && text[..text.len() - rest.len()].ends_with('q') {
            rest = &text[text.len() - rest.len() - 1..];
        }
        let Some(letter) = rest.chars().next() else {
            self.complain(&format!("printf: `%{text}': missing format character"));
            state.status = 1;
            state.stop = true;
            return "";
        };
        let after = &rest[letter.len_utf8()..];
        match (letter, date) {
            ('T', Some(date)) => {
                let seconds = match state.next() {
                    None => (self.kernel.now_ns() / 1_000_000_000) as i64,
                    Some(text) if text == "-1" => (self.kernel.now_ns() / 1_000_000_000) as i64,
                    Some(text) if text == "-2" => {
                        (self.state.seconds_from_ns / 1_000_000_000) as i64
                    }
                    Some(text) => self.printf_integer(&text, state),
                };
                let date = if date.is_empty() { "%H:%M:%S" } else { date };
                let text = crate::time::format_seconds(date, seconds);
                conversion.text(&text, &mut state.out);
            }
            ('s', _) => {
                let text = state.next().unwrap_or_default();
                conversion.text(&text, &mut state.out);
            }
            ('b', _) => {
                let (text, ended) = unescape(&state.next().unwrap_or_default(), Escapes::Echo);
                let text = octal_escapes(&text);
                conversion.text(&text, &mut state.out);
                if ended {
                    state.stop = true;
                    state.at = state.operands.len();
                }
            }
            ('q' | 'Q', _) => {
                let text = quoting::backslashed(&state.next().unwrap_or_default());
                conversion.text(&text, &mut state.out);
            }
            ('c', _) => {
                // One byte, not one character.
                let given = state.next().unwrap_or_default();
                let text: String = text::encode(&given)
                    .iter()
                    .take(1)
                    .map(|byte| text::char_of_byte(*byte))
                    .collect();
                conversion.pad(&text, &mut state.out);
            }
            ('d' | 'i', _) => {
                let value = match state.next() {
                    Some(text) => self.printf_integer(&text, state),
                    None => 0,
                };
                let sign = if value < 0 {
                    "-"
                } else if conversion.plus {
                    "+"
                } else if conversion.space {
                    " "
                } else {
                    ""
                };
                conversion.number(sign, &value.unsigned_abs().to_string(), &mut state.out);
            }
            ('u' | 'x' | 'X' | 'o', _) => {
                let value = match state.next() {
                    Some(text) => self.printf_integer(&text, state) as u64,
                    None => 0,
                };
                let (prefix, digits) = match letter {
                    'u' => ("", value.to_string()),
                    'x' => (
                        if conversion.alternate && value != 0 {
                            "0x"
                        } else {
                            ""
                        },
                        format!("{value:x}"),
                    ),
                    'X' => (
                        if conversion.alternate && value != 0 {
                            "0X"
                        } else {
                            ""
                        },
                        format!("{value:X}"),
                    ),
                    _ => (
                        if conversion.alternate && value != 0 {
                            "0"
                        } else {
                            ""
                        },
                        format!("{value:o}"),
                    ),
                };
                conversion.number(prefix, &digits, &mut state.out);
            }
            ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'a' | 'A', _) => {
                let value = match state.next() {
                    Some(text) => self.printf_float(&text, state),
                    None => 0.0,
                };
                conversion.float(letter, value, &mut state.out);
            }
            ('n', _) => {
                if let Some(name) = state.next() {
                    let written = state.out.chars().count().to_string();
                    let _ = self.assign_text(&name, &written);
                }
            }
            _ => {
                self.complain(&format!("printf: `{letter}': invalid format character"));
                state.status = 1;
                state.stop = true;
            }
        }
        after
    }

    /// A width or precision: digits, or `*` for an operand.
    fn printf_number<'a>(
        &mut self,
        text: &'a str,
        state: &mut Format<'_>,
    ) -> (Option<i64>, &'a str) {
        if let Some(after) = text.strip_prefix('*') {
            let value = match state.next() {
                Some(text) => self.printf_integer(&text, state),
                None => 0,
            };
            return (Some(value), after);
        }
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        (text[..length].parse().ok(), &text[length..])
    }

    fn printf_integer(&mut self, given: &str, state: &mut Format<'_>) -> i64 {
        if let Some(character) = given.strip_prefix(['\'', '"']) {
            return character.chars().next().map_or(0, |character| {
                text::byte_of_char(character).map_or(character as i64, i64::from)
            });
        }
        let trimmed = given.trim_start();
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        let (base, digits) = if let Some(hexadecimal) = digits
            .strip_prefix("0x")
            .or_else(|| digits.strip_prefix("0X"))
        {
            (16, hexadecimal)
        } else if digits.len() > 1 && digits.starts_with('0') {
            (8, &digits[1..])
        } else {
            (10, digits)
        };
        let length = digits
            .bytes()
            .take_while(|byte| char::from(*byte).is_digit(base))
            .count();
        if length < digits.len()
            || (length == 0 && !digits.is_empty())
            || (trimmed.is_empty() && !given.is_empty())
            || (digits.is_empty() && base == 10 && !trimmed.is_empty())
        {
            self.complain(&format!(
                "printf: {given}: invalid {}",
                if base == 8 {
                    "octal number"
                } else if base == 16 {
                    "hex number"
                } else {
                    "number"
                }
            ));
            state.status = 1;
        }
        let value = if length == 0 {
            Ok(0)
        } else {
            i128::from_str_radix(&digits[..length.min(30)], base)
        };
        let value = value
            .map(|value| if negative { -value } else { value })
            .unwrap_or(i128::MAX);
        // Unsigned conversions may go up to 2^64-1.
        if value > i128::from(u64::MAX) || value < i128::from(i64::MIN) {
            self.complain(&format!(
                "printf: warning: {given}: Numerical result out of range"
            ));
            return if value < 0 { i64::MIN } else { i64::MAX };
        }
        if value > i128::from(i64::MAX) {
            value as u64 as i64
        } else {
            value as i64
        }
    }

    fn printf_float(&mut self, given: &str, state: &mut Format<'_>) -> f64 {
        if let Some(character) = given.strip_prefix(['\'', '"']) {
            return character
                .chars()
                .next()
                .map_or(0.0, |character| f64::from(character as u32));
        }
        let trimmed = given.trim();
        if let Ok(value) = trimmed.parse::<f64>() {
            return value;
        }
        if trimmed.starts_with("0x") || trimmed.starts_with("0X") {
            if let Ok(value) = i64::from_str_radix(&trimmed[2..], 16) {
                return value as f64;
            }
        }
        if !trimmed.is_empty() || !given.is_empty() {
            self.complain(&format!("printf: {given}: invalid number"));
            state.status = 1;
        }
        // As much of it as is a number.
        (0..trimmed.len())
            .rev()
            .filter_map(|end| trimmed.get(..=end))
            .find_map(|start| start.parse().ok())
            .unwrap_or(0.0)
    }
}

/// Where `\c` stands, if it does.
fn find_stop(raw: &str) -> Option<usize> {
    let bytes = raw.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at] == b'\\' {
            if bytes[at + 1] == b'c' {
                return Some(at);
            }
            at += 1;
        }
        at += 1;
    }
    None
}

/// `%b` understands `\nnn` as well as `\0nnn`.
fn octal_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let length = rest
            .bytes()
            .take(3)
            .take_while(|byte| (b'1'..=b'7').contains(byte) || *byte == b'0')
            .count();
        if length == 0 || rest.starts_with('0') {
            out.push('\\');
            continue;
        }
        let code = u32::from_str_radix(&rest[..length], 8).unwrap_or(0);
        out.push(text::char_of_byte((code & 0xff) as u8));
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

impl Format<'_> {
    fn next(&mut self) -> Option<String> {
        let operand = self.operands.get(self.at).cloned();
        if operand.is_some() {
            self.at += 1;
        }
        operand
    }
}

impl Conversion {
    fn pad(&self, text: &str, out: &mut String) {
        let missing = self.width.saturating_sub(text.chars().count());
        if !self.left {
            out.extend(std::iter::repeat_n(' ', missing));
        }
        out.push_str(text);
        if self.left {
            out.extend(std::iter::repeat_n(' ', missing));
        }
    }

    fn text(&self, text: &str, out: &mut String) {
        match self.precision {
            Some(precision) => self.pad(&text.chars().take(precision).collect::<String>(), out),
            None => self.pad(text, out),
        }
    }

    fn number(&self, sign: &str, digits: &str, out: &mut String) {
        let mut body = match self.precision {
            Some(0) if digits == "0" => String::new(),
            Some(precision) => format!(
                "{}{digits}",
                "0".repeat(precision.saturating_sub(digits.len()))
            ),
            None => digits.to_owned(),
        };
        if self.zero && !self.left && self.precision.is_none() {
            body.insert_str(
                0,
                &"0".repeat(self.width.saturating_sub(sign.len() + body.len())),
            );
        }
        self.pad(&format!("{sign}{body}"), out);
    }

    fn float(&self, letter: char, value: f64, out: &mut String) {
        let sign = if value.is_sign_negative() && !value.is_nan() {
            "-"
        } else if self.plus {
            "+"
        } else if self.space {
            " "
        } else {
            ""
        };
        let size = value.abs();
        let mut body = if !value.is_finite() {
            (if value.is_nan() { "nan" } else { "inf" }).to_owned()
        } else {
            let precision = self.precision.unwrap_or(6);
            match letter.to_ascii_lowercase() {
                'f' => format!("{size:.precision$}"),
                'e' => exponent(size, precision),
                'a' => hexadecimal(size),
                _ => general(size, precision.max(1), self.alternate),
            }
        };
        if letter.is_ascii_uppercase() {
            body = body.to_uppercase();
        }
        if self.zero && !self.left && value.is_finite() {
            body.insert_str(
                0,
                &"0".repeat(self.width.saturating_sub(sign.len() + body.len())),
            );
        }
        self.pad(&format!("{sign}{body}"), out);
    }
}

fn exponent(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!(
        "{mantissa}e{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

fn general(size: f64, precision: usize, keep_zeros: bool) -> String {
    let exponent_text = format!("{size:.*e}", precision - 1);
    let power: i32 = exponent_text
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    let text = if power < -4 || power >= limit {
        exponent(size, precision - 1)
    } else {
        format!("{size:.*}", usize::try_from(limit - 1 - power).unwrap_or(0))
    };
    if keep_zeros || !text.contains('.') {
        return text;
    }
    match text.split_once('e') {
        Some((mantissa, power)) => format!(
            "{}e{power}",
            mantissa.trim_end_matches('0').trim_end_matches('.')
        ),
        None => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

fn hexadecimal(size: f64) -> String {
    if size == 0.0 {
        return "0x0p+0".to_owned();
    }
    let bits = size.to_bits();
    let power = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut text = String::from("0x1");
    let fraction = format!("{:013x}", bits & 0x000f_ffff_ffff_ffff);
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        let _ = write!(text, ".{fraction}");
    }
    let _ = write!(text, "p{power:+}");
    text
}
