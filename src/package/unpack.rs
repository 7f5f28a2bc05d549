//! What a component is, without compiling or running it.

use wasmparser::{BinaryReader, ComponentExportSectionReader, ComponentImportSectionReader};

use super::error::PackError;
use super::manifest::Manifest;
use super::sections::{Layer, layer, sections};
use super::{CONTRACTS, MANIFEST_SECTION, NotWasm};

/// Imports and exports of a component's outermost level; more are a defect or an attack.
const NAMES_MAX: usize = 10_000;
const COMPONENT_IMPORTS: u8 = 10;
const COMPONENT_EXPORTS: u8 = 11;
const TOOL: &str = "glovebox:tool/tool@";
const RUN: &str = "wasi:cli/run@0.2.";

/// A component that can be pushed and called.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// How it is called.
    pub kind: Kind,
    /// Names of what it imports, in its own order.
    pub imports: Vec<String>,
    /// Names of what it exports, in its own order.
    pub exports: Vec<String>,
    /// Size of all of it.
    pub size_bytes: u64,
}

/// How a packed tool is called.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// It exports `glovebox:tool/tool` and says itself what it is.
    Tool {
        /// The contract's version: `0.2.0`.
        contract: String,
    },
    /// It exports `wasi:cli/run`; the manifest in it says what it is.
    Plain(Box<Manifest>),
}

/// What a component shows of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Names of what it imports, in its own order.
    pub imports: Vec<String>,
    /// Names of what it exports, in its own order.
    pub exports: Vec<String>,
    /// The text in its manifest's section, if it has one.
    pub manifest: Option<String>,
}

/// What it is and how it is called. Cheap: only the outermost sections are read, and nothing is validated but what is
/// returned. Any bytes have an answer.
pub fn unpack(component: &[u8]) -> Result<Package, PackError> {
    let contents = Contents::read(component)?;
    let manifest = contents
        .manifest
        .as_deref()
        .map(Manifest::from_json)
        .transpose()?;
    let kind = match (contents.entry()?, manifest) {
        (Entry::Tool { .. }, Some(_)) => return Err(PackError::SaidTwice),
        (Entry::Tool { contract }, None) => Kind::Tool { contract },
        (Entry::Command, Some(manifest)) => Kind::Plain(Box::new(manifest)),
        (Entry::Command, None) => return Err(PackError::NoManifest),
    };
    Ok(Package {
        kind,
        imports: contents.imports,
        exports: contents.exports,
        size_bytes: component.len() as u64,
    })
}

/// What can be called in a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// `glovebox:tool/tool` of this version.
    Tool {
        /// `0.2.0`.
        contract: String,
    },
    /// `wasi:cli/run`.
    Command,
}

impl Contents {
    /// Reads the outermost sections of a component.
    pub fn read(component: &[u8]) -> Result<Contents, PackError> {
        match layer(component) {
            Some(Layer::Component) => {}
            Some(Layer::Module) => return Err(PackError::Module),
            None => return Err(NotWasm::of(component).into()),
        }
        let mut contents = Contents::default();
        for section in sections(component) {
            let section = section?;
            let reader = || BinaryReader::new(section.body, 0);
            match section.id {
                COMPONENT_IMPORTS => {
                    for import in ComponentImportSectionReader::new(reader()).map_err(invalid)? {
                        let import = import.map_err(invalid)?;
                        contents.imports.push(import.name.name.to_owned());
                    }
                }
                COMPONENT_EXPORTS => {
                    for export in ComponentExportSectionReader::new(reader()).map_err(invalid)? {
                        let export = export.map_err(invalid)?;
                        contents.exports.push(export.name.name.to_owned());
                    }
                }
                _ => {
                    if let Some((MANIFEST_SECTION, text)) = section.custom() {
                        let text = std::str::from_utf8(text)
                            .map_err(|error| PackError::Invalid(format!("manifest: {error}")))?;
                        if contents.manifest.replace(text.to_owned()).is_some() {
                            return Err(PackError::Invalid("it has two manifests".to_owned()));
                        }
                    }
                }
            }
            if contents.imports.len() + contents.exports.len() > NAMES_MAX {
                return Err(PackError::Invalid(format!(
                    "it has more than {NAMES_MAX} imports and exports"
                )));
            }
        }
        Ok(contents)
    }

    /// What can be called in it. A tool that is also a command is a tool.
    pub fn entry(&self) -> Result<Entry, PackError> {
        let versions = || {
            let exports = self.exports.iter();
            exports.filter_map(|name| name.strip_prefix(TOOL))
        };
        // The newest one that is served, should it export several.
        let served = CONTRACTS
            .iter()
            .rev()
            .find(|served| versions().any(|version| version == **served));
        if let Some(contract) = served {
            return Ok(Entry::Tool {
                contract: (*contract).to_owned(),
            });
        }
        if let Some(version) = versions().next() {
            return Err(PackError::Contract(version.to_owned()));
        }
        if self.exports.iter().any(|name| name.starts_with(RUN)) {
            return Ok(Entry::Command);
        }
        Err(PackError::NoEntry(self.exports.clone()))
    }
}

fn invalid(error: wasmparser::BinaryReaderError) -> PackError {
    PackError::Invalid(error.message().to_owned())
}
