//! The operator's secrets: which workspace may use which.

use std::collections::BTreeMap;
use std::sync::Arc;

use glovebox_runtime::Secret;

/// A secret, and whose it is.
#[derive(Debug, Clone)]
pub struct WorkspaceSecret {
    /// None is every workspace.
    pub workspace: Option<String>,
    pub secret: Secret,
}

/// All secrets by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<BTreeMap<String, WorkspaceSecret>>);

impl Secrets {
    /// These.
    pub fn new(secrets: BTreeMap<String, WorkspaceSecret>) -> Secrets {
        Secrets(Arc::new(secrets))
    }

    /// Those that sessions of a workspace may use.
    pub(super) fn of(&self, workspace: &str) -> BTreeMap<String, Secret> {
        let theirs = self.0.iter().filter(|(_, secret)| {
            let owner = secret.workspace.as_deref();
            owner.is_none_or(|owner| owner == workspace)
        });
        theirs
            .map(|(name, secret)| (name.clone(), secret.secret.clone()))
            .collect()
    }
}
