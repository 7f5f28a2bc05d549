//! `glovebox tool new`: a folder with a tool that builds.
//!
//! Everything it writes is in this binary: what `kits/` and `wit/` had when it was built.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::remark;

/// A folder of this repository, as `build.rs` found it: paths relative to the root, and contents.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/kits.rs"));
const NAME_CHARACTERS_MAX: usize = 64;

/// Makes a folder with a tool in it that can be built and tested at once
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The language it is written in: c, go, javascript, python, rust or typescript
    #[arg(long, value_name = "LANGUAGE")]
    lang: String,
    /// What the model will call it: letters, digits, underscores and hyphens
    name: String,
    /// The folder to make [default: NAME]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let languages = languages();
        ensure!(
            languages.contains(&self.lang.as_str()),
            "there is no template for {:?}; there are: {}",
            self.lang,
            languages.join(", ")
        );
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        ensure!(
            self.name.bytes().all(fits)
                && self.name.len() <= NAME_CHARACTERS_MAX
                && self
                    .name
                    .starts_with(|first: char| first.is_ascii_alphabetic()),
            "the name {:?} is not a letter and up to 63 letters, digits, underscores and hyphens",
            self.name
        );
        let folder = self.dir.unwrap_or_else(|| PathBuf::from(&self.name));
        let is_empty = match std::fs::read_dir(&folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot use {}", folder.display()));
            }
        };
        ensure!(
            is_empty,
            "{} is there already and not empty",
            folder.display()
        );
        for (path, content) in files(&self.lang) {
            let path = folder.join(fill(&path, &self.name));
            write(&path, content, &self.name)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        remark(&format!(
            "{} has a tool in {}: next come `cd {0}`, `glovebox tool build` and `glovebox tool test`",
            folder.display(),
            self.lang
        ));
        crate::cli::say(&folder.display().to_string())?;
        Ok(())
    }
}

fn languages() -> Vec<&'static str> {
    let mut languages: Vec<&str> = FILES
        .iter()
        .filter_map(|(path, _)| {
            let (language, rest) = path.strip_prefix("kits/")?.split_once('/')?;
            rest.starts_with("template/").then_some(language)
        })
        .collect();
    languages.sort_unstable();
    languages.dedup();
    languages
}

/// What goes into the folder of a new tool, by its path there. The template's own files come before all others.
fn files(language: &str) -> BTreeMap<String, &'static [u8]> {
    let mut files = BTreeMap::new();
    let mut take = |from: &str, to: &str| {
        for (path, content) in FILES {
            if let Some(rest) = path.strip_prefix(from) {
                files.entry(format!("{to}{rest}")).or_insert(*content);
            }
        }
    };
    take(&format!("kits/{language}/template/"), "");
    match language {
        // The kit reads the contract where it is in this repository: two folders above itself.
        "rust" => {
            take("tools-wasm/kit/", "vendor/glovebox-kit/");
            take("wit/", "wit/");
        }
        "c" => take("kits/c/glovebox/", "vendor/glovebox/"),
        _ => {}
    }
    if files.contains_key("wit/world.wit") && language != "rust" {
        let mut take = |from: &str, to: &str| {
            for (path, content) in FILES {
                if let Some(rest) = path.strip_prefix(from) {
                    files.entry(format!("{to}{rest}")).or_insert(*content);
                }
            }
        };
        take("wit/tool/0.2.0/", "wit/deps/glovebox-tool/");
        take("wit/process/", "wit/deps/glovebox-process/");
        take("wit/fetch/", "wit/deps/glovebox-fetch/");
        take("wit/deps/", "wit/deps/");
    }
    files
}

/// The template's text with this tool's name. What is no text stays as it is.
fn fill(text: &str, name: &str) -> String {
    let snake = name.replace('-', "_").to_ascii_lowercase();
    text.replace("{{name_snake}}", &snake)
        .replace("{{name}}", name)
}

fn write(path: &Path, content: &[u8], name: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::str::from_utf8(content) {
        Ok(text) => std::fs::write(path, fill(text, name)),
        Err(_) => std::fs::write(path, content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_built() {
        assert!(!languages().is_empty());
        for language in languages() {
            let files = files(language);
            let text = |path: &str| String::from_utf8(files[path].to_vec()).unwrap();
            let manifest = fill(&text("tool.toml"), "my-tool");
            let project = crate::package::Project::from_toml(&manifest, &|path| Ok(text(path)))
                .unwrap_or_else(|error| panic!("{language}: {error}"));
            assert!(project.build.is_some(), "{language}");
            assert!(files.contains_key("cases.toml"), "{language}");
            for (path, content) in &files {
                let filled = fill(&String::from_utf8_lossy(content), "my-tool");
                assert!(!filled.contains("{{name"), "{language}: {path}");
                assert!(
                    !path.contains("/build/"),
                    "{language}: {path} is an artefact"
                );
            }
        }
    }

    #[test]
    fn names_are_filled_in() {
        assert_eq!(
            fill("{{name}} {{name_snake}} {{ other }}", "My-Tool"),
            "My-Tool my_tool {{ other }}"
        );
    }
}
