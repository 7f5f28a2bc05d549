//! `glovebox sh`: the sandbox's bash on the user's terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use glovebox_runtime::{
    Access, Grant, HostPattern, Image, Input, Limits, Mount, MountSource, Network, Output,
    ProgramRun, Sandbox, SpawnError,
};

use crate::server::config::Config;
use crate::server::engine;
use crate::tools::BuiltIn;

/// Runs the sandbox's bash: a shell that sees one folder and no network.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
#[command(
    override_usage = "glovebox sh [--workspace DIR] [--allow-host HOST]... [-c COMMAND [ARG]... | FILE [ARG]...]"
)]
#[command(after_help = "\
Whatever follows our own options goes to bash as it is. The exit status is bash's own. Environment variables are passed
on, except those of the host's own layout (PATH, HOME, ...) and those whose names speak of a secret (KEY, TOKEN, ...).

  glovebox sh -c 'echo \"$0 $1\"' greet world
  glovebox sh --workspace . build.sh                  the folder is mounted read-write at /workspace
  glovebox sh --allow-host '*.example.com' -c 'curl https://www.example.com/'
  echo 'seq 3 | sort -r' | glovebox sh")]
pub(super) struct Command {
    /// The folder to work in; without it, an empty one that is removed at the end
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A host that may be reached over HTTP, for example api.example.com or *.example.com; without any, none
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<HostPattern>,
    /// Where compiled components are kept [default: ~/.cache/glovebox/components]
    #[arg(long, value_name = "DIR", env = "GLOVEBOX_CACHE")]
    cache: Option<PathBuf>,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// What bash gets
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARG"
    )]
    arguments: Vec<String>,
}

/// Where a script of the host appears when it lies outside the workspace.
const SCRIPTS: &str = "/mnt/session/uploads";

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = Config {
            cache: self.cache.clone(),
            ..Config::default()
        };
        let engine = engine::open(config.cache_directory()?, engine::FOR_A_COMMAND)?;
        let built_in = BuiltIn::on_demand(&engine, &[])?;
        let scratch = Scratch::new()?;
        let workspace = match &self.workspace {
            Some(path) => path
                .canonicalize()
                .with_context(|| format!("cannot use {} as workspace", path.display()))?,
            None => scratch.folder("workspace")?,
        };
        let mut mounts = scratch.mounts(&built_in)?;
        mounts.push(writable("/workspace", workspace.clone()));
        let mut arguments = self.arguments;
        mounts.extend(bring_script(&mut arguments, &workspace)?);
        let grant = Grant {
            mounts,
            network: match self.allow_host {
                hosts if hosts.is_empty() => Network::None,
                hosts => Network::Limited { hosts },
            },
            limits: terminal_limits(),
            environment: environment(std::env::vars()),
            ..Grant::default()
        };
        let sandbox = Sandbox::new(&engine, grant, built_in.programs)?;
        let run = ProgramRun {
            program: "bash".into(),
            arguments: std::iter::once("bash".to_owned())
                .chain(arguments)
                .collect(),
            environment: BTreeMap::new(),
            cwd: "/workspace".into(),
            stdin: Input::Inherit,
            stdout: Output::InheritStdout,
            stderr: Output::InheritStderr,
            limits: None,
        };
        let status = sandbox.run(run).await;
        sandbox.shutdown().await;
        match status {
            Ok(status) => Ok(ExitCode::from(status.code())),
            // As a shell puts it when a command is killed.
            Err(error @ (SpawnError::Limit(_) | SpawnError::Trapped(_))) => {
                eprintln!("glovebox: {error}");
                Ok(ExitCode::from(137))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A terminal has somebody in front of it: no limit on time, and room for a large build.
fn terminal_limits() -> Limits {
    let long = Duration::from_secs(365 * 24 * 3600);
    Limits {
        wall_time_max: long,
        cpu_time_max: long,
        memory_bytes_max: 4 << 30,
        processes_max: 256,
        disk_bytes_max: 16 << 30,
        files_max: 1_000_000,
        ..Limits::default()
    }
}

/// What is passed on of the host's environment, and what every process in the sandbox gets.
fn environment(host: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    const OF_THE_HOST: [&str; 14] = [
        "PATH",
        "HOME",
        "PWD",
        "OLDPWD",
        "SHELL",
        "SHLVL",
        "USER",
        "LOGNAME",
        "TMPDIR",
        "HOSTNAME",
        "_",
        "BASH_ENV",
        "ENV",
        "SHELLOPTS",
    ];
    const SECRETS: [&str; 8] = [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "AUTH",
        "COOKIE",
    ];
    const FAMILIES: [&str; 7] = [
        "LD_",
        "XDG_",
        "CARGO_",
        "RUSTUP_",
        "GLOVEBOX_",
        "AWS_",
        "SSH_",
    ];
    let passed = host.filter(|(name, _)| {
        let upper = name.to_ascii_uppercase();
        !OF_THE_HOST.contains(&name.as_str())
            && !FAMILIES.iter().any(|family| upper.starts_with(family))
            && !SECRETS.iter().any(|word| upper.contains(word))
    });
    let ours = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "/home/agent"),
        ("USER", "agent"),
        ("LOGNAME", "agent"),
    ];
    let ours = ours.map(|(name, value)| (name.to_owned(), value.to_owned()));
    passed.chain(ours).collect()
}

/// When the arguments name a script of the host that bash would not find in the workspace, brings it along and changes the
/// argument to where it is.
fn bring_script(arguments: &mut [String], workspace: &Path) -> anyhow::Result<Option<Mount>> {
    let Some(argument) = script_argument(arguments) else {
        return Ok(None);
    };
    let named = Path::new(argument.as_str());
    if named.starts_with("/workspace")
        || workspace.join(named).is_file() && named.is_relative()
        || !named.is_file()
    {
        return Ok(None);
    }
    let name = named
        .file_name()
        .and_then(|name| name.to_str())
        .context("the script's name is not readable")?
        .to_owned();
    let bytes = std::fs::read(named).with_context(|| format!("cannot read {}", named.display()))?;
    *argument = format!("{SCRIPTS}/{name}");
    let image = Image::new([(name, Bytes::from(bytes), 0o755)]);
    Ok(Some(Mount {
        at: SCRIPTS.into(),
        source: MountSource::Image(Arc::new(image)),
        access: Access::ReadOnly,
    }))
}

/// The first argument that is no option, unless bash takes its commands from `-c` or standard input.
fn script_argument(arguments: &mut [String]) -> Option<&mut String> {
    let mut takes_value = false;
    for argument in arguments {
        if std::mem::take(&mut takes_value) {
            continue;
        }
        match argument.as_str() {
            "-" | "--" => continue,
            "-o" | "+o" | "-O" | "+O" | "--rcfile" | "--init-file" => takes_value = true,
            long if long.starts_with("--") => {}
            short if short.starts_with('-') || short.starts_with('+') => {
                if short.starts_with('-') && short.contains(['c', 's']) {
                    return None;
                }
                takes_value = short.ends_with('o');
            }
            _ => return Some(argument),
        }
    }
    None
}

/// The sandbox's own folders, removed at the end.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> anyhow::Result<Scratch> {
        Ok(Scratch(
            tempfile::Builder::new()
                .prefix("glovebox-")
                .tempdir()
                .context("cannot make a temporary folder")?,
        ))
    }

    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    fn mounts(&self, built_in: &BuiltIn) -> anyhow::Result<Vec<Mount>> {
        Ok(vec![
            writable("/tmp", self.folder("tmp")?),
            writable("/home/agent", self.folder("home")?),
            Mount {
                at: "/usr".into(),
                source: MountSource::Image(built_in.usr.clone()),
                access: Access::ReadOnly,
            },
        ])
    }
}

fn writable(at: &str, path: PathBuf) -> Mount {
    Mount {
        at: at.into(),
        source: MountSource::HostDirectory(path),
        access: Access::ReadWrite,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_found_among_bashs_arguments() {
        for (arguments, expected) in [
            (vec!["x.sh", "y.sh"], Some("x.sh")),
            (vec!["-e", "-o", "pipefail", "x.sh"], Some("x.sh")),
            (vec!["-eo", "pipefail", "x.sh"], Some("x.sh")),
            (vec!["--norc", "--", "x.sh"], Some("x.sh")),
            (vec!["-c", "x.sh"], None),
            (vec!["-ec", "x.sh"], None),
            (vec!["-s", "x.sh"], None),
            (vec![], None),
        ] {
            let mut arguments: Vec<String> = arguments.into_iter().map(Into::into).collect();
            assert_eq!(
                script_argument(&mut arguments).map(|found| found.as_str()),
                expected
            );
        }
    }

    #[test]
    fn secrets_and_the_hosts_layout_stay_outside() {
        let host = [
            ("LANG", "C"),
            ("PATH", "/sbin"),
            ("ANTHROPIC_API_KEY", "x"),
            ("github_token", "x"),
            ("SH", "bash"),
        ];
        let passed = environment(
            host.map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into_iter(),
        );
        assert_eq!(passed["LANG"], "C");
        assert_eq!(passed["SH"], "bash");
        assert_eq!(passed["PATH"], "/usr/local/bin:/usr/bin:/bin");
        assert!(!passed.contains_key("ANTHROPIC_API_KEY") && !passed.contains_key("github_token"));
    }
}
