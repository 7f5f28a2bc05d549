//! mapfile and readarray.

use super::Options;
use crate::exec::read_until;
use crate::expand::quoting;
use crate::flow::Flow;
use crate::shell::Shell;
use crate::syntax::is_name;
use crate::text;
use crate::variables::assign::{NewElement, NewValue, Place};

impl Shell {
    pub(super) fn builtin_mapfile(&mut self, arguments: &[String]) -> Flow {
        let command = arguments[0].clone();
        let mut options = Options::new(arguments, "d:n:O:s:tu:C:c:");
        let (mut delimiter, mut most, mut origin, mut skip, mut trim, mut descriptor) =
            (b'\n', 0_usize, None, 0_usize, false, 0_u32);
        let (mut callback, mut quantum) = (None, 5000_usize);
        while let Some(option) = options.next(self)? {
            let number = option
                .value
                .trim()
                .parse::<i64>()
                .ok()
                .filter(|number| *number >= 0);
            match option.letter {
                'd' => delimiter = text::encode(&option.value).first().copied().unwrap_or(0),
                't' => trim = true,
                'C' => callback = Some(option.value),
                letter => {
                    let Some(number) = number else {
                        self.complain(&format!(
                            "{command}: {}: invalid {}",
                            option.value,
                            match letter {
                                'O' => "array origin",
                                'n' | 's' => "line count",
                                'u' => "file descriptor specification",
                                _ => "callback quantum",
                            }
                        ));
                        return Ok(1);
                    };
                    let number = usize::try_from(number).unwrap_or(usize::MAX);
                    match letter {
                        'n' => most = number,
                        'O' => origin = Some(number),
                        's' => skip = number,
                        'c' => quantum = number.max(1),
                        _ => descriptor = number as u32,
                    }
                }
            }
        }
        let name = options
            .rest()
            .first()
            .cloned()
            .unwrap_or_else(|| "MAPFILE".to_owned());
        if !is_name(&name) {
            self.complain(&format!("{command}: `{name}': not a valid identifier"));
            return Ok(1);
        }
        if self.is_associative(&name) {
            self.complain(&format!("{command}: {name}: not an indexed array"));
            return Ok(1);
        }
        let Some(endpoint) = self.descriptor(descriptor) else {
            self.complain(&format!(
                "{command}: {descriptor}: invalid file descriptor: Bad file descriptor"
            ));
            return Ok(1);
        };
        if origin.is_none() {
            self.assign(
                &Place {
                    name: name.clone(),
                    index: None,
                },
                NewValue::Array(Vec::new()),
                false,
            )?;
        }
        let mut index = origin.unwrap_or(0);
        let mut elements = Vec::new();
        let mut held = Vec::new();
        let mut count = 0;
        while most == 0 || count < most {
            let mut line = read_until(&endpoint, delimiter, &mut held);
            if line.is_empty() {
                break;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if (trim || delimiter == 0) && line.last() == Some(&delimiter) {
                line.pop();
            }
            line.retain(|byte| *byte != 0);
            let value = text::decode(line);
            count += 1;
            if let Some(callback) = callback.as_ref().filter(|_| count % quantum == 0) {
                self.store_lines(&name, std::mem::take(&mut elements))?;
                let call = format!("{callback} {index} {}", quoting::single(&value));
                self.run_text(&call, self.line, "")?;
            }
            elements.push(NewElement {
                index: Some(index.to_string()),
                append: false,
                value,
            });
            index += 1;
        }
        self.store_lines(&name, elements)?;
        Ok(0)
    }

    fn store_lines(&mut self, name: &str, elements: Vec<NewElement>) -> Flow<()> {
        self.assign(
            &Place {
                name: name.to_owned(),
                index: None,
            },
            NewValue::Array(elements),
            true,
        )
    }
}
