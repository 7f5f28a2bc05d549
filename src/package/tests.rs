//! Packing and unpacking as a whole, on honest files and on damaged ones.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A command that prints nothing and ends.
const COMMAND: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))))"#;

/// A tool that knows no interface but the contract's.
const TOOL: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "glovebox:tool/tool@0.2.0#describe") (result i32) unreachable)
    (func (export "glovebox:tool/tool@0.2.0#call") (param i32 i32) (result i32) unreachable))"#;

fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn manifest() -> Manifest {
    let schema = json!({"type": "object", "properties": {"b": {"type": "string"}, "a": true}});
    let text = json!({"name": "shout", "description": "Shouts.", "input_schema": schema, "effects": "none"});
    Manifest::from_json(&text.to_string()).unwrap()
}

/// A core module as bindings generators leave it: with its types in a custom section.
fn typed(text: &str, wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    let contract = include_str!("../../wit/tool/0.2.0/tool.wit");
    resolve.push_str("tool.wit", contract).unwrap();
    let package = resolve.push_str("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut wasm = module(text);
    wit_component::embed_component_metadata(
        &mut wasm,
        &resolve,
        world,
        wit_component::StringEncoding::UTF8,
        false,
    )
    .unwrap();
    wasm
}

fn tool_module() -> Vec<u8> {
    let wit = "package test:test; world w { export glovebox:tool/tool@0.2.0; }";
    typed(TOOL, wit, "w")
}

#[test]
fn a_wasip1_command_becomes_a_described_component() {
    let packed = pack(&module(COMMAND), Some(&manifest())).unwrap();
    let package = unpack(&packed).unwrap();
    assert_eq!(package.kind, Kind::Plain(Box::new(manifest())));
    let names = package.imports.join(" ");
    assert!(names.contains("wasi:cli/stdout@0.2"), "{names}");
    assert!(!names.contains("preview1"), "{names}");
    let run = |name: &String| name.starts_with("wasi:cli/run@0.2");
    assert!(package.exports.iter().any(run), "{:?}", package.exports);
    assert_eq!(package.size_bytes, packed.len() as u64);

    let again = pack(&module(COMMAND), Some(&manifest())).unwrap();
    assert_eq!(digest(&packed), digest(&again), "same input, same bytes");
    assert_eq!(
        pack(&packed, None).unwrap(),
        packed,
        "packed once is packed"
    );
    assert_eq!(pack(&packed, Some(&manifest())).unwrap(), packed);
    let mut other = manifest();
    other.name = "whisper".to_owned();
    let renamed = unpack(&pack(&packed, Some(&other)).unwrap()).unwrap();
    assert_eq!(
        renamed.kind,
        Kind::Plain(Box::new(other)),
        "a new manifest replaces the old one"
    );
}

#[test]
fn a_module_with_types_becomes_its_component() {
    let packed = pack(&tool_module(), None).unwrap();
    let package = unpack(&packed).unwrap();
    let contract = "0.2.0".to_owned();
    assert_eq!(package.kind, Kind::Tool { contract });
    let preview1 = |name: &String| name.starts_with("wasi:");
    assert!(!package.imports.iter().any(preview1), "no adapter unasked");
    assert_eq!(
        pack(&tool_module(), Some(&manifest())),
        Err(PackError::SaidTwice)
    );
    assert_eq!(pack(&packed, Some(&manifest())), Err(PackError::SaidTwice));
}

#[test]
fn a_module_with_types_that_speaks_wasip1_gets_the_adapter() {
    let import = "(module (import \"wasi_snapshot_preview1\" \"random_get\" (func $r (param i32 i32) (result i32)))
        (func (drop (call $r (i32.const 0) (i32.const 0))))";
    let text = TOOL.replace("(module", import);
    let wit = "package test:test; world w { export glovebox:tool/tool@0.2.0; }";
    let package = unpack(&pack(&typed(&text, wit, "w"), None).unwrap()).unwrap();
    assert!(matches!(package.kind, Kind::Tool { .. }));
    let random = |name: &String| name.starts_with("wasi:random/random@0.2");
    assert!(package.imports.iter().any(random), "{:?}", package.imports);
}

#[test]
fn the_built_in_tools_are_packages_like_any_other() {
    for guest in glovebox_guests::all() {
        let wasm = guest.wasm();
        match guest.kind {
            glovebox_guests::Kind::Tool => {
                let package = unpack(&wasm).unwrap();
                assert!(matches!(package.kind, Kind::Tool { .. }), "{}", guest.name);
            }
            glovebox_guests::Kind::Program => {
                assert_eq!(unpack(&wasm), Err(PackError::NoManifest), "{}", guest.name);
            }
            _ => {}
        }
    }
}

#[test]
fn mistakes_have_messages() {
    let plain = manifest();
    let component = module("(component)");
    let future = tool_module_of("9.9.9");
    for (wasm, manifest, message) in [
        (b"".to_vec(), None, "it is empty"),
        (b"#!/bin/sh\n".to_vec(), None, "it is a script"),
        (b"\x7fELF\x02".to_vec(), None, "native program"),
        (b"\0asm\x02\0\0\0".to_vec(), None, "version is unknown"),
        (b" (module)".to_vec(), None, "text format"),
        (b"\x89PNG".to_vec(), None, "does not begin with"),
        (module("(module)"), Some(&plain), "neither a wasip1 command"),
        (module(COMMAND), None, "needs a tool.toml"),
        (
            module(&COMMAND.replace("wasi_snapshot_preview1", "wasi_unstable")),
            Some(&plain),
            "wasi_unstable.fd_write; only wasi_snapshot_preview1",
        ),
        (
            component,
            Some(&plain),
            "neither glovebox:tool/tool nor wasi:cli/run@0.2, but nothing",
        ),
        (
            future,
            None,
            "glovebox:tool/tool@9.9.9, and this host serves 0.1.0 and 0.2.0",
        ),
        (b"\0asm\x0d\0\x01\0\x0a\xff".to_vec(), None, "not valid"),
        (module(COMMAND)[..60].to_vec(), Some(&plain), "not valid"),
    ] {
        let error = pack(&wasm, manifest).unwrap_err().to_string();
        assert!(error.contains(message), "{message:?}: {error}");
    }
    assert_eq!(unpack(&module(COMMAND)), Err(PackError::Module));
}

fn tool_module_of(version: &str) -> Vec<u8> {
    let wit = format!("package test:test; world w {{ export glovebox:tool/tool@{version}; }}");
    let mut resolve = wit_parser::Resolve::default();
    let contract =
        include_str!("../../wit/tool/0.2.0/tool.wit").replace("@0.2.0", &format!("@{version}"));
    resolve.push_str("tool.wit", &contract).unwrap();
    let package = resolve.push_str("test.wit", &wit).unwrap();
    let world = resolve.select_world(&[package], Some("w")).unwrap();
    let mut wasm = module(&TOOL.replace("0.2.0", version));
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut wasm, &resolve, world, encoding, false).unwrap();
    wasm
}

#[test]
fn a_manifest_in_a_component_is_checked() {
    let packed = pack(&module(COMMAND), Some(&manifest())).unwrap();
    let text = manifest().to_json();
    let at = packed.len() - text.len();
    assert_eq!(&packed[at..], text.as_bytes(), "it is the last section");
    let mut damaged = packed.clone();
    damaged[at] = b'[';
    assert!(matches!(unpack(&damaged), Err(PackError::Manifest(_))));
    let mut damaged = packed.clone();
    damaged[at + 5] = 0xff;
    assert!(matches!(unpack(&damaged), Err(PackError::Invalid(_))));
    let mut twice = packed.clone();
    twice.extend(sections::custom(MANIFEST_SECTION, text.as_bytes()));
    assert!(matches!(unpack(&twice), Err(PackError::Invalid(_))));
}

fn mutated(wasm: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = wasm.len();
    let change = (0..length, any::<u8>(), 0..4_u8, 1..64_usize);
    prop::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut wasm = wasm.clone();
        for (at, byte, how, count) in changes {
            let at = at.min(wasm.len().saturating_sub(1));
            let end = (at + count).min(wasm.len());
            match how {
                0 => wasm.truncate(at),
                1 => drop(wasm.drain(at..end)),
                2 => {
                    let copy = wasm[at..end].to_vec();
                    wasm.splice(at..at, copy);
                }
                _ => {
                    if let Some(place) = wasm.get_mut(at) {
                        *place = byte;
                    }
                }
            }
            if wasm.is_empty() {
                break;
            }
        }
        wasm
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn damaged_modules_have_an_answer(wasm in mutated(tool_module())) {
        let _ = pack(&wasm, None);
    }

    #[test]
    fn damaged_commands_have_an_answer(wasm in mutated(module(COMMAND))) {
        let _ = pack(&wasm, Some(&manifest()));
    }

    #[test]
    fn damaged_components_have_an_answer(wasm in mutated(pack(&tool_module(), None).unwrap())) {
        let _ = (pack(&wasm, Some(&manifest())), unpack(&wasm));
    }

    #[test]
    fn any_bytes_have_an_answer(tail in prop::collection::vec(any::<u8>(), 0..200), module in any::<bool>()) {
        let header: &[u8] = if module { b"\0asm\x01\0\0\0" } else { b"\0asm\x0d\0\x01\0" };
        let wasm = [header, &tail[..]].concat();
        let _ = (pack(&wasm, Some(&manifest())), unpack(&wasm), unpack(&tail));
    }
}
