//! The `web_fetch` tool: a page, document or image by its address.

mod follow;
mod page;

use glovebox_kit::domains::Domains;
use glovebox_kit::setting;
use glovebox_kit::tool::{Answer, Blob, Content, Failure, context, failed};
use page::Page;

const URL_BYTES_MAX: usize = 2048;
const MILLISECONDS_MAX: u64 = 60_000;
/// Tokens of ordinary text have about four characters; the exact count is only known to the model's server.
const CHARACTERS_PER_TOKEN: usize = 4;

/// What the model passes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The URL to fetch, with its scheme: https://example.com/page.
    url: String,
}

/// What the operator sets.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    #[serde(flatten)]
    domains: Domains,
    max_content_tokens: Option<usize>,
}

/// Fetches a URL and returns what is there: HTML as Markdown, text and JSON as they are, PDFs and images so that you
/// can see them.
///
/// Only http and https, only GET, at most 10 MiB; up to 10 redirects are followed. Pages that need a login or
/// JavaScript cannot be read.
#[glovebox_kit::tool(name = "web_fetch", hosts = ["*"], settings = ["web_fetch"])]
pub fn fetch(input: Input) -> Answer {
    context::deadline(MILLISECONDS_MAX, "web_fetch: timed out after 60s");
    let settings: Settings = setting("web_fetch")?;
    if input.url.len() > URL_BYTES_MAX {
        return Err(Failure::InvalidInput(format!(
            "url: url_too_long: longer than {URL_BYTES_MAX} bytes"
        )));
    }
    let url = follow::parse(&input.url)
        .map_err(|error| Failure::InvalidInput(format!("url: {error}")))?;
    let (url, response) = follow::fetch(url, &settings.domains)
        .map_err(|error| failed(format!("web_fetch: {error}")))?;
    let content_type = response.header("content-type").map(str::to_owned);
    let page = Page::of(content_type.as_deref(), response.body);
    if !(200..300).contains(&response.status) {
        let detail = match page {
            Page::Text { text, .. } => format!("\n{}", cut(&text, 2000)),
            _ => String::new(),
        };
        return Err(failed(format!(
            "web_fetch: url_not_accessible: {url} answered with status {}{detail}",
            response.status
        )));
    }
    let content = match page {
        Page::Text { title, text } => {
            let text = match settings.max_content_tokens {
                Some(tokens) => cut(&text, tokens.saturating_mul(CHARACTERS_PER_TOKEN)),
                None => text,
            };
            Content::Text(match title {
                Some(title) => format!("# {title}\nSource: {url}\n\n{text}"),
                None => text,
            })
        }
        Page::Image { media_type, data } => Content::Image(Blob {
            media_type: media_type.into(),
            data,
        }),
        Page::Pdf(data) => Content::Document(Blob {
            media_type: "application/pdf".into(),
            data,
        }),
        Page::Other(media_type) => {
            return Err(failed(format!(
                "web_fetch: unsupported_content_type: {url} is {media_type}"
            )));
        }
    };
    Ok(vec![content])
}

fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        Some((at, _)) => format!(
            "{}\n[content truncated at {characters_max} characters]",
            &text[..at]
        ),
        None => text.to_owned(),
    }
}
