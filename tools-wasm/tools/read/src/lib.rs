//! The `read` tool: text by lines, images and PDFs as blocks.

mod lines;
mod media;

use std::io::Read;
use std::path::Path;

use glovebox_kit::paths::{Policy, reason};
use glovebox_kit::tool::{Answer, Blob, Content, Failure, failed, text};
use lines::{LineRange, Selection};
use media::Media;

/// A whole file, or the lines selected from a larger one: what a model can use of it in one answer.
const TEXT_BYTES_MAX: u64 = 256 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// What the model passes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Path of the file to read.
    file_path: String,
    /// Optional [start_line, end_line]: 1-indexed, inclusive. An end_line of 0 or less means to the end of the
    /// file. Without it the whole file is returned.
    #[schemars(length(equal = 2))]
    view_range: Option<Vec<i64>>,
}

/// Reads a file and returns its content.
///
/// Text (UTF-8) is returned exactly as it is, without line numbers, up to 256 KiB; use view_range to read part of a
/// larger file. Images (.png, .jpg, .jpeg, .gif, .webp) and PDFs (.pdf) are returned so that you can see them.
///
/// Paths are relative to the working directory, or absolute. To list a directory use glob.
#[glovebox_kit::tool(name = "read", mounts = [("*", read)])]
pub fn call(input: Input) -> Answer {
    read(&Policy::of_session(), input)
}

/// Reads the file.
pub fn read(policy: &Policy, input: Input) -> Answer {
    let named = &input.file_path;
    let range = match input.view_range.as_deref() {
        None | Some([]) => None,
        Some(&[start, end]) => Some(LineRange { start, end }),
        Some(_) => {
            return Err(Failure::InvalidInput(
                "read: view_range must be [start_line, end_line]".into(),
            ));
        }
    };
    let path = policy
        .resolve(named)
        .map_err(|error| failed(format!("read: {error}")))?;
    let unreadable = |error: std::io::Error| failed(format!("read: {named}: {}", reason(&error)));
    let metadata = std::fs::metadata(&path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(failed(format!("read: {named}: not a regular file")));
    }
    let size = metadata.len();
    if let Some(media) = Media::of_name(&path) {
        return block(&path, named, size, media, range.is_some());
    }
    if size > TEXT_BYTES_MAX && range.is_none() {
        return Err(failed(format!(
            "read: {named} is {size} bytes, exceeds {TEXT_BYTES_MAX}-byte limit. \
             Use the view_range parameter to read specific line ranges, e.g. view_range: [1, 500]."
        )));
    }
    let bytes = match range {
        None => bounded(&path, TEXT_BYTES_MAX).map_err(unreadable)?,
        Some(range) => select(&path, named, range).map_err(|error| match error {
            SelectError::Read(error) => unreadable(error),
            SelectError::TooLarge(message) => failed(message),
        })?,
    };
    match String::from_utf8(bytes) {
        Ok(content) => text(content),
        Err(_) => Err(failed(format!(
            "read: {named}: not valid UTF-8 text (binary files are only supported for image/PDF extensions)"
        ))),
    }
}

/// At most `max` bytes, whatever the file grew to since its size was looked at.
fn bounded(path: &Path, max: u64) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    let size = usize::try_from(file.metadata()?.len().min(max)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size + 1);
    file.by_ref().take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

enum SelectError {
    Read(std::io::Error),
    TooLarge(String),
}

fn select(path: &Path, named: &str, range: LineRange) -> Result<Vec<u8>, SelectError> {
    let mut selection =
        Selection::new(range, usize::try_from(TEXT_BYTES_MAX).unwrap_or(usize::MAX));
    if selection.is_complete() {
        return Ok(Vec::new());
    }
    let mut file = std::fs::File::open(path).map_err(SelectError::Read)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    while !selection.is_complete() {
        let count = file.read(&mut chunk).map_err(SelectError::Read)?;
        if count == 0 {
            break;
        }
        selection
            .take_from(&chunk[..count])
            .map_err(|too_large| SelectError::TooLarge(too_large.message(named)))?;
    }
    Ok(selection.into_bytes())
}

fn block(path: &Path, named: &str, size: u64, media: Media, ranged: bool) -> Answer {
    if ranged {
        return Err(Failure::InvalidInput(
            "read: view_range is not supported for image/PDF files".into(),
        ));
    }
    let limit = media.bytes_max();
    if size > limit {
        return Err(failed(format!(
            "read: {named} is {size} bytes, exceeds {limit}-byte limit for image/PDF files."
        )));
    }
    let data = bounded(path, limit)
        .map_err(|error| failed(format!("read: {named}: {}", reason(&error))))?;
    // The model's API refuses the whole conversation for an image that is none, so its first bytes decide, not its name.
    match Media::of_content(&data) {
        Some(Media::Pdf) => Ok(vec![Content::Document(Blob {
            media_type: Media::Pdf.media_type().into(),
            data,
        })]),
        Some(image) => Ok(vec![Content::Image(Blob {
            media_type: image.media_type().into(),
            data,
        })]),
        None => Err(failed(format!(
            "read: {named}: its name says {}, but its content is not",
            media.media_type()
        ))),
    }
}

#[cfg(test)]
mod tests;
