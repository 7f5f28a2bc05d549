//! history, fc, bind: a shell nobody types at has no history and no keys.

use super::Options;
use crate::flow::Flow;
use crate::shell::Shell;

impl Shell {
    pub(super) fn builtin_history(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "cd:anrwps");
        while options.next(self)?.is_some() {}
        if let Some(operand) = options.rest().first() {
            if arguments.len() == 2 && operand.parse::<u32>().is_err() {
                self.complain(&format!("history: {operand}: numeric argument required"));
                return Ok(1);
            }
        }
        Ok(0)
    }

    pub(super) fn builtin_fc(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "e:lnrs0123456789");
        while options.next(self)?.is_some() {}
        Ok(0)
    }

    pub(super) fn builtin_bind(&mut self, _: &[String]) -> Flow {
        self.complain("bind: warning: line editing not enabled");
        Ok(0)
    }
}
