//! Pushing components, as `multipart/form-data`.

use reqwest::Method;

use super::{Answer, Server, send};

const BOUNDARY: &str = "0f1e2d3c4b5a";

/// A body with these parts. The component is sent as a file.
pub(crate) fn body(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let file = if *name == "component" {
            "; filename=\"tool.wasm\"\r\nContent-Type: application/wasm"
        } else {
            ""
        };
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// The content type of [`body`].
pub(crate) fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

impl Server {
    /// Pushes a component.
    pub(crate) async fn push(&self, component: &[u8]) -> Answer {
        self.push_parts(&[("component", component)]).await
    }

    /// Sends a push with these parts.
    pub(crate) async fn push_parts(&self, parts: &[(&str, &[u8])]) -> Answer {
        let request = self
            .request(Method::POST, "/v1/tools")
            .header("content-type", content_type())
            .body(body(parts));
        send(request).await
    }

    /// How many blobs lie in the data directory, half-written ones included.
    pub(crate) fn blobs(&self) -> usize {
        let folder = self.data.path().join("blobs");
        std::fs::read_dir(folder).unwrap().count()
    }
}
