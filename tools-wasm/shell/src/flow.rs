//! How running a command can end other than by finishing.

/// What unwinds the commands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Leave so many loops.
    Break(u32),
    Continue(u32),
    /// Leave the function or sourced file.
    Return(i32),
    /// End the shell, or the subshell.
    Exit(i32),
    /// Give up the current line, as after a bad substitution; a subshell ends.
    Discard(i32),
}

/// A status, or an interrupt.
pub type Flow<T = i32> = Result<T, Interrupt>;
