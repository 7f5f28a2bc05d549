//! What a blob is called.

use std::fmt;
use std::str::FromStr;

/// The BLAKE3 digest of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a blob is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Where a saved snapshot begins.
    Root,
    /// A page of the manifest.
    Page,
    /// A piece of a file.
    Chunk,
}

/// A blob's name: its digest, what it is part of, and the generation of the store it was written in (see
/// [`crate::sweep`] for why).
///
/// As text it is `root/0/<64 hexadecimal digits>`, and reads as a relative path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is part of.
    pub part: Part,
    /// When it was written.
    pub generation: u32,
    /// What it holds.
    pub digest: Digest,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Root => "root",
            Part::Page => "page",
            Part::Chunk => "chunk",
        };
        write!(f, "{part}/{}/{}", self.generation, self.digest)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a blob")]
pub struct KeyError;

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Key, KeyError> {
        let mut parts = text.split('/');
        let (Some(part), Some(generation), Some(hex), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError);
        };
        let part = match part {
            "root" => Part::Root,
            "page" => Part::Page,
            "chunk" => Part::Chunk,
            _ => return Err(KeyError),
        };
        if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(KeyError);
        }
        let mut digest = [0; 32];
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).map_err(|_| KeyError)?;
        }
        let key = Key {
            part,
            generation: generation.parse().map_err(|_| KeyError)?,
            digest: Digest(digest),
        };
        // One name for each: no `+1`, no leading zeros.
        if key.generation.to_string() == generation {
            Ok(key)
        } else {
            Err(KeyError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_they_are_written() {
        let key = Key {
            part: Part::Chunk,
            generation: 7,
            digest: Digest::of(b"x"),
        };
        assert_eq!(key.to_string().parse(), Ok(key));
        let text = key.to_string();
        for wrong in [
            "",
            "chunk",
            "chunk/7/ab",
            &text.replace("/7/", "/07/"),
            &text.replace("/7/", "/+7/"),
            &text.replace("chunk", "lump"),
            &format!("{text}/"),
            &text.to_uppercase(),
        ] {
            assert_eq!(wrong.parse::<Key>(), Err(KeyError), "{wrong}");
        }
    }
}
