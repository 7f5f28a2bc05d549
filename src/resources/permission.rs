//! May a tool call run: by itself, after asking, or by the judgement of a classifier.

use serde::{Deserialize, Serialize};

use super::input::{Fields, Invalid};

/// What stands between a tool call and its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PermissionPolicy {
    /// It runs.
    AlwaysAllow,
    /// It waits for `user.tool_confirmation`.
    AlwaysAsk,
    /// A classifier decides; without one, it asks.
    Auto,
}

impl PermissionPolicy {
    /// The `permission_policy` of a tool's or a toolset's configuration, if given.
    pub fn parse(fields: &Fields<'_>) -> Result<Option<Self>, Invalid> {
        let Some(policy) = fields.object("permission_policy")? else {
            return Ok(None);
        };
        Ok(Some(
            match policy.discriminator(&["always_allow", "always_ask", "auto"])? {
                "always_ask" => Self::AlwaysAsk,
                "auto" => Self::Auto,
                _ => Self::AlwaysAllow,
            },
        ))
    }
}

/// What holds for the tools of a toolset that no entry of its own speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultConfig {
    pub enabled: bool,
    pub permission_policy: PermissionPolicy,
}

impl DefaultConfig {
    /// The `default_config` of a toolset, completed from `otherwise`.
    pub fn parse(fields: &Fields<'_>, otherwise: PermissionPolicy) -> Result<Self, Invalid> {
        let Some(config) = fields.object("default_config")? else {
            return Ok(Self {
                enabled: true,
                permission_policy: otherwise,
            });
        };
        Ok(Self {
            enabled: config.boolean("enabled")?.unwrap_or(true),
            permission_policy: PermissionPolicy::parse(&config)?.unwrap_or(otherwise),
        })
    }
}
