//! echo.

use crate::flow::Flow;
use crate::options::{Set, Shopt};
use crate::shell::Shell;
use crate::syntax::{Escapes, unescape};

impl Shell {
    pub(super) fn builtin_echo(&mut self, arguments: &[String]) -> Flow {
        let mut newline = true;
        let mut escapes = self.shopt(Shopt::XpgEcho);
        let mut at = 1;
        while let Some(letters) = arguments
            .get(at)
            .and_then(|argument| argument.strip_prefix('-'))
        {
            if letters.is_empty()
                || !letters
                    .bytes()
                    .all(|letter| matches!(letter, b'n' | b'e' | b'E'))
                || (self.is_set(Set::Posix) && self.shopt(Shopt::XpgEcho))
            {
                break;
            }
            for letter in letters.bytes() {
                match letter {
                    b'n' => newline = false,
                    b'e' => escapes = true,
                    _ => escapes = false,
                }
            }
            at += 1;
        }
        let mut output = arguments[at.min(arguments.len())..].join(" ");
        if escapes {
            let (text, ended) = unescape(&output, Escapes::Echo);
            output = text;
            newline = newline && !ended;
        }
        if newline {
            output.push('\n');
        }
        Ok(self.print("echo", &output))
    }
}
