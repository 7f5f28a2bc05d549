//! Names and paths as guests give them, checked before anything is done with them.

use super::Errno;

/// The longest path in bytes (Linux: `PATH_MAX` less its terminator).
pub(super) const PATH_BYTES_MAX: usize = 4095;
/// The longest name in bytes (Linux: `NAME_MAX`).
pub(super) const NAME_BYTES_MAX: usize = 255;
/// How many symlinks one resolution may pass (Linux: `MAXSYMLINKS`).
pub(super) const LINKS_MAX: u32 = 40;

/// One entry's name: not empty, no slash, no NUL, neither `.` nor `..`, at most 255 bytes.
///
/// Backends take nothing else, so that no path of a guest can reach the host's own path resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a>(&'a str);

impl<'a> Name<'a> {
    /// Checks a name.
    pub fn new(name: &'a str) -> Result<Name<'a>, Errno> {
        match name {
            "" => return Err(Errno::NoEntry),
            "." | ".." => return Err(Errno::Invalid),
            _ => {}
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(Errno::NameTooLong);
        }
        if name.bytes().any(|byte| byte == b'/' || byte == 0) {
            return Err(Errno::Invalid);
        }
        Ok(Name(name))
    }

    /// The name itself.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// What a guest gave as a path, before it is walked.
pub(super) fn check_path(path: &str) -> Result<(), Errno> {
    if path.is_empty() {
        return Err(Errno::NoEntry);
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(Errno::NameTooLong);
    }
    if path.as_bytes().contains(&0) {
        return Err(Errno::Invalid);
    }
    Ok(())
}

/// Takes the first component off: it and what follows, without the slashes between. None at the end.
pub(super) fn split_first(path: &str) -> Option<(&str, &str)> {
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return None;
    }
    Some(match path.find('/') {
        Some(at) => (&path[..at], &path[at..]),
        None => (path, ""),
    })
}

/// An absolute path without `.`, `..`, doubled or trailing slashes, as its names; `..` is taken by the letter.
/// For places the host names itself, such as mount points.
pub(super) fn normal_names(path: &str) -> Result<Vec<&str>, Errno> {
    check_path(path)?;
    if !path.starts_with('/') {
        return Err(Errno::Invalid);
    }
    let mut names = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(Name::new(name)?.as_str()),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let long = "x".repeat(256);
        for (name, expected) in [
            ("a", Ok("a")),
            ("...", Ok("...")),
            ("ä b\n", Ok("ä b\n")),
            ("", Err(Errno::NoEntry)),
            (".", Err(Errno::Invalid)),
            ("..", Err(Errno::Invalid)),
            ("a/b", Err(Errno::Invalid)),
            ("a\0", Err(Errno::Invalid)),
            (&long[..255], Ok(&long[..255])),
            (&long, Err(Errno::NameTooLong)),
        ] {
            assert_eq!(Name::new(name).map(Name::as_str), expected, "{name:?}");
        }
    }

    #[test]
    fn components_come_off_the_front() {
        assert_eq!(split_first("a/b"), Some(("a", "/b")));
        assert_eq!(split_first("//a//"), Some(("a", "//")));
        assert_eq!(split_first("a"), Some(("a", "")));
        assert_eq!(split_first("///"), None);
        assert_eq!(split_first(""), None);
    }

    #[test]
    fn mount_points_are_normalised() {
        assert_eq!(normal_names("/"), Ok(vec![]));
        assert_eq!(normal_names("/a//b/./c/../d/"), Ok(vec!["a", "b", "d"]));
        assert_eq!(normal_names("/../a"), Ok(vec!["a"]));
        assert_eq!(normal_names("a"), Err(Errno::Invalid));
        assert_eq!(normal_names(""), Err(Errno::NoEntry));
    }
}
