//! Selecting lines from a file that is read in chunks.

/// `[start, end]` as the model gave it: 1-based, inclusive, `end <= 0` for the end of the file.
#[derive(Clone, Copy)]
pub(crate) struct LineRange {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Collects the selected lines, at most `limit` bytes of them.
pub(crate) struct Selection {
    range: LineRange,
    /// The first line, from 0.
    first: u64,
    /// The line behind the last.
    end: u64,
    line: u64,
    limit: usize,
    bytes: Vec<u8>,
}

/// More was selected than fits.
#[derive(Debug)]
pub(crate) struct TooLarge {
    range: (i64, i64),
    limit: usize,
    /// The number of the one line that is too long by itself.
    single: Option<u64>,
}

impl Selection {
    pub(crate) fn new(range: LineRange, limit: usize) -> Self {
        let first = u64::try_from(range.start - 1).unwrap_or(0);
        let end = u64::try_from(range.end)
            .ok()
            .filter(|&end| end > 0)
            .unwrap_or(u64::MAX);
        Self {
            range,
            first,
            end,
            line: 0,
            limit,
            bytes: Vec::new(),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.line >= self.end || self.end <= self.first
    }

    pub(crate) fn take_from(&mut self, chunk: &[u8]) -> Result<(), TooLarge> {
        let mut rest = chunk;
        while !rest.is_empty() && !self.is_complete() {
            let newline = rest.iter().position(|&byte| byte == b'\n');
            if self.line >= self.first {
                self.bytes
                    .extend_from_slice(&rest[..newline.unwrap_or(rest.len())]);
                // Lines are joined: the last one of a range is returned without its newline.
                if newline.is_some() && self.line + 1 < self.end {
                    self.bytes.push(b'\n');
                }
                if self.bytes.len() > self.limit {
                    return Err(self.too_large());
                }
            }
            let Some(newline) = newline else { break };
            self.line += 1;
            rest = &rest[newline + 1..];
        }
        Ok(())
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn too_large(&self) -> TooLarge {
        let single = (self.end - self.first == 1).then_some(self.first + 1);
        TooLarge {
            range: (self.range.start, self.range.end),
            limit: self.limit,
            single,
        }
    }
}

impl TooLarge {
    pub(crate) fn message(&self, named: &str) -> String {
        let Self {
            range: (start, end),
            limit,
            single,
        } = self;
        match single {
            Some(line) => format!(
                "read: line {line} of {named} alone exceeds {limit}-byte limit. \
                 The read tool cannot return part of a line, so view_range cannot narrow this further."
            ),
            None => format!(
                "read: view_range [{start}, {end}] of {named} exceeds {limit}-byte limit. \
                 Narrow the view_range to read a smaller portion."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(text: &str, start: i64, end: i64, chunk: usize) -> Result<String, String> {
        let mut selection = Selection::new(LineRange { start, end }, 12);
        for chunk in text.as_bytes().chunks(chunk) {
            selection
                .take_from(chunk)
                .map_err(|error| error.message("f"))?;
        }
        Ok(String::from_utf8(selection.into_bytes()).unwrap())
    }

    #[test]
    fn ranges() {
        for (text, start, end, expected) in [
            ("a\nb\nc\n", 1, 1, "a"),
            ("a\nb\nc\n", 2, 3, "b\nc"),
            ("a\nb\nc\n", 2, 0, "b\nc\n"),
            ("a\nb\nc", 2, -1, "b\nc"),
            ("a\nb\nc\n", 1, 4, "a\nb\nc\n"),
            ("a\nb\n", -3, 1, "a"),
            ("a\nb\n", 9, 12, ""),
            ("a\r\nb\r\n", 1, 1, "a\r"),
            ("a\nb\n", 3, 2, ""),
            ("", 1, 5, ""),
        ] {
            for chunk in [1, 2, 100] {
                assert_eq!(
                    select(text, start, end, chunk).unwrap(),
                    expected,
                    "{text:?} [{start}, {end}]"
                );
            }
        }
    }

    #[test]
    fn what_is_too_large_says_whether_narrowing_helps() {
        assert!(
            select("short\naaaaaaaaaaaaaaaa\n", 2, 2, 3)
                .unwrap_err()
                .contains("line 2 of f alone exceeds 12-byte")
        );
        assert!(
            select("aaaaaaaa\nbbbbbbbb\n", 1, 2, 3)
                .unwrap_err()
                .contains("view_range [1, 2] of f exceeds 12-byte")
        );
    }
}
