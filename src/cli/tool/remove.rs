//! `glovebox tool remove`: a tool that no new session can have.

use reqwest::Method;

use super::address::{Address, text};
use super::remark;

/// Archives a tool on the server: new sessions cannot have it, running ones keep it. Prints its id
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// As `list` shows it
    #[arg(value_name = "NAME|ID")]
    tool: String,
    #[command(flatten)]
    address: Address,
}

impl Arguments {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let server = self.address.server()?;
        let tool = server.tool(&self.tool).await?;
        let id = text(&tool, "id")?;
        let request = server.request(Method::POST, &format!("/v1/tools/{id}/archive"));
        server.json(request).await?;
        remark(&format!("{} is archived", text(&tool, "name")?));
        crate::cli::say(id)?;
        Ok(())
    }
}
