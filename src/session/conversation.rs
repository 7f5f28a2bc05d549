//! The conversation as the model is to see it.

use serde_json::Value;

use super::state::{Item, State};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    User,
    Assistant,
}

/// Alternating turns, beginning with the user's. The results of calls come first in the turn that follows them, in the
/// order of the calls, whatever the order in which they were answered.
pub fn conversation(state: &State) -> Vec<(Speaker, Vec<Value>)> {
    let mut turns: Vec<(Speaker, Vec<Value>)> = Vec::with_capacity(state.conversation.len() * 2);
    let mut say = |speaker: Speaker, blocks: Vec<Value>| match turns.last_mut() {
        _ if blocks.is_empty() => {}
        Some((last, content)) if *last == speaker => content.extend(blocks),
        _ => turns.push((speaker, blocks)),
    };
    for item in &state.conversation {
        match item {
            Item::User(content) => say(Speaker::User, content.clone()),
            Item::Assistant { content, results } => {
                let answers = content
                    .iter()
                    .filter(|block| block["type"] == "tool_use")
                    .filter_map(|block| results.get(block["id"].as_str()?).cloned())
                    .collect();
                say(Speaker::Assistant, content.clone());
                say(Speaker::User, answers);
            }
        }
    }
    turns
}
