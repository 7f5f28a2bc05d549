//! Starting a process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::bindings::glovebox::process::process::SpawnOptions;
use super::run::{self, Deadline, End, Grave};
use super::table::{Birth, Full, Process};
use super::{Endpoint, Errno};
use crate::component::{Component, Entry};
use crate::grant::Names;
use crate::limits::{Account, Life};
use crate::report::ExitStatus;
use crate::sandbox::Shared;
use crate::scope::Scope;
use crate::state::{Start, State};

/// A component in a file may not be larger: it is compiled in memory.
#[cfg(feature = "compiler")]
const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// The first bytes of a component (not of a core module).
const COMPONENT_MAGIC: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

/// The name that a word asks for in the table of programs: itself, or what follows `/usr/bin/` and its kind.
pub(super) fn name_on_path(program: &str) -> Option<&str> {
    let name = ["/usr/bin/", "/bin/", "/usr/local/bin/"]
        .iter()
        .find_map(|directory| program.strip_prefix(directory))
        .unwrap_or(program);
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Starts what a guest asked for.
pub(super) async fn spawn(
    parent: &mut State,
    options: SpawnOptions,
    descriptors: BTreeMap<u32, Endpoint>,
) -> Result<Arc<Process>, Errno> {
    let sandbox = Arc::clone(&parent.sandbox);
    let component = find(&sandbox, &parent.process.scope, &options.program).await?;
    // What a background process starts stays on its account, in the background or not: a fork bomb is one tree.
    let account = if options.background && parent.process.account.life() == Life::Call {
        Account::background(*parent.process.account.limits(), &sandbox.account)
    } else {
        Arc::clone(&parent.process.account)
    };
    let birth = Birth {
        parent: parent.process.pid,
        arguments: options.arguments,
        background: options.background,
        sigpipe_kills: options.sigpipe_kills,
        account,
        scope: Arc::clone(&parent.process.scope),
    };
    let start = Start {
        environment: options.environment,
        cwd: options.cwd,
        umask: parent.fs.umask(),
        preopens: component.0.preopens,
        descriptors,
        tool: None,
    };
    let started = launch(&sandbox, component, birth, start, Deadline::LeftToOthers);
    match started {
        Ok(_) => parent.process.account.count_spawn(),
        Err(Errno::TooManyProcesses) => parent.process.account.refuse_spawn(),
        Err(_) => {}
    }
    started
}

async fn find(
    sandbox: &Arc<Shared>,
    scope: &Arc<Scope>,
    program: &str,
) -> Result<Component, Errno> {
    if let Some(name) = name_on_path(program).filter(|name| sandbox.programs.contains(name)) {
        if !scope.programs.contains(name) {
            return Err(Errno::NoEntry);
        }
        let component = match sandbox.programs.loaded(name) {
            Some(component) => Some(component.clone()),
            // Loading may mean compiling, which takes seconds: not on a guest's thread.
            None => {
                let (programs, name) = (Arc::clone(&sandbox.programs), name.to_owned());
                tokio::task::spawn_blocking(move || programs.get(&name).cloned())
                    .await
                    .ok()
                    .flatten()
            }
        };
        return component
            .filter(|component| matches!(component.0.entry, Entry::Program(_)))
            .ok_or(Errno::NotExecutable);
    }
    if !program.starts_with('/') {
        return Err(Errno::NoEntry);
    }
    // A file has no name that could have been granted.
    if scope.programs != Names::All {
        return Err(Errno::Access);
    }
    if scope.mounts.mode(program)? & 0o111 == 0 {
        return Err(Errno::Access);
    }
    let file = scope.mounts.open(program, crate::fs::OpenHow::reading())?;
    if file.read_at(0, COMPONENT_MAGIC.len())?[..] != COMPONENT_MAGIC {
        return Err(Errno::NotExecutable);
    }
    drop(file);
    from_file(sandbox, scope, program).await
}

#[cfg(feature = "compiler")]
async fn from_file(
    sandbox: &Arc<Shared>,
    scope: &Arc<Scope>,
    program: &str,
) -> Result<Component, Errno> {
    let wasm = scope.mounts.read_file(program, COMPONENT_BYTES_MAX)?;
    match sandbox.engine.load_found(program, wasm).await {
        Ok(component) if matches!(component.0.entry, Entry::Program(_)) => Ok(component),
        Ok(_) => Err(Errno::NotExecutable),
        Err(error) => {
            tracing::debug!(program, %error, "not a component that can run here");
            Err(Errno::NotExecutable)
        }
    }
}

/// Nobody here could compile it.
#[cfg(not(feature = "compiler"))]
#[expect(clippy::unused_async, reason = "as with a compiler")]
async fn from_file(_: &Arc<Shared>, _: &Arc<Scope>, _: &str) -> Result<Component, Errno> {
    Err(Errno::NotExecutable)
}

/// Enters a process into the table and starts the task that runs it.
pub(crate) fn launch(
    sandbox: &Arc<Shared>,
    component: Component,
    birth: Birth,
    start: Start,
    deadline: Deadline,
) -> Result<Arc<Process>, Errno> {
    let grave = enter(sandbox, birth)?;
    let process = Arc::clone(&grave.process);
    // On the engine's runtime, whose threads may block on files.
    sandbox
        .engine
        .runtime()
        .spawn(live(grave, component, start, deadline));
    Ok(process)
}

/// Enters a process into the table of its sandbox and of the engine.
pub(crate) fn enter(sandbox: &Arc<Shared>, birth: Birth) -> Result<Grave, Errno> {
    let engine = &sandbox.engine.0;
    if engine.processes.fetch_add(1, Ordering::Relaxed) >= engine.options.processes_max {
        engine.processes.fetch_sub(1, Ordering::Relaxed);
        return Err(Errno::TooManyProcesses);
    }
    let processes_max = birth.account.limits().processes_max;
    match sandbox.table.add(birth, processes_max) {
        Ok(process) => Ok(Grave {
            process,
            sandbox: Arc::clone(sandbox),
            status: None,
        }),
        Err(full) => {
            engine.processes.fetch_sub(1, Ordering::Relaxed);
            Err(match full {
                Full::TooMany => Errno::TooManyProcesses,
                Full::Closed => Errno::NotPermitted,
            })
        }
    }
}

/// A program's life.
async fn live(mut grave: Grave, component: Component, start: Start, deadline: Deadline) {
    let process = Arc::clone(&grave.process);
    let standard_error = start.descriptors.get(&2).cloned();
    let mut store = run::store(&grave.sandbox, &process, start);
    let end = run::run(&process, deadline, async {
        let Entry::Program(program) = &component.0.entry else {
            unreachable!("only programs are launched")
        };
        let command = program.instantiate_async(&mut store).await?;
        command.wasi_cli_run().call_run(&mut store).await
    })
    .await;
    let memory_refused = store.data().limiter.refused;
    // Before anybody learns that it ended: its descriptors are closed by then.
    drop(store);
    grave.status = Some(match end {
        End::Returned(Ok(())) => ExitStatus::Exited(0),
        End::Returned(Err(())) => ExitStatus::Exited(1),
        End::Status(status) => status,
        End::Trapped(crash) => {
            let (signal, message) = if memory_refused {
                (super::table::SIGKILL, process.account.memory_message())
            } else {
                (crash.signal, crash.message)
            };
            if let Some(endpoint) = standard_error {
                let name = process.arguments.first().map_or("program", String::as_str);
                // Best effort: whoever reads standard error may be gone.
                let _ = endpoint.write_now(format!("{name}: {message}\n").as_bytes());
            }
            ExitStatus::Signalled(signal)
        }
    });
}
