//! Which imports of a component nobody serves, and what would fit instead.
//!
//! A linker only says what the first missing import is, and does not list what it has. But it refuses to define a name twice,
//! and so tells of every name whether it has it. Only asked when linking has failed.

use std::collections::HashMap;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

/// Patch releases of one version that are looked for. WASI 0.2 had reached 0.2.12 in 2026.
const PATCHES: u32 = 32;
/// Minor releases that are looked for.
const MINORS: u32 = 10;
/// Imports that are named, the rest is counted: a component may have a hundred thousand of them.
const NAMED_MAX: usize = 50;

/// Every interface, and every function of a served interface, that a component imports in vain. `error` is what the linker
/// says, in case that it names something else, for example a function of another type.
pub(super) fn missing<T: 'static>(
    linker: &Linker<T>,
    component: &Component,
    error: &wasmtime::Error,
) -> Vec<String> {
    let engine = component.engine();
    let mut served = Served::new(linker);
    let mut missing = Vec::new();
    let component_type = component.component_type();
    let mut imports = component_type.imports(engine);
    while let Some((name, import)) = imports.next() {
        if missing.len() >= NAMED_MAX {
            missing.truncate(NAMED_MAX);
            missing.push(format!("and up to {} more", imports.count() + 1));
            break;
        }
        match import.ty {
            ComponentItem::ComponentInstance(interface) => {
                let mut functions = interface
                    .exports(engine)
                    .filter(|(_, export)| needs_definition(&export.ty))
                    .map(|(function, _)| function)
                    .peekable();
                // An interface of types alone needs nobody to serve it.
                if functions.peek().is_none() {
                    continue;
                }
                match served.instead_of(name) {
                    Found::Nothing => missing.push(name.to_owned()),
                    Found::OtherVersion(other) => {
                        missing.push(format!("{name} ({other} is served)"));
                    }
                    Found::Fitting(exact) => {
                        let lacking = functions.filter(|function| !served.has(&exact, function));
                        missing.extend(lacking.map(|function| {
                            if exact == name {
                                format!("{name}#{function}")
                            } else {
                                format!("{name}#{function} ({exact} is served)")
                            }
                        }));
                    }
                }
            }
            item if needs_definition(&item) && !served.has_at_root(name) => {
                missing.push(name.to_owned());
            }
            _ => {}
        }
    }
    if missing.is_empty() {
        missing.push(format!("{error:#}"));
    }
    missing
}

fn needs_definition(item: &ComponentItem) -> bool {
    !matches!(item, ComponentItem::Type(_))
}

/// What a linker has, asked name by name.
struct Served<T: 'static> {
    /// A copy, in which names that were asked for are defined afterwards.
    copy: Linker<T>,
    known: HashMap<(String, String), bool>,
}

enum Found {
    /// This name is what the linker takes for the one that was asked for: itself, or another patch release of it.
    Fitting(String),
    OtherVersion(String),
    Nothing,
}

impl<T: 'static> Served<T> {
    fn new(linker: &Linker<T>) -> Served<T> {
        let mut copy = linker.clone();
        copy.allow_shadowing(false);
        Served {
            copy,
            known: HashMap::new(),
        }
    }

    /// Whether an interface has this function or resource. The interface must be there.
    fn has(&mut self, interface: &str, name: &str) -> bool {
        let key = (interface.to_owned(), name.to_owned());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let mut root = self.copy.root();
        let instance = if interface.is_empty() {
            Ok(root)
        } else {
            root.instance(interface)
        };
        let refused = instance
            .and_then(|mut instance| instance.func_new(name, |_, _, _, _| Ok(())))
            .is_err();
        self.known.insert(key, refused);
        refused
    }

    fn has_at_root(&mut self, name: &str) -> bool {
        self.has("", name)
    }

    fn instead_of(&mut self, name: &str) -> Found {
        if self.has_at_root(name) {
            return Found::Fitting(name.to_owned());
        }
        let Some((interface, version)) = name.split_once('@') else {
            return Found::Nothing;
        };
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        let asked = (numbers.next().flatten(), numbers.next().flatten());
        let released = !version.contains(['-', '+']);
        let candidates = (0..2).flat_map(|major| {
            (0..MINORS).flat_map(move |minor| (0..PATCHES).map(move |patch| (major, minor, patch)))
        });
        // The newest comes last, and is the one that the linker takes.
        let mut other = None;
        let mut fitting = None;
        for (major, minor, patch) in candidates {
            let candidate = format!("{interface}@{major}.{minor}.{patch}");
            if !self.has_at_root(&candidate) {
                continue;
            }
            let same = asked.0 == Some(major) && (major > 0 || asked.1 == Some(minor));
            if same && released && (major, minor) != (0, 0) {
                fitting = Some(candidate);
            } else {
                other = Some(candidate);
            }
        }
        match (fitting, other) {
            (Some(fitting), _) => Found::Fitting(fitting),
            (None, Some(other)) => Found::OtherVersion(other),
            (None, None) => Found::Nothing,
        }
    }
}
