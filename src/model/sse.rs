//! Server-sent events, decoded as their bytes arrive.
//!
//! Takes chunks cut anywhere (in the middle of a line, of a CRLF or of a character) and gives the events that are
//! complete. Follows the event stream format of the HTML standard; `id` and `retry` are ignored, since the Messages API
//! has no use for them.

/// The largest event accepted. A whole block arrives in small deltas; even a long tool input stays far below.
const FRAME_BYTES_MAX: usize = 8 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its name; `message` when the stream gives none.
    pub event: String,
    /// Its data; several `data` lines are joined by newlines.
    pub data: String,
}

/// An event that does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {FRAME_BYTES_MAX} bytes")]
pub struct FrameTooLarge;

/// Where the stream stands between two chunks.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    /// The last chunk ended with a carriage return, which a newline may still complete.
    after_return: bool,
    begun: bool,
    event: Option<String>,
    data: Option<String>,
}

impl Decoder {
    /// Takes a chunk and gives the events it completes, in order.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<Frame>, FrameTooLarge> {
        let mut frames = Vec::new();
        for &byte in chunk {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => frames.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
            if held > FRAME_BYTES_MAX {
                return Err(FrameTooLarge);
            }
        }
        Ok(frames)
    }

    fn end_line(&mut self) -> Option<Frame> {
        let line = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with('\u{feff}') {
            line = line['\u{feff}'.len_utf8()..].to_owned().into();
        }
        if line.is_empty() {
            let event = self.event.take();
            let data = self.data.take()?;
            return Some(Frame {
                event: event.unwrap_or_else(|| "message".into()),
                data,
            });
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // A comment has an empty name.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(bytes: &[u8]) -> Vec<(String, String)> {
        let frames = Decoder::default().push(bytes).unwrap();
        frames
            .into_iter()
            .map(|frame| (frame.event, frame.data))
            .collect()
    }

    #[test]
    fn the_format_is_read_as_the_standard_says() {
        for (stream, expected) in [
            ("event: ping\ndata: {}\n\n", vec![("ping", "{}")]),
            ("data:x\n\n", vec![("message", "x")]),
            ("data:  x\n\n", vec![("message", " x")]),
            ("data: a\ndata: b\n\n", vec![("message", "a\nb")]),
            ("data\n\n", vec![("message", "")]),
            (
                ": hello\n\ndata: x\r\n\r\ndata: y\r\r",
                vec![("message", "x"), ("message", "y")],
            ),
            ("event: lonely\n\ndata: x\n\n", vec![("message", "x")]),
            (
                "id: 7\nretry: 3\nnonsense\ndata: x\n\n",
                vec![("message", "x")],
            ),
            ("\u{feff}data: x\n\n", vec![("message", "x")]),
            ("data: cut", vec![]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(event, data)| (event.to_string(), data.to_string()))
                .collect();
            assert_eq!(decode(stream.as_bytes()), expected, "{stream:?}");
        }
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut decoder = Decoder::default();
        let chunk = vec![b'x'; 1 << 20];
        let refused = (0..9).find_map(|_| decoder.push(&chunk).err());
        assert_eq!(refused, Some(FrameTooLarge));
    }

    fn cut(bytes: &[u8], mut places: Vec<usize>) -> Vec<Vec<u8>> {
        places
            .iter_mut()
            .for_each(|place| *place %= bytes.len() + 1);
        places.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for place in places {
            chunks.push(bytes[from..place].to_vec());
            from = place;
        }
        chunks.push(bytes[from..].to_vec());
        chunks
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(
            lines in proptest::collection::vec("(event|data|id|)(: ?[ -~äß€🦀]{0,9})?(\n|\r|\r\n|\n\n)", 0..20),
            places in proptest::collection::vec(any::<usize>(), 0..20),
        ) {
            let stream = lines.concat().into_bytes();
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();
            for chunk in cut(&stream, places) {
                frames.extend(decoder.push(&chunk).unwrap());
            }
            prop_assert_eq!(frames, Decoder::default().push(&stream).unwrap());
        }

        #[test]
        fn any_bytes_are_survived(
            stream in proptest::collection::vec(any::<u8>(), 0..300),
            places in proptest::collection::vec(any::<usize>(), 0..9),
        ) {
            let mut decoder = Decoder::default();
            for chunk in cut(&stream, places) {
                decoder.push(&chunk).unwrap();
            }
        }
    }
}
