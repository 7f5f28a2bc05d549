//! From a call's report to what the model reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use glovebox_runtime::{Content, Outcome};
use serde_json::{Value, json};

/// Longer texts go to a file, in characters (Managed Agents, tool output limits).
pub const TEXT_CHARACTERS_MAX: usize = 100_000;
/// How much of such a text the model still gets at once.
const PREVIEW_CHARACTERS: usize = 10_000;

/// Content blocks, and whether they are an error.
#[derive(Debug, Clone, PartialEq)]
pub struct CallResult {
    pub content: Vec<Value>,
    pub is_error: bool,
    pub ending: Ending,
}

/// How a call ended, for who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With an answer.
    Answered,
    /// The tool said why it has none.
    Failed,
    /// A limit ended it.
    Limit,
    /// The tool crashed, or ended without a word.
    Crashed,
    /// It was ended from outside.
    Cancelled,
    /// It did not begin.
    Refused,
}

impl Ending {
    /// For labels of metrics.
    pub fn word(self) -> &'static str {
        match self {
            Ending::Answered => "ok",
            Ending::Failed => "failed",
            Ending::Limit => "limit",
            Ending::Crashed => "crashed",
            Ending::Cancelled => "cancelled",
            Ending::Refused => "refused",
        }
    }
}

impl CallResult {
    /// An error that the model can read.
    pub fn error(ending: Ending, text: &str) -> CallResult {
        CallResult {
            content: vec![text_block(text)],
            is_error: true,
            ending,
        }
    }
}

/// What the model reads of an outcome.
pub fn result(outcome: Outcome) -> CallResult {
    let error = |ending, text: String| CallResult::error(ending, &text);
    match outcome {
        Outcome::Answer(content) => CallResult {
            content: content.into_iter().map(block).collect(),
            is_error: false,
            ending: Ending::Answered,
        },
        Outcome::Failed(content) => CallResult {
            content: content.into_iter().map(block).collect(),
            is_error: true,
            ending: Ending::Failed,
        },
        Outcome::InvalidInput(text) => error(Ending::Failed, format!("invalid input: {text}")),
        Outcome::Limit { message, .. } => error(Ending::Limit, message),
        Outcome::Trapped(text) => error(Ending::Crashed, format!("the tool crashed: {text}")),
        Outcome::Exited(status) => error(
            Ending::Crashed,
            format!(
                "the tool ended with status {} instead of an answer",
                status.code()
            ),
        ),
        Outcome::Cancelled => error(Ending::Cancelled, "the call was cancelled".to_owned()),
    }
}

/// Takes out a text that is too long for the model, and leaves a preview naming `path`, where the caller is to put it.
pub fn shorten(result: &mut CallResult, path: &str) -> Option<String> {
    let characters = |block: &Value| {
        block["text"]
            .as_str()
            .map_or(0, |text| text.chars().count())
    };
    let total: usize = result.content.iter().map(characters).sum();
    if total <= TEXT_CHARACTERS_MAX {
        return None;
    }
    let texts: Vec<&str> = result
        .content
        .iter()
        .filter_map(|block| block["text"].as_str())
        .collect();
    let whole = texts.join("\n");
    let preview: String = whole.chars().take(PREVIEW_CHARACTERS).collect();
    let note = format!(
        "{preview}\n\n[The output has {total} characters, which is too long to show. Above are the first \
         {PREVIEW_CHARACTERS}; all of it is in {path}]"
    );
    result.content.retain(|block| block["type"] != "text");
    result.content.insert(0, text_block(&note));
    Some(whole)
}

fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn block(content: Content) -> Value {
    let source = |media_type: String, data: &[u8]| json!({"type": "base64", "media_type": media_type, "data": BASE64.encode(data)});
    match content {
        Content::Text(text) => text_block(&text),
        Content::Json(value) => text_block(&value.to_string()),
        Content::Image { media_type, data } => {
            json!({"type": "image", "source": source(media_type, &data)})
        }
        Content::Document { media_type, data } => {
            json!({"type": "document", "source": source(media_type, &data)})
        }
        Content::SearchResult {
            source,
            title,
            text,
        } => json!({
            "type": "search_result", "source": source, "title": title, "content": [text_block(&text)],
            "citations": {"enabled": false},
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glovebox_runtime::LimitKind;

    #[test]
    fn every_way_to_end_is_something_a_model_can_read() {
        let limit = Outcome::Limit {
            which: LimitKind::WallTime,
            message: "wall time limit of 120 s exceeded".into(),
        };
        for (outcome, ending, text) in [
            (
                Outcome::Failed(vec![Content::Text("no".into())]),
                Ending::Failed,
                "no",
            ),
            (
                Outcome::InvalidInput("path: missing".into()),
                Ending::Failed,
                "invalid input: path: missing",
            ),
            (limit, Ending::Limit, "wall time limit of 120 s exceeded"),
            (
                Outcome::Trapped("unreachable".into()),
                Ending::Crashed,
                "the tool crashed: unreachable",
            ),
        ] {
            assert_eq!(result(outcome), CallResult::error(ending, text));
        }
    }

    #[test]
    fn a_text_over_the_limit_leaves_a_preview_that_names_the_file() {
        let answer = |text: String| result(Outcome::Answer(vec![Content::Text(text)]));
        let mut fits = answer("é".repeat(TEXT_CHARACTERS_MAX));
        assert_eq!(shorten(&mut fits, "/f"), None);
        let long = "é".repeat(TEXT_CHARACTERS_MAX + 1);
        let mut too_long = answer(long.clone());
        assert_eq!(shorten(&mut too_long, "/f"), Some(long));
        let text = too_long.content[0]["text"].as_str().unwrap();
        assert!(
            text.ends_with("all of it is in /f]")
                && text.chars().count() < PREVIEW_CHARACTERS + 200,
            "{text}"
        );
    }
}
