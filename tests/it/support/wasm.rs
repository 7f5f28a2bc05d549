//! Tools as small as they can be: a core module by hand, with the types of `wit/tool/0.2.0`.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

/// Where `describe`'s answer lies in the tool's memory, and the texts after it.
const DESCRIPTION_AT: usize = 1024;
/// What `describe` answers, in bytes: four fields and the wishes.
const DESCRIPTION_BYTES: usize = 136;
/// Where the answer of a call is put together.
pub(crate) const ANSWER_AT: usize = 64;

const WORLD: &str = "
    package probe:probe;
    world probe {
        import glovebox:tool/context@0.2.0;
        import glovebox:fetch/fetch@0.1.0;
        export glovebox:tool/tool@0.2.0;
    }";

/// A tool to be made.
#[derive(Clone)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) schema: String,
    /// 0 none, 1 files, 2 external.
    pub(crate) effects: u8,
    pub(crate) hosts: Vec<String>,
    pub(crate) secrets: Vec<String>,
    pub(crate) settings: Vec<String>,
    /// The body of `call`: WAT with `$input` and `$length`, which leaves the address of its result.
    pub(crate) call: String,
    /// The body of `describe` in place of the honest one.
    pub(crate) describe: Option<String>,
    /// Imports, functions and data besides.
    pub(crate) more: String,
}

/// The imports of `context` that bodies may use.
pub(crate) const CONTEXT: &str = r#"
    (import "glovebox:tool/context@0.2.0" "secret" (func $secret (param i32 i32 i32)))
    (import "glovebox:tool/context@0.2.0" "setting" (func $setting (param i32 i32 i32)))
    (import "glovebox:tool/context@0.2.0" "load-state" (func $load-state (param i32)))
    (import "glovebox:tool/context@0.2.0" "store-state" (func $store-state (param i32 i32 i32)))
    (import "glovebox:tool/context@0.2.0" "progress" (func $progress (param i32 i32 i32 f64)))
    (import "glovebox:tool/context@0.2.0" "cancelled" (func $cancelled (result i32)))
"#;

/// A tool that answers with its input.
pub(crate) fn echo(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        text: format!("Answers with what it is given, by the name of {name}."),
        schema: r#"{"type":"object","properties":{"of":{"type":"string"}}}"#.to_owned(),
        effects: 0,
        hosts: Vec::new(),
        secrets: Vec::new(),
        settings: Vec::new(),
        call: "(call $answer (local.get $input) (local.get $length))".to_owned(),
        describe: None,
        more: String::new(),
    }
}

impl Tool {
    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        let mut wasm = wat::parse_str(self.module()).unwrap();
        let mut resolve = wit_parser::Resolve::default();
        let contract = include_str!("../../../wit/tool/0.2.0/tool.wit");
        resolve.push_str("tool.wit", contract).unwrap();
        let fetch = include_str!("../../../wit/fetch/fetch.wit");
        resolve.push_str("fetch.wit", fetch).unwrap();
        let package = resolve.push_str("probe.wit", WORLD).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8, false).unwrap();
        ComponentEncoder::default()
            .module(&wasm)
            .unwrap()
            .encode()
            .unwrap()
    }

    fn module(&self) -> String {
        let data: String = self
            .memory()
            .iter()
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        let describe = self
            .describe
            .clone()
            .unwrap_or_else(|| format!("(i32.const {DESCRIPTION_AT})"));
        let imports = if self.more.contains("(import") {
            ""
        } else {
            CONTEXT
        };
        format!(
            r#"(module
            {imports}
            {more}
            (memory (export "memory") 16)
            (global $free (mut i32) (i32.const 524288))
            (data (i32.const {DESCRIPTION_AT}) "{data}")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.set $free (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            ;; The result of a call that answers with one text.
            (func $answer (param $text i32) (param $length i32) (result i32)
                (i32.store8 (i32.const {ok}) (i32.const 0))
                (i32.store (i32.const {list}) (i32.const {content}))
                (i32.store (i32.const {count}) (i32.const 1))
                (i32.store8 (i32.const {content}) (i32.const 0))
                (i32.store (i32.const {at}) (local.get $text))
                (i32.store (i32.const {bytes}) (local.get $length))
                (i32.const {ok}))
            (func (export "glovebox:tool/tool@0.2.0#describe") (result i32) {describe})
            (func (export "glovebox:tool/tool@0.2.0#call") (param $input i32) (param $length i32) (result i32)
                {call}))"#,
            more = self.more,
            call = self.call,
            ok = ANSWER_AT,
            list = ANSWER_AT + 4,
            count = ANSWER_AT + 8,
            content = ANSWER_AT + 16,
            at = ANSWER_AT + 20,
            bytes = ANSWER_AT + 24,
        )
    }

    /// The description as the canonical ABI lays it out, and what it points to.
    fn memory(&self) -> Vec<u8> {
        let mut memory = vec![0; DESCRIPTION_BYTES];
        let names = |names: &[String], memory: &mut Vec<u8>| {
            let at = memory.len().next_multiple_of(4);
            memory.resize(at + names.len() * 8, 0);
            for (index, name) in names.iter().enumerate() {
                let pointer = text(name, memory);
                put(memory, at + index * 8, pointer);
            }
            (DESCRIPTION_AT + at, names.len())
        };
        for (field, value) in [(0, &self.name), (8, &self.text), (16, &self.schema)] {
            let pointer = text(value, &mut memory);
            put(&mut memory, field, pointer);
        }
        memory[24] = self.effects;
        let hosts = names(&self.hosts, &mut memory);
        put(&mut memory, 32, hosts);
        let secrets = names(&self.secrets, &mut memory);
        put(&mut memory, 32 + 24, secrets);
        let settings = names(&self.settings, &mut memory);
        put(&mut memory, 32 + 32, settings);
        memory
    }
}

fn text(value: &str, memory: &mut Vec<u8>) -> (usize, usize) {
    let at = memory.len();
    memory.extend_from_slice(value.as_bytes());
    (DESCRIPTION_AT + at, value.len())
}

/// A pointer and a length.
fn put(memory: &mut [u8], at: usize, (pointer, length): (usize, usize)) {
    memory[at..at + 4].copy_from_slice(&u32::try_from(pointer).unwrap().to_le_bytes());
    memory[at + 4..at + 8].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
}

/// A section of a module or component.
pub(crate) fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id];
    length(content.len(), &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

/// A section that the engine does not look at.
pub(crate) fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    length(name.len(), &mut body);
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(content);
    section(0, &body)
}

fn length(mut value: usize, bytes: &mut Vec<u8>) {
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
}
