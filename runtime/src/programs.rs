//! The programs that can be started by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::component::{Component, LoadError};

/// The programs that can be started by name. One that was given as a promise is loaded when it is first started, so that a
/// short run pays only for what it uses.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    table: BTreeMap<String, Arc<Program>>,
}

struct Program {
    loaded: OnceLock<Component>,
    load: Box<dyn Fn() -> Result<Component, LoadError> + Send + Sync>,
}

impl Programs {
    /// Makes `component` answer to `name`. It stands at `/usr/bin/NAME`.
    pub fn insert(&mut self, name: impl Into<String>, component: Component) {
        let loaded = component.clone();
        let program = Program {
            loaded: OnceLock::from(loaded),
            load: Box::new(move || Ok(component.clone())),
        };
        self.table.insert(name.into(), Arc::new(program));
    }

    /// Makes what `load` gives answer to all of `names`. It is asked when one of them is first started, and again after a
    /// failure; it may block.
    pub fn insert_later<N: Into<String>>(
        &mut self,
        names: impl IntoIterator<Item = N>,
        load: impl Fn() -> Result<Component, LoadError> + Send + Sync + 'static,
    ) {
        let program = Arc::new(Program {
            loaded: OnceLock::new(),
            load: Box::new(load),
        });
        self.table.extend(
            names
                .into_iter()
                .map(|name| (name.into(), Arc::clone(&program))),
        );
    }

    /// The component of a name, loaded now if it was not before. May block.
    pub fn get(&self, name: &str) -> Option<&Component> {
        let program = self.table.get(name)?;
        if let Some(component) = program.loaded.get() {
            return Some(component);
        }
        match (program.load)() {
            Ok(component) => Some(program.loaded.get_or_init(|| component)),
            Err(error) => {
                tracing::error!(
                    name,
                    error = &error as &dyn std::error::Error,
                    "a program cannot be loaded"
                );
                None
            }
        }
    }

    /// The component of a name if it is loaded. Never blocks.
    pub(crate) fn loaded(&self, name: &str) -> Option<&Component> {
        self.table.get(name)?.loaded.get()
    }

    /// Whether there is a program of that name. Never blocks.
    pub fn contains(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Program")
            .field("loaded", &self.loaded.get())
            .finish_non_exhaustive()
    }
}
