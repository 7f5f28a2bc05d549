//! Built without the feature `http`: components that import it are refused when they are loaded.

use std::sync::Arc;

use wasmtime::component::Linker;

use super::policy::Policy;
use crate::state::State;

/// A process's: nothing.
pub(crate) struct Web;

impl Web {
    pub(crate) fn new(_: &Arc<Policy>) -> Web {
        Web
    }
}

pub(crate) fn add_to_linker(_: &mut Linker<State>) -> wasmtime::Result<()> {
    Ok(())
}
