//! The configuration: a TOML file, flags and environment variables, in rising order of precedence of flags over
//! environment over file. Unknown keys are refused.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::secrets::SecretConfig;
use crate::agent::{self, hands::SandboxesOptions};
use crate::tools::LoadedMax;
use crate::{mcp, model};

/// What can be written in the file. Every key is optional.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on. Default `127.0.0.1:8080`.
    pub listen: Option<String>,
    /// Where everything is kept. Default `$XDG_DATA_HOME/glovebox` or `~/.local/share/glovebox`.
    pub data: Option<PathBuf>,
    /// Where compiled components are kept. Default `$XDG_CACHE_HOME/glovebox/components`.
    pub cache: Option<PathBuf>,
    /// How logs are written. Default `text`.
    pub log: LogFormat,
    /// The model's provider.
    pub model: ModelConfig,
    /// What every sandbox gets.
    pub sandbox: SandboxConfig,
    /// Clients of `/mcp`.
    pub mcp: McpConfig,
    /// Tools that people push.
    pub tools: ToolsConfig,
    /// What tools may use and never see, by name.
    pub secrets: BTreeMap<String, SecretConfig>,
}

/// How logs are written to standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// `[model]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Without `/v1`. `ANTHROPIC_BASE_URL` overrides it.
    pub base_url: Option<String>,
    /// Prefer `ANTHROPIC_API_KEY`, which overrides it.
    pub api_key: Option<String>,
    /// See [`model::Timeouts`].
    pub connect_timeout_ms: Option<u64>,
    /// See [`model::Timeouts`].
    pub first_byte_timeout_ms: Option<u64>,
    /// See [`model::Timeouts`].
    pub idle_timeout_ms: Option<u64>,
    /// Pause after the first failure that may pass; it doubles each time. Default 500.
    pub retry_first_ms: Option<u64>,
    /// Upper bound of that pause. Default 30,000.
    pub retry_max_ms: Option<u64>,
    /// The length of one answer, in tokens. Default 32,000.
    pub max_tokens: Option<u32>,
}

/// `[sandbox]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxConfig {
    /// Whether sandboxes may reach loopback, private and link-local addresses. Default false.
    pub private_addresses: bool,
    /// A SearXNG-compatible search engine for web_search, for example `http://127.0.0.1:8888/search`. Default none: the
    /// tool then says so. `GLOVEBOX_SEARCH_ENDPOINT` overrides it.
    pub search_endpoint: Option<String>,
}

/// `[mcp]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct McpConfig {
    /// Sessions of one key at a time. Default 64.
    pub sessions_max: Option<usize>,
    /// A session nothing is heard of for so long is closed, with its files. Default an hour.
    pub idle_timeout_ms: Option<u64>,
    /// Names that clients may use for this server. Default: `localhost` and its addresses when the server listens on
    /// loopback only, and every name otherwise.
    pub allowed_hosts: Option<Vec<String>>,
    /// Origins of web pages that may ask, for example `https://app.example.com:443`. Default: those of this machine.
    pub allowed_origins: Option<Vec<String>>,
}

/// `[tools]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolsConfig {
    /// The largest component that may be pushed. Default 64 MiB: interpreters of Python and JavaScript fit.
    pub component_bytes_max: usize,
    /// How many pushed tools stay loaded. Default 256.
    pub loaded_max: NonZeroUsize,
    /// How large their compiled code may be together. Default 1 GiB.
    pub loaded_bytes_max: u64,
}

impl ToolsConfig {
    /// How many pushed tools stay loaded.
    pub fn loaded(&self) -> LoadedMax {
        LoadedMax {
            count: self.loaded_max,
            bytes: self.loaded_bytes_max,
        }
    }
}

impl Default for ToolsConfig {
    fn default() -> Self {
        let LoadedMax { count, bytes } = LoadedMax::default();
        ToolsConfig {
            component_bytes_max: 64 << 20,
            loaded_max: count,
            loaded_bytes_max: bytes,
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file says what nobody understands.
    #[error("the configuration {path} is not valid: {message}")]
    Invalid {
        /// Which.
        path: String,
        /// The key or the line.
        message: String,
    },
    /// There is no place to keep things.
    #[error("no home directory is known: name a directory with {flag}")]
    NoHome {
        /// The flag that helps.
        flag: &'static str,
    },
}

impl Config {
    /// Reads the file. Blocking.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: shown.clone(),
            source,
        })?;
        Config::parse(&text).map_err(|message| ConfigError::Invalid {
            path: shown,
            message,
        })
    }

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error| {
            // Without the line itself: it may hold a secret.
            let place = error.span().and_then(|span| text.get(..span.start));
            let line = place.map_or(1, |before| before.matches('\n').count() + 1);
            format!("line {line}: {}", error.message())
        })
    }

    /// How the loop is tuned.
    pub fn agent_options(&self) -> agent::Options {
        let default = agent::Options::default();
        let pause = |ms: Option<u64>, default: Duration| ms.map_or(default, Duration::from_millis);
        agent::Options {
            backoff: agent::Backoff {
                first: pause(self.model.retry_first_ms, default.backoff.first),
                max: pause(self.model.retry_max_ms, default.backoff.max),
            },
            max_tokens: self.model.max_tokens.unwrap_or(default.max_tokens),
            ..default
        }
    }

    /// What every sandbox gets.
    pub fn sandboxes(&self) -> SandboxesOptions {
        SandboxesOptions {
            private_addresses: self.sandbox.private_addresses,
            search_endpoint: variable("GLOVEBOX_SEARCH_ENDPOINT")
                .or(self.sandbox.search_endpoint.clone()),
            ..SandboxesOptions::default()
        }
    }

    /// How MCP clients are treated by a server that listens on `address`.
    pub fn mcp(&self, address: SocketAddr) -> mcp::Options {
        let default = mcp::Options::default();
        let hosts = if address.ip().is_loopback() {
            default.allowed_hosts
        } else {
            Vec::new()
        };
        let given = &self.mcp;
        mcp::Options {
            sessions_max: given.sessions_max.unwrap_or(default.sessions_max),
            idle_timeout: given
                .idle_timeout_ms
                .map_or(default.idle_timeout, Duration::from_millis),
            allowed_hosts: given.allowed_hosts.clone().unwrap_or(hosts),
            allowed_origins: given
                .allowed_origins
                .clone()
                .unwrap_or(default.allowed_origins),
            ..default
        }
    }

    /// The data directory.
    pub fn data_directory(&self) -> Result<PathBuf, ConfigError> {
        let default = || Some(base("XDG_DATA_HOME", ".local/share")?.join("glovebox"));
        self.data
            .clone()
            .or_else(default)
            .ok_or(ConfigError::NoHome { flag: "--data" })
    }

    /// The directory for compiled components.
    pub fn cache_directory(&self) -> Result<PathBuf, ConfigError> {
        let default = || {
            Some(
                base("XDG_CACHE_HOME", ".cache")?
                    .join("glovebox")
                    .join("components"),
            )
        };
        self.cache
            .clone()
            .or_else(default)
            .ok_or(ConfigError::NoHome { flag: "--cache" })
    }
}

impl ModelConfig {
    /// What the client is made of; environment variables win.
    pub fn options(&self) -> model::Options {
        let default = model::Options::default();
        let timeout =
            |ms: Option<u64>, default: Duration| ms.map_or(default, Duration::from_millis);
        model::Options {
            base_url: variable("ANTHROPIC_BASE_URL")
                .or(self.base_url.clone())
                .unwrap_or(default.base_url),
            api_key: variable("ANTHROPIC_API_KEY").or(self.api_key.clone()),
            timeouts: model::Timeouts {
                connect: timeout(self.connect_timeout_ms, default.timeouts.connect),
                first_byte: timeout(self.first_byte_timeout_ms, default.timeouts.first_byte),
                idle: timeout(self.idle_timeout_ms, default.timeouts.idle),
            },
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute =
        |path: std::ffi::OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let given = std::env::var_os(variable).and_then(absolute);
    given.or_else(|| {
        Some(
            std::env::var_os("HOME")
                .and_then(absolute)?
                .join(below_home),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_sets_what_it_names_and_nothing_else() {
        let config =
            Config::parse("listen = '0.0.0.0:80'\n[model]\nidle_timeout_ms = 5\n").unwrap();
        assert_eq!(config.listen.as_deref(), Some("0.0.0.0:80"));
        let timeouts = config.model.options().timeouts;
        assert_eq!(timeouts.idle, Duration::from_millis(5));
        assert_eq!(timeouts.connect, model::Timeouts::default().connect);
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        for (text, key) in [
            ("lisen = ''", "lisen"),
            ("[model]\nurl = ''", "url"),
            ("[modle]", "modle"),
            ("[secrets.A]\nhost = 'a.org'", "host"),
        ] {
            let message = Config::parse(text).unwrap_err();
            assert!(message.contains(key), "{message}");
        }
    }
}
