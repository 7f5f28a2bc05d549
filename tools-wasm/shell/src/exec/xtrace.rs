//! `set -x`.

use crate::expand::quoting;
use crate::flow::Flow;
use crate::options::Set;
use crate::shell::Shell;
use crate::syntax::ast::{AssignedValue, Assignment, TestExpression};
use crate::variables::assign::NewValue;

impl Shell {
    pub(crate) fn trace_line(&mut self, text: &str) -> Flow<()> {
        let prefix = self.text_of("PS4").unwrap_or_else(|| "+ ".to_owned());
        // Expanding the prompt must not trace itself.
        self.state.options.put(Set::Xtrace, false);
        let status = self.state.status;
        let expanded = self.prompt(&prefix);
        self.state.status = status;
        self.state.options.put(Set::Xtrace, true);
        let expanded = expanded?;
        // Nested evaluation repeats the first character.
        let depth = self.state.subshell_depth as usize;
        let first: String = expanded.chars().take(1).collect();
        let target = self
            .text_of("BASH_XTRACEFD")
            .and_then(|text| text.parse().ok())
            .unwrap_or(2);
        let _ = self.write(
            target,
            &format!(
                "{}{expanded}{text}\n",
                first.repeat(if depth > 0 { depth.min(1) } else { 0 })
            ),
        );
        Ok(())
    }

    pub(crate) fn trace_simple(
        &mut self,
        assignments: &[Assignment],
        arguments: &[String],
    ) -> Flow<()> {
        for assignment in assignments {
            if let AssignedValue::Scalar(word) = &assignment.value {
                let text = self.string(word)?;
                self.trace_line(&format!("{}={}", assignment.name, quoting::traced(&text)))?;
            }
        }
        let shown: Vec<String> = arguments
            .iter()
            .map(|argument| {
                if argument.is_empty() {
                    "''".to_owned()
                } else {
                    quoting::traced(argument)
                }
            })
            .collect();
        self.trace_line(&shown.join(" "))
    }

    pub(crate) fn trace_assignment(
        &mut self,
        assignment: &Assignment,
        value: &NewValue,
    ) -> Flow<()> {
        let operator = if assignment.append { "+=" } else { "=" };
        let index = assignment
            .index
            .as_ref()
            .map(|word| format!("[{}]", word.raw))
            .unwrap_or_default();
        let shown = match value {
            NewValue::Text(text) => quoting::traced(text),
            NewValue::Array(_) => match &assignment.value {
                AssignedValue::Array(elements) => {
                    let raw: Vec<_> = elements
                        .iter()
                        .map(|element| match &element.index {
                            Some(index) => format!("[{}]={}", index.raw, element.value.raw),
                            None => element.value.raw.clone(),
                        })
                        .collect();
                    format!("({})", raw.join(" "))
                }
                AssignedValue::Scalar(_) => String::new(),
            },
        };
        self.trace_line(&format!("{}{index}{operator}{shown}", assignment.name))
    }

    pub(crate) fn trace_test(&mut self, expression: &TestExpression) -> Flow<()> {
        let text = self.traced_test(expression)?;
        self.trace_line(&format!("[[ {text} ]]"))
    }

    fn traced_test(&mut self, expression: &TestExpression) -> Flow<String> {
        Ok(match expression {
            TestExpression::Binary(operator, left, right) => {
                let left = quoting::traced(&self.string(left)?);
                let right = self.string(right)?;
                format!(
                    "{} {operator} {right}",
                    if left.is_empty() { "''" } else { &left }
                )
            }
            TestExpression::Unary(operator, word) => {
                let text = quoting::traced(&self.string(word)?);
                format!("-{operator} {}", if text.is_empty() { "''" } else { &text })
            }
            TestExpression::Word(word) => {
                format!("-n {}", quoting::traced(&self.string(word)?))
            }
            TestExpression::Not(inner) => format!("! {}", self.traced_test(inner)?),
            TestExpression::Group(inner) => self.traced_test(inner)?,
            TestExpression::And(left, right) => format!(
                "{} && {}",
                self.traced_test(left)?,
                self.traced_test(right)?
            ),
            TestExpression::Or(left, right) => format!(
                "{} || {}",
                self.traced_test(left)?,
                self.traced_test(right)?
            ),
        })
    }
}
