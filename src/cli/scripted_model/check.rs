//! What the Messages API refuses, as far as a client's mistakes go that a script would otherwise hide.

use serde_json::Value;

/// Why the API would answer 400, in its own words where they are known.
pub(super) fn check(request: &Value) -> Result<(), String> {
    if !request["model"].is_string() {
        return Err("model: Field required".into());
    }
    if request["max_tokens"]
        .as_u64()
        .is_none_or(|tokens| tokens == 0)
    {
        return Err("max_tokens: Field required".into());
    }
    let Some(messages) = request["messages"]
        .as_array()
        .filter(|messages| !messages.is_empty())
    else {
        return Err("messages: at least one message is required".into());
    };
    if messages[0]["role"] != "user" {
        return Err("messages: first message must use the \"user\" role".into());
    }
    if request.to_string().matches("\"cache_control\":{").count() > 4 {
        return Err("A maximum of 4 blocks with cache_control may be provided.".into());
    }
    for (place, message) in messages.iter().enumerate() {
        content(message).map_err(|problem| format!("messages.{place}: {problem}"))?;
        let before = place.checked_sub(1).map(|before| &messages[before]);
        let next = messages.get(place + 1);
        match message["role"].as_str() {
            Some("assistant") => calls_are_answered(message, next),
            Some("user") => results_have_calls(message, before),
            _ => Err("role: Input should be 'user' or 'assistant'".to_owned()),
        }
        .map_err(|problem| format!("messages.{place}: {problem}"))?;
    }
    Ok(())
}

fn content(message: &Value) -> Result<(), String> {
    match &message["content"] {
        Value::String(text) if !text.is_empty() => Ok(()),
        Value::Array(blocks) if !blocks.is_empty() => {
            blocks
                .iter()
                .enumerate()
                .try_for_each(|(place, block)| match block["type"].as_str() {
                    None => Err(format!("content.{place}.type: Field required")),
                    Some("text") if block["text"].as_str().is_none_or(str::is_empty) => Err(
                        format!("content.{place}: text content blocks must be non-empty"),
                    ),
                    Some(_) => Ok(()),
                })
        }
        _ => Err("content must be non-empty".into()),
    }
}

fn calls_are_answered(message: &Value, next: Option<&Value>) -> Result<(), String> {
    let answered = ids(next, "tool_result", "tool_use_id");
    match ids(Some(message), "tool_use", "id")
        .into_iter()
        .find(|id| !answered.contains(id))
    {
        Some(id) => Err(format!(
            "`tool_use` ids were found without `tool_result` blocks immediately after: {id}. Each `tool_use` block must \
             have a corresponding `tool_result` block in the next message."
        )),
        None => Ok(()),
    }
}

fn results_have_calls(message: &Value, before: Option<&Value>) -> Result<(), String> {
    let called = ids(before, "tool_use", "id");
    let answered = ids(Some(message), "tool_result", "tool_use_id");
    if let Some(id) = answered.iter().find(|id| !called.contains(id)) {
        return Err(format!(
            "unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a \
             corresponding `tool_use` block in the previous message."
        ));
    }
    match answered
        .iter()
        .enumerate()
        .find(|(place, id)| answered[..*place].contains(id))
    {
        Some((_, id)) => Err(format!(
            "each tool_use must have a single result. Found multiple `tool_result` blocks with id: {id}"
        )),
        None => Ok(()),
    }
}

fn ids(message: Option<&Value>, kind: &str, field: &str) -> Vec<String> {
    let blocks = message
        .and_then(|message| message["content"].as_array())
        .into_iter()
        .flatten();
    blocks
        .filter(|block| block["type"] == kind)
        .filter_map(|block| block[field].as_str().map(Into::into))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(messages: Value) -> String {
        check(&json!({"model": "m", "max_tokens": 1, "messages": messages}))
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        let ask = json!({"role": "user", "content": "hi"});
        let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "bash", "input": {}}]});
        let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id});
        for (messages, expected) in [
            (json!([]), "at least one message"),
            (json!([call]), "first message must"),
            (
                json!([{"role": "user", "content": [{"type": "text", "text": ""}]}]),
                "non-empty",
            ),
            (json!([ask, call]), "without `tool_result`"),
            (json!([ask, call, ask]), "without `tool_result`"),
            (
                json!([ask, call, {"role": "user", "content": [result("t2")]}]),
                "without `tool_result`",
            ),
            (
                json!([{"role": "user", "content": [result("t1")]}]),
                "unexpected `tool_use_id`",
            ),
            (
                json!([ask, call, {"role": "user", "content": [result("t1"), result("t1")]}]),
                "multiple",
            ),
        ] {
            assert!(
                problem(messages.clone()).contains(expected),
                "{messages}: {}",
                problem(messages.clone())
            );
        }
        assert_eq!(
            problem(json!([ask, call, {"role": "user", "content": [result("t1")]}])),
            ""
        );
    }
}
