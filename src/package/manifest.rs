//! What a tool is, written beside it: `tool.toml`, and the same as JSON inside the packed file.

use glovebox_runtime::{Allowance, Description, Effects};
use serde::Deserialize;
use serde_json::{Value, json};

use super::schema;

/// Bytes of a manifest, as a file or inside a component: the description and the schema at their largest, and some room.
pub const MANIFEST_BYTES_MAX: usize = 512 * 1024;
const NAME_BYTES_MAX: usize = 128;
const DESCRIPTION_BYTES_MAX: usize = 65_536;
const SCHEMA_BYTES_MAX: usize = 256 * 1024;

/// What a tool is that does not say so itself: one made the plain way.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What the model calls: 1 to 128 of `A-Z a-z 0-9 _ -`.
    pub name: String,
    /// What the model reads. 1 to 65,536 bytes.
    pub description: String,
    /// JSON Schema of the input: an object with `"type": "object"`. At most 256 KiB.
    pub input_schema: Value,
    /// What running it may change. `external`, the most, when nothing is said.
    pub effects: Effects,
    /// What it would like to reach. Nothing when nothing is said.
    pub wishes: Allowance,
}

/// How an author builds the tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// For people, and for the templates' tests.
    pub language: Option<String>,
    /// A program and its arguments, run in the tool's folder.
    pub command: Vec<String>,
    /// What the command makes, relative to the folder: a component or a core module.
    pub output: String,
    /// Where the packed tool goes, relative to the folder. Default `build/NAME.wasm`.
    pub artifact: Option<String>,
}

/// A whole `tool.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Absent when the component says itself what it is.
    pub manifest: Option<Manifest>,
    /// Absent when somebody else builds it.
    pub build: Option<Build>,
}

/// Why a text is no manifest. The text names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no TOML or JSON, or has a key that there is not, or lacks one that there has to be.
    #[error("{0}")]
    Syntax(String),
    /// A key has a value that cannot be.
    #[error("`{key}` {reason}")]
    Value {
        /// Its path: `wishes.hosts[1]`.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The file as it is written. `wishes` and the schema have readers of their own, which name the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    description: Option<String>,
    input_schema: Option<Value>,
    input_schema_file: Option<String>,
    effects: Option<String>,
    wishes: Option<Value>,
    build: Option<Build>,
}

fn wrong(key: impl Into<String>, reason: impl Into<String>) -> ManifestError {
    ManifestError::Value {
        key: key.into(),
        reason: reason.into(),
    }
}

impl Project {
    /// Reads a `tool.toml`. `read_file` reads the file that `input_schema_file` names, relative to the `tool.toml`; where
    /// there are no files it says so.
    pub fn from_toml(
        text: &str,
        read_file: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Project, ManifestError> {
        within(text.len())?;
        let mut written: Written = toml::from_str(text)
            .map_err(|error| ManifestError::Syntax(error.to_string().trim_end().to_owned()))?;
        if let Some(path) = written.input_schema_file.take() {
            if written.input_schema.is_some() {
                return Err(wrong(
                    "input_schema_file",
                    "and `input_schema` cannot both be given",
                ));
            }
            let text = read_file(&path).map_err(|reason| {
                wrong(
                    "input_schema_file",
                    format!("({path}) cannot be read: {reason}"),
                )
            })?;
            written.input_schema = Some(serde_json::from_str(&text).map_err(|error| {
                wrong("input_schema_file", format!("({path}) is no JSON: {error}"))
            })?);
        }
        let build = written.build.take();
        if let Some(build) = &build {
            if build.command.first().is_none_or(String::is_empty) {
                return Err(wrong("build.command", "is empty"));
            }
            inside("build.output", &build.output)?;
            inside("build.artifact", build.artifact.as_deref().unwrap_or("x"))?;
        }
        let says_nothing = written.name.is_none()
            && written.description.is_none()
            && written.input_schema.is_none()
            && written.effects.is_none()
            && written.wishes.is_none();
        if says_nothing && build.is_none() {
            return Err(ManifestError::Syntax(
                "there is neither a description of the tool nor a [build] section".to_owned(),
            ));
        }
        Ok(Project {
            manifest: (!says_nothing)
                .then(|| Manifest::check(written))
                .transpose()?,
            build,
        })
    }
}

impl Manifest {
    /// Reads the tool's part of a `tool.toml`, as [`Project::from_toml`] does.
    pub fn from_toml(
        text: &str,
        read_file: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Manifest, ManifestError> {
        let project = Project::from_toml(text, read_file)?;
        project.manifest.ok_or_else(|| {
            ManifestError::Syntax("there is only a [build] section: `name` is missing".to_owned())
        })
    }

    /// Reads what [`Manifest::to_json`] wrote.
    pub fn from_json(text: &str) -> Result<Manifest, ManifestError> {
        within(text.len())?;
        let written: Written =
            serde_json::from_str(text).map_err(|error| ManifestError::Syntax(error.to_string()))?;
        for (key, given) in [
            ("build", written.build.is_some()),
            ("input_schema_file", written.input_schema_file.is_some()),
        ] {
            if given {
                return Err(wrong(key, "belongs into a tool.toml only"));
            }
        }
        Manifest::check(written)
    }

    /// The same text for the same manifest.
    pub fn to_json(&self) -> String {
        json!({
            "name": self.name,
            "description": self.description,
            "input_schema": self.input_schema,
            "effects": match self.effects {
                Effects::None => "none",
                Effects::Files => "files",
                Effects::External => "external",
            },
            "wishes": self.wishes.to_value(),
        })
        .to_string()
    }

    /// As a tool's own `describe` would say it.
    pub fn description(&self) -> Description {
        Description {
            name: self.name.clone(),
            text: self.description.clone(),
            input_schema: self.input_schema.clone(),
            effects: self.effects,
            wishes: self.wishes.clone(),
        }
    }

    fn check(written: Written) -> Result<Manifest, ManifestError> {
        let missing = |key: &str| wrong(key, "is missing");
        let name = written.name.ok_or_else(|| missing("name"))?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(wrong(
                "name",
                "must be 1 to 128 letters (a to z), digits, underscores and hyphens",
            ));
        }
        let description = written.description.ok_or_else(|| missing("description"))?;
        if description.trim().is_empty() || description.len() > DESCRIPTION_BYTES_MAX {
            return Err(wrong("description", "must be 1 to 65,536 bytes of text"));
        }
        let input_schema = written
            .input_schema
            .ok_or_else(|| missing("input_schema"))?;
        schema::check(&input_schema).map_err(|error| {
            let dot = if error.at.is_empty() || error.at.starts_with('[') {
                ""
            } else {
                "."
            };
            wrong(format!("input_schema{dot}{}", error.at), error.reason)
        })?;
        if input_schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(wrong("input_schema", "is larger than 256 KiB"));
        }
        let effects = match written.effects.as_deref() {
            Some("none") => Effects::None,
            Some("files") => Effects::Files,
            None | Some("external") => Effects::External,
            Some(_) => {
                return Err(wrong("effects", "must be `none`, `files` or `external`"));
            }
        };
        let wishes = match &written.wishes {
            Some(wishes) => Allowance::parse(wishes)
                .map_err(|error| wrong(format!("wishes.{}", error.field), error.reason))?,
            None => Allowance::nothing(),
        };
        Ok(Manifest {
            name,
            description,
            input_schema,
            effects,
            wishes,
        })
    }
}

fn within(bytes: usize) -> Result<(), ManifestError> {
    if bytes > MANIFEST_BYTES_MAX {
        return Err(ManifestError::Syntax(format!(
            "{bytes} bytes are too many: a manifest has at most {MANIFEST_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// A build reads and writes within its own folder.
fn inside(key: &str, path: &str) -> Result<(), ManifestError> {
    let path = std::path::Path::new(path);
    let plain = |part| {
        matches!(
            part,
            std::path::Component::Normal(_) | std::path::Component::CurDir
        )
    };
    if path.file_name().is_none() || !path.components().all(plain) {
        return Err(wrong(key, "must be a path inside the tool's folder"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
name = "word-count"
description = "Counts words."
effects = "none"

[input_schema]
type = "object"
required = ["text"]
properties.text.type = "string"

[wishes]
hosts = ["api.example.com"]
mounts = [{ path = "/workspace", access = "read" }]
limits.wall_ms = 5000

[build]
language = "c"
command = ["make"]
output = "out/tool.wasm"
"#;

    fn no_files(_: &str) -> Result<String, String> {
        Err("there are no files here".to_owned())
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let project = Project::from_toml(TOML, &no_files).unwrap();
        let manifest = project.manifest.unwrap();
        assert_eq!(manifest.input_schema["required"], json!(["text"]));
        assert_eq!(manifest.wishes.limits.wall_ms, Some(5000));
        assert_eq!(manifest.effects, Effects::None);
        let build = project.build.unwrap();
        assert_eq!(
            (build.command, build.artifact),
            (vec!["make".to_owned()], None)
        );
        let json = manifest.to_json();
        assert_eq!(Manifest::from_json(&json).unwrap(), manifest);
        assert_eq!(Manifest::from_json(&json).unwrap().to_json(), json);
    }

    #[test]
    fn a_tool_that_describes_itself_needs_only_its_build() {
        let text = "[build]\ncommand = [\"cargo\", \"build\"]\noutput = \"target/x.wasm\"\n";
        let project = Project::from_toml(text, &no_files).unwrap();
        assert!(project.manifest.is_none() && project.build.is_some());
        assert!(Manifest::from_toml(text, &no_files).is_err());
    }

    #[test]
    fn the_schema_may_have_a_file_of_its_own() {
        let text = "name = \"a\"\ndescription = \"b\"\ninput_schema_file = \"schema.json\"\n";
        let read = |path: &str| {
            assert_eq!(path, "schema.json");
            Ok(r#"{"type": "object"}"#.to_owned())
        };
        let manifest = Manifest::from_toml(text, &read).unwrap();
        assert_eq!(manifest.input_schema, json!({"type": "object"}));
        assert_eq!(
            manifest.effects,
            Effects::External,
            "when nothing is said, the most"
        );
        let error = Manifest::from_toml(text, &no_files).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`input_schema_file` (schema.json) cannot be read: there are no files here"
        );
    }

    #[test]
    fn errors_name_the_key() {
        for (change, to, named) in [
            ("name = \"word-count\"", "", "`name` is missing"),
            ("word-count", "word count", "`name` must be"),
            (
                "description = \"Counts words.\"",
                "",
                "`description` is missing",
            ),
            ("Counts words.", " ", "`description` must be"),
            (
                "effects = \"none\"",
                "effects = \"all\"",
                "`effects` must be",
            ),
            (
                "effects = \"none\"",
                "efects = \"none\"",
                "unknown field `efects`",
            ),
            (
                "type = \"object\"",
                "type = \"string\"",
                "`input_schema.type`",
            ),
            (
                "\"string\"",
                "\"text\"",
                "`input_schema.properties.text.type`",
            ),
            (
                "api.example.com",
                "https://api.example.com",
                "`wishes.hosts[0]`",
            ),
            ("hosts =", "host =", "`wishes.host` unknown field"),
            ("\"out/tool.wasm\"", "\"../tool.wasm\"", "`build.output`"),
            ("[\"make\"]", "[]", "`build.command` is empty"),
            ("language", "languge", "unknown field `languge`"),
            ("[build]", "[build", "line"),
        ] {
            let text = TOML.replace(change, to);
            let error = Project::from_toml(&text, &no_files)
                .unwrap_err()
                .to_string();
            assert!(error.contains(named), "{change} -> {to}: {error}");
        }
        let text = format!("# {}\n{TOML}", "x".repeat(MANIFEST_BYTES_MAX));
        assert!(Project::from_toml(&text, &no_files).is_err());
        assert!(Manifest::from_json("{").is_err());
        assert!(Manifest::from_json(r#"{"build": {"command": [], "output": ""}}"#).is_err());
    }
}
