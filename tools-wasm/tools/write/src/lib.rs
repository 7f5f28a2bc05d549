//! The `write` tool: creates or replaces a file.

use std::path::Path;

use glovebox_kit::paths::{Policy, write_reason};
use glovebox_kit::tool::{Answer, failed, text};

/// What the model passes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Path of the file to write.
    file_path: String,
    /// The whole content of the file.
    content: String,
}

/// Writes a file, replacing it when it exists. Directories on the way are created.
///
/// The content is written exactly as given, as UTF-8. To change part of an existing file use edit.
///
/// Paths are relative to the working directory, or absolute.
#[glovebox_kit::tool(name = "write", effects = "files", mounts = [("*", write)])]
pub fn call(input: Input) -> Answer {
    write(&Policy::of_session(), &input)
}

/// Writes the file.
pub fn write(policy: &Policy, input: &Input) -> Answer {
    let named = &input.file_path;
    let path = policy
        .resolve(named)
        .map_err(|error| failed(format!("write: {error}")))?;
    put(&path, &input.content)
        .map_err(|error| failed(format!("write: {named}{}", write_reason(&path, &error))))?;
    text(format!("wrote {} bytes to {named}", input.content.len()))
}

fn put(path: &Path, content: &str) -> std::io::Result<()> {
    let written = std::fs::write(path, content);
    match (written, path.parent()) {
        (Err(error), Some(parent)) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(parent)?;
            std::fs::write(path, content)
        }
        (written, _) => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glovebox_kit::tool::{Content, Failure};

    fn call(base: &Path, path: &str, content: &str) -> Result<String, String> {
        let policy = Policy::new(base.to_owned(), Vec::new());
        match write(
            &policy,
            &Input {
                file_path: path.into(),
                content: content.into(),
            },
        ) {
            Ok(contents) | Err(Failure::Failed(contents))
                if !matches!(&contents[..], [Content::Text(_)]) =>
            {
                panic!("one text")
            }
            Ok(contents) => Ok(format!("{contents:?}")),
            Err(Failure::Failed(contents)) => Err(format!("{contents:?}")),
            Err(Failure::InvalidInput(text)) => Err(text),
        }
    }

    #[test]
    fn a_file_is_created_with_its_directories_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let base = std::fs::canonicalize(folder.path()).unwrap();
        assert!(
            call(&base, "a/b/c.txt", "ä\r\n")
                .unwrap()
                .contains("wrote 4 bytes to a/b/c.txt")
        );
        assert_eq!(
            std::fs::read(base.join("a/b/c.txt")).unwrap(),
            "ä\r\n".as_bytes()
        );
        assert!(
            call(&base, "a/b/c.txt", "")
                .unwrap()
                .contains("wrote 0 bytes")
        );
        assert_eq!(std::fs::read(base.join("a/b/c.txt")).unwrap(), b"");
    }

    #[test]
    fn what_cannot_be_written_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let base = std::fs::canonicalize(folder.path()).unwrap().join("base");
        std::fs::create_dir(&base).unwrap();
        call(&base, "file", "x").unwrap();
        std::fs::create_dir(base.join("folder")).unwrap();
        assert!(
            call(&base, "file/x", "x")
                .unwrap_err()
                .contains("not a directory")
        );
        assert!(
            call(&base, "folder", "x")
                .unwrap_err()
                .contains("write: folder: is a directory")
        );
        assert!(
            call(&base, "../x", "x")
                .unwrap_err()
                .contains("outside the session's working directory")
        );
        assert!(!base.parent().unwrap().join("x").exists());
    }
}
