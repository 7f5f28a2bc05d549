//! Entering a tool: every version of `glovebox:tool` that was ever published, as one.

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use crate::process::bindings::glovebox::tool::types as wit;
use crate::process::bindings::v0_1::glovebox::tool::types as v0_1;
use crate::state::State;

/// What a call returned.
pub(crate) type Called = Result<Vec<wit::Content>, wit::Failure>;

/// Versions of the contract, the newest first.
const VERSIONS: [(Version, &str); 2] = [
    (Version::V0_2, "glovebox:tool/tool@0.2.0"),
    (Version::V0_1, "glovebox:tool/tool@0.1.0"),
];

/// A version of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V0_1,
    V0_2,
}

/// A tool with its imports resolved and its exports found.
#[derive(Clone)]
pub(crate) struct Tool {
    instance: InstancePre<State>,
    version: Version,
    call: ComponentExportIndex,
    describe: ComponentExportIndex,
    asks_cancelled: bool,
}

/// Whether a component says that it is a tool.
pub(crate) fn is_tool(component: &Component) -> bool {
    VERSIONS
        .iter()
        .any(|(_, name)| component.get_export_index(None, name).is_some())
}

impl Tool {
    /// The tool that a component is, if it is one.
    pub(crate) fn find(component: &Component, instance: &InstancePre<State>) -> Option<Tool> {
        VERSIONS.iter().find_map(|(version, name)| {
            let interface = component.get_export_index(None, name)?;
            Some(Tool {
                instance: instance.clone(),
                version: *version,
                call: component.get_export_index(Some(&interface), "call")?,
                describe: component.get_export_index(Some(&interface), "describe")?,
                asks_cancelled: asks_cancelled(component),
            })
        })
    }

    /// The contract's version: `0.2.0`.
    pub(crate) fn contract(&self) -> &'static str {
        match self.version {
            Version::V0_1 => "0.1.0",
            Version::V0_2 => "0.2.0",
        }
    }

    /// Whether it can ask if its call was cancelled.
    pub(crate) fn asks_cancelled(&self) -> bool {
        self.asks_cancelled
    }

    pub(crate) async fn call(
        &self,
        store: &mut Store<State>,
        input: &str,
    ) -> wasmtime::Result<Called> {
        let instance = self.instance.instantiate_async(&mut *store).await?;
        // Content and failures have the same shape in all versions.
        let call = instance.get_typed_func::<(&str,), (Called,)>(&mut *store, self.call)?;
        Ok(call.call_async(store, (input,)).await?.0)
    }

    pub(crate) async fn describe(
        &self,
        store: &mut Store<State>,
    ) -> wasmtime::Result<wit::Description> {
        let instance = self.instance.instantiate_async(&mut *store).await?;
        match self.version {
            Version::V0_2 => {
                let describe = instance
                    .get_typed_func::<(), (wit::Description,)>(&mut *store, self.describe)?;
                Ok(describe.call_async(store, ()).await?.0)
            }
            Version::V0_1 => {
                let describe = instance
                    .get_typed_func::<(), (v0_1::Description,)>(&mut *store, self.describe)?;
                Ok(newer(describe.call_async(store, ()).await?.0))
            }
        }
    }
}

fn asks_cancelled(component: &Component) -> bool {
    use wasmtime::component::types::ComponentItem;
    let engine = component.engine();
    component
        .component_type()
        .imports(engine)
        .filter(|(name, _)| name.starts_with("glovebox:tool/context@"))
        .any(|(_, import)| match import.ty {
            ComponentItem::ComponentInstance(context) => {
                context.get_export(engine, "cancelled").is_some()
            }
            _ => false,
        })
}

/// A tool of 0.1.0 wishes for nothing.
fn newer(said: v0_1::Description) -> wit::Description {
    wit::Description {
        name: said.name,
        text: said.text,
        input_schema: said.input_schema,
        effects: match said.effects {
            v0_1::Effects::None => wit::Effects::None,
            v0_1::Effects::Files => wit::Effects::Files,
            v0_1::Effects::External => wit::Effects::External,
        },
        wishes: wit::Wishes {
            hosts: Vec::new(),
            mounts: Vec::new(),
            programs: Vec::new(),
            secrets: Vec::new(),
            settings: Vec::new(),
            limits: wit::Limits {
                memory_bytes: None,
                cpu_ms: None,
                wall_ms: None,
                output_bytes: None,
            },
        },
    }
}
