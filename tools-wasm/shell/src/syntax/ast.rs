//! The syntax tree. Words keep their source text, so that a tree prints back to what was written.

use std::cell::OnceCell;
use std::rc::Rc;

/// A list of commands.
#[derive(Debug, Default)]
pub struct Program {
    pub items: Vec<Item>,
}

/// One entry of a list: `a && b ;` or `a &`.
#[derive(Debug)]
pub struct Item {
    pub first: Pipeline,
    pub rest: Vec<(Connector, Pipeline)>,
    pub background: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    And,
    Or,
}

/// Commands joined by `|`.
#[derive(Debug)]
pub struct Pipeline {
    pub negated: bool,
    pub timed: Option<TimeFormat>,
    pub stages: Vec<Rc<Command>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    Bash,
    Posix,
}

#[derive(Debug)]
pub struct Command {
    pub line: u32,
    pub kind: CommandKind,
    pub redirects: Vec<Redirect>,
    /// The command is followed by `|&`.
    pub pipes_stderr: bool,
}

#[derive(Debug)]
pub enum CommandKind {
    Simple(Simple),
    Group(Program),
    Subshell(Program),
    If {
        arms: Vec<(Program, Program)>,
        otherwise: Option<Program>,
    },
    While {
        until: bool,
        condition: Program,
        body: Program,
    },
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: Program,
    },
    Select {
        name: String,
        words: Option<Vec<Word>>,
        body: Program,
    },
    ArithmeticFor {
        initial: Word,
        condition: Word,
        step: Word,
        body: Program,
    },
    Case {
        subject: Word,
        arms: Vec<CaseArm>,
    },
    Function(Rc<Function>),
    Test(TestExpression),
    Arithmetic(Word),
    Coprocess {
        name: Option<String>,
        body: Rc<Command>,
    },
}

#[derive(Debug)]
pub struct CaseArm {
    pub patterns: Vec<Word>,
    pub body: Program,
    pub end: CaseEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseEnd {
    Break,
    FallThrough,
    Continue,
}

#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub line: u32,
    pub body: Rc<Command>,
    /// The definition as it was written, when that can stand alone.
    pub source: Option<String>,
}

#[derive(Debug, Default)]
pub struct Simple {
    pub assignments: Vec<Assignment>,
    pub words: Vec<Word>,
}

#[derive(Debug)]
pub struct Assignment {
    pub name: String,
    pub index: Option<Word>,
    pub append: bool,
    pub value: AssignedValue,
}

#[derive(Debug)]
pub enum AssignedValue {
    Scalar(Word),
    Array(Vec<Element>),
}

/// An element of `a=(...)`: a bare word, or `[index]=word`.
#[derive(Debug)]
pub struct Element {
    pub index: Option<Word>,
    pub append: bool,
    pub value: Word,
}

/// A word: its source and what that is made of.
#[derive(Debug, Default)]
pub struct Word {
    pub raw: String,
    pub parts: Vec<Part>,
    /// What brace expansion makes of it, when it has any.
    pub braces: Vec<Word>,
    /// Set for the operands of `declare` and its like.
    pub assignment: Option<Box<Assignment>>,
}

#[derive(Debug)]
pub enum Part {
    /// Text outside quotes: it may be a pattern, but it is not split.
    Text(String),
    /// Text inside quotes, or after a backslash.
    Quoted(String),
    Double(Vec<Part>),
    Tilde(String),
    Parameter(Box<Parameter>),
    Command(Rc<Substitution>),
    Arithmetic(Box<Word>),
    Process {
        output: bool,
        body: Rc<Substitution>,
    },
}

/// The commands of `$( )`, or the text of a backquoted one, which is parsed when it first runs.
#[derive(Debug)]
pub struct Substitution {
    pub text: String,
    pub line: u32,
    pub backquoted: bool,
    pub program: OnceCell<Rc<Program>>,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    pub index: Option<Subscript>,
    /// `${!name}`.
    pub indirect: bool,
    pub operation: Operation,
    /// The source, for error messages.
    pub raw: String,
}

#[derive(Debug)]
pub enum Subscript {
    At,
    Star,
    Expression(Word),
}

#[derive(Debug)]
pub enum Operation {
    Value,
    Length,
    /// `${!name[@]}`.
    Keys,
    /// `${!prefix@}` and `${!prefix*}`.
    Names,
    Alternative {
        colon: bool,
        kind: Alternative,
        word: Word,
    },
    Remove {
        suffix: bool,
        longest: bool,
        pattern: Word,
    },
    Replace {
        kind: ReplaceKind,
        pattern: Word,
        replacement: Word,
    },
    Slice {
        offset: Word,
        length: Option<Word>,
    },
    Case {
        kind: CaseKind,
        all: bool,
        pattern: Word,
    },
    Transform(char),
    /// Not a substitution at all; an error when it is expanded.
    Bad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternative {
    Default,
    Assign,
    Error,
    Alternate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceKind {
    First,
    All,
    Prefix,
    Suffix,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseKind {
    Upper,
    Lower,
    Toggle,
}

#[derive(Debug)]
pub struct Redirect {
    pub target: RedirectTarget,
    pub kind: RedirectKind,
    pub word: Word,
    pub here: Option<Rc<OnceCell<HereDocument>>>,
}

#[derive(Debug, Clone)]
pub enum RedirectTarget {
    Default,
    Number(u32),
    /// `{name}>file`: the shell chooses a number and stores it in the variable.
    Variable(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectKind {
    Read,
    Write,
    Append,
    Clobber,
    ReadWrite,
    DuplicateIn,
    DuplicateOut,
    HereDocument { strip_tabs: bool },
    HereString,
    WriteBoth,
    AppendBoth,
}

#[derive(Debug)]
pub struct HereDocument {
    pub body: Word,
    pub delimiter: String,
    pub quoted: bool,
}

#[derive(Debug)]
pub enum TestExpression {
    Or(Box<TestExpression>, Box<TestExpression>),
    And(Box<TestExpression>, Box<TestExpression>),
    Not(Box<TestExpression>),
    Group(Box<TestExpression>),
    Unary(String, Word),
    Binary(String, Word, Word),
    Word(Word),
}

impl Word {
    /// The text of a word that is one literal without any quoting.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            [] if self.raw.is_empty() => Some(""),
            _ => None,
        }
    }

    pub fn from_text(text: &str) -> Self {
        Self {
            raw: text.to_owned(),
            parts: vec![Part::Text(text.to_owned())],
            ..Self::default()
        }
    }
}
