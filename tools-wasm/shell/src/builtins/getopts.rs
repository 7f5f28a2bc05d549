//! getopts.

use crate::flow::Flow;
use crate::shell::Shell;
use crate::variables::assign::{NewValue, Place};

impl Shell {
    pub(super) fn builtin_getopts(&mut self, arguments: &[String]) -> Flow {
        let operands = if arguments.get(1).is_some_and(|argument| argument == "--") {
            &arguments[2..]
        } else {
            &arguments[1..]
        };
        let (Some(known), Some(name)) = (operands.first(), operands.get(1)) else {
            let _ = self.write(2, "getopts: usage: getopts optstring name [arg ...]\n");
            return Ok(2);
        };
        let given: Vec<String> = if operands.len() > 2 {
            operands[2..].to_vec()
        } else {
            self.state.positional.as_ref().clone()
        };
        let silent = known.starts_with(':');
        let known = known.trim_start_matches(':');
        let mut index = self
            .text_of("OPTIND")
            .and_then(|text| text.trim().parse::<usize>().ok())
            .unwrap_or(1);
        if index == 0 {
            index = 1;
        }
        // The offset inside the word belongs to one OPTIND; a script that sets it starts afresh.
        let (at_index, mut inside) = (
            self.state.getopts_offset >> 16,
            self.state.getopts_offset & 0xffff,
        );
        if at_index != index {
            inside = 0;
        }
        let Some(word) = given.get(index - 1).filter(|word| {
            inside > 0 || (word.len() > 1 && word.starts_with('-') && *word != "--")
        }) else {
            if given.get(index - 1).is_some_and(|word| word == "--") {
                index += 1;
            }
            index = index.min(given.len() + 1);
            self.state.getopts_offset = 0;
            self.put("OPTIND", &index.to_string());
            self.state.variables.unset("OPTARG");
            return self.getopts_result(name, "?", 1);
        };
        let start = if inside == 0 { 1 } else { inside };
        let Some(letter) = word.get(start..).and_then(|rest| rest.chars().next()) else {
            self.state.getopts_offset = 0;
            self.put("OPTIND", &(index + 1).to_string());
            return self.getopts_result(name, "?", 1);
        };
        let after = start + letter.len_utf8();
        let ended = after >= word.len();
        let place = known.find(letter).filter(|_| letter != ':');
        let mut next_index = if ended { index + 1 } else { index };
        let mut next_inside = if ended { 0 } else { after };
        let errors = !silent && self.text_of("OPTERR").is_none_or(|text| text != "0");
        let mut option = letter.to_string();
        let mut value: Option<String> = None;
        match place {
            None => {
                if errors {
                    let _ = self.write(2, &format!("{}: illegal option -- {letter}\n", self.name));
                }
                if silent {
                    value = Some(option);
                }
                option = "?".to_owned();
            }
            Some(place) if known[place + letter.len_utf8()..].starts_with(':') => {
                (next_index, next_inside) = (index + 1, 0);
                if !ended {
                    value = Some(word[after..].to_owned());
                } else if let Some(argument) = given.get(index) {
                    value = Some(argument.clone());
                    next_index += 1;
                } else if silent {
                    value = Some(option);
                    option = ":".to_owned();
                } else {
                    if errors {
                        let _ = self.write(
                            2,
                            &format!("{}: option requires an argument -- {letter}\n", self.name),
                        );
                    }
                    option = "?".to_owned();
                }
            }
            Some(_) => {}
        }
        self.state.getopts_offset = if next_inside > 0 {
            (next_index << 16) | next_inside
        } else {
            0
        };
        self.put("OPTIND", &next_index.to_string());
        match value {
            Some(value) => self.put("OPTARG", &value),
            None => self.state.variables.unset("OPTARG"),
        }
        self.getopts_result(name, &option, 0)
    }

    fn getopts_result(&mut self, name: &str, option: &str, status: i32) -> Flow {
        if !self.valid_name("getopts", name) {
            return Ok(1);
        }
        self.assign(
            &Place {
                name: name.to_owned(),
                index: None,
            },
            NewValue::Text(option.to_owned()),
            false,
        )?;
        Ok(status)
    }
}
