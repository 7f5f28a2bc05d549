//! Scopes: the global one, one for each running function, one for each `NAME=value command`.
//!
//! Maps are shared until they are written, so that a subshell costs nothing until it assigns.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::value::{Attributes, Value, Variable};

/// FNV-1a: names are short and come from the script, and nobody gains by attacking their own table.
#[derive(Clone)]
pub struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub type Map = HashMap<String, Variable, BuildHasherDefault<NameHasher>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScopeKind {
    Global,
    Function,
    /// The assignments before a command.
    Temporary,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scope {
    pub kind: ScopeKind,
    pub map: Rc<Map>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Variables {
    scopes: Vec<Scope>,
}

impl Default for Variables {
    fn default() -> Self {
        Self {
            scopes: vec![Scope {
                kind: ScopeKind::Global,
                map: Rc::default(),
            }],
        }
    }
}

impl Variables {
    pub fn push(&mut self, kind: ScopeKind) {
        self.scopes.push(Scope {
            kind,
            map: Rc::default(),
        });
    }

    pub fn pop(&mut self) {
        if self.scopes.len() > 1 {
            self.scopes.pop();
        }
    }

    pub fn depth(&self) -> usize {
        self.scopes.len()
    }

    pub fn truncate(&mut self, depth: usize) {
        self.scopes.truncate(depth.max(1));
    }

    pub fn scope(&self, index: usize) -> &Scope {
        &self.scopes[index]
    }

    /// The variable that `name` means here, without following name references.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.map.get(name))
    }

    /// The index of the scope that holds `name`.
    pub fn holder(&self, name: &str) -> Option<usize> {
        (0..self.scopes.len())
            .rev()
            .find(|&index| self.scopes[index].map.contains_key(name))
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Variable> {
        let index = self.holder(name)?;
        Rc::make_mut(&mut self.scopes[index].map).get_mut(name)
    }

    /// The variable to assign to: the visible one, or a new global one.
    pub fn entry(&mut self, name: &str) -> &mut Variable {
        let index = self.holder(name).unwrap_or(0);
        self.entry_in(index, name)
    }

    pub fn entry_in(&mut self, index: usize, name: &str) -> &mut Variable {
        let map = Rc::make_mut(&mut self.scopes[index].map);
        if !map.contains_key(name) {
            map.insert(name.to_owned(), Variable::default());
        }
        map.entry(name.to_owned()).or_default()
    }

    pub fn insert_in(&mut self, index: usize, name: &str, variable: Variable) {
        Rc::make_mut(&mut self.scopes[index].map).insert(name.to_owned(), variable);
    }

    /// The scope that `local` declares in.
    pub fn function_scope(&self) -> Option<usize> {
        self.scopes
            .iter()
            .rposition(|scope| scope.kind == ScopeKind::Function)
    }

    pub fn get_in(&self, index: usize, name: &str) -> Option<&Variable> {
        self.scopes[index].map.get(name)
    }

    /// Removes `name` from where it is visible. A local of the running function stays local, without a value.
    pub fn unset(&mut self, name: &str) {
        let Some(index) = self.holder(name) else {
            return;
        };
        let function = self.function_scope();
        let local = Some(index) == function && self.scopes[index].kind == ScopeKind::Function;
        let map = Rc::make_mut(&mut self.scopes[index].map);
        if local {
            map.insert(name.to_owned(), Variable::default());
        } else {
            map.remove(name);
        }
    }

    /// The names of everything visible, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .scopes
            .iter()
            .flat_map(|scope| scope.map.keys().cloned())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What children inherit.
    pub fn exported(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut seen: std::collections::HashSet<&str> = std::collections::HashSet::new();
        for scope in self.scopes.iter().rev() {
            for (name, variable) in scope.map.iter() {
                if !seen.insert(name) || !variable.attributes.has(Attributes::EXPORT) {
                    continue;
                }
                if let Value::Text(text) = &variable.value {
                    all.push((name.clone(), text.clone()));
                }
            }
        }
        all.sort_unstable();
        all
    }
}
