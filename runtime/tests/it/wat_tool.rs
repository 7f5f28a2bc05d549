//! Tools written in WebAssembly text: what no honest compiler would make.

use glovebox_runtime::Component;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::kernel::engine;

/// A tool of `glovebox:tool@0.2.0` in the making. What is not said is a tool that describes itself well and answers "fine".
pub(crate) struct WatTool<'a> {
    /// Imports, and whatever else has to come first.
    pub(crate) imports: &'a str,
    /// The memory's limits in pages.
    pub(crate) memory: &'a str,
    /// Functions, tables, globals and data of its own. The first 64 KiB of memory are the frame's up to 4096.
    pub(crate) items: &'a str,
    /// Returns the address of a description: 256 is a good one.
    pub(crate) describe: &'a str,
    /// Has `$ptr` and `$len`, the input. Returns the address of an answer.
    pub(crate) call: &'a str,
}

impl Default for WatTool<'_> {
    fn default() -> Self {
        WatTool {
            imports: "",
            memory: "2",
            items: "",
            describe: "(i32.const 256)",
            call: "(call $answer (i32.const 16) (i32.const 4))",
        }
    }
}

const WORLD: &str = "
    package probe:probe;
    world probe {
        import glovebox:tool/context@0.2.0;
        import glovebox:process/process@0.1.0;
        import glovebox:fetch/fetch@0.1.0;
        export glovebox:tool/tool@0.2.0;
    }";

impl WatTool<'_> {
    pub(crate) fn text(&self) -> String {
        let WatTool {
            imports,
            memory,
            items,
            describe,
            call,
        } = self;
        // Names at 16 "fine", 32 "probe", 48 "a probe", 64 the schema; a description at 256; answers at 512.
        format!(
            r#"(module
    {imports}
    (memory (export "memory") {memory})
    (global $heap (mut i32) (i32.const 65536))
    (data (i32.const 16) "fine")
    (data (i32.const 32) "probe")
    (data (i32.const 48) "a probe")
    (data (i32.const 64) "{{\"type\":\"object\"}}")
    (data (i32.const 256) "\20\00\00\00\05\00\00\00\30\00\00\00\07\00\00\00\40\00\00\00\11\00\00\00")
    (func $allocate (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
        (global.set $heap (i32.add (local.get $at) (local.get $new)))
        (block $fits
            (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
            (br_if $fits (i32.ne (i32.const -1) (memory.grow (i32.add (i32.shr_u (local.get $new) (i32.const 16)) (i32.const 1)))))
            unreachable)
        (local.get $at))
    ;; An answer of one text.
    (func $answer (param $text i32) (param $length i32) (result i32)
        (i32.store8 (i32.const 512) (i32.const 0))
        (i32.store (i32.const 516) (i32.const 528))
        (i32.store (i32.const 520) (i32.const 1))
        (i32.store8 (i32.const 528) (i32.const 0))
        (i32.store (i32.const 532) (local.get $text))
        (i32.store (i32.const 536) (local.get $length))
        (i32.const 512))
    {items}
    (func (export "glovebox:tool/tool@0.2.0#describe") (result i32) {describe})
    (func (export "glovebox:tool/tool@0.2.0#call") (param $ptr i32) (param $len i32) (result i32) {call}))"#
        )
    }

    /// As a component.
    pub(crate) fn wasm(&self) -> Vec<u8> {
        let text = self.text();
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut resolve = Resolve::default();
        for path in ["process", "tool/0.2.0", "fetch"] {
            let path = format!("{}/../wit/{path}", env!("CARGO_MANIFEST_DIR"));
            resolve.push_path(path).unwrap();
        }
        let package = resolve.push_str("probe.wit", WORLD).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .unwrap();
        ComponentEncoder::default()
            .module(&module)
            .unwrap()
            .encode()
            .unwrap()
    }

    pub(crate) fn load(&self) -> Component {
        engine().load("probe", &self.wasm()).unwrap()
    }
}
