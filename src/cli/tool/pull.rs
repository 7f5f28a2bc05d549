//! `glovebox tool pull`: a tool's file, from a server or an OCI registry.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use reqwest::Method;

use super::address::{Address, text};
use super::{oci, remark};
use crate::package;

/// Gets a tool's file and prints its digest, or the reference to pin when it comes from a registry
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A tool of the server by name or id, with @VERSION for an older one; or oci://HOST/REPOSITORY[:TAG][@sha256:…]
    #[arg(value_name = "NAME|ID[@VERSION]|oci://…")]
    tool: String,
    /// The file to write [default: NAME.wasm]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    address: Address,
}

impl Arguments {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        if oci::is_reference(&self.tool) {
            let place = oci::Place::parse(&self.tool)?;
            let pulled = oci::pull(&place).await?;
            if let Err(error) = package::unpack(&pulled.wasm) {
                remark(&format!("it is not a tool yet: {error}"));
            }
            let output = self
                .output
                .unwrap_or_else(|| format!("{}.wasm", place.name()).into());
            write(&output, &pulled.wasm)?;
            if !place.is_pinned() {
                remark("by this reference it stays the same:");
            }
            crate::cli::say(&pulled.pinned)?;
            return Ok(());
        }
        let (name, version) = match self.tool.rsplit_once('@') {
            Some((name, version)) => {
                let version: u64 = version
                    .parse()
                    .with_context(|| format!("{version:?} is no version of {name}"))?;
                (name, Some(version))
            }
            None => (self.tool.as_str(), None),
        };
        let server = self.address.server()?;
        let mut tool = server.tool(name).await?;
        let id = text(&tool, "id")?.to_owned();
        let path = format!("/v1/tools/{id}");
        let versioned = |path: &str| {
            let request = server.request(Method::GET, path);
            match version {
                Some(version) => request.query(&[("version", version)]),
                None => request,
            }
        };
        if version.is_some() {
            tool = server.json(versioned(&path)).await?;
        }
        let response = server.send(versioned(&format!("{path}/content"))).await?;
        let wasm = response
            .bytes()
            .await
            .context("the server's answer broke off")?;
        let (announced, digest) = (text(&tool, "digest")?, package::digest(&wasm));
        ensure!(
            announced == digest.to_string(),
            "what the server sent is {digest} and should be {announced}"
        );
        let output = match self.output {
            Some(output) => output,
            None => {
                let name = text(&tool, "name")?;
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                ensure!(
                    name.bytes().all(fits),
                    "{name:?} is no tool's name: name the file with -o"
                );
                format!("{name}.wasm").into()
            }
        };
        write(&output, &wasm)?;
        crate::cli::say(&format!("{id}@{} {digest}", tool["version"]))?;
        Ok(())
    }
}

fn write(path: &Path, wasm: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, wasm).with_context(|| format!("cannot write {}", path.display()))?;
    remark(&format!(
        "{} has {} KiB",
        path.display(),
        wasm.len().div_ceil(1024)
    ));
    Ok(())
}
