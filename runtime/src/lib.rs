//! The kernel of Glovebox: runs WebAssembly components inside grants.
//!
//! A process is a component instance. The kernel holds descriptors, pipes, the process table, mounts and the network
//! policy; a guest can only ask. It knows nothing of sessions, HTTP APIs or databases.
//!
//! Three phases, three types: an [`Engine`] once per process, a [`Sandbox`] once per session (made from a [`Grant`]), and a
//! call ([`Sandbox::call`]) that starts from nothing and ends in a [`CallReport`].
//!
//! Features, both on by default: `compiler` loads WebAssembly; without it only compiled code can be loaded
//! ([`Engine::load_precompiled`]), and the program is a fifth of the size. `http` is the guests' way out; without it, components
//! that import `wasi:http` are refused.

#![warn(missing_docs)]

pub mod fs;
pub mod grant;

mod call;
mod component;
mod context;
mod describe;
mod engine;
mod files;
mod http;
mod limits;
mod plain;
mod process;
mod programs;
mod report;
mod run;
mod sandbox;
mod scope;
mod state;
mod tool;

pub use call::{CallOptions, Progress};
#[cfg(feature = "compiler")]
pub use component::{CacheError, CompileError, Compiler};
pub use component::{Component, Kind, LoadError};
pub use describe::DescribeError;
pub use engine::{CompileFound, CompileProgress, Engine, EngineError, EngineOptions, Imports};
pub use files::Files;
pub use fs::Image;
pub use grant::{
    Access, Allowance, AllowanceError, AllowanceLimits, Backend, Denial, Grant, HostPattern,
    HostPatternError, LimitKind, Limits, Mount, MountNames, MountSource, Names, Network, Secret,
};
pub use programs::Programs;
pub use report::{CallReport, Content, Description, Effects, ExitStatus, Outcome, Usage};
pub use run::{Input, Output, ProgramRun, SpawnError};
pub use sandbox::{Sandbox, SandboxError};
pub use state::State as Process;
/// What [`EngineOptions::imports`] speaks, in the version that the engine is made of.
pub use wasmtime;
