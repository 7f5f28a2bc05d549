//! Syntax trees as text, laid out the way bash prints functions.

use std::fmt::Write as _;

use super::ast::{
    AssignedValue, Assignment, CaseEnd, Command, CommandKind, Connector, Function, Item, Pipeline,
    Program, Redirect, RedirectKind, RedirectTarget, Simple, TestExpression, TimeFormat, Word,
};

/// `declare -f name`: the definition with its name.
pub fn function_text(function: &Function) -> String {
    let mut printer = Printer::default();
    let _ = write!(printer.out, "{} () \n", function.name);
    printer.function_body(&function.body);
    printer.out
}

/// A list of commands that parses back to the same.
pub fn program_text(program: &Program) -> String {
    let mut printer = Printer::default();
    printer.list(program);
    printer.finish_here_documents();
    printer.out
}

/// One entry of a list.
pub fn item_text(item: &Item) -> String {
    let mut printer = Printer::default();
    printer.item(item);
    printer.finish_here_documents();
    printer.out
}

pub fn command_text(command: &Command) -> String {
    let mut printer = Printer::default();
    printer.command(command);
    printer.finish_here_documents();
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    indent: usize,
    /// Bodies to be printed after the current line.
    here: Vec<(String, String)>,
}

impl Printer {
    fn newline(&mut self) {
        self.finish_here_documents();
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        for _ in 0..self.indent {
            self.out.push_str("    ");
        }
    }

    fn finish_here_documents(&mut self) {
        for (body, delimiter) in std::mem::take(&mut self.here) {
            let _ = write!(self.out, "\n{body}{delimiter}\n");
        }
    }

    fn function_body(&mut self, body: &Command) {
        match &body.kind {
            CommandKind::Group(program) => {
                self.out.push_str("{ ");
                self.block(program);
                self.newline();
                self.out.push('}');
            }
            _ => {
                // Whatever the body is, bash shows it inside braces.
                self.out.push_str("{ ");
                self.indent += 1;
                self.newline();
                self.command(body);
                self.indent -= 1;
                self.newline();
                self.out.push('}');
                return;
            }
        }
        self.redirects(&body.redirects);
    }

    fn block(&mut self, program: &Program) {
        self.indent += 1;
        self.newline();
        self.list(program);
        self.indent -= 1;
    }

    /// A block whose last command ends in a semicolon, as before `fi` and `done`.
    fn closed_block(&mut self, program: &Program) {
        self.block(program);
        self.semicolon();
    }

    fn semicolon(&mut self) {
        if self.here.is_empty() && !self.out.ends_with(['&', '\n']) {
            self.out.push(';');
        }
    }

    fn list(&mut self, program: &Program) {
        for (index, item) in program.items.iter().enumerate() {
            self.item(item);
            if index + 1 < program.items.len() {
                if !item.background {
                    self.semicolon();
                }
                self.newline();
            }
        }
    }

    fn item(&mut self, item: &Item) {
        self.pipeline(&item.first);
        for (connector, pipeline) in &item.rest {
            self.out.push_str(if *connector == Connector::And {
                " && "
            } else {
                " || "
            });
            self.pipeline(pipeline);
        }
        if item.background {
            self.out.push_str(" &");
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        match pipeline.timed {
            Some(TimeFormat::Bash) => self.out.push_str("time "),
            Some(TimeFormat::Posix) => self.out.push_str("time -p "),
            None => {}
        }
        if pipeline.negated {
            self.out.push_str("! ");
        }
        for (index, stage) in pipeline.stages.iter().enumerate() {
            if index > 0 {
                self.out.push_str(" | ");
            }
            self.command(stage);
            if stage.pipes_stderr {
                self.out.push_str(" 2>&1");
            }
        }
    }

    fn command(&mut self, command: &Command) {
        match &command.kind {
            CommandKind::Simple(simple) => self.simple(simple),
            CommandKind::Group(program) => {
                self.out.push_str("{ ");
                self.closed_block(program);
                self.newline();
                self.out.push('}');
            }
            CommandKind::Subshell(program) => {
                self.out.push_str("( ");
                self.list(program);
                self.finish_here_documents();
                self.out.push_str(" )");
            }
            CommandKind::If { arms, otherwise } => {
                for (index, (condition, body)) in arms.iter().enumerate() {
                    self.out.push_str(if index == 0 { "if " } else { "elif " });
                    self.list(condition);
                    self.semicolon();
                    self.out.push_str(" then");
                    self.closed_block(body);
                    self.newline();
                }
                if let Some(body) = otherwise {
                    self.out.push_str("else");
                    self.closed_block(body);
                    self.newline();
                }
                self.out.push_str("fi");
            }
            CommandKind::While {
                until,
                condition,
                body,
            } => {
                self.out.push_str(if *until { "until " } else { "while " });
                self.list(condition);
                self.semicolon();
                self.out.push_str(" do");
                self.closed_block(body);
                self.newline();
                self.out.push_str("done");
            }
            CommandKind::For { name, words, body } => {
                self.word_loop("for", name, words.as_deref(), body)
            }
            CommandKind::Select { name, words, body } => {
                self.word_loop("select", name, words.as_deref(), body)
            }
            CommandKind::ArithmeticFor {
                initial,
                condition,
                step,
                body,
            } => {
                let _ = write!(
                    self.out,
                    "for (({}; {}; {}))",
                    initial.raw.trim_start(),
                    condition.raw.trim_start(),
                    step.raw.trim_start()
                );
                self.newline();
                self.out.push_str("do");
                self.closed_block(body);
                self.newline();
                self.out.push_str("done");
            }
            CommandKind::Case { subject, arms } => {
                let _ = write!(self.out, "case {} in ", subject.raw);
                self.indent += 1;
                for arm in arms {
                    self.newline();
                    let patterns: Vec<_> = arm
                        .patterns
                        .iter()
                        .map(|pattern| pattern.raw.as_str())
                        .collect();
                    let _ = write!(self.out, "{})", patterns.join(" | "));
                    self.block(&arm.body);
                    self.newline();
                    self.out.push_str(match arm.end {
                        CaseEnd::Break => ";;",
                        CaseEnd::FallThrough => ";&",
                        CaseEnd::Continue => ";;&",
                    });
                }
                self.indent -= 1;
                self.newline();
                self.out.push_str("esac");
            }
            CommandKind::Function(function) => {
                let _ = write!(self.out, "function {} () ", function.name);
                self.newline();
                self.function_body(&function.body);
            }
            CommandKind::Test(expression) => {
                self.out.push_str("[[ ");
                self.test(expression);
                self.out.push_str(" ]]");
            }
            CommandKind::Arithmetic(word) => {
                let _ = write!(self.out, "(({}))", word.raw);
            }
            CommandKind::Coprocess { name, body } => {
                let _ = write!(
                    self.out,
                    "coproc {}",
                    name.as_deref()
                        .map(|name| format!("{name} "))
                        .unwrap_or_default()
                );
                self.command(body);
            }
        }
        self.redirects(&command.redirects);
    }

    fn word_loop(&mut self, keyword: &str, name: &str, words: Option<&[Word]>, body: &Program) {
        let _ = write!(self.out, "{keyword} {name}");
        match words {
            Some(words) => {
                self.out.push_str(" in");
                for word in words {
                    let _ = write!(self.out, " {}", word.raw);
                }
                self.out.push(';');
            }
            None => self.out.push_str(" in \"$@\";"),
        }
        self.newline();
        self.out.push_str("do");
        self.closed_block(body);
        self.newline();
        self.out.push_str("done");
    }

    fn simple(&mut self, simple: &Simple) {
        let mut first = true;
        for assignment in &simple.assignments {
            self.space(&mut first);
            self.assignment(assignment);
        }
        for word in &simple.words {
            self.space(&mut first);
            match &word.assignment {
                Some(assignment) => self.assignment(assignment),
                None => self.out.push_str(&word.raw),
            }
        }
    }

    fn space(&mut self, first: &mut bool) {
        if !*first {
            self.out.push(' ');
        }
        *first = false;
    }

    fn assignment(&mut self, assignment: &Assignment) {
        self.out.push_str(&assignment.name);
        if let Some(index) = &assignment.index {
            let _ = write!(self.out, "[{}]", index.raw);
        }
        self.out
            .push_str(if assignment.append { "+=" } else { "=" });
        match &assignment.value {
            AssignedValue::Scalar(word) => self.out.push_str(&word.raw),
            AssignedValue::Array(elements) => {
                self.out.push('(');
                for (position, element) in elements.iter().enumerate() {
                    if position > 0 {
                        self.out.push(' ');
                    }
                    if let Some(index) = &element.index {
                        let _ = write!(
                            self.out,
                            "[{}]{}",
                            index.raw,
                            if element.append { "+=" } else { "=" }
                        );
                    }
                    self.out.push_str(&element.value.raw);
                }
                self.out.push(')');
            }
        }
    }

    fn redirects(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            if !self.out.ends_with(' ') && !self.out.is_empty() {
                self.out.push(' ');
            }
            match &redirect.target {
                RedirectTarget::Default => {}
                RedirectTarget::Number(number) => {
                    let _ = write!(self.out, "{number}");
                }
                RedirectTarget::Variable(name) => {
                    let _ = write!(self.out, "{{{name}}}");
                }
            }
            let (operator, spaced) = match redirect.kind {
                RedirectKind::Read => ("<", true),
                RedirectKind::Write => (">", true),
                RedirectKind::Append => (">>", true),
                RedirectKind::Clobber => (">|", true),
                RedirectKind::ReadWrite => ("<>", true),
                RedirectKind::DuplicateIn => ("<&", false),
                RedirectKind::DuplicateOut => (">&", false),
                RedirectKind::HereDocument { strip_tabs: true } => ("<<-", false),
                RedirectKind::HereDocument { strip_tabs: false } => ("<<", false),
                RedirectKind::HereString => ("<<<", true),
                RedirectKind::WriteBoth => ("&>", true),
                RedirectKind::AppendBoth => ("&>>", true),
            };
            // `<&` and `>&` alone mean descriptors 0 and 1, and bash prints them.
            if matches!(redirect.target, RedirectTarget::Default) && !spaced {
                match redirect.kind {
                    RedirectKind::DuplicateIn => self.out.push('0'),
                    RedirectKind::DuplicateOut => self.out.push('1'),
                    _ => {}
                }
            }
            self.out.push_str(operator);
            if spaced {
                self.out.push(' ');
            }
            self.out.push_str(&redirect.word.raw);
            if let Some(document) = redirect.here.as_ref().and_then(|cell| cell.get()) {
                self.here
                    .push((document.body.raw.clone(), document.delimiter.clone()));
            }
        }
    }

    fn test(&mut self, expression: &TestExpression) {
        match expression {
            TestExpression::Or(left, right) => {
                self.test(left);
                self.out.push_str(" || ");
                self.test(right);
            }
            TestExpression::And(left, right) => {
                self.test(left);
                self.out.push_str(" && ");
                self.test(right);
            }
            TestExpression::Not(inner) => {
                self.out.push_str("! ");
                self.test(inner);
            }
            TestExpression::Group(inner) => {
                self.out.push_str("( ");
                self.test(inner);
                self.out.push_str(" )");
            }
            TestExpression::Unary(operator, word) => {
                let _ = write!(self.out, "-{operator} {}", word.raw);
            }
            TestExpression::Binary(operator, left, right) => {
                let _ = write!(self.out, "{} {operator} {}", left.raw, right.raw);
            }
            TestExpression::Word(word) => self.out.push_str(&word.raw),
        }
    }
}
