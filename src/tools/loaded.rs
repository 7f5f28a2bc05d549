//! Components that are ready to be called, the ones called last: thousands of tools may exist, few are in use.
//!
//! Dropping one here does not disturb a call that runs: a call holds the component itself.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glovebox_runtime::Component;
use lru::LruCache;
use tokio::sync::OnceCell;

use crate::package::Digest;

/// How many components stay loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadedMax {
    /// Default 256.
    pub count: NonZeroUsize,
    /// Compiled code of all together. Default 1 GiB: it is mapped from files, so that what is not run costs address space.
    pub bytes: u64,
}

impl Default for LoadedMax {
    fn default() -> Self {
        LoadedMax {
            count: NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN),
            bytes: 1 << 30,
        }
    }
}

/// A component is loaded under its tool's id, so that equal bytes of two tools are two components.
pub(super) type Key = (String, Digest);

/// See the module.
pub(super) struct Loaded {
    max: LoadedMax,
    state: Mutex<State>,
}

struct State {
    slots: LruCache<Key, Slot>,
    bytes: u64,
}

/// Who comes while a component is being loaded waits for it at the cell.
#[derive(Clone, Default)]
struct Slot {
    component: Arc<OnceCell<Component>>,
    /// 0 until it is loaded.
    bytes: u64,
}

impl Loaded {
    pub(super) fn new(max: LoadedMax) -> Loaded {
        Loaded {
            max,
            state: Mutex::new(State {
                slots: LruCache::unbounded(),
                bytes: 0,
            }),
        }
    }

    /// The component, loaded by `load` if it is not there. `load` also says how large it is.
    pub(super) async fn get<E>(
        &self,
        key: Key,
        load: impl Future<Output = Result<(Component, u64), E>>,
    ) -> Result<Component, E> {
        let cell = Arc::clone(
            &self
                .lock()
                .slots
                .get_or_insert_mut(key.clone(), Slot::default)
                .component,
        );
        if let Some(component) = cell.get() {
            return Ok(component.clone());
        }
        let mut size = 0;
        let loaded = cell
            .get_or_try_init(|| async {
                let (component, bytes) = load.await?;
                size = bytes.max(1);
                Ok(component)
            })
            .await
            .cloned();
        let mut state = self.lock();
        match &loaded {
            Ok(_) if size > 0 => state.count(&key, &cell, size, self.max),
            Ok(_) => {}
            Err(_) => state.forget(&key, &cell),
        }
        loaded
    }

    /// How many there are, and how large they are together.
    pub(super) fn size(&self) -> (usize, u64) {
        let state = self.lock();
        (state.slots.len(), state.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes the size of what was just loaded, and drops what was not used for the longest time.
    fn count(&mut self, key: &Key, cell: &Arc<OnceCell<Component>>, size: u64, max: LoadedMax) {
        match self.slots.peek_mut(key) {
            Some(slot) if Arc::ptr_eq(&slot.component, cell) => {
                slot.bytes = size;
                self.bytes += size;
            }
            // Dropped while it was being loaded.
            _ => return,
        }
        while self.slots.len() > 1 && (self.slots.len() > max.count.get() || self.bytes > max.bytes)
        {
            let Some((_, dropped)) = self.slots.pop_lru() else {
                return;
            };
            self.bytes -= dropped.bytes;
        }
    }

    fn forget(&mut self, key: &Key, cell: &Arc<OnceCell<Component>>) {
        let ours =
            |slot: &Slot| Arc::ptr_eq(&slot.component, cell) && !slot.component.initialized();
        if self.slots.peek(key).is_some_and(ours) {
            self.slots.pop(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use glovebox_runtime::{Engine, EngineOptions};

    use super::*;
    use crate::package::digest;

    /// The least command there can be.
    const COMMAND: &str = r#"(component
        (core module $m (func (export "run") (result i32) (i32.const 0)))
        (core instance $i (instantiate $m))
        (func $run (result (result)) (canon lift (core func $i "run")))
        (instance $run-interface (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $run-interface)))"#;

    fn component() -> Component {
        let engine = Engine::new(EngineOptions {
            processes_max: 10,
            ..EngineOptions::default()
        });
        let wasm = wat::parse_str(COMMAND).unwrap();
        engine.unwrap().load("command", &wasm).unwrap()
    }

    fn key(number: usize) -> Key {
        (format!("tool_{number}"), digest(b""))
    }

    fn loaded(count: usize, bytes: u64) -> Loaded {
        let count = NonZeroUsize::new(count).unwrap();
        Loaded::new(LoadedMax { count, bytes })
    }

    /// Whether it had to be loaded.
    async fn ask(loaded: &Loaded, number: usize, component: &Component, bytes: u64) -> bool {
        let mut asked = false;
        let load = async {
            asked = true;
            Ok::<_, Infallible>((component.clone(), bytes))
        };
        loaded.get(key(number), load).await.unwrap();
        asked
    }

    #[tokio::test]
    async fn two_thousand_tools_do_not_stay_loaded() {
        let component = component();
        let loaded = loaded(100, u64::MAX);
        for number in 0..2000 {
            assert!(ask(&loaded, number, &component, 10).await);
            // One that is asked for again and again stays.
            assert!(!ask(&loaded, 0, &component, 10).await, "{number}");
        }
        assert_eq!(loaded.size(), (100, 1000));
        assert!(!ask(&loaded, 1999, &component, 10).await);
        assert!(ask(&loaded, 1, &component, 10).await);
    }

    #[tokio::test]
    async fn large_ones_push_out_others() {
        let component = component();
        let loaded = loaded(100, 1000);
        for number in 0..10 {
            ask(&loaded, number, &component, 100).await;
        }
        ask(&loaded, 10, &component, 650).await;
        assert_eq!(loaded.size(), (4, 950));
        // What alone is too large is still loaded, and stays until the next comes.
        ask(&loaded, 11, &component, 5000).await;
        assert_eq!(loaded.size(), (1, 5000));
        ask(&loaded, 12, &component, 1).await;
        assert_eq!(loaded.size(), (1, 1));
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let component = component();
        let loaded = loaded(1, 1);
        let failed = loaded.get(key(1), async { Err("no") }).await;
        assert!(matches!(failed, Err("no")));
        assert_eq!(loaded.size(), (0, 0));
        assert!(ask(&loaded, 1, &component, 1).await);
    }

    #[tokio::test]
    async fn who_comes_meanwhile_waits_and_one_loads() {
        let component = component();
        let loaded = loaded(1, 1);
        let slow = async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>((component.clone(), 1))
        };
        let never = async { unreachable!("loaded twice") };
        let both = tokio::join!(
            loaded.get(key(1), slow),
            loaded.get::<Infallible>(key(1), never)
        );
        assert!(both.0.is_ok() && both.1.is_ok());
    }
}
