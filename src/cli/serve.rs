//! `glovebox serve`: the server.

use std::path::PathBuf;

use crate::server::config::{Config, LogFormat};
use crate::server::{self, Server, logging};

/// Runs the server until SIGTERM or SIGINT.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
When it is ready it prints one line, `listening on http://HOST:PORT`, to standard output; logs go to standard error
(RUST_LOG chooses what). At its first start it makes an API key and prints it to standard error, once,
unless GLOVEBOX_API_KEY gives one.

  ANTHROPIC_API_KEY=sk-... glovebox serve
  ANTHROPIC_BASE_URL=http://127.0.0.1:9000 GLOVEBOX_API_KEY=secret glovebox serve --listen 127.0.0.1:0 --data ./data

A client needs two variables: ANTHROPIC_BASE_URL (the address above) and ANTHROPIC_API_KEY (the key above).

A configuration file, every key optional:
  listen = \"127.0.0.1:8080\"
  data = \"/var/lib/glovebox\"
  log = \"json\"
  [model]
  base_url = \"https://api.anthropic.com\"
  idle_timeout_ms = 60000
  [sandbox]
  private_addresses = false
  search_endpoint = \"http://127.0.0.1:8888/search\"
  [mcp]
  allowed_hosts = [\"tools.example.com\"]")]
pub(super) struct Command {
    /// Where to listen; port 0 picks one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", env = "GLOVEBOX_LISTEN")]
    listen: Option<String>,
    /// Where everything is kept [default: ~/.local/share/glovebox]
    #[arg(long, value_name = "DIR", env = "GLOVEBOX_DATA")]
    data: Option<PathBuf>,
    /// Where compiled components are kept [default: ~/.cache/glovebox/components]
    #[arg(long, value_name = "DIR", env = "GLOVEBOX_CACHE")]
    cache: Option<PathBuf>,
    /// A TOML file
    #[arg(long, value_name = "FILE", env = "GLOVEBOX_CONFIG")]
    config: Option<PathBuf>,
    /// How logs are written
    #[arg(long, value_name = "FORMAT", env = "GLOVEBOX_LOG")]
    log: Option<LogFormat>,
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let file = self
            .config
            .as_deref()
            .map(Config::load)
            .transpose()?
            .unwrap_or_default();
        let config = Config {
            listen: self.listen.or(file.listen),
            data: self.data.or(file.data),
            cache: self.cache.or(file.cache),
            log: self.log.unwrap_or(file.log),
            ..file
        };
        logging::start(config.log, logging::FOR_A_SERVER);
        let given = std::env::var("GLOVEBOX_API_KEY")
            .ok()
            .filter(|key| !key.is_empty());
        let mut stop = Box::pin(server::stop_signal());
        let server = tokio::select! {
            server = Server::start(config, given.as_deref()) => server?,
            // A first start compiles for minutes; what it has compiled is kept.
            () = &mut stop => return Ok(()),
        };
        if let Some(secret) = &server.new_key {
            // Standard output carries the one line that scripts wait for.
            eprintln!("glovebox: API key, shown only this once: {secret}");
        }
        super::say(&format!("listening on http://{}", server.address()?))?;
        server.run(stop).await?;
        Ok(())
    }
}
