//! What an answer holds, in a form that a model can use.

use htmd::HtmlToMarkdown;

/// Elements that hold nothing to read.
const SKIPPED: [&str; 10] = [
    "title", "script", "style", "noscript", "template", "svg", "iframe", "canvas", "button",
    "select",
];

#[derive(Debug, PartialEq)]
pub(crate) enum Page {
    Text {
        title: Option<String>,
        text: String,
    },
    Image {
        media_type: &'static str,
        data: Vec<u8>,
    },
    Pdf(Vec<u8>),
    /// Of this media type.
    Other(String),
}

impl Page {
    /// By the `content-type`, and by the content where that says nothing.
    pub(crate) fn of(content_type: Option<&str>, body: Vec<u8>) -> Self {
        let content_type = content_type.unwrap_or_default();
        let mut parts = content_type.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("charset")
                .then(|| value.trim_matches(['"', '\'']))
        });
        match media_type.as_str() {
            "text/html" | "application/xhtml+xml" => html(&decode(charset, &body)),
            "application/pdf" => Self::Pdf(body),
            "image/png" => Self::Image {
                media_type: "image/png",
                data: body,
            },
            "image/jpeg" => Self::Image {
                media_type: "image/jpeg",
                data: body,
            },
            "image/gif" => Self::Image {
                media_type: "image/gif",
                data: body,
            },
            "image/webp" => Self::Image {
                media_type: "image/webp",
                data: body,
            },
            known if is_text(known) => Self::Text {
                title: None,
                text: decode(charset, &body),
            },
            "" | "application/octet-stream" => guess(body),
            _ => Self::Other(media_type),
        }
    }
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || matches!(
            media_type,
            "application/json"
                | "application/ld+json"
                | "application/x-ndjson"
                | "application/xml"
                | "application/javascript"
                | "application/x-javascript"
                | "application/ecmascript"
                | "application/yaml"
                | "application/x-yaml"
                | "application/toml"
                | "application/x-sh"
                | "application/sql"
                | "application/graphql"
                | "application/x-www-form-urlencoded"
                | "image/svg+xml"
        )
}

fn guess(body: Vec<u8>) -> Page {
    if body.starts_with(b"%PDF-") {
        return Page::Pdf(body);
    }
    match String::from_utf8(body) {
        Ok(text)
            if text.trim_start().starts_with("<!") || text.trim_start().starts_with("<html") =>
        {
            html(&text)
        }
        Ok(text) if !text.contains('\0') => Page::Text { title: None, text },
        _ => Page::Other("application/octet-stream".into()),
    }
}

fn decode(charset: Option<&str>, body: &[u8]) -> String {
    let declared = charset
        .map(str::to_owned)
        .or_else(|| declared_in_html(body));
    let encoding = declared
        .and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()))
        .unwrap_or(encoding_rs::UTF_8);
    encoding.decode(body).0.into_owned()
}

/// The `charset` of a `<meta>` in the first kilobyte.
fn declared_in_html(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(1024)]).to_ascii_lowercase();
    let meta = head
        .split("<meta")
        .skip(1)
        .find_map(|meta| meta.split('>').next()?.split_once("charset="))?;
    let label: String = meta
        .1
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric() || "-_:.".contains(*character))
        .collect();
    Some(label)
}

fn html(source: &str) -> Page {
    let converter = HtmlToMarkdown::builder().skip_tags(SKIPPED.into()).build();
    let text = match converter.convert(source) {
        Ok(markdown) => squeeze(&markdown),
        Err(_) => source.to_owned(),
    };
    Page::Text {
        title: Some(title(source).unwrap_or_else(|| "Untitled".into())),
        text,
    }
}

fn title(source: &str) -> Option<String> {
    let lower = source.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let plain = source[start..end]
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'");
    let title = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then_some(title)
}

/// No white space at line ends, and never more than one empty line.
fn squeeze(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut empty = 0;
    for line in markdown.trim().lines() {
        let line = line.trim_end();
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(content_type: &str, body: &[u8]) -> (Option<String>, String) {
        match Page::of(Some(content_type), body.to_vec()) {
            Page::Text { title, text } => (title, text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn html_becomes_markdown() {
        let source = b"<!doctype html><html><head><title> A &amp; B\n</title><style>x{}</style></head><body><h1>Head</h1>\
            <script>alert(1)</script><p>One <b>bold</b> <a href=\"/x\">link</a></p><ul><li>a</li><li>b</li></ul>\
            <table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>2</td></tr></table><pre><code>let x;</code></pre></body></html>";
        let (title, text) = text_of("text/html; charset=utf-8", source);
        assert_eq!(title.unwrap(), "A & B");
        for part in ["# Head", "**bold**", "[link](/x)", "let x;"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            !text.contains("alert") && !text.contains("x{}") && !text.contains("A & B"),
            "{text}"
        );
    }

    #[test]
    fn text_is_decoded_and_otherwise_left_alone() {
        assert_eq!(
            text_of("application/json", b"{\"a\": 1}\n"),
            (None, "{\"a\": 1}\n".into())
        );
        assert_eq!(
            text_of("text/plain; charset=\"ISO-8859-1\"", b"\xe4").1,
            "ä"
        );
        assert!(
            text_of(
                "text/html",
                b"<meta charset='shift_jis'><p>\x83\x65\x83\x58\x83\x67</p>"
            )
            .1
            .contains("テスト")
        );
        assert_eq!(text_of("", b"plain").1, "plain");
        assert!(
            text_of("application/octet-stream", b"<!doctype html><p>x</p>")
                .0
                .is_some()
        );
    }

    #[test]
    fn other_kinds() {
        assert_eq!(
            Page::of(Some("application/pdf"), vec![1]),
            Page::Pdf(vec![1])
        );
        assert_eq!(
            Page::of(None, b"%PDF-1".to_vec()),
            Page::Pdf(b"%PDF-1".to_vec())
        );
        assert_eq!(
            Page::of(Some("IMAGE/PNG"), vec![1]),
            Page::Image {
                media_type: "image/png",
                data: vec![1]
            }
        );
        assert_eq!(
            Page::of(Some("application/zip"), vec![1]),
            Page::Other("application/zip".into())
        );
        assert_eq!(
            Page::of(None, vec![0, 1]),
            Page::Other("application/octet-stream".into())
        );
    }
}
