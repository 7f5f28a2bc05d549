//! The catalogue of tools: what each says about itself, and what a session may call.
//!
//! Running them is `agent::hands`' affair. Built-in and custom tools look alike from above.

mod built_in;
pub mod compile;
mod inspect;
mod loaded;
mod registry;
mod result;
mod version;

use std::collections::BTreeMap;

pub use built_in::{BuiltIn, CatalogueError};
pub use inspect::Compiling;
pub use loaded::LoadedMax;
pub use registry::{PushError, Pushed, Registry, RegistryError, RegistryParts};
pub use result::{CallResult, Ending, TEXT_CHARACTERS_MAX, result, shorten};
pub use version::{Contract, ToolVersion, Unreadable};

use glovebox_runtime::{Allowance, Component};
use serde_json::{Value, json};

use crate::resources::agent::AgentDefinition;
use crate::resources::permission::PermissionPolicy;
use crate::resources::tool::Tool;
use crate::session::{Callable, Policy, Runs, Toolbox};

/// What a tool says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// What the model reads.
    pub text: String,
    /// JSON Schema of the input.
    pub input_schema: Value,
    /// Whether running it twice is the same as once.
    pub effects: Effects,
    /// What it would like to reach. None is whatever the session reaches, as tools of the first contract expect.
    pub wishes: Option<Allowance>,
}

/// Whether running a tool changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effects {
    None,
    Some,
}

/// A tool that is ready to be called, whoever made it.
#[derive(Debug, Clone)]
pub struct Ready {
    pub component: Component,
    /// What it may reach of its sandbox. None is all of it.
    pub allowance: Option<Allowance>,
}

/// All tools of this server, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(BTreeMap<String, Description>);

/// What one session may call: the definitions the model gets, and how to treat its calls.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    pub definitions: Vec<Value>,
    pub toolbox: Toolbox,
}

impl Catalogue {
    /// Adds a tool.
    pub fn insert(&mut self, name: impl Into<String>, description: Description) {
        self.0.insert(name.into(), description);
    }

    /// What a tool says about itself.
    pub fn get(&self, name: &str) -> Option<&Description> {
        self.0.get(name)
    }

    /// All tools, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Description)> {
        self.0
            .iter()
            .map(|(name, description)| (name.as_str(), description))
    }

    /// What an agent may call. Disabled tools are not in it, nor are those of MCP servers, which this server does not
    /// speak to; a call of one of them is refused as that of an unknown tool.
    pub fn offer(&self, agent: &AgentDefinition) -> Offer {
        let mut offer = Offer::default();
        for tool in &agent.tools {
            match tool {
                Tool::AgentToolset(toolset) => {
                    for name in toolset.enabled() {
                        let Some(description) = self.0.get(name) else {
                            continue;
                        };
                        let runs = match description.effects {
                            Effects::None => Runs::Pure,
                            Effects::Some => Runs::Effectful,
                        };
                        let policy = policy(toolset.config(name).permission_policy);
                        offer.add(
                            name,
                            &description.text,
                            &description.input_schema,
                            Callable { runs, policy },
                        );
                    }
                }
                Tool::Custom(custom) => {
                    let callable = match &custom.component {
                        None => Callable {
                            runs: Runs::Client,
                            policy: Policy::AlwaysAllow,
                        },
                        Some(component) => Callable {
                            runs: if component.effects == "none" {
                                Runs::Pure
                            } else {
                                Runs::Effectful
                            },
                            policy: policy(component.permission_policy),
                        },
                    };
                    offer.add(
                        &custom.name,
                        &custom.description,
                        &custom.input_schema,
                        callable,
                    );
                }
                Tool::McpToolset(_) => {}
            }
        }
        offer
    }
}

impl Offer {
    fn add(&mut self, name: &str, text: &str, input_schema: &Value, callable: Callable) {
        self.definitions
            .push(json!({"name": name, "description": text, "input_schema": input_schema}));
        self.toolbox.insert(name.to_owned(), callable);
    }
}

fn policy(policy: PermissionPolicy) -> Policy {
    match policy {
        PermissionPolicy::AlwaysAllow => Policy::AlwaysAllow,
        PermissionPolicy::AlwaysAsk => Policy::AlwaysAsk,
        PermissionPolicy::Auto => Policy::Auto,
    }
}
