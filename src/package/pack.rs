//! Makes one file of a tool: a component that says what it is.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as WASIP1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{BinaryReader, ExportSectionReader, ImportSectionReader, Validator, WasmFeatures};
use wit_component::ComponentEncoder;

use super::error::PackError;
use super::go;
use super::manifest::Manifest;
use super::sections::{self, Layer, layer, sections};
use super::unpack::{Contents, Entry, unpack};
use super::{MANIFEST_SECTION, NotWasm};

const CORE_IMPORTS: u8 = 2;
const CORE_EXPORTS: u8 = 7;
/// Types of a module's interfaces; the largest that bindings generators write are some ten KiB.
const TYPES_BYTES_MAX: usize = 4 << 20;
/// A core module of many names is a defect or an attack.
const NAMES_MAX: usize = 100_000;

/// Makes the file that is pushed:
///
/// * a core module for wasip1 becomes a component by the preview 1 adapter,
/// * a core module with `component-type` sections becomes the component that they describe,
/// * a component stays what it is.
///
/// Given a manifest, it is put into the component, in place of one that is there already. The same input gives the same
/// bytes. Any bytes have an answer; work and memory are in proportion to them.
pub fn pack(wasm: &[u8], manifest: Option<&Manifest>) -> Result<Vec<u8>, PackError> {
    let component = match layer(wasm) {
        None => return Err(NotWasm::of(wasm).into()),
        Some(Layer::Component) => {
            validate(wasm)?;
            wasm.to_vec()
        }
        Some(Layer::Module) => {
            validate(wasm)?;
            encode(wasm)?
        }
    };
    let packed = match manifest {
        None => component,
        Some(manifest) => {
            if let Entry::Tool { .. } = Contents::read(&component)?.entry()? {
                return Err(PackError::SaidTwice);
            }
            describe(&component, manifest)?
        }
    };
    unpack(&packed)?;
    Ok(packed)
}

fn validate(wasm: &[u8]) -> Result<(), PackError> {
    // What the engine knows is for the engine to say; here it only has to be well-formed.
    guarded(|| {
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(wasm)
            .map(drop)
            .map_err(|error| PackError::Invalid(error.to_string()))
    })
}

/// What a core module needs to become a component.
#[derive(Default)]
struct Module {
    has_types: bool,
    has_start: bool,
    wants_wasip1: bool,
    /// `module.name` of all other imports.
    others: Vec<String>,
}

impl Module {
    fn read(wasm: &[u8]) -> Result<Module, PackError> {
        let invalid =
            |error: wasmparser::BinaryReaderError| PackError::Invalid(error.message().to_owned());
        let mut module = Module::default();
        let mut count = 0;
        let mut types_bytes = 0;
        for section in sections(wasm) {
            let section = section?;
            let reader = || BinaryReader::new(section.body, 0);
            match section.id {
                CORE_IMPORTS => {
                    let imports = ImportSectionReader::new(reader()).map_err(invalid)?;
                    for import in imports.into_imports() {
                        let import = import.map_err(invalid)?;
                        count += 1;
                        if import.module == WASIP1 {
                            module.wants_wasip1 = true;
                        } else if count <= NAMES_MAX {
                            module
                                .others
                                .push(format!("{}.{}", import.module, import.name));
                        }
                    }
                }
                CORE_EXPORTS => {
                    for export in ExportSectionReader::new(reader()).map_err(invalid)? {
                        count += 1;
                        module.has_start |= export.map_err(invalid)?.name == "_start";
                    }
                }
                _ => {
                    if let Some((name, types)) = section.custom()
                        && name.starts_with("component-type")
                    {
                        module.has_types = true;
                        types_bytes += types.len();
                    }
                }
            }
        }
        if count > NAMES_MAX {
            return Err(PackError::Invalid(format!(
                "it has {count} imports and exports, more than {NAMES_MAX}"
            )));
        }
        if types_bytes > TYPES_BYTES_MAX {
            return Err(PackError::Invalid(format!(
                "its component-type sections have {types_bytes} bytes, more than {TYPES_BYTES_MAX}"
            )));
        }
        Ok(module)
    }
}

fn encode(wasm: &[u8]) -> Result<Vec<u8>, PackError> {
    let module = Module::read(wasm)?;
    if !module.has_types {
        if !module.has_start {
            return Err(PackError::NeitherCommandNorComponent);
        }
        if !module.others.is_empty() {
            return Err(PackError::Imports(module.others));
        }
        if !module.wants_wasip1 {
            // It can neither read its input nor print an answer, and the adapter would not even be linked.
            return Err(PackError::NeitherCommandNorComponent);
        }
    }
    let adapter = match (module.wants_wasip1, module.has_start) {
        (false, _) => None,
        (true, true) => Some(WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER),
        (true, false) => Some(WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER),
    };
    let roomy = match adapter {
        Some(_) => go::make_room(wasm)?,
        None => None,
    };
    let wasm = roomy.as_deref().unwrap_or(wasm);
    guarded(|| {
        let encoded = (|| {
            let mut encoder = ComponentEncoder::default();
            encoder.validate(true).module(wasm)?;
            if let Some(adapter) = adapter {
                encoder.adapter(WASIP1, adapter)?;
            }
            encoder.encode()
        })();
        encoded.map_err(|error| PackError::Encode(format!("{error:#}")))
    })
}

/// The encoder is made for modules of compilers that mean well; what others make it panic with is an error like any other.
fn guarded<T>(work: impl FnOnce() -> Result<T, PackError>) -> Result<T, PackError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(PackError::Encode(
            "it is built in a way that the encoder does not know".to_owned(),
        ))
    })
}

/// The component with this manifest and no other.
fn describe(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, PackError> {
    let mut described = Vec::with_capacity(component.len() + 1024);
    let mut copied = 0;
    for section in sections(component) {
        let section = section?;
        if matches!(section.custom(), Some((MANIFEST_SECTION, _))) {
            described.extend_from_slice(&component[copied..section.range().start]);
            copied = section.range().end;
        }
    }
    described.extend_from_slice(&component[copied..]);
    described.extend(sections::custom(
        MANIFEST_SECTION,
        manifest.to_json().as_bytes(),
    ));
    Ok(described)
}
