//! `glovebox tool push`: to a server, or to an OCI registry.

use anyhow::{Context, ensure};
use reqwest::{Method, header};

use super::address::{Address, text};
use super::multipart::Form;
use super::subject::Source;
use super::{Engines, build, oci, remark};
use crate::package;

/// Publishes a tool: prints its id@version and digest, or its pinned reference in a registry
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A tool's folder, which is built first, a component, or oci://HOST/REPOSITORY@sha256:…
    #[arg(value_name = "DIR|FILE|oci://…", default_value = ".")]
    tool: String,
    /// Where to; without it, the server
    #[arg(value_name = "oci://HOST/REPOSITORY:TAG")]
    to: Option<String>,
    /// The version that this push has to become, or it is refused
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    #[command(flatten)]
    address: Address,
}

impl Arguments {
    pub(super) async fn run(self, engines: &Engines) -> anyhow::Result<()> {
        // What is missing is said before anything is built.
        let server = match &self.to {
            None => Some(self.address.server()?),
            Some(_) => None,
        };
        let to = self.to.as_deref().map(oci::Place::parse).transpose()?;
        let packed = self.packed(engines).await?;
        if let Some(to) = to {
            ensure!(
                self.version.is_none(),
                "--version is for servers: a registry has tags"
            );
            let pinned = oci::push(&to, packed).await?;
            crate::cli::say(&pinned)?;
            return Ok(());
        }
        let server = server.context("there is no server to push to")?;
        let digest = package::digest(&packed);
        let mut form = Form::new();
        if let Some(version) = self.version {
            form.text("version", &version.to_string());
        }
        form.file("component", "tool.wasm", "application/wasm", &packed);
        let (content_type, body) = form.finish();
        remark(&format!("pushing {} KiB ...", packed.len().div_ceil(1024)));
        let request = server
            .request(Method::POST, "/v1/tools")
            .header(header::CONTENT_TYPE, content_type)
            .body(body);
        let tool = server.json(request).await?;
        let (id, name, stored) = (
            text(&tool, "id")?,
            text(&tool, "name")?,
            text(&tool, "digest")?,
        );
        let version = &tool["version"];
        ensure!(
            stored == digest.to_string(),
            "the server keeps {stored} and was sent {digest}"
        );
        remark(&format!("{name} is version {version}"));
        crate::cli::say(&format!("{id}@{version} {stored}"))?;
        Ok(())
    }

    async fn packed(&self, engines: &Engines) -> anyhow::Result<Vec<u8>> {
        if oci::is_reference(&self.tool) {
            let place = oci::Place::parse(&self.tool)?;
            let pulled = oci::pull(&place).await?;
            ensure!(
                place.is_pinned(),
                "{} can mean another tool tomorrow: push {}",
                self.tool,
                pulled.pinned
            );
            return package::pack(&pulled.wasm, None)
                .with_context(|| format!("{} is no tool", self.tool));
        }
        match Source::find(&self.tool)? {
            Source::Folder(path) => Ok(build::build(engines, &path).await?.0.bytes),
            source => source.packed().await,
        }
    }
}
