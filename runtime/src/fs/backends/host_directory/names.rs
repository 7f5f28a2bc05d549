//! Names on the host that are not UTF-8, in a form that a guest can list and open.
//!
//! A byte that is part of no character is shown as a private-use character (U+F780 to U+F7FF for 0x80 to 0xFF), and
//! turned back into that byte on the way to the host. A name that holds such a character by itself has its bytes
//! shown the same way, so that each name has one form and each form one name.

use std::borrow::Cow;

const FIRST: u32 = 0xF700;

/// The host's form of a guest's name.
pub(super) fn to_host(name: &str) -> Cow<'_, [u8]> {
    if !name.chars().any(is_escape) {
        return Cow::Borrowed(name.as_bytes());
    }
    let mut bytes = Vec::with_capacity(name.len());
    for character in name.chars() {
        match u8::try_from(u32::from(character).wrapping_sub(FIRST)) {
            Ok(byte) if byte >= 0x80 => bytes.push(byte),
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The guest's form of a host's name.
pub(super) fn to_guest(bytes: &[u8]) -> String {
    let mut name = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_escape(character) {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    name.push(escape(byte));
                }
            } else {
                name.push(character);
            }
        }
        name.extend(chunk.invalid().iter().copied().map(escape));
    }
    name
}

fn is_escape(character: char) -> bool {
    ('\u{F780}'..='\u{F7FF}').contains(&character)
}

fn escape(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_names_are_left_alone() {
        for name in ["a", "naïve", "日本語", "\u{F700}", "\u{F77F}"] {
            assert_eq!(to_guest(name.as_bytes()), name);
            assert!(matches!(to_host(name), Cow::Borrowed(bytes) if bytes == name.as_bytes()));
        }
    }

    #[test]
    fn a_byte_that_is_no_character_is_shown_as_one() {
        assert_eq!(to_guest(b"caf\xe9"), "caf\u{F7E9}");
        assert_eq!(*to_host("caf\u{F7E9}"), *b"caf\xe9");
    }

    proptest! {
        #[test]
        fn every_host_name_comes_back(bytes in proptest::collection::vec(1u8..=255, 1..40)) {
            let shown = to_guest(&bytes);
            prop_assert_eq!(&*to_host(&shown), &bytes[..]);
        }

        #[test]
        fn no_guest_name_gains_a_slash_or_a_nul(name in "[^/\0]{1,20}") {
            prop_assert!(!to_host(&name).iter().any(|byte| *byte == b'/' || *byte == 0));
        }
    }
}
