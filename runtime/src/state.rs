//! What a store holds: everything one process knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::context::ToolContext;
use crate::engine::Imports;
use crate::fs::backends::proc;
use crate::fs::{self, FsState, FsView, FsViewMut, Preopens};
use crate::http::{self, Web};
use crate::limits::Limiter;
use crate::process::Endpoint;
use crate::process::bindings::{Kernel, v0_1};
use crate::process::own::Own;
use crate::process::stream::{OnBrokenPipe, Standard};
use crate::process::table::Process;
use crate::sandbox::Shared;

/// A process, as the functions see it that an embedder offers ([`crate::EngineOptions::imports`]).
pub struct State {
    pub(crate) table: ResourceTable,
    pub(crate) process: Arc<Process>,
    pub(crate) sandbox: Arc<Shared>,
    pub(crate) descriptors: BTreeMap<u32, Endpoint>,
    pub(crate) limiter: Limiter,
    pub(crate) fs: FsState,
    /// What only a tool has.
    pub(crate) tool: Option<ToolContext>,
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "there is nothing in it to ask")
    )]
    pub(crate) web: Web,
    wasi: WasiCtx,
}

/// What a process is started with.
pub(crate) struct Start {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) cwd: String,
    pub(crate) umask: u32,
    pub(crate) preopens: Preopens,
    pub(crate) descriptors: BTreeMap<u32, Endpoint>,
    pub(crate) tool: Option<ToolContext>,
}

impl State {
    pub(crate) fn new(sandbox: Arc<Shared>, process: Arc<Process>, start: Start) -> State {
        let on_broken_pipe = if process.sigpipe_kills {
            OnBrokenPipe::Kill
        } else {
            OnBrokenPipe::Error
        };
        let standard = |fd| Standard {
            endpoint: start
                .descriptors
                .get(&fd)
                .cloned()
                .unwrap_or_else(Endpoint::null),
            on_broken_pipe,
        };
        let mut wasi = WasiCtx::builder();
        wasi.stdin(standard(0))
            .stdout(standard(1))
            .stderr(standard(2));
        wasi.args(&process.arguments).envs(&start.environment);
        // Sockets are linked so that programs which mention them start, and refuse every use.
        wasi.allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        let descriptors_max = process.account.limits().descriptors_max;
        let own = Own {
            process: Arc::clone(&process),
            environment: start.environment,
            cwd: start.cwd.clone(),
            descriptors: start.descriptors.clone(),
            on_broken_pipe,
        };
        let mut table = ResourceTable::new();
        // A program needs several handles for one descriptor: the descriptor, its streams, what it polls them with.
        table.set_max_capacity(descriptors_max as usize * 4);
        State {
            table,
            limiter: Limiter::new(Arc::clone(&process.account)),
            fs: FsState::new(Arc::clone(&process.scope.mounts), &start.cwd, start.umask)
                .with_descriptors_max(descriptors_max)
                .with_preopens(start.preopens)
                .with_own_directory(proc::directory(Arc::new(own))),
            web: Web::new(&process.scope.http),
            process,
            sandbox,
            descriptors: start.descriptors,
            tool: start.tool,
            wasi: wasi.build(),
        }
    }

    /// What the embedder put into the sandbox's grant ([`crate::Grant::host`]), if it is a `T`: how one of its functions knows
    /// on whose behalf it is called, and what that one may.
    pub fn host<T: std::any::Any>(&self) -> Option<&T> {
        self.sandbox.grant.host.as_deref()?.downcast_ref()
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Process").finish_non_exhaustive()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl FsView for State {
    fn fs(&mut self) -> FsViewMut<'_> {
        FsViewMut {
            state: &mut self.fs,
            table: &mut self.table,
        }
    }
}

/// Everything a guest may import.
pub(crate) fn linker(
    engine: &wasmtime::Engine,
    imports: &[Imports],
) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    link_wasi(l)?;
    fs::add_to_linker(l)?;
    http::add_to_linker(l)?;
    Kernel::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    v0_1::Context::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    for add in imports {
        add(l)?;
    }
    Ok(linker)
}

/// WASI 0.2 without its file system, which is ours.
fn link_wasi(l: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime_wasi::cli::{WasiCli, WasiCliView};
    use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
    use wasmtime_wasi::p2::bindings::{cli, clocks, random, sockets};
    use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
    use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};
    use wasmtime_wasi_io::bindings::wasi::io;

    struct HasTable;
    impl wasmtime::component::HasData for HasTable {
        type Data<'a> = &'a mut ResourceTable;
    }
    io::error::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    io::poll::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    io::streams::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(l, State::random)?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, State::random)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, State::random)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    sockets::tcp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::udp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::udp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::instance_network::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::network::add_to_linker::<State, WasiSockets>(
        l,
        &sockets::network::LinkOptions::default(),
        State::sockets,
    )?;
    sockets::ip_name_lookup::add_to_linker::<State, WasiSockets>(l, State::sockets)
}
