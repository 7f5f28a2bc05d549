//! The engine: what exists once per process.
//!
//! Holds wasmtime's engine (pooling allocator, copy-on-write images, epochs), the one linker all guests share, the threads
//! guests run on, and the compiled-component cache. Guests never run on the caller's threads.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

#[cfg(feature = "compiler")]
use crate::component::{Cache, CacheError, Found};
use crate::state::State;

mod ticker;

/// How often a running guest is asked whether it should stop or let others run.
pub(crate) const TICK: Duration = Duration::from_millis(2);

/// Core instances of one component. `componentize-py` links CPython's extension modules at start-up, each its own.
pub(crate) const CORE_INSTANCES_MAX: u32 = 256;
/// Tables of one component.
pub(crate) const TABLES_MAX: u32 = 64;
/// Elements of one table: 100,000 functions are more than any program has.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 100_000;

/// How far guests' threads stand back: two notches give them about two thirds of an ordinary thread's share.
const GUEST_NICENESS: i32 = 2;

/// What an engine is made of.
#[derive(Clone)]
pub struct EngineOptions {
    /// Where compiled components are kept, where there is a compiler. Nobody but this user may be able to write there: what
    /// lies there is run. Created with mode 0700. `None` compiles anew each time.
    pub cache_dir: Option<PathBuf>,
    /// Threads that run guests. Default: one per processor, at least two.
    pub guest_threads: usize,
    /// Live processes of all sandboxes together. Default 1,000. Costs address space, not memory.
    pub processes_max: u32,
    /// Linear memory that one process can ever have. Default 4 GiB, all that a 32-bit guest can address; a grant's limit is
    /// usually smaller.
    pub memory_bytes_max: usize,
    /// Told when a component is being compiled, which takes seconds.
    pub on_compile: Option<Arc<dyn Fn(CompileProgress) + Send + Sync>>,
    /// Who compiles a component that a guest made and executes: from its WebAssembly into that directory, with
    /// [`crate::Compiler`] in a process of its own, which may be killed or crash. Dropping the future has to end it. Default
    /// none: only what has a name can be started, and no file. Has no effect without `cache_dir`.
    pub compile_found: Option<CompileFound>,
    /// What components may import besides WASI and Glovebox's own interfaces: functions of the program that embeds the
    /// engine. Default none. Offering is not granting: each function decides by [`crate::Process::host`] what its caller may.
    pub imports: Vec<Imports>,
}

/// Compiles WebAssembly into a directory.
pub type CompileFound =
    Arc<dyn Fn(bytes::Bytes, PathBuf) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Adds an embedder's own functions to what components may import; with `wasmtime::component::bindgen!`, the body of one is
/// `MyWorld::add_to_linker::<_, HasSelf<_>>(linker, |process| process)`.
pub type Imports = Arc<dyn Fn(&mut Linker<State>) -> wasmtime::Result<()> + Send + Sync>;

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            cache_dir: None,
            guest_threads: std::thread::available_parallelism()
                .map_or(2, usize::from)
                .max(2),
            processes_max: 1000,
            memory_bytes_max: 1 << 32,
            on_compile: None,
            compile_found: None,
            imports: Vec::new(),
        }
    }
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EngineOptions")
            .field("cache_dir", &self.cache_dir)
            .field("guest_threads", &self.guest_threads)
            .field("processes_max", &self.processes_max)
            .field("memory_bytes_max", &self.memory_bytes_max)
            .field("imports", &self.imports.len())
            .finish_non_exhaustive()
    }
}

/// What happens while a component is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompileProgress {
    /// Compiling began.
    Started {
        /// The component's name.
        name: String,
        /// Size of its WebAssembly.
        wasm_bytes: usize,
    },
    /// Compiling ended, well or not.
    Finished {
        /// The component's name.
        name: String,
        /// How long it took.
        took: Duration,
    },
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This machine does not have what the engine needs, usually address space.
    #[error("cannot set up the WebAssembly engine")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The cache directory cannot be used.
    #[cfg(feature = "compiler")]
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// No threads.
    #[error("cannot start the threads that guests run on")]
    Threads(#[source] std::io::Error),
}

/// The engine. Cloning shares it.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<EngineInner>);

pub(crate) struct EngineInner {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) linker: Linker<State>,
    #[cfg(feature = "compiler")]
    pub(crate) cache: Cache,
    #[cfg(feature = "compiler")]
    pub(crate) found: Found,
    pub(crate) options: EngineOptions,
    /// Live processes of all sandboxes.
    pub(crate) processes: Arc<AtomicU32>,
    runtime: Option<tokio::runtime::Runtime>,
    _ticker: ticker::Ticker,
}

impl Engine {
    /// Makes an engine and starts its threads. One per process is enough.
    pub fn new(options: EngineOptions) -> Result<Engine, EngineError> {
        let mut config = compiling(&options);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(&options)));
        let wasmtime =
            wasmtime::Engine::new(&config).map_err(|error| EngineError::Engine(error.into()))?;
        let linker = crate::state::linker(&wasmtime, &options.imports)
            .map_err(|error| EngineError::Engine(error.into()))?;
        #[cfg(feature = "compiler")]
        let cache = Cache::open(options.cache_dir.as_deref(), &wasmtime)?;
        #[cfg(feature = "compiler")]
        let found = {
            let directory = options.cache_dir.as_deref();
            Found::open(options.compile_found.as_ref(), directory, &wasmtime)?
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(options.guest_threads.max(1))
            .thread_name("guest")
            // Whoever serves requests comes first when processors are short. A guest alone on one loses nothing by it.
            .on_thread_start(|| {
                if let Err(error) = rustix::process::setpriority_process(None, GUEST_NICENESS) {
                    tracing::debug!(%error, "guests run with the priority of the server");
                }
            })
            // A spinning guest is one poll per tick; timers and sockets of its neighbours are looked at in between.
            .event_interval(4)
            .enable_all()
            .build()
            .map_err(EngineError::Threads)?;
        let processes = Arc::new(AtomicU32::new(0));
        let ticker = ticker::Ticker::start(wasmtime.clone(), TICK, Arc::clone(&processes))
            .map_err(EngineError::Threads)?;
        Ok(Engine(Arc::new(EngineInner {
            wasmtime,
            linker,
            #[cfg(feature = "compiler")]
            cache,
            #[cfg(feature = "compiler")]
            found,
            options,
            processes,
            runtime: Some(runtime),
            _ticker: ticker,
        })))
    }

    /// Live processes of all sandboxes, tools included.
    pub fn live_processes(&self) -> u32 {
        self.0.processes.load(Ordering::Relaxed)
    }

    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        self.0
            .runtime
            .as_ref()
            .expect("the runtime is only taken on drop")
            .handle()
    }
}

impl Drop for EngineInner {
    fn drop(&mut self) {
        // The last handle may be dropped on one of the runtime's own threads, where waiting for it is not possible.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Engine")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

/// Everything that shapes compiled code: what one engine compiled, another with the same of it can load.
pub(crate) fn compiling(options: &EngineOptions) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .memory_reservation(options.memory_bytes_max as u64)
        .async_stack_size(2 << 20)
        .max_wasm_stack(1 << 20)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(8));
    config
}

/// Where instances live: reserved once, handed out and cleaned again and again.
fn pool(options: &EngineOptions) -> PoolingAllocationConfig {
    let processes = options.processes_max.max(1);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(processes)
        // A Rust or C command is about three core instances, one adapted from WASI 0.1 about six, CPython with its extension
        // modules dozens. This only counts: instances are in ordinary memory.
        .total_core_instances(processes.saturating_mul(64))
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        // Most processes have one memory; those composed of several components have one each.
        .total_memories(processes.saturating_add(processes / 4).saturating_add(16))
        .max_memories_per_component(16)
        .max_memories_per_module(4)
        .max_memory_size(options.memory_bytes_max)
        // A table of a hundred thousand functions takes 800 KB of address space, and memory only where it is used.
        .total_tables(processes.saturating_mul(8).saturating_add(64))
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(16)
        .table_elements(TABLE_ELEMENTS_MAX)
        .total_stacks(processes)
        // Zeroing by hand beats the kernel's page faults only for the few pages that every guest touches.
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(16 << 10)
        .async_stack_keep_resident(16 << 10)
        .max_unused_warm_slots(64)
        .pagemap_scan(Enabled::Auto);
    pool
}
