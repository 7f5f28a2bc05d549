//! The least tool there can be: no WASI, one answer.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Answers "fine". Of the contract it has only what a call needs: nobody asks it to describe itself here.
const TOOL: &str = r#"(module
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 65536))
  (data (i32.const 16) "fine")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 15)) (i32.const -16))))
  (func (export "glovebox:tool/tool@0.2.0#describe") (result i32) unreachable)
  (func (export "glovebox:tool/tool@0.2.0#call") (param i32 i32) (result i32)
    (i32.store (i32.const 516) (i32.const 528))
    (i32.store (i32.const 520) (i32.const 1))
    (i32.store (i32.const 532) (i32.const 16))
    (i32.store (i32.const 536) (i32.const 4))
    (i32.const 512)))"#;

/// The component.
pub(crate) fn component() -> Vec<u8> {
    let mut module = wat::parse_str(TOOL).unwrap();
    let mut resolve = Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/wit/tool/0.2.0");
    resolve.push_path(wit).unwrap();
    let world = "package bench:bench; world bench { export glovebox:tool/tool@0.2.0; }";
    let package = resolve.push_str("bench.wit", world).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).unwrap().encode().unwrap()
}
