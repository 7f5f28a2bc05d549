//! Functions: defining and calling them, and sourced files, which are called alike.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::flow::{Flow, Interrupt};
use crate::options::Set;
use crate::shell::{FUNCTION_DEPTH_MAX, Frame, Shell, StoredFunction};
use crate::syntax::ast::Function;
use crate::variables::ScopeKind;

impl Shell {
    pub(super) fn define_function(&mut self, function: &Rc<Function>) -> Flow {
        if self
            .state
            .functions
            .get(&function.name)
            .is_some_and(|stored| stored.readonly)
        {
            self.complain(&format!("{}: readonly function", function.name));
            return Ok(1);
        }
        if self.is_set(Set::Posix)
            && (crate::builtins::is_special(&function.name)
                || !crate::syntax::is_name(&function.name))
        {
            self.complain(&format!(
                "`{}': {}",
                function.name,
                if crate::builtins::is_special(&function.name) {
                    "is a special builtin"
                } else {
                    "not a valid identifier"
                }
            ));
            return Err(Interrupt::Exit(2));
        }
        if function.name.contains('$') {
            self.complain(&format!("`{}': not a valid identifier", function.name));
            return Ok(1);
        }
        let tree = OnceCell::new();
        let _ = tree.set(Some(Rc::clone(function)));
        let exported = self
            .state
            .functions
            .get(&function.name)
            .is_some_and(|stored| stored.exported)
            || self.is_set(Set::Allexport);
        let stored = StoredFunction {
            source: String::new(),
            line: function.line,
            exported,
            readonly: false,
            file: self.source_file(),
            tree,
        };
        Rc::make_mut(&mut self.state.functions).insert(function.name.clone(), Rc::new(stored));
        Ok(0)
    }

    /// The file that commands come from now.
    pub(crate) fn source_file(&self) -> String {
        match self.frames.last() {
            Some(frame) => frame.file.clone(),
            None if self.started_as == 'f' => self.name.clone(),
            None if self.started_as == 'c' => "environment".to_owned(),
            None => "main".to_owned(),
        }
    }

    pub(crate) fn call_function(
        &mut self,
        name: &str,
        stored: &Rc<StoredFunction>,
        arguments: Vec<String>,
    ) -> Flow {
        let Some(function) = stored.tree() else {
            return Ok(1);
        };
        let limit = self
            .text_of("FUNCNEST")
            .and_then(|text| text.parse::<u32>().ok())
            .filter(|limit| *limit > 0)
            .unwrap_or(FUNCTION_DEPTH_MAX);
        if self.call_depth >= limit.min(FUNCTION_DEPTH_MAX) {
            self.complain(&format!(
                "{name}: maximum function nesting level exceeded ({limit})"
            ));
            return Err(Interrupt::Discard(1));
        }
        let called_at = self.line;
        let positional = std::mem::replace(&mut self.state.positional, Rc::new(arguments));
        let getopts = self.state.getopts_offset;
        self.state.variables.push(ScopeKind::Function);
        self.frames.push(Frame {
            function: name.to_owned(),
            file: stored.file.clone(),
            called_at,
            positional: None,
            options: None,
        });
        let traps = self.hide_traps();
        let loops = std::mem::take(&mut self.loops);
        let unchecked = self.unchecked;
        self.call_depth += 1;
        if self.traps_debug() {
            let text = self.current_text();
            self.trap_debug_text(&text)?;
        }
        let result = self.run_command(&function.body);
        self.call_depth -= 1;
        self.unchecked = unchecked;
        self.loops = loops;
        let status = match result {
            Ok(status) => Ok(status),
            Err(Interrupt::Return(status)) => Ok(status),
            Err(other) => Err(other),
        };
        if let Ok(status) = status {
            self.state.status = status;
            self.trap_return()?;
        }
        self.show_traps(traps);
        self.line = called_at;
        if let Some(frame) = self.frames.pop() {
            if let Some(options) = frame.options {
                self.state.options = options;
            }
        }
        self.state.variables.pop();
        self.state.positional = positional;
        self.state.getopts_offset = getopts;
        status
    }

    /// Runs a file's text in this shell, as `source` does.
    pub(crate) fn source_text(
        &mut self,
        text: &str,
        file: &str,
        arguments: Option<Vec<String>>,
    ) -> Flow {
        let called_at = self.line;
        let positional = arguments
            .map(|arguments| std::mem::replace(&mut self.state.positional, Rc::new(arguments)));
        let own = positional.is_some();
        let replaced = if own {
            Some(Rc::clone(&self.state.positional))
        } else {
            None
        };
        self.frames.push(Frame {
            function: "source".to_owned(),
            file: file.to_owned(),
            called_at,
            positional: positional.clone(),
            options: None,
        });
        self.call_depth += 1;
        let result = if self.call_depth > FUNCTION_DEPTH_MAX {
            self.discard("source: maximum nesting level exceeded")
        } else {
            self.run_text(text, 1, "")
        };
        self.call_depth -= 1;
        let result = match result {
            Err(Interrupt::Return(status)) => Ok(status),
            other => other,
        };
        if result.is_ok() {
            self.trap_return()?;
        }
        self.frames.pop();
        self.line = called_at;
        // `set --` inside the file lasts; the arguments given to it do not.
        if let (Some(before), Some(given)) = (positional, replaced) {
            if Rc::ptr_eq(&given, &self.state.positional) {
                self.state.positional = before;
            }
        }
        result
    }
}
