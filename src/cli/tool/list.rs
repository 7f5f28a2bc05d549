//! `glovebox tool list`: the tools there are.

use serde_json::{Value, json};

use super::Engines;
use super::address::Address;
use crate::tools::BuiltIn;

/// Shows every built-in tool with the first line of its description, and the tools of a server when one is named
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The whole descriptions and input schemas, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

impl Arguments {
    pub(super) async fn run(self, engines: &Engines) -> anyhow::Result<()> {
        let pushed = match &self.address.url {
            Some(_) => self.address.server()?.tools().await?,
            None => Vec::new(),
        };
        let engine = engines.open()?;
        let catalogue = BuiltIn::on_demand(&engine, &BuiltIn::tool_names())?
            .catalogue(&engine)
            .await?;
        if self.json {
            let built_in = catalogue.iter().map(|(name, tool)| {
                json!({"name": name, "description": tool.text, "input_schema": tool.input_schema})
            });
            let all: Vec<Value> = built_in.chain(pushed).collect();
            crate::cli::say(&serde_json::to_string_pretty(&all)?)?;
            return Ok(());
        }
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        for (name, tool) in catalogue.iter() {
            crate::cli::say(&format!("{name:<12} {}", first(&tool.text)))?;
        }
        for tool in &pushed {
            let word = |key: &str| tool[key].as_str().unwrap_or_default();
            let version = &tool["version"];
            let name = word("name");
            let (id, about) = (word("id"), first(word("description")));
            crate::cli::say(&format!("{name:<12} {id}@{version} {about}"))?;
        }
        Ok(())
    }
}
