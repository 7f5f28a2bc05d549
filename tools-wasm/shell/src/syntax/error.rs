//! What the parser reports.

/// Text that is no shell program.
#[derive(Debug, Clone)]
pub struct SyntaxError {
    pub line: u32,
    pub kind: SyntaxErrorKind,
}

#[derive(Debug, Clone)]
pub enum SyntaxErrorKind {
    /// A token where none may be, and the line it stands in.
    Unexpected {
        token: String,
        text: String,
    },
    UnexpectedEnd,
    /// A quote or bracket that is never closed, and the line it opened in.
    Unclosed {
        what: char,
    },
    Other {
        message: String,
    },
}

impl SyntaxError {
    /// The lines of the message, without the shell's name and the line number.
    pub fn messages(&self) -> Vec<String> {
        match &self.kind {
            SyntaxErrorKind::Unexpected { token, text } => {
                vec![
                    format!("syntax error near unexpected token `{token}'"),
                    format!("`{text}'"),
                ]
            }
            SyntaxErrorKind::UnexpectedEnd => {
                vec!["syntax error: unexpected end of file".to_owned()]
            }
            SyntaxErrorKind::Unclosed { what } => vec![format!(
                "unexpected EOF while looking for matching `{what}'"
            )],
            SyntaxErrorKind::Other { message } => vec![message.clone()],
        }
    }
}
