//! `glovebox tool test`: the cases of a tool, each one call in a sandbox of its own, as a server would make it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use glovebox_runtime::{CallOptions, Engine, Network, Usage};

use super::Engines;
use super::reach;
use super::subject::{Source, Subject};
use super::workbench::{self, Outside};
use crate::tools;

mod cases;
mod expect;
mod files;

use cases::Case;

const CASES_FILE: &str = "cases.toml";

/// Calls the tool once for each case in cases.toml; exits with 1 when one of them fails
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The tool's folder, which is built first, or a component
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    tool: String,
    /// The cases [default: cases.toml in the folder, or beside the component]
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Only the cases that have this in their names
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Allowed hosts may be on this machine or in a private network
    #[arg(long)]
    allow_private: bool,
}

impl Arguments {
    pub(super) async fn run(self, engines: &Engines) -> anyhow::Result<ExitCode> {
        let source = Source::find(&self.tool)?;
        let file = match (&self.cases, &source) {
            (Some(file), _) => file.clone(),
            (None, Source::Folder(path)) => path.join(CASES_FILE),
            (None, Source::File(path)) => path.with_file_name(CASES_FILE),
            (None, Source::BuiltIn(_)) => PathBuf::from(CASES_FILE),
        };
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read the cases {}", file.display()))?;
        let mut cases =
            cases::parse(&text).with_context(|| format!("{} is not valid", file.display()))?;
        if let Some(only) = &self.only {
            cases.retain(|case| case.name.contains(only));
        }
        ensure!(!cases.is_empty(), "{} has no such cases", file.display());
        let engine = engines.open()?;
        let subject = Subject::open(&engine, &source).await?;
        let name = &subject.description.name;
        let mut failed = 0;
        for case in &cases {
            let ran = run(&engine, &subject, case, self.allow_private).await?;
            let word = if ran.wrong.is_empty() { "pass" } else { "FAIL" };
            crate::cli::say(&format!("{word}  {}  ({})", case.name, ran.cost))?;
            crate::cli::say(&format!("      {}", ran.reached))?;
            for wrong in &ran.wrong {
                crate::cli::say(&format!("      {}", wrong.replace('\n', "\n      ")))?;
            }
            failed += usize::from(!ran.wrong.is_empty());
        }
        let passed = cases.len() - failed;
        crate::cli::say(&format!("{name}: {passed} passed, {failed} failed"))?;
        Ok(if failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// What came of a case.
struct Ran {
    wrong: Vec<String>,
    cost: String,
    reached: String,
}

async fn run(
    engine: &Engine,
    subject: &Subject,
    case: &Case,
    allow_private: bool,
) -> anyhow::Result<Ran> {
    let of_case = || format!("case {:?}", case.name);
    let workspace = tempfile::tempdir().context("cannot make a temporary folder")?;
    for (path, text) in &case.files {
        files::write(workspace.path(), path, text).with_context(of_case)?;
    }
    let before = files::read(workspace.path())?;
    let outside = Outside {
        network: Network::Unrestricted,
        private_addresses: allow_private,
        secrets: case.secrets().with_context(of_case)?,
    };
    let wishes = &subject.description.wishes;
    let allowance = workbench::allowance(wishes, case.grants.as_ref(), &outside.secrets)
        .with_context(of_case)?;
    let reach = reach::in_short(&allowance);
    let options = CallOptions {
        // Built-in tools say what they wish for as well.
        allowance: Some(allowance),
        ..CallOptions::default()
    };
    let input = case.input.to_string();
    let path = workspace.path().canonicalize()?;
    let started = Instant::now();
    let report = workbench::call(engine, subject, &input, path, outside, options).await?;
    let wall = report.usage.wall.min(started.elapsed());
    let usage = Usage {
        wall,
        ..report.usage
    };
    let after = files::read(workspace.path())?;
    let result = tools::result(report.outcome);
    Ok(Ran {
        wrong: expect::check(&case.expect, &result.content, result.is_error, &after),
        cost: cost(&usage),
        reached: format!("{}; {reach}", changed(files::changes(&before, &after))),
    })
}

fn cost(usage: &Usage) -> String {
    let milliseconds = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    let memory = usage.memory_bytes_peak.div_ceil(1024);
    let memory = match memory {
        kib if kib < 1024 => format!("{kib} KiB"),
        kib => format!("{} MiB", kib.div_ceil(1024)),
    };
    format!(
        "{:.1} ms, {:.1} ms on a processor, {memory} at most",
        milliseconds(usage.wall),
        milliseconds(usage.cpu)
    )
}

fn changed(files: usize) -> String {
    match files {
        0 => "changed no files".to_owned(),
        1 => "changed 1 file".to_owned(),
        many => format!("changed {many} files"),
    }
}
