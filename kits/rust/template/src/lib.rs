//! A tool. `describe` and `call` are made from the function below; see vendor/glovebox-kit for what else there is.

use std::collections::BTreeMap;

use glovebox_kit::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;

/// What the model passes. What is said of a field here is what the model reads.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Path of a text file in the workspace.
    path: String,
    /// How many of the most frequent words to show. Default: 10.
    top: Option<usize>,
}

/// Counts the words of a text file and shows the most frequent ones.
///
/// Words are compared without regard to case and punctuation.
#[glovebox_kit::tool(name = "{{name}}", mounts = [("/workspace", read)], limits(wall_ms = 10_000))]
fn tool(input: Input) -> Result {
    let text = std::fs::read_to_string(&input.path)
        .map_err(|error| Error::failed(format!("{}: {error}", input.path)))?;
    let mut counts = BTreeMap::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()) {
        if !word.is_empty() {
            *counts.entry(word.to_lowercase()).or_insert(0_usize) += 1;
        }
    }
    let total: usize = counts.values().sum();
    let mut frequent: Vec<_> = counts.into_iter().collect();
    frequent.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let lines: Vec<_> = frequent
        .iter()
        .take(input.top.unwrap_or(10))
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    Ok(format!("{total} words\n{}", lines.join("\n")))
}
