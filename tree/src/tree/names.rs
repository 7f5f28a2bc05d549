//! Names, and which of them a file has.

use std::sync::Arc;

use super::{Ino, LINKS_MAX};
use crate::Errno;
use crate::map::{Item, Malformed, Reader, Writer};

/// The longest name in bytes (Linux: `NAME_MAX`).
pub const NAME_BYTES_MAX: usize = 255;

/// Checks an entry's name: not empty, no slash, no NUL, neither `.` nor `..`, at most 255 bytes.
pub fn valid_name(name: &str) -> Result<(), Errno> {
    match name {
        "" => Err(Errno::NoEntry),
        "." | ".." => Err(Errno::Invalid),
        _ if name.len() > NAME_BYTES_MAX => Err(Errno::NameTooLong),
        _ if name.bytes().any(|byte| byte == b'/' || byte == 0) => Err(Errno::Invalid),
        _ => Ok(()),
    }
}

/// The directory a name is in, and the name.
pub(crate) type Place = (Ino, Arc<str>);

/// All names of a file: from a file, the way back to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    first: Option<Place>,
    /// Only hard links have more.
    #[expect(
        clippy::box_collection,
        reason = "nearly no file has any, and every file pays for the field"
    )]
    more: Option<Box<Vec<Place>>>,
}

impl Names {
    pub(crate) fn none() -> Names {
        Names {
            first: None,
            more: None,
        }
    }

    pub(crate) fn one(parent: Ino, name: Arc<str>) -> Names {
        Names {
            first: Some((parent, name)),
            more: None,
        }
    }

    pub(crate) fn first(&self) -> Option<&Place> {
        self.first.as_ref()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.first
            .iter()
            .chain(self.more.iter().flat_map(|more| more.iter()))
    }

    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.iter().count()).unwrap_or(u64::MAX)
    }

    pub(crate) fn add(&mut self, parent: Ino, name: Arc<str>) {
        match &self.first {
            None => self.first = Some((parent, name)),
            Some(_) => self.more.get_or_insert_default().push((parent, name)),
        }
    }

    pub(crate) fn remove(&mut self, parent: Ino, name: &str) {
        let is = |place: &Place| place.0 == parent && *place.1 == *name;
        if self.first.as_ref().is_some_and(is) {
            self.first = self.more.as_mut().and_then(|more| more.pop());
        } else if let Some(more) = &mut self.more {
            more.retain(|place| !is(place));
        }
        if self.more.as_ref().is_some_and(|more| more.is_empty()) {
            self.more = None;
        }
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_, '_>) {
        writer.number(self.count());
        for (parent, name) in self.iter() {
            writer.number(*parent);
            writer.bytes(name.as_bytes());
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Names, Malformed> {
        let count = reader.number()?;
        if usize::try_from(count).map_or(true, |count| count > LINKS_MAX) {
            return Err(Malformed("with too many names"));
        }
        let mut names = Names::none();
        for _ in 0..count {
            names.add(reader.number()?, Arc::<str>::decode(reader)?);
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let long = "x".repeat(256);
        for (name, expected) in [
            ("a", Ok(())),
            ("...", Ok(())),
            ("", Err(Errno::NoEntry)),
            (".", Err(Errno::Invalid)),
            ("..", Err(Errno::Invalid)),
            ("a/b", Err(Errno::Invalid)),
            ("a\0", Err(Errno::Invalid)),
            (&long[..255], Ok(())),
            (&long, Err(Errno::NameTooLong)),
        ] {
            assert_eq!(valid_name(name), expected, "{name:?}");
        }
    }

    #[test]
    fn names_come_and_go() {
        let mut names = Names::one(1, "a".into());
        names.add(1, "b".into());
        names.add(2, "a".into());
        names.remove(1, "a");
        names.remove(1, "nothing");
        assert_eq!(names.count(), 2);
        names.remove(1, "b");
        assert_eq!(names, Names::one(2, "a".into()));
        names.remove(2, "a");
        assert_eq!(names, Names::none());
    }
}
