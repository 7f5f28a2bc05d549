//! The kernel of Glovebox: runs WebAssembly components inside grants.
//!
//! A process is a component instance. The kernel holds descriptors, pipes, the process table, mounts and the network
//! policy; a guest can only ask. It knows nothing of sessions, HTTP APIs or databases.
//!
//! Three phases, three types: an [`Engine`] once per process, a [`Sandbox`] once per session (made from a [`Grant`]), and a
//! call ([`Sandbox::call`]) that starts from nothing and ends in a [`CallReport`].

#![warn(missing_docs)]

pub mod fs;
pub mod grant;

mod call;
mod component;
mod context;
mod describe;
mod engine;
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
pub use component::{CacheError, CompileError, Compiler, Component, Kind, LoadError};
pub use describe::DescribeError;
pub use engine::{CompileProgress, Engine, EngineError, EngineOptions};
pub use fs::Image;
pub use grant::{
    Access, Allowance, AllowanceError, AllowanceLimits, Denial, Grant, HostPattern,
    HostPatternError, LimitKind, Limits, Mount, MountNames, MountSource, Names, Network, Secret,
};
pub use programs::Programs;
pub use report::{CallReport, Content, Description, Effects, ExitStatus, Outcome, Usage};
pub use run::{Input, Output, ProgramRun, SpawnError};
pub use sandbox::{Sandbox, SandboxError};
