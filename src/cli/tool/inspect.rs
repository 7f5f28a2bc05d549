//! `glovebox tool inspect`: what a tool is and could reach, before it is ever called.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use glovebox_runtime::{Access, Allowance, CompileProgress, Effects, Engine, EngineOptions};
use serde_json::{Value, json};

use super::reach;
use super::subject::{Source, Subject};
use crate::package::{self, Kind};
use crate::server::engine;

/// Says what a tool is: contract, imports, exports, what it can reach, size, compile time, digest
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A component, a tool's folder, which is built first, or a built-in tool
    #[arg(value_name = "FILE|DIR|NAME", default_value = ".")]
    tool: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let source = Source::find(&self.tool)?;
        let bytes = source.packed().await?;
        let package =
            package::unpack(&bytes).with_context(|| format!("{} is no tool", source.label()))?;
        // Compiled anew, to tell how long that takes.
        let took = Arc::new(Mutex::new(Duration::ZERO));
        let engine = {
            let took = Arc::clone(&took);
            Engine::new(EngineOptions {
                cache_dir: None,
                processes_max: engine::FOR_A_COMMAND,
                on_compile: Some(Arc::new(move |progress| {
                    if let CompileProgress::Finished { took: time, .. } = progress {
                        *took.lock().unwrap_or_else(PoisonError::into_inner) += time;
                    }
                })),
                ..EngineOptions::default()
            })?
        };
        let subject = Subject::load(&engine, &source, bytes).await?;
        let took = *took.lock().unwrap_or_else(PoisonError::into_inner);
        let contract = match package.kind {
            Kind::Tool { contract } => contract,
            Kind::Plain(_) => "plain".to_owned(),
        };
        let description = &subject.description;
        let digest = package::digest(&subject.bytes);
        let effects = match description.effects {
            Effects::None => "none",
            Effects::Files => "files",
            Effects::External => "external",
        };
        let text = if self.json {
            serde_json::to_string_pretty(&json!({
                "name": description.name,
                "contract": contract,
                "description": description.text,
                "input_schema": description.input_schema,
                "effects": effects,
                "wishes": description.wishes.to_value(),
                "reaches": reach::in_words(&description.wishes),
                "imports": package.imports,
                "exports": package.exports,
                "size_bytes": package.size_bytes,
                "compile_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "digest": digest,
            }))?
        } else {
            let first = description.text.lines().next().unwrap_or_default();
            let inputs = inputs(&description.input_schema);
            let contract = match contract.as_str() {
                "plain" => "a command described by its manifest (the plain way)".to_owned(),
                version => format!("glovebox:tool {version}"),
            };
            let rows = [
                ("name", vec![description.name.clone()]),
                ("description", vec![first.to_owned()]),
                ("contract", vec![contract]),
                ("input", inputs),
                ("can reach", reach::in_words(&description.wishes)),
                (
                    "changes",
                    vec![changes(description.effects, &description.wishes)],
                ),
                ("imports", package.imports),
                ("exports", package.exports),
                (
                    "size",
                    vec![format!("{} KiB", package.size_bytes.div_ceil(1024))],
                ),
                ("compiled in", vec![format!("{:.2} s", took.as_secs_f64())]),
                ("digest", vec![digest.to_string()]),
            ];
            let rows = rows.into_iter().flat_map(|(name, lines)| {
                let names = std::iter::once(name).chain(std::iter::repeat(""));
                names
                    .zip(lines)
                    .map(|(name, line)| format!("{name:<12} {line}"))
                    .collect::<Vec<_>>()
            });
            rows.collect::<Vec<_>>().join("\n")
        };
        crate::cli::say(&text)?;
        Ok(())
    }
}

/// What the tool says that running it may change, and what its wishes leave of that.
fn changes(effects: Effects, wishes: &Allowance) -> String {
    let writes = wishes.mounts.all == Some(Access::ReadWrite)
        || wishes
            .mounts
            .at
            .values()
            .any(|access| *access == Access::ReadWrite);
    match effects {
        Effects::None => "nothing: running it twice is the same as once",
        Effects::Files if !writes => "files, it says; but it wishes for none that it could write",
        Effects::Files => "files of the sandbox",
        Effects::External => "files of the sandbox, and things outside of it",
    }
    .to_owned()
}

/// The input's fields, a line each.
fn inputs(schema: &Value) -> Vec<String> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema["properties"].as_object();
    let lines: Vec<String> = properties
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let kind = property["type"].as_str().unwrap_or("any");
            let optional = if required.contains(&name.as_str()) {
                ""
            } else {
                ", optional"
            };
            format!("{name} ({kind}{optional})")
        })
        .collect();
    if lines.is_empty() {
        vec!["nothing".to_owned()]
    } else {
        lines
    }
}
