//! The arrows in ARCHITECTURE.md are the arrows in the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The table under `## Arrows`: a module, and what it may use.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text
        .split("\n## Arrows\n")
        .nth(1)
        .expect("ARCHITECTURE.md has a heading '## Arrows'");
    let section = section.split("\n## ").next().unwrap();
    section
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let module = cells.next().unwrap().trim_matches('`').to_owned();
            let used = cells
                .next()
                .unwrap_or_default()
                .split(',')
                .map(|name| name.trim().trim_matches('`').to_owned());
            (module, used.filter(|name| !name.is_empty()).collect())
        })
        .collect()
}

fn source_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules of this crate that a source text names, as `crate::module` or in a group `crate::{module, …}`.
fn used(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => names.extend(first_word(rest)),
            Some(group) => names.extend(
                group_items(group)
                    .into_iter()
                    .filter_map(|item| first_word(item.trim_start())),
            ),
        }
    }
    names
}

fn first_word(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// The items of a `use` group, up to its closing brace, not looking into inner groups.
fn group_items(group: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            c => items.last_mut().unwrap().push(c),
        }
    }
    items
}

#[test]
fn imports_follow_the_arrows() {
    let arrows = arrows();
    let mut files = Vec::new();
    source_files(&root().join("src"), &mut files);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for path in files {
        let inside = path.strip_prefix(root().join("src")).unwrap();
        let module = inside
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned();
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let Some(allowed) = arrows.get(&module) else {
            wrong.push(format!("{module} has no row in ARCHITECTURE.md's arrows"));
            continue;
        };
        for name in used(&fs::read_to_string(&path).unwrap()) {
            if arrows.contains_key(&name) && name != module && !allowed.contains(&name) {
                wrong.push(format!(
                    "{}: {module} must not use {name}",
                    inside.display()
                ));
            }
        }
        seen.insert(module);
    }
    wrong.extend(
        arrows
            .keys()
            .filter(|name| !seen.contains(*name))
            .map(|name| format!("there is no module {name}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_hands_know_the_runtime_and_the_tree() {
    let mut files = Vec::new();
    source_files(&root().join("src"), &mut files);
    let runtime = ["package", "tools", "agent/hands", "server", "cli"];
    let rules: [(&str, &[&str]); 3] = [
        ("glovebox_runtime", &runtime),
        ("glovebox_guests", &runtime),
        ("glovebox_tree", &["agent/hands", "server", "cli"]),
    ];
    for path in files {
        let inside = path
            .strip_prefix(root().join("src"))
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let text = fs::read_to_string(&path).unwrap();
        for (name, may) in rules {
            let may = may.iter().any(|prefix| inside.starts_with(prefix));
            let names = text.lines().any(|line| {
                let code = line.split("//").next().unwrap_or_default();
                code.contains(name)
            });
            assert!(may || !names, "src/{inside} must not name {name}");
        }
    }
}

#[test]
fn the_table_has_no_circle() {
    let arrows = arrows();
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    while settled.len() < arrows.len() {
        let before = settled.len();
        for (module, uses) in &arrows {
            if uses.iter().all(|used| settled.contains(used.as_str())) {
                settled.insert(module);
            }
        }
        assert!(
            settled.len() > before,
            "among the modules outside {settled:?} there is a circle or an unknown name"
        );
    }
}

#[test]
fn imports_are_found() {
    let text = "use crate::a::b;\nuse crate::{c::{d, e}, f};\nfn x() { crate::g::y() } // crate::h\n//! crate::i";
    assert_eq!(used(text), ["a", "c", "f", "g"].map(str::to_owned).into());
}
