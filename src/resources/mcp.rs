//! MCP servers of an agent and the toolsets that use them.

use serde::{Deserialize, Serialize};

use super::input::{Fields, Invalid, check_count, check_unique};
use super::permission::{DefaultConfig, PermissionPolicy};

const SERVERS_MAX: usize = 20;
const NAME_CHARACTERS_MAX: usize = 255;
const URL_CHARACTERS_MAX: usize = 2048;

/// A server, by URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "url")]
pub struct McpServer {
    pub name: String,
    pub url: String,
}

/// The tools of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpToolset {
    pub mcp_server_name: String,
    pub configs: Vec<McpToolConfig>,
    pub default_config: DefaultConfig,
}

/// What holds for one tool of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpToolConfig {
    pub name: String,
    pub enabled: bool,
    pub permission_policy: PermissionPolicy,
}

/// The `mcp_servers` of an agent: unique names, web addresses.
pub fn parse_servers(fields: &Fields<'_>) -> Result<Vec<McpServer>, Invalid> {
    let items = fields.list("mcp_servers")?.unwrap_or_default();
    check_count(&fields.at("mcp_servers"), items.len(), SERVERS_MAX)?;
    let mut servers = Vec::with_capacity(items.len());
    for (path, item) in &items {
        let server = Fields::of(item, path.clone())?;
        server.discriminator(&["url"])?;
        let url = server.required_text_within("url", 1..=URL_CHARACTERS_MAX)?;
        let has_host = url.split_once("://").is_some_and(|(scheme, rest)| {
            ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
                && !rest.is_empty()
                && !rest.starts_with('/')
        });
        if !has_host {
            return Err(server.refuse("url", "must be an http or https URL"));
        }
        let name = server.required_text_within("name", 1..=NAME_CHARACTERS_MAX)?;
        servers.push(McpServer {
            name: name.to_owned(),
            url: url.to_owned(),
        });
    }
    check_unique(
        items
            .iter()
            .zip(&servers)
            .map(|((path, _), server)| (format!("{path}.name"), server.name.as_str())),
    )?;
    Ok(servers)
}

impl McpToolset {
    /// A `tools` entry of type `mcp_toolset`.
    pub fn parse(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let default_config = DefaultConfig::parse(fields, PermissionPolicy::AlwaysAsk)?;
        let items = fields.list("configs")?.unwrap_or_default();
        let mut configs = Vec::with_capacity(items.len());
        for (path, item) in &items {
            let config = Fields::of(item, path.clone())?;
            configs.push(McpToolConfig {
                name: config.required_text_within("name", 1..=128)?.to_owned(),
                enabled: config.boolean("enabled")?.unwrap_or(default_config.enabled),
                permission_policy: PermissionPolicy::parse(&config)?
                    .unwrap_or(default_config.permission_policy),
            });
        }
        check_unique(
            items
                .iter()
                .zip(&configs)
                .map(|((path, _), config)| (format!("{path}.name"), config.name.as_str())),
        )?;
        let mcp_server_name = fields
            .required_text_within("mcp_server_name", 1..=NAME_CHARACTERS_MAX)?
            .to_owned();
        Ok(Self {
            mcp_server_name,
            configs,
            default_config,
        })
    }
}
