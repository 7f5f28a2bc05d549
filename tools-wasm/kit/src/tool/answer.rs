//! What a call comes to, and all that turns into it.

use std::any::Any;

use serde_json::Value;

use super::{Content, Failure};

/// What a call comes to.
pub type Answer = std::result::Result<Vec<Content>, Failure>;

/// What a tool's function returns, mostly: `?` takes any error.
pub type Result<T = String> = std::result::Result<T, Error>;

/// Why there is no answer. Any `std::error::Error` becomes one with `?`: the model reads its text and those of its
/// sources.
#[derive(Debug)]
pub struct Error(Failure);

impl Error {
    /// The tool ran and failed: say what would help.
    pub fn failed(message: impl Into<String>) -> Self {
        Self(failed(message))
    }

    /// The input is not what it has to be: name the field.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self(invalid(message))
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        if let Some(failure) = (&error as &dyn Any).downcast_ref::<Failure>() {
            return Self(failure.clone());
        }
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Many errors already say what their source says.
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = error.source();
        }
        Self::failed(message)
    }
}

/// An answer of one text.
pub fn text(text: impl Into<String>) -> Answer {
    Ok(vec![Content::Text(text.into())])
}

/// A failure that tells the model what went wrong.
pub fn failed(message: impl Into<String>) -> Failure {
    Failure::Failed(vec![Content::Text(message.into())])
}

/// A failure that tells the model what is wrong with its input.
pub fn invalid(message: impl Into<String>) -> Failure {
    Failure::InvalidInput(message.into())
}

/// What can be an answer: text, JSON, one content, many, nothing, or a `Result` of those.
pub trait IntoAnswer {
    /// The answer.
    fn into_answer(self) -> Answer;
}

impl IntoAnswer for String {
    fn into_answer(self) -> Answer {
        text(self)
    }
}

impl IntoAnswer for &str {
    fn into_answer(self) -> Answer {
        text(self)
    }
}

impl IntoAnswer for () {
    fn into_answer(self) -> Answer {
        Ok(Vec::new())
    }
}

impl IntoAnswer for Value {
    fn into_answer(self) -> Answer {
        Ok(vec![Content::Json(self.to_string())])
    }
}

impl IntoAnswer for Content {
    fn into_answer(self) -> Answer {
        Ok(vec![self])
    }
}

impl IntoAnswer for Vec<Content> {
    fn into_answer(self) -> Answer {
        Ok(self)
    }
}

impl<T: IntoAnswer, E: IntoFailure> IntoAnswer for std::result::Result<T, E> {
    fn into_answer(self) -> Answer {
        self.map_err(IntoFailure::into_failure)?.into_answer()
    }
}

/// What can be the error of a tool's function.
pub trait IntoFailure {
    /// The failure.
    fn into_failure(self) -> Failure;
}

impl IntoFailure for Failure {
    fn into_failure(self) -> Failure {
        self
    }
}

impl IntoFailure for Error {
    fn into_failure(self) -> Failure {
        self.0
    }
}

impl IntoFailure for String {
    fn into_failure(self) -> Failure {
        failed(self)
    }
}

impl IntoFailure for &str {
    fn into_failure(self) -> Failure {
        failed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Result<Value> {
        if text.is_empty() {
            Err(invalid("number: is empty"))?;
        }
        Ok(text.parse::<i32>()?.into())
    }

    #[test]
    fn values_and_errors_become_answers() {
        let shown = |answer: Answer| format!("{answer:?}");
        for (answer, expected) in [
            ("a".into_answer(), r#"Ok([Content::Text("a")])"#),
            (number("7").into_answer(), r#"Ok([Content::Json("7")])"#),
            (
                number("x").into_answer(),
                r#"Err(Failure::Failed([Content::Text("invalid digit found in string")]))"#,
            ),
            (
                number("").into_answer(),
                r#"Err(Failure::InvalidInput("number: is empty"))"#,
            ),
            (
                Err::<(), _>("no").into_answer(),
                r#"Err(Failure::Failed([Content::Text("no")]))"#,
            ),
        ] {
            assert_eq!(shown(answer), expected);
        }
    }
}
