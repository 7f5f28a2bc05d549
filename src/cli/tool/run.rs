//! `glovebox tool run`: one call.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use glovebox_runtime::{CallOptions, Network, Progress};
use serde_json::Value;

use super::subject::{Source, Subject};
use super::workbench::{self, AllowedHost, GivenSecret, Outside};
use super::{Engines, remark};
use crate::tools;

/// Calls a tool and prints its content blocks as JSON; exits with 1 when the result is an error
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A built-in tool as `list` shows it, a component, or a tool's folder, which is built first
    #[arg(value_name = "NAME|FILE|DIR")]
    tool: String,
    /// The tool's input, a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    input: String,
    /// The folder mounted read-write at /workspace; without it, an empty one that is removed at the end
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A host that may be reached over HTTP, or * for all; without any, none
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<AllowedHost>,
    /// Allowed hosts may be on this machine or in a private network
    #[arg(long)]
    allow_private: bool,
    /// A secret, and the hosts it may be sent to: NAME=env:VARIABLE@HOST or NAME=file:PATH@HOST
    #[arg(long, value_name = "NAME=env:VAR@HOST")]
    secret: Vec<GivenSecret>,
    /// What the tool is granted of what it wishes for, as in an agent's entry; all of it when not given
    #[arg(long, value_name = "JSON")]
    grants: Option<String>,
}

impl Arguments {
    pub(super) async fn run(self, engines: &Engines) -> anyhow::Result<ExitCode> {
        let source = Source::find(&self.tool)?;
        let grants: Option<Value> = self
            .grants
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .context("--grants is no JSON")?;
        let secrets = self
            .secret
            .into_iter()
            .map(GivenSecret::read)
            .collect::<anyhow::Result<_>>()?;
        let outside = Outside {
            network: workbench::network(self.allow_host),
            private_addresses: self.allow_private,
            secrets,
        };
        let engine = engines.open()?;
        let subject = Subject::open(&engine, &source).await?;
        let wishes = &subject.description.wishes;
        // A built-in tool without grants has what the sandbox has, as scripts are used to.
        let allowance = match (&source, &grants) {
            (Source::BuiltIn(_), None) => None,
            _ => Some(workbench::allowance(
                wishes,
                grants.as_ref(),
                &outside.secrets,
            )?),
        };
        if allowance.is_some() {
            for missing in missing(&subject, &outside) {
                remark(&missing);
            }
        }
        let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
        let workspace = match self.workspace {
            Some(path) => path
                .canonicalize()
                .with_context(|| format!("cannot use {} as workspace", path.display()))?,
            None => scratch.path().to_owned(),
        };
        let options = CallOptions {
            allowance,
            on_progress: Some(Arc::new(show)),
            ..CallOptions::default()
        };
        let report =
            workbench::call(&engine, &subject, &self.input, workspace, outside, options).await?;
        let result = tools::result(report.outcome);
        crate::cli::say(&serde_json::to_string_pretty(&Value::Array(
            result.content,
        ))?)?;
        Ok(if result.is_error {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// What the tool wishes for and this command was not told to give.
fn missing(subject: &Subject, outside: &Outside) -> Vec<String> {
    let name = &subject.description.name;
    let wishes = subject.description.wishes.to_value();
    let list = |key: &str| -> Vec<String> {
        let entries = wishes[key].as_array().into_iter().flatten();
        entries
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let mut missing = Vec::new();
    if outside.network == Network::None && !list("hosts").is_empty() {
        let hosts = list("hosts").join(", ");
        missing.push(format!(
            "{name} wishes to reach {hosts}: --allow-host lets it"
        ));
    }
    for secret in list("secrets") {
        if !outside.secrets.contains_key(&secret) {
            missing.push(format!(
                "{name} wishes for the secret {secret}: --secret gives it"
            ));
        }
    }
    missing
}

fn show(progress: Progress) {
    match progress.fraction {
        Some(fraction) => remark(&format!("{} ({:.0} %)", progress.message, fraction * 100.0)),
        None => remark(&progress.message),
    }
}
