//! The `bash` tool: one shell for a session, though no shell runs between two calls.
//!
//! What the shell knows is stored when a call ends and given to a fresh instance when the next begins. While a command
//! runs a mark stands in its place, so that a shell that was killed is found missing. Outside the sandbox there is
//! nothing to run in, and only what presents the output is compiled, for its tests.

#[cfg(any(target_os = "wasi", test))]
mod output;
#[cfg(target_os = "wasi")]
mod session;
