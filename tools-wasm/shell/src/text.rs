//! Bytes as text and back.
//!
//! The shell works on `String`s, but what it reads need not be UTF-8. A byte that is part of no character becomes one
//! private character (U+10FF80 to U+10FFFF), which counts as one character as it does in bash, and turns back into
//! the same byte on its way out. Nothing is lost.

use std::borrow::Cow;

const BASE: u32 = 0x10_FF00;

/// The text of `bytes`; bytes that are not UTF-8 are kept as private characters.
pub fn decode(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => decode_slowly(error.as_bytes()),
    }
}

fn decode_slowly(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|&byte| char_of_byte(byte)));
    }
    text
}

/// The character that stands for `byte`: itself when ASCII, a private one otherwise.
pub fn char_of_byte(byte: u8) -> char {
    if byte < 0x80 {
        byte as char
    } else {
        char::from_u32(BASE + u32::from(byte)).unwrap_or('\u{fffd}')
    }
}

/// The bytes of `text`.
pub fn encode(text: &str) -> Cow<'_, [u8]> {
    // Private characters begin with F4 8F BE or F4 8F BF.
    if !text.as_bytes().contains(&0xf4) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for character in text.chars() {
        match byte_of_char(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    // Halves of a character that were made apart meet here: `$'\xe2'$'\x82'$'\xac'`.
    Cow::Owned(bytes)
}

/// The byte that `character` stands for, if it is a private one.
pub fn byte_of_char(character: char) -> Option<u8> {
    let code = character as u32;
    if (BASE + 0x80..=BASE + 0xff).contains(&code) {
        u8::try_from(code - BASE).ok()
    } else {
        None
    }
}

/// Puts bytes that were made one by one together to the characters they spell.
pub fn recombine(text: String) -> String {
    if text.as_bytes().contains(&0xf4) {
        decode(encode(&text).into_owned())
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(encode(&decode(all.clone())).as_ref(), &all[..]);
        assert_eq!(decode(vec![b'a', 0xff, b'b']).chars().count(), 3);
    }

    #[test]
    fn halves_meet() {
        let halves: String = [0xe2, 0x82, 0xac]
            .iter()
            .map(|&byte| char_of_byte(byte))
            .collect();
        assert_eq!(recombine(halves), "€");
    }
}
