//! What a tool is made of: one function from its input to contents, and a schema.
//!
//! ```ignore
//! #[derive(serde::Deserialize)]
//! struct Input { name: String }
//!
//! fn greet(input: Input) -> glovebox_kit::tool::Answer {
//!     Ok(vec![Content::Text(format!("hello {}", input.name))])
//! }
//!
//! glovebox_kit::tool! {
//!     name: "greet",
//!     description: "Greets somebody.",
//!     input_schema: r#"{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}"#,
//!     effects: None,
//!     run: greet,
//! }
//! ```
//!
//! A panic ends the call as a trap; what the model should see is returned as a [`Failure`].

use serde::de::DeserializeOwned;

pub use crate::bindings::glovebox::tool::context;
pub use exports::glovebox::tool::types::{Blob, Content, Description, Effects, Failure, SearchHit};

/// What a call comes to.
pub type Answer = Result<Vec<Content>, Failure>;

/// The bindings of the exported interface, used by [`tool!`](crate::tool!).
#[doc(hidden)]
pub mod exports {
    wit_bindgen::generate!({
        path: ["../../wit/process", "../../wit/tool/0.1.0"],
        world: "glovebox:kit/tool-guest",
        inline: "package glovebox:kit; world tool-guest { export glovebox:tool/tool@0.1.0; }",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "glovebox_kit::tool::exports",
    });
}

/// An answer of one text.
pub fn text(text: impl Into<String>) -> Answer {
    Ok(vec![Content::Text(text.into())])
}

/// A failure that tells the model what went wrong.
pub fn failed(message: impl Into<String>) -> Failure {
    Failure::Failed(vec![Content::Text(message.into())])
}

/// The value of a setting that the operator gave this tool, parsed; the default when there is none.
///
/// A setting that cannot be parsed fails the call: to run without it could be to run without a restriction.
pub fn setting<T: DeserializeOwned + Default>(name: &str) -> Result<T, Failure> {
    match context::setting(name) {
        None => Ok(T::default()),
        Some(json) => serde_json::from_str(&json).map_err(|error| {
            failed(format!(
                "{name}: the operator's setting is not valid: {error}"
            ))
        }),
    }
}

/// Parses the input and calls `run`. What does not fit is reported with the path of the field.
#[doc(hidden)]
pub fn dispatch<Input: DeserializeOwned>(input: &str, run: impl FnOnce(Input) -> Answer) -> Answer {
    run(parse(input).map_err(Failure::InvalidInput)?)
}

fn parse<Input: DeserializeOwned>(input: &str) -> Result<Input, String> {
    let mut json = serde_json::Deserializer::from_str(input);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        // The position is one in the serialised input, which the model never sees.
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(message, _)| message);
        if path == "." {
            message.to_owned()
        } else {
            format!("{path}: {message}")
        }
    })
}

/// Makes the crate (a `cdylib`) a tool. See [`tool`](crate::tool) for an example.
///
/// `effects` is one of `None`, `Files`, `External`: what running it may change.
#[macro_export]
macro_rules! tool {
    (
        name: $name:expr,
        description: $description:expr,
        input_schema: $schema:expr,
        effects: $effects:ident,
        run: $run:expr $(,)?
    ) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;
            impl $crate::tool::exports::exports::glovebox::tool::tool::Guest for Exported {
                fn describe() -> $crate::tool::Description {
                    $crate::tool::Description {
                        name: ($name).into(),
                        text: ($description).into(),
                        input_schema: ($schema).into(),
                        effects: $crate::tool::Effects::$effects,
                    }
                }
                fn call(input: String) -> $crate::tool::Answer {
                    $crate::tool::dispatch(&input, $run)
                }
            }
    $crate::tool::exports::export!(Exported with_types_in $crate::tool::exports);

            // A tool has no `main`, and the linker makes invalid code of the kit's reference to it (see `exit`).
            #[unsafe(no_mangle)]
            extern "C" fn __main_void() -> i32 {
                0
            }
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Input {
        file_path: String,
        view_range: Option<Vec<i64>>,
    }

    #[test]
    fn bad_input_is_reported_with_the_field() {
        for (input, message) in [
            ("{}", "missing field `file_path`"),
            (
                r#"{"file_path":3}"#,
                "file_path: invalid type: integer `3`, expected a string",
            ),
            (
                r#"{"file_path":"a","view_range":[1,"x"]}"#,
                "view_range[1]: invalid type: string \"x\", expected i64",
            ),
            (
                r#"{"file_path":"a","lines":1}"#,
                "lines: unknown field `lines`, expected `file_path` or `view_range`",
            ),
        ] {
            assert_eq!(parse::<Input>(input).unwrap_err(), message);
        }
        assert!(parse::<Input>(r#"{"file_path":"a","view_range":null}"#).is_ok());
    }
}
