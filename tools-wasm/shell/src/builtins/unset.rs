//! unset.

use std::rc::Rc;

use super::Options;
use crate::flow::Flow;
use crate::shell::Shell;
use crate::variables::assign::parse_place;
use crate::variables::{Attributes, Value};

impl Shell {
    pub(super) fn builtin_unset(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "vfn");
        let (mut variables, mut functions, mut references) = (false, false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'v' => variables = true,
                'f' => functions = true,
                _ => references = true,
            }
        }
        if variables && functions {
            self.complain("unset: cannot simultaneously unset a function and a variable");
            return Ok(1);
        }
        let mut status = 0;
        for operand in options.rest().to_vec() {
            if functions {
                status |= self.unset_function(&operand);
                continue;
            }
            let Some(place) = parse_place(&operand) else {
                if !variables && self.state.functions.contains_key(&operand) {
                    status |= self.unset_function(&operand);
                } else {
                    self.complain(&format!("unset: `{operand}': not a valid identifier"));
                    status = 1;
                }
                continue;
            };
            let exists =
                self.state.variables.get(&place.name).is_some() || self.is_computed(&place.name);
            if !exists && !variables {
                if self.state.functions.contains_key(&operand) {
                    status |= self.unset_function(&operand);
                }
                continue;
            }
            if references
                && !self
                    .state
                    .variables
                    .get(&place.name)
                    .is_some_and(|variable| variable.attributes.has(Attributes::NAMEREF))
            {
                continue;
            }
            let target = if references {
                Some(place.clone())
            } else {
                self.resolve(&place.name)
            };
            let Some(target) = target else {
                self.state.variables.unset(&place.name);
                continue;
            };
            let name = target.name;
            let index = target.index.or(place.index);
            let Some(variable) = self.state.variables.get(&name) else {
                if self.is_computed(&name) {
                    self.state.ordinary.push(name);
                }
                continue;
            };
            if variable.attributes.has(Attributes::READONLY) {
                self.complain(&format!("unset: {name}: cannot unset: readonly variable"));
                status = 1;
                continue;
            }
            match index {
                None => {
                    let local = self.state.variables.get_mut(&name).is_some_and(|variable| {
                        variable.value = Value::Unset;
                        false
                    });
                    let _ = local;
                    self.state.variables.unset(&name);
                }
                Some(index) => status |= self.unset_element(&name, &index)?,
            }
            if name == "PATH" {
                self.state.hashed = Rc::default();
            }
        }
        Ok(status)
    }

    fn unset_function(&mut self, name: &str) -> i32 {
        if self
            .state
            .functions
            .get(name)
            .is_some_and(|stored| stored.readonly)
        {
            self.complain(&format!("unset: {name}: cannot unset: readonly function"));
            return 1;
        }
        Rc::make_mut(&mut self.state.functions).remove(name);
        0
    }

    fn unset_element(&mut self, name: &str, index: &str) -> Flow {
        let Some(variable) = self.state.variables.get(name) else {
            return Ok(0);
        };
        match &variable.value {
            Value::Associative(_) => {
                let key = self.key(index)?;
                if let Some(Value::Associative(map)) = self
                    .state
                    .variables
                    .get_mut(name)
                    .map(|variable| &mut variable.value)
                {
                    map.remove(&key);
                }
                Ok(0)
            }
            Value::Indexed(_) if matches!(index, "@" | "*") => {
                self.state.variables.unset(name);
                Ok(0)
            }
            Value::Indexed(_) => {
                let number = self.index(index)?;
                let Some(variable) = self.state.variables.get_mut(name) else {
                    return Ok(0);
                };
                let Some(number) = variable.index_from_end(number) else {
                    self.complain(&format!("unset: [{index}]: bad array subscript"));
                    return Ok(1);
                };
                if let Value::Indexed(elements) = &mut variable.value {
                    elements.remove(&number);
                }
                Ok(0)
            }
            _ => {
                if self.index(index)? == 0 {
                    self.state.variables.unset(name);
                    return Ok(0);
                }
                self.complain(&format!("unset: {name}: not an array variable"));
                Ok(1)
            }
        }
    }
}
