//! From the input as JSON to the function.

use serde::de::DeserializeOwned;

use super::{Answer, Failure, IntoAnswer};

/// The input of a tool that takes none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoInput {}

/// Parses the input and calls `run`. What does not fit is reported with the path of the field.
pub fn dispatch<Input: DeserializeOwned, Output: IntoAnswer>(
    input: &str,
    run: impl FnOnce(Input) -> Output,
) -> Answer {
    let input = parse(input).map_err(Failure::InvalidInput)?;
    #[cfg(feature = "relative-paths")]
    crate::start::stand();
    run(input).into_answer()
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
