//! From a call's result, which has the content blocks of the Messages API, to the content of MCP.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

use crate::tools::CallResult;

/// What an MCP client gets. `call` names the call, for the addresses of documents.
pub(super) fn result(result: CallResult, call: &str) -> CallToolResult {
    let content = result
        .content
        .into_iter()
        .enumerate()
        .map(|(index, block)| convert(block, call, index))
        .collect();
    if result.is_error {
        CallToolResult::error(content)
    } else {
        CallToolResult::success(content)
    }
}

fn convert(mut block: Value, call: &str, index: usize) -> ContentBlock {
    let text = |block: &Value, pointer: &str| {
        block
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let bytes = |block: &mut Value| match block.pointer_mut("/source/data").map(Value::take) {
        Some(Value::String(data)) => data,
        _ => String::new(),
    };
    match text(&block, "/type").as_str() {
        "text" => ContentBlock::text(text(&block, "/text")),
        "image" => {
            let media_type = text(&block, "/source/media_type");
            ContentBlock::image(bytes(&mut block), media_type)
        }
        "document" => {
            let media_type = text(&block, "/source/media_type");
            let address = format!("glovebox:///{call}/{index}");
            ContentBlock::resource(
                ResourceContents::blob(bytes(&mut block), address).with_mime_type(media_type),
            )
        }
        "search_result" => ContentBlock::text(format!(
            "{}\n{}\n\n{}",
            text(&block, "/title"),
            text(&block, "/source"),
            text(&block, "/content/0/text"),
        )),
        // A kind that comes later can still be read.
        _ => ContentBlock::text(block.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_block_becomes_content() {
        let source = json!({"type": "base64", "media_type": "m/t", "data": "QQ=="});
        let content = vec![
            json!({"type": "text", "text": "a"}),
            json!({"type": "image", "source": source}),
            json!({"type": "document", "source": source}),
            json!({"type": "search_result", "source": "https://a.example", "title": "T",
                   "content": [{"type": "text", "text": "found"}]}),
            json!({"type": "later"}),
        ];
        let converted = result(
            CallResult {
                content,
                is_error: true,
                ending: crate::tools::Ending::Failed,
            },
            "call_1",
        );
        let converted = serde_json::to_value(converted).unwrap();
        assert_eq!(converted["isError"], json!(true));
        assert_eq!(
            converted["content"],
            json!([
                {"type": "text", "text": "a"},
                {"type": "image", "data": "QQ==", "mimeType": "m/t"},
                {"type": "resource", "resource": {"uri": "glovebox:///call_1/2", "mimeType": "m/t", "blob": "QQ=="}},
                {"type": "text", "text": "T\nhttps://a.example\n\nfound"},
                {"type": "text", "text": "{\"type\":\"later\"}"},
            ])
        );
    }
}
