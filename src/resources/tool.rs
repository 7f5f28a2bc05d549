//! An agent's `tools`: the three kinds of entry, and what must hold between them and the MCP servers.

use serde::{Deserialize, Serialize};

use super::component::Components;
use super::custom_tool::CustomTool;
use super::input::{Fields, Invalid, check_unique};
use super::mcp::{McpServer, McpToolset};
use super::toolset::{AgentToolset, WebSettings};

const TOOLS_MAX: usize = 256;

/// One entry of `tools`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Tool {
    #[serde(rename = "agent_toolset_20260401")]
    AgentToolset(AgentToolset),
    #[serde(rename = "mcp_toolset")]
    McpToolset(McpToolset),
    #[serde(rename = "custom")]
    Custom(CustomTool),
}

/// The `tools` of an agent, without the checks of [`check`].
pub fn parse(fields: &Fields<'_>, components: &Components) -> Result<Vec<Tool>, Invalid> {
    let items = fields.list("tools")?.unwrap_or_default();
    let mut tools = Vec::with_capacity(items.len().min(TOOLS_MAX));
    for (path, item) in items {
        let entry = Fields::of(item, path)?;
        tools.push(
            match entry.discriminator(&["agent_toolset_20260401", "mcp_toolset", "custom"])? {
                "custom" => Tool::Custom(CustomTool::parse(&entry, components)?),
                "mcp_toolset" => Tool::McpToolset(McpToolset::parse(&entry)?),
                _ => Tool::AgentToolset(AgentToolset::parse(&entry)?),
            },
        );
    }
    Ok(tools)
}

/// Makes every reference to a tool of this server mean the version that it means now. `path` is that of the list.
pub fn pin(tools: &mut [Tool], path: &str, components: &Components) -> Result<(), Invalid> {
    for (index, tool) in tools.iter_mut().enumerate() {
        if let Tool::Custom(custom) = tool {
            custom.pin(&format!("{path}.{index}.component"), components)?;
        }
    }
    Ok(())
}

/// The references to tools of this server.
pub fn references(tools: &[Tool]) -> impl Iterator<Item = &str> {
    tools.iter().filter_map(|tool| match tool {
        Tool::Custom(custom) => Some(custom.component.as_ref()?.component.as_str()),
        _ => None,
    })
}

/// What must hold of the tools and MCP servers an agent ends up with, whichever of them a request changed.
pub fn check(fields: &Fields<'_>, tools: &[Tool], servers: &[McpServer]) -> Result<(), Invalid> {
    let at = |index: usize, name: &str| format!("{}.{index}.{name}", fields.at("tools"));
    check_unique(
        tools
            .iter()
            .enumerate()
            .filter_map(|(index, tool)| match tool {
                Tool::AgentToolset(_) => Some((at(index, "type"), "agent_toolset_20260401")),
                _ => None,
            }),
    )?;
    check_unique(
        tools
            .iter()
            .enumerate()
            .filter_map(|(index, tool)| match tool {
                Tool::Custom(custom) => Some((at(index, "name"), custom.name.as_str())),
                _ => None,
            }),
    )?;
    check_unique(
        tools
            .iter()
            .enumerate()
            .filter_map(|(index, tool)| match tool {
                Tool::McpToolset(set) => {
                    Some((at(index, "mcp_server_name"), set.mcp_server_name.as_str()))
                }
                _ => None,
            }),
    )?;
    let count: usize = tools
        .iter()
        .map(|tool| match tool {
            Tool::AgentToolset(set) => set.enabled().count(),
            Tool::McpToolset(set) => set.configs.len().max(1),
            Tool::Custom(_) => 1,
        })
        .sum();
    if count > TOOLS_MAX {
        return Err(fields.refuse(
            "tools",
            format!("at most {TOOLS_MAX} tools are allowed, not {count}"),
        ));
    }
    for (index, tool) in tools.iter().enumerate() {
        match tool {
            Tool::McpToolset(set)
                if !servers
                    .iter()
                    .any(|server| server.name == set.mcp_server_name) =>
            {
                let problem = format!("no MCP server is named '{}'", set.mcp_server_name);
                return Err(Invalid::new(at(index, "mcp_server_name"), problem));
            }
            Tool::AgentToolset(set) => check_url_sources(&at(index, "configs"), set, tools)?,
            _ => {}
        }
    }
    for (index, server) in servers.iter().enumerate() {
        let used = tools.iter().any(
            |tool| matches!(tool, Tool::McpToolset(set) if set.mcp_server_name == server.name),
        );
        if !used {
            let path = format!("{}.{index}.name", fields.at("mcp_servers"));
            return Err(Invalid::new(
                path,
                format!("no mcp_toolset in tools uses the server '{}'", server.name),
            ));
        }
    }
    Ok(())
}

/// The names in `client_tool_results` must be custom tools of the same agent.
fn check_url_sources(path: &str, set: &AgentToolset, tools: &[Tool]) -> Result<(), Invalid> {
    for (index, config) in set.configs.iter().enumerate() {
        let WebSettings::Fetch {
            url_sources: Some(sources),
            ..
        } = &config.web
        else {
            continue;
        };
        for (position, name) in sources
            .client_tool_results
            .iter()
            .flat_map(|source| source.named())
            .enumerate()
        {
            if !tools
                .iter()
                .any(|tool| matches!(tool, Tool::Custom(custom) if custom.name == name))
            {
                return Err(Invalid::new(
                    format!("{path}.{index}.url_sources.client_tool_results.tools.{position}.name"),
                    format!("'{name}' is not a custom tool of this agent"),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::resources::mcp;

    fn tools(body: &Value) -> Result<Vec<Tool>, String> {
        let fields = Fields::of_body(body).unwrap();
        (|| {
            let tools = parse(&fields, &Components::default())?;
            check(&fields, &tools, &mcp::parse_servers(&fields)?)?;
            Ok(tools)
        })()
        .map_err(|refusal: Invalid| refusal.field)
    }

    fn custom(name: &str) -> Value {
        json!({"type": "custom", "name": name, "description": "d", "input_schema": {"type": "object"}})
    }

    #[test]
    fn valid_lists() {
        let server = json!({"type": "url", "name": "s", "url": "https://s.example/mcp"});
        let set = json!({"type": "mcp_toolset", "mcp_server_name": "s"});
        for body in [
            json!({}),
            json!({"tools": null}),
            json!({"tools": [{"type": "agent_toolset_20260401"}, custom("lookup")]}),
            json!({"tools": [set], "mcp_servers": [server]}),
            json!({"tools": [custom("f"), {"type": "agent_toolset_20260401", "configs": [{"name": "web_fetch", "url_sources":
                {"client_tool_results": {"type": "only", "tools": [{"type": "tool_reference", "name": "f"}]}}}]}]}),
            json!({"tools": (0..256).map(|n| custom(&format!("t{n}"))).collect::<Vec<_>>()}),
        ] {
            assert!(tools(&body).is_ok(), "{body}: {:?}", tools(&body));
        }
    }

    #[test]
    fn mcp_tools_ask_by_default() {
        let body = json!({"tools": [{"type": "mcp_toolset", "mcp_server_name": "s", "configs": [{"name": "x", "enabled": false}]}],
            "mcp_servers": [{"type": "url", "name": "s", "url": "https://s.example/mcp"}]});
        let ask = json!({"type": "always_ask"});
        assert_eq!(
            serde_json::to_value(&tools(&body).unwrap()[0]).unwrap(),
            json!({"type": "mcp_toolset", "mcp_server_name": "s",
                   "configs": [{"name": "x", "enabled": false, "permission_policy": ask}],
                   "default_config": {"enabled": true, "permission_policy": ask}})
        );
    }

    #[test]
    fn refusals_name_the_field() {
        let with = |key: &str, value: Value| {
            let mut tool = custom("lookup");
            tool[key] = value;
            json!({ "tools": [tool] })
        };
        let server = |name: &str| json!({"type": "url", "name": name, "url": "https://s.example"});
        let set = json!({"type": "mcp_toolset", "mcp_server_name": "s"});
        let table = [
            (json!({"tools": {}}), "tools"),
            (json!({"tools": ["bash"]}), "tools.0"),
            (json!({"tools": [{}]}), "tools.0.type"),
            (
                json!({"tools": [{"type": "bash_20250124"}]}),
                "tools.0.type",
            ),
            (
                json!({"tools": [{"type": "agent_toolset_20260401"}, {"type": "agent_toolset_20260401"}]}),
                "tools.1.type",
            ),
            (json!({"tools": [custom("a"), custom("a")]}), "tools.1.name"),
            (
                json!({"tools": (0..257).map(|n| custom(&format!("t{n}"))).collect::<Vec<_>>()}),
                "tools",
            ),
            (with("name", json!("bash")), "tools.0.name"),
            (with("name", json!("mcp__x")), "tools.0.name"),
            (with("name", json!("a b")), "tools.0.name"),
            (with("name", json!("a".repeat(129))), "tools.0.name"),
            (with("description", json!("")), "tools.0.description"),
            (with("description", Value::Null), "tools.0.description"),
            (with("component", json!("tool_1")), "tools.0.component"),
            (
                with("input_schema", json!({"type": "string"})),
                "tools.0.input_schema.type",
            ),
            (
                with("input_schema", json!({"type": "object", "oneOf": []})),
                "tools.0.input_schema.oneOf",
            ),
            (
                with(
                    "input_schema",
                    json!({"type": "object", "properties": {"a b": {}}}),
                ),
                "tools.0.input_schema.properties.a b",
            ),
            (
                with(
                    "input_schema",
                    json!({"type": "object", "properties": {"a": {"$ref": "#/x"}}}),
                ),
                "tools.0.input_schema.properties.a.$ref",
            ),
            (json!({"tools": [set]}), "tools.0.mcp_server_name"),
            (
                json!({"tools": [set, set], "mcp_servers": [server("s")]}),
                "tools.1.mcp_server_name",
            ),
            (json!({"mcp_servers": [server("s")]}), "mcp_servers.0.name"),
            (
                json!({"tools": [set], "mcp_servers": [server("s"), server("s")]}),
                "mcp_servers.1.name",
            ),
            (
                json!({"tools": [set], "mcp_servers": [{"type": "url", "name": "s", "url": "ftp://x"}]}),
                "mcp_servers.0.url",
            ),
            (
                json!({"tools": [set], "mcp_servers": [{"type": "stdio", "name": "s"}]}),
                "mcp_servers.0.type",
            ),
        ];
        for (body, field) in table {
            assert_eq!(tools(&body), Err(field.to_owned()), "{body}");
        }
    }
}
