//! Writes the C bindings of a tool: `glovebox-c-bindgen WIT_FOLDER OUT_FOLDER`.
//!
//! The result is committed, so that a C tool needs no Rust. `bindgen.sh --check` compares.

use std::path::PathBuf;

use anyhow::{Context, Result};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

/// `glovebox:fetch` rather than `wasi:http`: one function, and the host treats both alike.
const WORLD: &str = "
package glovebox:c;
world bindings {
    import glovebox:fetch/fetch@0.1.0;
    include glovebox:tool/tool-world@0.2.0;
}
";

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let mut argument = || arguments.next().context("usage: glovebox-c-bindgen WIT_FOLDER OUT_FOLDER");
    let (wit, out) = (argument()?, argument()?);
    let mut resolve = Resolve::default();
    resolve.push_path(wit.join("fetch"))?;
    resolve.push_path(wit.join("tool/0.2.0"))?;
    let package = resolve.push_str("world.wit", WORLD)?;
    let world = resolve.select_world(&[package], Some("bindings"))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut resolve, world, &mut files)?;
    for (name, bytes) in files.iter() {
        std::fs::write(out.join(name), bytes)?;
    }
    Ok(())
}
