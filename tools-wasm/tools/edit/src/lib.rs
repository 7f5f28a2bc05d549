//! The `edit` tool: replaces an exact text in a file.

use glovebox_kit::paths::{Policy, reason, write_reason};
use glovebox_kit::tool::{Answer, Failure, failed, text};

/// The tool holds the whole file.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// What the model passes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Path of the file to edit.
    file_path: String,
    /// The exact text to replace.
    old_string: String,
    /// The text to put in its place.
    new_string: String,
    /// Replace every occurrence instead of exactly one. Default false.
    replace_all: Option<bool>,
}

/// Replaces text in an existing file by exact match.
///
/// old_string must appear in the file exactly as given, white space included, and only once: give enough of the lines
/// around it to make it unique, or set replace_all to replace every occurrence. Read the file first.
#[glovebox_kit::tool(name = "edit", effects = "files", mounts = [("*", write)])]
pub fn call(input: Input) -> Answer {
    edit(&Policy::of_session(), &input)
}

/// Edits the file.
pub fn edit(policy: &Policy, input: &Input) -> Answer {
    let named = &input.file_path;
    if input.old_string.is_empty() {
        return Err(Failure::InvalidInput(
            "old_string: must not be empty; to create a file use write".into(),
        ));
    }
    let path = policy
        .resolve(named)
        .map_err(|error| failed(format!("edit: {error}")))?;
    let metadata = std::fs::metadata(&path)
        .map_err(|error| failed(format!("edit: {named}: {}", reason(&error))))?;
    if !metadata.is_file() {
        return Err(failed(format!("edit: {named}: not a regular file")));
    }
    let size = metadata.len();
    if size > FILE_BYTES_MAX {
        return Err(failed(format!(
            "edit: {named} is {size} bytes, exceeds {FILE_BYTES_MAX}-byte limit. \
             The edit tool loads the whole file and cannot modify a file this large."
        )));
    }
    let bytes = std::fs::read(&path)
        .map_err(|error| failed(format!("edit: {named}: {}", reason(&error))))?;
    let content = String::from_utf8(bytes).map_err(|_| {
        failed(format!(
            "edit: {named}: not valid UTF-8 text (cannot edit binary files)"
        ))
    })?;
    let (updated, count) =
        replace(&content, input).map_err(|error| failed(format!("edit: {error}")))?;
    std::fs::write(&path, updated)
        .map_err(|error| failed(format!("edit: {named}{}", write_reason(&path, &error))))?;
    text(format!("edited {named} ({count} replacement(s))"))
}

fn replace(content: &str, input: &Input) -> Result<(String, usize), String> {
    let Input {
        file_path,
        old_string,
        new_string,
        replace_all,
    } = input;
    match (
        content.matches(old_string.as_str()).count(),
        replace_all.unwrap_or(false),
    ) {
        (0, _) => Err(format!("old_string not found in {file_path}")),
        (count, false) if count > 1 => Err(format!(
            "old_string appears {count} times in {file_path} (must be unique)"
        )),
        (count, _) => Ok((content.replace(old_string.as_str(), new_string), count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glovebox_kit::tool::Content;

    fn call(
        before: &[u8],
        old: &str,
        new: &str,
        replace_all: Option<bool>,
    ) -> Result<(String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        let base = std::fs::canonicalize(folder.path()).unwrap();
        std::fs::write(base.join("f"), before).unwrap();
        let input = Input {
            file_path: "f".into(),
            old_string: old.into(),
            new_string: new.into(),
            replace_all,
        };
        let answer = edit(&Policy::new(base.clone(), Vec::new()), &input);
        match answer {
            Ok(contents) => match &contents[..] {
                [Content::Text(text)] => Ok((
                    text.clone(),
                    std::fs::read_to_string(base.join("f")).unwrap(),
                )),
                _ => panic!("one text"),
            },
            Err(failure) => {
                assert_eq!(
                    std::fs::read(base.join("f")).unwrap(),
                    before,
                    "a failed edit leaves the file alone"
                );
                Err(match failure {
                    Failure::InvalidInput(text) => text,
                    Failure::Failed(contents) => format!("{contents:?}"),
                })
            }
        }
    }

    #[test]
    fn one_or_all_are_replaced() {
        assert_eq!(
            call(b"a b\r\n", "b", "c$1", None).unwrap(),
            ("edited f (1 replacement(s))".into(), "a c$1\r\n".into())
        );
        assert_eq!(
            call(b"aaaa", "aa", "b", Some(true)).unwrap(),
            ("edited f (2 replacement(s))".into(), "bb".into())
        );
        assert_eq!(call(b"x", "x", "", Some(false)).unwrap().1, "");
    }

    #[test]
    fn what_is_ambiguous_or_missing_changes_nothing() {
        let big = vec![b'x'; 262_145];
        for (before, old, error) in [
            (
                &b"a a"[..],
                "a",
                "edit: old_string appears 2 times in f (must be unique)",
            ),
            (b"a", "b", "edit: old_string not found in f"),
            (
                b"\xff",
                "b",
                "edit: f: not valid UTF-8 text (cannot edit binary files)",
            ),
            (
                &big,
                "b",
                "edit: f is 262145 bytes, exceeds 262144-byte limit.",
            ),
            (b"a", "", "old_string: must not be empty"),
        ] {
            let told = call(before, old, "n", None).unwrap_err();
            assert!(told.contains(error), "{told}");
        }
    }
}
