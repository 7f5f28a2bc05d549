//! The workload over wasmtime-wasi's preopened directory.

use std::path::Path;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime_wasi::p2::bindings::sync::Command;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use crate::{Steps, steps};

struct Bare {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Bare {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// What the guest imports of Glovebox's own: how it leaves with a status. It is not asked when all goes well.
fn ours_trap(engine: &wasmtime::Engine, component: &Component, linker: &mut Linker<Bare>) {
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            continue;
        };
        if !name.starts_with("glovebox:") {
            continue;
        }
        let mut at = linker.instance(name).unwrap();
        for (function, _) in instance.exports(engine) {
            at.func_new(function, |_, _, _, _| wasmtime::bail!("not here"))
                .unwrap();
        }
    }
}

pub(crate) fn run(folder: &Path, large: usize) -> Steps {
    let guest = glovebox_guests::find(glovebox_guests::Kind::Probe, "workload").unwrap();
    let engine = wasmtime::Engine::default();
    let component = Component::new(&engine, guest.wasm()).unwrap();
    let mut linker = Linker::<Bare>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    ours_trap(&engine, &component, &mut linker);
    let printed = MemoryOutputPipe::new(1 << 20);
    let wasi = WasiCtx::builder()
        .args(&["workload", "/workspace", &large.to_string()])
        .stdout(printed.clone())
        .inherit_stderr()
        // As the command line of wasmtime has it: no other thread is asked.
        .allow_blocking_current_thread(true)
        .preopened_dir(folder, "/workspace", FsPerms::ReadWrite)
        .unwrap()
        .build();
    let table = ResourceTable::new();
    let mut store = wasmtime::Store::new(&engine, Bare { wasi, table });
    let command = Command::instantiate(&mut store, &component, &linker).unwrap();
    command
        .wasi_cli_run()
        .call_run(&mut store)
        .unwrap()
        .unwrap();
    steps(std::str::from_utf8(&printed.contents()).unwrap())
}
