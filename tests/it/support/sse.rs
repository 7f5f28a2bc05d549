//! Reading a stream of server-sent events, frame by frame.

use std::time::Duration;

use serde_json::Value;

use super::Server;

/// How long a frame may take. Far more than any should: reached, the test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream.
pub(crate) struct Stream {
    pub(crate) response: reqwest::Response,
    buffer: Vec<u8>,
    /// How much of the buffer is known to hold no end of a frame.
    searched: usize,
}

/// The two lines of a frame. What is no event has no name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) event: String,
    pub(crate) data: Value,
}

impl Server {
    /// Opens a session's stream; the server has registered it when this returns.
    pub(crate) async fn stream(&self, session: &str, query: &str) -> Stream {
        let path = format!("/v1/sessions/{session}/events/stream{query}");
        let response = self
            .request(reqwest::Method::GET, &path)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        Stream {
            response,
            buffer: Vec::new(),
            searched: 0,
        }
    }
}

impl Stream {
    /// The next frame, or none at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            let unsearched = &self.buffer[self.searched..];
            if let Some(end) = unsearched.windows(2).position(|bytes| bytes == b"\n\n") {
                let end = self.searched + end;
                self.searched = 0;
                let frame = String::from_utf8(self.buffer.drain(..end + 2).collect()).unwrap();
                return Some(parse(frame.trim_end()));
            }
            self.searched = self.buffer.len().saturating_sub(1);
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk())
                .await
                .expect("the stream says nothing");
            match chunk.unwrap() {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => {
                    assert!(self.buffer.is_empty(), "the stream ends within a frame");
                    return None;
                }
            }
        }
    }

    /// The frames up to and including the first of type `last`.
    pub(crate) async fn until(&mut self, last: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await.expect("the stream ended");
            let found = frame.event == last;
            frames.push(frame);
            if found {
                return frames;
            }
        }
    }
}

/// A frame is exactly an `event:` line and a `data:` line. Without the first the SDKs discard it, as they should what is no
/// event.
fn parse(text: &str) -> Frame {
    let lines: Vec<&str> = text.split('\n').collect();
    let (event, data) = match lines[..] {
        [event, data] => (event.strip_prefix("event: ").unwrap(), data),
        [data] => ("", data),
        _ => panic!("not a frame: {text:?}"),
    };
    let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
    match event {
        "" => assert_eq!(data["type"], "tool_progress"),
        event => assert_eq!(data["type"], event),
    }
    Frame {
        event: event.to_owned(),
        data,
    }
}
