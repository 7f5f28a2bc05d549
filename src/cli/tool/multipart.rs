//! The body of a push: `multipart/form-data`.

use std::fmt::Write;

/// A form.
pub(super) struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// An empty one. The boundary is random: no component has it in it.
    pub(super) fn new() -> Form {
        let random: [u8; 16] = rand::random();
        let mut boundary = "glovebox-".to_owned();
        for byte in random {
            let written = write!(boundary, "{byte:02x}");
            written.expect("a String takes all text");
        }
        Form {
            boundary,
            body: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.part(
            &format!("name=\"{name}\""),
            "text/plain; charset=utf-8",
            value.as_bytes(),
        );
    }

    pub(super) fn file(&mut self, name: &str, file: &str, media_type: &str, content: &[u8]) {
        self.part(
            &format!("name=\"{name}\"; filename=\"{file}\""),
            media_type,
            content,
        );
    }

    fn part(&mut self, disposition: &str, media_type: &str, content: &[u8]) {
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {media_type}\r\n\r\n",
            self.boundary
        );
        self.body.extend_from_slice(head.as_bytes());
        self.body.extend_from_slice(content);
        self.body.extend_from_slice(b"\r\n");
    }

    /// The value of `Content-Type`, and the body.
    pub(super) fn finish(mut self) -> (String, Vec<u8>) {
        self.body
            .extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        (
            format!("multipart/form-data; boundary={}", self.boundary),
            self.body,
        )
    }
}
