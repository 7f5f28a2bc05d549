//! Conditions: `[[ ]]`, and the primaries that `test` shares with it.

use crate::flow::{Flow, Interrupt};
use crate::kernel::{FileInfo, FileType, Kind};
use crate::options::{Shopt, set_by_name};
use crate::pattern::regex::Regex;
use crate::shell::Shell;
use crate::syntax::ast::{TestExpression, Word};
use crate::variables::assign::parse_place;

impl Shell {
    /// 0, 1, or 2 when the condition makes no sense.
    pub(crate) fn test_expression(&mut self, expression: &TestExpression) -> Flow {
        Ok(match expression {
            TestExpression::And(left, right) => match self.test_expression(left)? {
                0 => self.test_expression(right)?,
                other => other,
            },
            TestExpression::Or(left, right) => match self.test_expression(left)? {
                0 => 0,
                _ => self.test_expression(right)?,
            },
            TestExpression::Not(inner) => match self.test_expression(inner)? {
                0 => 1,
                1 => 0,
                other => other,
            },
            TestExpression::Group(inner) => self.test_expression(inner)?,
            TestExpression::Word(word) => i32::from(self.string(word)?.is_empty()),
            TestExpression::Unary(operator, word) => {
                let operand = self.string(word)?;
                i32::from(!self.test_unary(operator.chars().next().unwrap_or('n'), &operand)?)
            }
            TestExpression::Binary(operator, left, right) => {
                self.test_binary_words(operator, left, right)?
            }
        })
    }

    fn test_binary_words(&mut self, operator: &str, left: &Word, right: &Word) -> Flow {
        let text = self.string(left)?;
        let ignore_case = self.shopt(Shopt::Nocasematch);
        Ok(match operator {
            "==" | "=" | "!=" => {
                let matched = self.pattern(right, ignore_case)?.matches(&text);
                i32::from(matched != (operator != "!="))
            }
            "=~" => {
                let field = self.joined(&right.parts)?;
                return self.test_regex(&text, &field.regex(), ignore_case);
            }
            "<" | ">" => {
                let right = self.string(right)?;
                i32::from(if operator == "<" {
                    text >= right
                } else {
                    text <= right
                })
            }
            "-nt" | "-ot" | "-ef" => {
                let right = self.string(right)?;
                i32::from(!self.test_files(operator, &text, &right))
            }
            _ => {
                let right = self.string(right)?;
                let mut values = [0, 0];
                for (value, text) in values.iter_mut().zip([&text, &right]) {
                    *value = match self.try_arithmetic(text)? {
                        Ok(value) => value,
                        Err(message) => {
                            self.complain(&format!("[[: {message}"));
                            return Ok(1);
                        }
                    };
                }
                i32::from(!compare(operator, values[0], values[1]))
            }
        })
    }

    fn test_regex(&mut self, text: &str, expression: &str, ignore_case: bool) -> Flow {
        let Some(regex) = Regex::new(expression, ignore_case) else {
            return Ok(2);
        };
        match regex.find(text) {
            Some(captures) => {
                let groups = captures
                    .iter()
                    .map(|range| {
                        range.map_or(String::new(), |(start, end)| text[start..end].to_owned())
                    })
                    .collect();
                self.put_list("BASH_REMATCH", groups);
                Ok(0)
            }
            None => {
                self.put_list("BASH_REMATCH", Vec::new());
                Ok(1)
            }
        }
    }

    fn info(&self, path: &str, follow: bool) -> Option<FileInfo> {
        if path.is_empty() {
            return None;
        }
        if let Some(number) = path
            .strip_prefix("/dev/fd/")
            .and_then(|number| number.parse().ok())
        {
            let endpoint = self.descriptor(number)?;
            let file_type = match endpoint.kind() {
                Kind::Pipe => FileType::Fifo,
                Kind::Directory => FileType::Directory,
                Kind::Terminal | Kind::Null => FileType::CharacterDevice,
                _ => FileType::File,
            };
            return Some(FileInfo {
                file_type,
                size: 0,
                modified_ns: 0,
                accessed_ns: 0,
                identity: None,
            });
        }
        self.kernel.stat(&self.absolute(path), follow).ok()
    }

    pub(crate) fn test_unary(&mut self, operator: char, operand: &str) -> Flow<bool> {
        let is = |file_type: FileType| move |info: FileInfo| info.file_type == file_type;
        Ok(match operator {
            'n' => !operand.is_empty(),
            'z' => operand.is_empty(),
            'a' | 'e' => self.info(operand, true).is_some(),
            'f' => self.info(operand, true).is_some_and(is(FileType::File)),
            'd' => self
                .info(operand, true)
                .is_some_and(is(FileType::Directory)),
            'h' | 'L' => self.info(operand, false).is_some_and(is(FileType::Symlink)),
            'p' => self.info(operand, true).is_some_and(is(FileType::Fifo)),
            'S' => self.info(operand, true).is_some_and(is(FileType::Socket)),
            'b' => self
                .info(operand, true)
                .is_some_and(is(FileType::BlockDevice)),
            'c' => self
                .info(operand, true)
                .is_some_and(is(FileType::CharacterDevice)),
            's' => self.info(operand, true).is_some_and(|info| info.size > 0),
            'N' => self
                .info(operand, true)
                .is_some_and(|info| info.modified_ns > info.accessed_ns),
            'O' | 'G' => self.info(operand, true).is_some(),
            'r' | 'w' | 'x' | 'u' | 'g' | 'k' => {
                let Some(info) = self.info(operand, true) else {
                    return Ok(false);
                };
                let mode = self.kernel.mode(&self.absolute(operand)).unwrap_or(0);
                match operator {
                    'r' => mode & 0o444 != 0 || info.file_type != FileType::File,
                    'w' => mode & 0o222 != 0 || info.file_type == FileType::CharacterDevice,
                    'x' => mode & 0o111 != 0,
                    'u' => mode & 0o4000 != 0,
                    'g' => mode & 0o2000 != 0,
                    _ => mode & 0o1000 != 0,
                }
            }
            't' => match operand.trim().parse() {
                Ok(number) => self
                    .descriptor(number)
                    .is_some_and(|endpoint| endpoint.kind() == Kind::Terminal),
                Err(_) => false,
            },
            'o' => set_by_name(operand).is_some_and(|switch| self.is_set(switch)),
            'v' => self.is_assigned(operand)?,
            'R' => self.state.variables.get(operand).is_some_and(|variable| {
                variable
                    .attributes
                    .has(crate::variables::Attributes::NAMEREF)
                    && variable.is_set()
            }),
            _ => false,
        })
    }

    fn is_assigned(&mut self, name: &str) -> Flow<bool> {
        if name.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() {
            let number: usize = name.parse().unwrap_or(usize::MAX);
            return Ok(number == 0 || number <= self.state.positional.len());
        }
        match parse_place(name) {
            Some(place) if matches!(place.index.as_deref(), Some("@" | "*")) => Ok(self
                .lookup(&place.name)
                .is_some_and(|variable| !variable.values().is_empty())),
            Some(place) => Ok(self.element(&place.name, place.index.as_deref())?.is_some()),
            None => Ok(false),
        }
    }

    pub(crate) fn test_files(&self, operator: &str, left: &str, right: &str) -> bool {
        let (first, second) = (self.info(left, true), self.info(right, true));
        match (operator, first, second) {
            ("-nt", Some(first), Some(second)) => first.modified_ns > second.modified_ns,
            ("-nt", Some(_), None) => true,
            ("-ot", Some(first), Some(second)) => first.modified_ns < second.modified_ns,
            ("-ot", None, Some(_)) => true,
            ("-ef", Some(first), Some(second)) => match (first.identity, second.identity) {
                (Some(first), Some(second)) => first == second,
                _ => self.physical(&self.absolute(left)) == self.physical(&self.absolute(right)),
            },
            _ => false,
        }
    }

    /// An operator of `test` between two texts; numbers are plain there.
    pub(crate) fn test_binary_texts(
        &mut self,
        command: &str,
        operator: &str,
        left: &str,
        right: &str,
    ) -> Flow<Option<bool>> {
        Ok(Some(match operator {
            "=" | "==" => left == right,
            "!=" => left != right,
            "<" => left < right,
            ">" => left > right,
            "-nt" | "-ot" | "-ef" => self.test_files(operator, left, right),
            "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
                let mut values = [0, 0];
                for (value, text) in values.iter_mut().zip([left, right]) {
                    match text.trim().parse::<i64>() {
                        Ok(number) => *value = number,
                        Err(_) => {
                            self.complain(&format!(
                                "{command}: {text}: integer expression expected"
                            ));
                            return Err(Interrupt::Discard(2));
                        }
                    }
                }
                compare(operator, values[0], values[1])
            }
            _ => return Ok(None),
        }))
    }
}

fn compare(operator: &str, left: i64, right: i64) -> bool {
    match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        _ => left >= right,
    }
}
