//! A request as the Messages API wants it, prompt-cache breakpoints included.

use serde_json::{Map, Value, json};

use super::{Message, Request, Role, results};

/// The JSON body of the request, streaming switched on.
pub(super) fn body(request: Request) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), request.model.into());
    body.insert("max_tokens".into(), request.max_tokens.into());
    body.insert("stream".into(), true.into());
    if !request.system.is_empty() {
        let mut block = json!({"type": "text", "text": request.system});
        mark(&mut block);
        body.insert("system".into(), json!([block]));
    }
    if !request.tools.is_empty() {
        let mut tools = request.tools;
        // The cache's prefix runs tools, system, messages: with a system prompt its mark covers the tools as well.
        if request.system.is_empty()
            && let Some(last) = tools.last_mut()
        {
            mark(last);
        }
        body.insert("tools".into(), tools.into());
    }
    body.insert("messages".into(), messages(request.messages));
    if let Some(thinking) = request.thinking {
        body.insert("thinking".into(), thinking);
    }
    if let Some(effort) = request.effort {
        body.insert("output_config".into(), json!({"effort": effort}));
    }
    if let Some(speed) = request.speed {
        body.insert("speed".into(), speed.into());
    }
    if let Some(inference_geo) = request.inference_geo {
        body.insert("inference_geo".into(), inference_geo.into());
    }
    Value::Object(body)
}

/// Marks the ends of the last two user turns: the last one so that the next request finds all of this one, the one
/// before so that this request finds the last one's. With the system prompt's that makes three of the four marks allowed.
fn messages(messages: Vec<Message>) -> Value {
    let users = messages
        .iter()
        .enumerate()
        .filter(|(_, message)| message.role == Role::User);
    let marked: Vec<usize> = users.map(|(position, _)| position).rev().take(2).collect();
    let turn = |(position, mut message): (usize, Message)| {
        message.content.iter_mut().for_each(results::fit);
        if marked.contains(&position)
            && let Some(block) = message
                .content
                .iter_mut()
                .rev()
                .find(|block| markable(block))
        {
            mark(block);
        }
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        json!({"role": role, "content": message.content})
    };
    messages.into_iter().enumerate().map(turn).collect()
}

/// The API refuses marks on empty text and on thinking.
fn markable(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("text") => block["text"].as_str().is_some_and(|text| !text.is_empty()),
        Some("image" | "document" | "tool_use" | "tool_result" | "search_result") => true,
        _ => false,
    }
}

fn mark(block: &mut Value) {
    if let Some(block) = block.as_object_mut() {
        block.insert("cache_control".into(), json!({"type": "ephemeral"}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: Role, text: &str) -> Message {
        Message {
            role,
            content: vec![json!({"type": "text", "text": text})],
        }
    }

    fn marks(value: &Value) -> usize {
        value.to_string().matches("cache_control").count()
    }

    #[test]
    fn marks_the_system_prompt_and_the_last_two_user_turns() {
        let request = Request {
            model: "m".into(),
            system: "s".into(),
            tools: vec![json!({"name": "bash"})],
            messages: vec![
                message(Role::User, "1"),
                message(Role::Assistant, "2"),
                message(Role::User, "3"),
                message(Role::Assistant, "4"),
                message(Role::User, "5"),
            ],
            max_tokens: 7,
            ..Request::default()
        };
        let body = body(request);
        assert_eq!(body["stream"], true);
        assert_eq!(body["max_tokens"], 7);
        assert_eq!(marks(&body), 3);
        assert_eq!(
            body["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(marks)
                .collect::<Vec<_>>(),
            [0, 0, 1, 0, 1]
        );
    }

    #[test]
    fn marks_the_tools_when_there_is_no_system_prompt() {
        let request = Request {
            tools: vec![json!({"name": "a"}), json!({"name": "b"})],
            messages: vec![message(Role::User, "")],
            ..Request::default()
        };
        let body = body(request);
        assert_eq!(marks(&body["tools"][1]), 1);
        // Nothing in an empty text can be marked.
        assert_eq!(marks(&body), 1);
        assert_eq!(body.get("system"), None);
    }
}
