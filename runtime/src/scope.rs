//! What one call may reach of its sandbox, and all it starts with it.
//!
//! Made once per call from the sandbox's grant and the call's allowance, and handed down to every process: whatever a program
//! started by a tool asks for is looked up here, never in the sandbox.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::fs::{MountInfo, Mounts};
use crate::grant::{Access, Allowance, Grant, MountNames, Names};
use crate::http::{Policy, StandIns};

/// Views of the mounts that are kept: a session's tools have a handful of allowances.
const VIEWS_MAX: usize = 16;

/// What one call may reach.
pub(crate) struct Scope {
    /// Tells the processes of one call from those of others.
    pub(crate) id: u64,
    pub(crate) mounts: Arc<Mounts>,
    pub(crate) http: Arc<Policy>,
    pub(crate) programs: Names,
    pub(crate) settings: Names,
}

impl Scope {
    /// Whether processes of other calls, or left by them, are seen and can be killed.
    pub(crate) fn sees_all_processes(&self) -> bool {
        self.programs == Names::All
    }

    /// The stand-ins of this call's secrets.
    pub(crate) fn stand_ins(&self) -> &StandIns {
        self.http.stand_ins()
    }

    /// Where a process starts that nobody gave a place.
    pub(crate) fn cwd(&self) -> &'static str {
        const WORKSPACE: &str = "/workspace";
        // A sandbox without that mount starts its processes there all the same: programs say what is missing.
        if self.mounts.is_narrowed() && !self.mounts.has(WORKSPACE) {
            "/"
        } else {
            WORKSPACE
        }
    }
}

/// Makes scopes; a sandbox has one.
pub(crate) struct Scopes {
    mounts: Arc<Mounts>,
    http: Arc<Policy>,
    /// That of calls without an allowance, where there are no secrets that need new stand-ins.
    whole: Arc<Scope>,
    last_id: AtomicU64,
    views: Mutex<Vec<(MountNames, Arc<Mounts>)>>,
}

impl Scopes {
    pub(crate) fn new(grant: &Grant, mounts: Arc<Mounts>) -> Scopes {
        let http = Policy::of(grant);
        Scopes {
            whole: Arc::new(Scope {
                id: 0,
                mounts: Arc::clone(&mounts),
                http: Arc::clone(&http),
                programs: Names::All,
                settings: Names::All,
            }),
            mounts,
            http,
            last_id: AtomicU64::new(0),
            views: Mutex::default(),
        }
    }

    /// That of a new call.
    pub(crate) fn make(&self, grant: &Grant, allowance: Option<&Allowance>) -> Arc<Scope> {
        let Some(allowance) = allowance else {
            if grant.secrets.is_empty() {
                return Arc::clone(&self.whole);
            }
            return self.make(grant, Some(&Allowance::everything()));
        };
        let stand_ins = StandIns::new(
            grant
                .secrets
                .iter()
                .filter(|(name, _)| allowance.secrets.contains(name)),
        );
        Arc::new(Scope {
            id: self.last_id.fetch_add(1, Ordering::Relaxed) + 1,
            mounts: self.view(allowance),
            http: Arc::new(self.http.narrow(allowance.hosts.clone(), stand_ins)),
            programs: allowance.programs.clone(),
            settings: allowance.settings.clone(),
        })
    }

    fn view(&self, allowance: &Allowance) -> Arc<Mounts> {
        let names = &allowance.mounts;
        if *names == MountNames::everything() {
            return Arc::clone(&self.mounts);
        }
        // Devices and a process's own `/proc` carry no authority, but whoever has files or starts programs expects them.
        let furnished = !names.is_empty() || !allowance.programs.is_empty();
        let access = |mount: &MountInfo| match mount.kind {
            "dev" | "proc" => furnished.then_some(Access::ReadWrite),
            _ => names.access(&mount.at),
        };
        if furnished == names.is_empty() {
            return self.mounts.narrow(access);
        }
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, view)) = views.iter().find(|(made, _)| made == names) {
            return Arc::clone(view);
        }
        let view = self.mounts.narrow(access);
        if views.len() >= VIEWS_MAX {
            views.remove(0);
        }
        views.push((names.clone(), Arc::clone(&view)));
        view
    }
}
