//! A tool of the contract's first version, which is served for ever: it counts its calls and writes a file.

mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit/process", "../../../wit/tool/0.1.0"],
        world: "glovebox:tool/tool-world",
        generate_all,
    });
}

use bindings::exports::glovebox::tool::tool::Guest;
use bindings::glovebox::tool::context;
use bindings::glovebox::tool::types::{Content, Description, Effects, Failure};

struct Probe;

impl Guest for Probe {
    fn describe() -> Description {
        Description {
            name: "contract_0_1".into(),
            text: "Counts its calls.".into(),
            input_schema: r#"{"type":"object"}"#.into(),
            effects: Effects::Files,
        }
    }

    fn call(input: String) -> Result<Vec<Content>, Failure> {
        if !input.starts_with('{') {
            return Err(Failure::InvalidInput("not an object".into()));
        }
        let failed = |message: String| Failure::Failed(vec![Content::Text(message)]);
        let count = context::load_state().map_or(0, |state| state[0]) + 1;
        context::store_state(&[count]).map_err(failed)?;
        context::progress("counted", None);
        std::fs::write("/workspace/calls", count.to_string())
            .map_err(|error| failed(error.to_string()))?;
        Ok(vec![Content::Text(format!("call {count}"))])
    }
}

bindings::export!(Probe with_types_in bindings);
// The linker's arguments for programs hold for every guest.
glovebox_kit::no_main!();
use glovebox_kit as _;
