//! Arithmetic: 64-bit integers as C has them.

mod eval;
mod parse;

pub use eval::{Memory, evaluate};
pub use parse::{Expression, parse};

/// Text that is no arithmetic, or has no value. The message is what follows the expression in bash's error.
#[derive(Debug, Clone)]
pub struct ArithmeticError(pub String);
