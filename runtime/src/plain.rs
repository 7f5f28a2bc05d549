//! Plain tools: programs that read their input as JSON and write their answer, in any language that compiles to WASI.
//!
//! Standard output is the answer: `{"content": [...]}` with content blocks as in the Messages API, or just text. An exit
//! status other than 0 says that it failed; 2 with nothing written says that the input was wrong.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use wasmtime_wasi::p2::bindings::CommandPre;

use crate::call::{PIECES_MAX, too_many_pieces};
use crate::limits::Account;
use crate::process::host_stream::{HostReader, HostWriter};
use crate::process::{Description as EndpointDescription, Endpoint, TailBuffer};
use crate::report::{Content, Description, ExitStatus, Outcome};
use crate::state::State;

/// The status of a program that was called wrongly, by an old convention.
const USAGE: u8 = 2;

/// A program and what was said of it.
pub(crate) struct Plain {
    pub(crate) program: CommandPre<State>,
    pub(crate) description: Description,
}

/// A plain tool's descriptors while it runs, and what it wrote after that.
pub(crate) struct Streams {
    input: Bytes,
    output: Collected,
    error: Arc<TailBuffer>,
}

impl Streams {
    pub(crate) fn new(input: &str, error: Arc<TailBuffer>, account: &Arc<Account>) -> Streams {
        let mut input = input.to_owned();
        input.push('\n');
        Streams {
            input: input.into(),
            output: Collected {
                bytes: Arc::default(),
                account: Arc::clone(account),
            },
            error,
        }
    }

    pub(crate) fn descriptors(&self) -> BTreeMap<u32, Endpoint> {
        let input = std::io::Cursor::new(self.input.clone());
        let input = EndpointDescription::HostReader(HostReader::new(Box::new(input), false));
        let output = HostWriter::new(Box::new(self.output.clone()), false);
        let output = EndpointDescription::HostWriter(output);
        let error = EndpointDescription::Tail(Arc::clone(&self.error));
        BTreeMap::from([(0, input.into()), (1, output.into()), (2, error.into())])
    }

    /// What the call comes to.
    pub(crate) fn outcome(&self, status: ExitStatus) -> Outcome {
        let output = self.output.take();
        let said = content(&output);
        if said.as_ref().is_some_and(|said| said.len() > PIECES_MAX) {
            return too_many_pieces();
        }
        if status == ExitStatus::Exited(0) {
            return Outcome::Answer(said.unwrap_or_else(|| vec![text(&output)]));
        }
        let error = self.error.take().0;
        if status == ExitStatus::Exited(USAGE) && output.trim_ascii().is_empty() {
            return Outcome::InvalidInput(String::from_utf8_lossy(&error).trim().to_owned());
        }
        if let Some(content) = said {
            return Outcome::Failed(content);
        }
        let said = [&error[..], &output].map(<[u8]>::trim_ascii);
        let mut pieces: Vec<_> = said
            .into_iter()
            .filter(|said| !said.is_empty())
            .map(text)
            .collect();
        if pieces.is_empty() {
            pieces.push(Content::Text(format!(
                "ended with status {} and said nothing",
                status.code()
            )));
        }
        Outcome::Failed(pieces)
    }
}

/// Standard output, as far as it may go: the byte that is too many ends the call.
#[derive(Clone)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    account: Arc<Account>,
}

impl Collected {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.account.add_output(bytes.len() as u64);
        if self.account.verdict().is_some() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let mut collected = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        collected.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Content {
    Content::Text(String::from_utf8_lossy(bytes).into_owned())
}

/// `{"content": [...]}`, if that is what it is to the letter.
fn content(output: &[u8]) -> Option<Vec<Content>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer {
        content: Vec<Block>,
    }

    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    enum Block {
        Text { text: String },
        Json { json: serde_json::Value },
        Image { source: Source },
        Document { source: Source },
    }

    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    enum Source {
        Base64 { media_type: String, data: String },
    }

    impl Source {
        fn decode(self) -> Option<(String, Bytes)> {
            let Source::Base64 { media_type, data } = self;
            Some((media_type, BASE64_STANDARD.decode(data).ok()?.into()))
        }
    }

    let answer: Answer = serde_json::from_slice(output).ok()?;
    let piece = |block| {
        Some(match block {
            Block::Text { text } => Content::Text(text),
            Block::Json { json } => Content::Json(json),
            Block::Image { source } => {
                let (media_type, data) = source.decode()?;
                Content::Image { media_type, data }
            }
            Block::Document { source } => {
                let (media_type, data) = source.decode()?;
                Content::Document { media_type, data }
            }
        })
    };
    answer.content.into_iter().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_taken_to_the_letter() {
        let blocks = br#" {"content":[{"type":"text","text":"a"},{"type":"json","json":[1]},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"YWI="}}]} "#;
        let image = Content::Image {
            media_type: "image/png".to_owned(),
            data: Bytes::from_static(b"ab"),
        };
        assert_eq!(
            content(blocks).unwrap(),
            [
                Content::Text("a".to_owned()),
                Content::Json(serde_json::json!([1])),
                image
            ]
        );
        for other in [
            "",
            "text",
            "[]",
            "{}",
            r#"{"content":"x"}"#,
            r#"{"content":[],"more":1}"#,
            r#"{"content":[{"type":"video"}]}"#,
            r#"{"content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"?"}}]}"#,
        ] {
            assert_eq!(content(other.as_bytes()), None, "{other}");
        }
    }
}
