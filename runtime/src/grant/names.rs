//! Sets of names, and of mounts by name.

use std::collections::{BTreeMap, BTreeSet};

use super::Access;

/// Which names are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// Every name.
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Default for Names {
    fn default() -> Self {
        Names::Only(BTreeSet::new())
    }
}

impl Names {
    /// Whether `name` is meant.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Names::All => true,
            Names::Only(names) => names.contains(name),
        }
    }

    /// Whether no name is meant.
    pub fn is_empty(&self) -> bool {
        matches!(self, Names::Only(names) if names.is_empty())
    }

    /// The names that both mean.
    #[must_use]
    pub fn narrow(&self, by: &Names) -> Names {
        match (self, by) {
            (Names::All, other) | (other, Names::All) => other.clone(),
            (Names::Only(a), Names::Only(b)) => Names::Only(a.intersection(b).cloned().collect()),
        }
    }
}

/// Which mounts are meant, and what may be done with them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MountNames {
    /// What may be done with every mount.
    pub all: Option<Access>,
    /// What may be done with single ones, by their place. More than `all` says, or it has no effect.
    pub at: BTreeMap<String, Access>,
}

impl MountNames {
    /// Every mount, with all that its grant allows.
    pub fn everything() -> MountNames {
        MountNames {
            all: Some(Access::ReadWrite),
            at: BTreeMap::new(),
        }
    }

    /// What may be done with the mount at `place`, if it is meant.
    pub fn access(&self, place: &str) -> Option<Access> {
        self.all.max(self.at.get(place).copied())
    }

    /// Whether no mount is meant.
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.at.is_empty()
    }

    /// The mounts that both mean, with the lesser access.
    #[must_use]
    pub fn narrow(&self, by: &MountNames) -> MountNames {
        let all = self.all.min(by.all);
        let places = self.at.keys().chain(by.at.keys());
        let at = places
            .filter_map(|place| {
                let access = self.access(place).min(by.access(place));
                Some((place.clone(), access.filter(|_| access > all)?))
            })
            .collect();
        MountNames { all, at }
    }
}
