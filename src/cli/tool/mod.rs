//! `glovebox tool`: what an author of tools does, from an empty folder to a pushed tool, and one call of any tool.
//!
//! What a script wants to read goes to standard output; progress and remarks go to standard error.

use std::path::PathBuf;
use std::process::ExitCode;

use glovebox_runtime::Engine;

use crate::server::config::Config;
use crate::server::engine;

mod address;
mod build;
mod compile;
mod inspect;
mod list;
mod multipart;
mod new;
mod oci;
mod project;
mod pull;
mod push;
mod reach;
mod remove;
mod run;
mod subject;
mod test;
mod workbench;

/// Makes, tests, publishes and runs tools.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A tool of your own:
  glovebox tool new --lang python word_count && cd word_count
  glovebox tool build                                 build/word_count.wasm
  glovebox tool test                                  the cases in cases.toml
  glovebox tool push                                  to the server that GLOVEBOX_URL names
Any tool:
  glovebox tool list
  glovebox tool run bash --input '{\"command\": \"ls -l\"}' --workspace .
  glovebox tool run read --input '{\"file_path\": \"/workspace/README.md\"}' --workspace .
  glovebox tool inspect stranger.wasm")]
pub(super) struct Command {
    /// Where compiled components are kept [default: ~/.cache/glovebox/components]
    #[arg(long, value_name = "DIR", env = "GLOVEBOX_CACHE", global = true)]
    cache: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    New(new::Arguments),
    Build(build::Arguments),
    Test(test::Arguments),
    Run(run::Arguments),
    Inspect(inspect::Arguments),
    Push(push::Arguments),
    List(list::Arguments),
    Remove(remove::Arguments),
    Pull(pull::Arguments),
    Compile(compile::Arguments),
}

/// The engine, for the commands that need one.
struct Engines {
    cache: Option<PathBuf>,
}

impl Engines {
    /// Where compiled components are kept.
    fn cache(&self) -> anyhow::Result<PathBuf> {
        let config = Config {
            cache: self.cache.clone(),
            ..Config::default()
        };
        Ok(config.cache_directory()?)
    }

    fn open(&self) -> anyhow::Result<Engine> {
        engine::open(self.cache()?, engine::FOR_A_COMMAND)
    }
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let engines = Engines { cache: self.cache };
        let done = |()| ExitCode::SUCCESS;
        match self.action {
            Action::New(arguments) => arguments.run().map(done),
            Action::Build(arguments) => arguments.run(&engines).await.map(done),
            Action::Test(arguments) => arguments.run(&engines).await,
            Action::Run(arguments) => arguments.run(&engines).await,
            Action::Inspect(arguments) => arguments.run().await.map(done),
            Action::Push(arguments) => arguments.run(&engines).await.map(done),
            Action::List(arguments) => arguments.run(&engines).await.map(done),
            Action::Remove(arguments) => arguments.run().await.map(done),
            Action::Pull(arguments) => arguments.run().await.map(done),
            Action::Compile(arguments) => arguments.run(),
        }
    }
}

/// A remark for whoever watches.
fn remark(text: &str) {
    eprintln!("glovebox: {text}");
}
