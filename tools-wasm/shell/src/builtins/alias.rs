//! alias and unalias.

use std::rc::Rc;

use super::Options;
use crate::expand::quoting;
use crate::flow::Flow;
use crate::shell::Shell;

impl Shell {
    pub(super) fn builtin_alias(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "p");
        let mut print = false;
        while options.next(self)?.is_some() {
            print = true;
        }
        let operands = options.rest().to_vec();
        let mut listing = String::new();
        let mut status = 0;
        if operands.is_empty() || print {
            for (name, value) in self.state.aliases.iter() {
                listing.push_str(&format!("alias {name}={}\n", quoting::single(value)));
            }
        }
        for operand in operands {
            match operand.split_once('=') {
                Some((name, value)) if !name.is_empty() => {
                    if name.contains([
                        ' ', '\t', '/', '$', '`', '\'', '"', '\\', '&', '|', ';', '<', '>', '(',
                        ')',
                    ]) {
                        self.complain(&format!("alias: `{name}': invalid alias name"));
                        status = 1;
                        continue;
                    }
                    Rc::make_mut(&mut self.state.aliases).insert(name.to_owned(), value.to_owned());
                }
                _ => match self.state.aliases.get(&operand) {
                    Some(value) => {
                        listing.push_str(&format!("alias {operand}={}\n", quoting::single(value)))
                    }
                    None => {
                        self.complain(&format!("alias: {operand}: not found"));
                        status = 1;
                    }
                },
            }
        }
        let printed = self.print("alias", &listing);
        Ok(if status == 0 { printed } else { status })
    }

    pub(super) fn builtin_unalias(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "a");
        let mut all = false;
        while options.next(self)?.is_some() {
            all = true;
        }
        if all {
            self.state.aliases = Rc::default();
            return Ok(0);
        }
        let operands = options.rest().to_vec();
        if operands.is_empty() {
            let _ = self.write(2, "unalias: usage: unalias [-a] name [name ...]\n");
            return Ok(2);
        }
        let mut status = 0;
        for name in operands {
            if Rc::make_mut(&mut self.state.aliases)
                .remove(&name)
                .is_none()
            {
                self.complain(&format!("unalias: {name}: not found"));
                status = 1;
            }
        }
        Ok(status)
    }
}
