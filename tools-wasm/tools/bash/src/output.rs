//! What the model sees of a command's output.

use std::borrow::Cow;

/// The text of `bytes`: terminal control sequences removed, no newlines at the end, a note when the beginning is gone.
pub(crate) fn presentable(bytes: &[u8], truncated: bool) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = without_control_sequences(&text);
    let text = text.trim_end_matches('\n');
    if truncated {
        format!("[output truncated]\n{text}")
    } else {
        text.to_owned()
    }
}

/// Removes ECMA-48 control sequences: `ESC [`, parameters, intermediates, a final character.
fn without_control_sequences(text: &str) -> Cow<'_, str> {
    if !text.contains("\x1b[") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        out.push_str(&rest[..at]);
        let sequence = &rest[at + 2..];
        let inner = sequence
            .bytes()
            .take_while(|byte| (0x20..=0x3f).contains(byte))
            .count();
        match sequence.as_bytes().get(inner) {
            Some(0x40..=0x7e) => rest = &sequence[inner + 1..],
            _ => {
                // Not a control sequence after all.
                out.push_str("\x1b[");
                rest = sequence;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presents() {
        for (bytes, truncated, want) in [
            (&b"hi\n\n"[..], false, "hi"),
            (b"\x1b[1;31mred\x1b[0m", false, "red"),
            (b"a\xffb", false, "a\u{fffd}b"),
            (b"end\n", true, "[output truncated]\nend"),
            (b"", false, ""),
            (b"\x1b[", false, "\x1b["),
        ] {
            assert_eq!(presentable(bytes, truncated), want);
        }
    }
}
