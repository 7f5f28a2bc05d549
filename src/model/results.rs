//! Tools' results as the Messages API takes them. One block that it refuses would make it refuse the whole conversation, and
//! with it the session; and a stranger's tool may answer with anything, whatever it calls it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// Characters of an image's base64 (Vision, "image size": 5 MB).
const IMAGE_CHARACTERS_MAX: usize = 5 << 20;

/// Characters of base64 that are looked at: a PDF's header may come that late.
const LOOKED_AT: usize = 1400;

/// Mends the content of one `tool_result`; other blocks stay what they are.
pub(super) fn fit(block: &mut Value) {
    if block["type"] != "tool_result" {
        return;
    }
    let Some(content) = block.get_mut("content").and_then(Value::as_array_mut) else {
        return;
    };
    // Refused when it is empty.
    content.retain(|block| block["type"] != "text" || block["text"] != "");
    for block in content {
        match block["type"].as_str() {
            Some("image") => image(block),
            Some("document") => document(block),
            _ => {}
        }
    }
}

fn image(block: &mut Value) {
    let size = data(block).len();
    let Some(media_type) = media_type(&beginning(block)) else {
        return tell(block, "no PNG, JPEG, GIF or WebP image");
    };
    if size > IMAGE_CHARACTERS_MAX {
        return tell(block, "too large to look at");
    }
    // Its bytes say what it is, not the tool.
    block["source"]["media_type"] = media_type.into();
}

fn document(block: &mut Value) {
    if block["source"]["type"] != "base64" {
        return;
    }
    let pdf = beginning(block).windows(5).any(|bytes| bytes == b"%PDF-");
    if pdf {
        block["source"]["media_type"] = "application/pdf".into();
        return;
    }
    let said = block["source"]["media_type"].as_str().unwrap_or_default();
    let text = said
        .starts_with("text/")
        .then(|| BASE64_STANDARD.decode(data(block)).ok());
    match text.flatten().map(String::from_utf8) {
        Some(Ok(text)) if !text.is_empty() => *block = json!({"type": "text", "text": text}),
        _ => tell(block, "neither PDF nor text"),
    }
}

fn data(block: &Value) -> &str {
    block["source"]["data"].as_str().unwrap_or_default()
}

/// The first bytes of what a block holds.
fn beginning(block: &Value) -> Vec<u8> {
    let data = data(block).as_bytes();
    let looked_at = &data[..data.len().min(LOOKED_AT)];
    BASE64_STANDARD.decode(looked_at).unwrap_or_default()
}

/// By the first bytes, as each format defines them.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

/// Says in a block's place what it was.
fn tell(block: &mut Value, why: &str) {
    let kind = block["type"].as_str().unwrap_or_default();
    let said = block["source"]["media_type"].as_str().unwrap_or_default();
    let said: String = said.chars().take(100).collect();
    let bytes = data(block).len() / 4 * 3;
    let text =
        format!("[The tool answered with a {kind} of type {said:?} and {bytes} bytes: {why}.]");
    *block = json!({"type": "text", "text": text});
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(kind: &str, media_type: &str, bytes: &[u8]) -> Value {
        let source = json!({"type": "base64", "media_type": media_type, "data": BASE64_STANDARD.encode(bytes)});
        let mut block = json!({"type": "tool_result", "tool_use_id": "x",
            "content": [{"type": "text", "text": ""}, {"type": kind, "source": source}]});
        fit(&mut block);
        assert_eq!(block["content"].as_array().unwrap().len(), 1);
        block["content"][0].clone()
    }

    #[test]
    fn an_image_is_what_its_bytes_are() {
        let png = b"\x89PNG\r\n\x1a\n rest";
        assert_eq!(
            fitted("image", "image/svg+xml", png)["source"]["media_type"],
            "image/png"
        );
        let webp = b"RIFF\x01\x02\x03\x04WEBPVP8 ";
        assert_eq!(
            fitted("image", "image/webp", webp)["source"]["media_type"],
            "image/webp"
        );
        let large = [&png[..], &vec![0; 4 << 20]].concat();
        for (bytes, why) in [
            (&b"<svg/>"[..], "no PNG"),
            (b"", "no PNG"),
            (&large, "too large"),
        ] {
            let told = fitted("image", "image/png", bytes);
            let text = told["text"].as_str().unwrap();
            assert!(text.contains(why) && text.contains("image/png"), "{text}");
        }
        let told = fitted("image", &"x\n".repeat(1000), b"");
        assert!(told["text"].as_str().unwrap().len() < 400, "{told}");
    }

    #[test]
    fn a_document_is_a_pdf_or_text() {
        let pdf = fitted("document", "text/html", b"junk %PDF-1.7");
        assert_eq!(pdf["source"]["media_type"], "application/pdf");
        assert_eq!(fitted("document", "text/csv", b"a,b")["text"], "a,b");
        for (media_type, bytes) in [
            ("application/pdf", &b"a,b"[..]),
            ("text/plain", b"\xff"),
            ("text/plain", b""),
        ] {
            let told = fitted("document", media_type, bytes);
            assert!(told["text"].as_str().unwrap().contains("neither"), "{told}");
        }
    }

    #[test]
    fn what_the_user_says_stays() {
        let mut block =
            json!({"type": "image", "source": {"type": "url", "url": "https://a.example"}});
        let before = block.clone();
        fit(&mut block);
        assert_eq!(block, before);
    }
}
