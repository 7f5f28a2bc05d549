//! What the tests share: one engine, compiled guests, sandboxes with folders of their own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use glovebox_guests as guests;
use glovebox_runtime::{
    Access, Component, Content, Engine, EngineOptions, ExitStatus, Files, Grant, Input, Mount,
    MountSource, Outcome, Output, ProgramRun, Programs, Sandbox, SpawnError,
};
use glovebox_tree::{MemoryBlobs, Store, StoreOptions};

/// Where all tests keep compiled components.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    let home = std::env::var_os("HOME")?;
    Some(Path::new(&home).join(".cache/glovebox/components"))
}

/// The engine of all tests of this process.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::new(EngineOptions {
            cache_dir: cache_dir(),
            processes_max: 200,
            ..EngineOptions::default()
        })
        .unwrap()
    })
}

pub(crate) fn load(kind: guests::Kind, name: &str) -> Component {
    let guest = guests::find(kind, name).unwrap_or_else(|| panic!("no guest {name}"));
    engine()
        .load(name, &guest.wasm())
        .unwrap_or_else(|error| panic!("{}", chain(&error)))
}

pub(crate) fn tool(name: &str) -> Component {
    load(guests::Kind::Tool, name)
}

pub(crate) fn probe(name: &str) -> Component {
    load(guests::Kind::Probe, name)
}

/// All programs and probes that are not tools, by name.
pub(crate) fn programs() -> Arc<Programs> {
    static PROGRAMS: OnceLock<Arc<Programs>> = OnceLock::new();
    let make = || {
        let mut programs = Programs::default();
        for guest in guests::all() {
            let load = move || engine().load(guest.name, &guest.wasm());
            match guest.kind {
                guests::Kind::Tool => {}
                guests::Kind::Program => programs.insert_later(guest.names.iter().copied(), load),
                guests::Kind::Probe => {
                    let component = load().unwrap();
                    if component.kind() == glovebox_runtime::Kind::Program {
                        guest
                            .names
                            .iter()
                            .for_each(|name| programs.insert(*name, component.clone()));
                    }
                }
            }
        }
        Arc::new(programs)
    };
    Arc::clone(PROGRAMS.get_or_init(make))
}

/// A sandbox with a workspace of its own that goes away with it.
pub(crate) struct Hands {
    pub(crate) sandbox: Sandbox,
    pub(crate) workspace: tempfile::TempDir,
}

/// What a workspace is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backing {
    HostDirectory,
    Tree,
}

pub(crate) const BACKINGS: [Backing; 2] = [Backing::HostDirectory, Backing::Tree];

pub(crate) fn hands(change: impl FnOnce(&mut Grant)) -> Hands {
    hands_on(Backing::HostDirectory, change)
}

pub(crate) fn hands_on(backing: Backing, change: impl FnOnce(&mut Grant)) -> Hands {
    let workspace = tempfile::tempdir().unwrap();
    let mounts = match backing {
        Backing::HostDirectory => vec![Mount {
            at: "/workspace".to_owned(),
            source: MountSource::HostDirectory(workspace.path().to_owned()),
            access: Access::ReadWrite,
        }],
        Backing::Tree => Files::new(&store()).unwrap().mounts(),
    };
    hands_with(workspace, mounts, change)
}

/// A sandbox that has these files.
pub(crate) fn hands_of(files: &Files) -> Hands {
    hands_with(tempfile::tempdir().unwrap(), files.mounts(), |_| {})
}

/// A store in memory, with the host's clock.
pub(crate) fn store() -> Arc<Store> {
    #[expect(clippy::disallowed_methods, reason = "guests see the host's clock too")]
    let now = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().into()
    };
    let options = StoreOptions::new(Arc::new(MemoryBlobs::default()), Arc::new(now));
    Store::open(options).unwrap()
}

fn hands_with(
    workspace: tempfile::TempDir,
    mounts: Vec<Mount>,
    change: impl FnOnce(&mut Grant),
) -> Hands {
    let mut grant = Grant {
        mounts,
        ..Grant::default()
    };
    change(&mut grant);
    Hands {
        sandbox: Sandbox::new(engine(), grant, programs()).unwrap(),
        workspace,
    }
}

/// A writer whose bytes can be looked at.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a program did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Result<ExitStatus, SpawnError>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Hands {
    /// All of a file, by its path in the sandbox.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        self.sandbox.mounts().read_file(path, 1 << 24).unwrap()
    }

    pub(crate) async fn run(&self, arguments: &[&str], stdin: &'static str) -> Ran {
        let (stdout, stderr) = (Capture::default(), Capture::default());
        let run = ProgramRun {
            program: arguments[0].to_owned(),
            arguments: arguments
                .iter()
                .map(|&argument| argument.to_owned())
                .collect(),
            environment: Default::default(),
            cwd: "/workspace".to_owned(),
            stdin: Input::Bytes(stdin.into()),
            stdout: Output::Writer(Box::new(stdout.clone())),
            stderr: Output::Writer(Box::new(stderr.clone())),
            limits: None,
        };
        let status = self.sandbox.run(run).await;
        Ran {
            status,
            stdout: stdout.text(),
            stderr: stderr.text(),
        }
    }

    pub(crate) async fn call(&self, tool: &Component, input: serde_json::Value) -> Outcome {
        self.sandbox
            .call(tool, &input.to_string(), Default::default())
            .await
            .outcome
    }
}

/// The answer's text.
pub(crate) fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Answer(content) | Outcome::Failed(content) => content
            .into_iter()
            .map(|piece| {
                if let Content::Text(text) = piece {
                    text
                } else {
                    format!("{piece:?}")
                }
            })
            .collect(),
        other => panic!("no answer: {other:?}"),
    }
}

/// An error and what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(|error| format!("{error}: "))
        .collect()
}
