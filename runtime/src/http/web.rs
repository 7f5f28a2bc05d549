//! What one process holds of HTTP, and what makes it importable.

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::fetch::{self, FetchView};
use super::hooks::Hooks;
use super::policy::Policy;
use crate::state::State;

/// Size of the headers of one HTTP message, as wasmtime counts it. Servers rarely send more than 16 KiB.
const FIELDS_BYTES_MAX: usize = 64 * 1024;

/// A process's.
pub(crate) struct Web {
    context: WasiHttpCtx,
    hooks: Hooks,
    policy: Arc<Policy>,
    /// The last answer of `glovebox:fetch`.
    fetched: fetch::Answer,
}

impl Web {
    pub(crate) fn new(policy: &Arc<Policy>) -> Web {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(FIELDS_BYTES_MAX);
        Web {
            context,
            hooks: Hooks::new(Arc::clone(policy)),
            policy: Arc::clone(policy),
            fetched: fetch::Answer::default(),
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.web.hooks,
            table: &mut self.table,
            ctx: &mut self.web.context,
        }
    }
}

impl FetchView for State {
    fn fetch(&mut self) -> (&Arc<Policy>, &mut fetch::Answer) {
        (&self.web.policy, &mut self.web.fetched)
    }
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    fetch::add_to_linker(linker)
}
