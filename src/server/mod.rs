//! The composition root: the only place that names a database, a provider and an engine in one breath.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::agent::hands::{Sandboxes, SandboxesParts, Trees};
use crate::agent::{self, Agents};
use crate::api::{self, Api};
use crate::blobs::Folder;
use crate::clock::SystemClock;
use crate::ids::RandomIds;
use crate::mcp::{Catalogued, Mcp};
use crate::model::MessagesApi;
use crate::store::Log;
use crate::store::sqlite::{self, Sqlite};
use crate::tools::{BuiltIn, Compiling, Registry, RegistryParts, compile};

pub mod config;
pub mod data;
pub mod engine;
mod files;
pub mod keys;
pub mod logging;
pub mod secrets;

use config::Config;
use data::{DataDirectory, Lock};

/// A server that is ready: everything is open, and sessions that were running when the last one ended go on.
pub struct Server {
    /// The API key that the first start made, to be shown once.
    pub new_key: Option<String>,
    listener: TcpListener,
    api: Api,
    trees: Trees,
    log: Arc<dyn Log>,
    _lock: Lock,
}

impl Server {
    /// Opens everything. `key` is an API key that has to work.
    pub async fn start(config: Config, key: Option<&str>) -> anyhow::Result<Server> {
        let data = DataDirectory::open(&config.data_directory()?)?;
        let lock = data.lock()?;
        // Bound before the slow parts, so that a taken port is known at once; nothing is accepted until the end.
        let listener =
            TcpListener::bind(config.listen.as_deref().unwrap_or("127.0.0.1:8080")).await?;
        let cache = config.cache_directory()?;
        let compiling = Compiling {
            exe: this_program()?,
            cache: cache.clone(),
            limits: compile::Limits::default(),
        };
        let database = data.database();
        let blobs = data.blobs();
        let trees = data.trees();
        let clock = Arc::new(SystemClock);
        let (store, blobs, trees, engine, built_in) =
            tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
                let blobs = Folder::open(&blobs)?;
                let trees = Trees::open(&trees, Arc::new(SystemClock))?;
                let store = Sqlite::open(&database, &sqlite::Options::default())?;
                let engine = engine::open(cache, engine::FOR_A_SERVER)?;
                let built_in = BuiltIn::load(&engine)?;
                Ok((store, blobs, trees, engine, built_in))
            })
            .await??;
        let catalogue = Arc::new(built_in.catalogue(&engine).await?);
        let ids = Arc::new(RandomIds);
        let new_key = keys::at_start(&store, &*clock, &*ids, key).await?;
        let store = Arc::new(store);
        let tools = Registry::new(RegistryParts {
            documents: store.clone(),
            blobs: Arc::new(blobs),
            engine: engine.clone(),
            compiling,
            clock: clock.clone(),
            ids: ids.clone(),
            loaded_max: config.tools.loaded(),
        });
        let swept = tools.sweep().await?;
        if swept > 0 {
            tracing::info!(
                components = swept,
                "components that no tool names were removed"
            );
        }
        let workshop = Arc::new(Sandboxes::new(SandboxesParts {
            engine,
            built_in,
            catalogue: catalogue.clone(),
            registry: Some(tools.clone()),
            secrets: secrets::read(&config.secrets)?,
            trees: trees.clone(),
            options: config.sandboxes(),
        }));
        let agents = Agents::new(agent::Parts {
            log: store.clone(),
            documents: store.clone(),
            model: Arc::new(MessagesApi::new(&config.model.options())?),
            workshop: workshop.clone(),
            catalogue: catalogue.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            options: config.agent_options(),
        });
        files::move_in(&data, &agents.timeline(), &trees).await?;
        let recovered = agents.recover().await?;
        if recovered > 0 {
            tracing::info!(sessions = recovered, "sessions that were running go on");
        }
        let catalogued = Arc::new(Catalogued::new(&catalogue, workshop).with_pushed(tools.clone()));
        let mcp = Mcp::new(catalogued, ids.clone(), config.mcp(listener.local_addr()?));
        let api = Api {
            agents,
            mcp,
            documents: store.clone(),
            tools,
            component_bytes_max: config.tools.component_bytes_max,
            keys: store.clone(),
            ids,
            clock,
            metrics: api::metrics::recorder().asking({
                let trees = trees.clone();
                move || trees.measure()
            }),
        };
        Ok(Server {
            new_key,
            listener,
            api,
            trees,
            log: store,
            _lock: lock,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is done; running turns are left where they are, for the next start.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let clock = Arc::clone(&self.api.clock);
        let sweeping = tokio::spawn(files::keep_swept(self.trees, self.log, clock));
        let served = api::serve(self.api, self.listener, stop).await;
        sweeping.abort();
        served
    }
}

/// The running program, also when its file was replaced by a newer one meanwhile.
pub fn this_program() -> std::io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() {
        Ok(running)
    } else {
        std::env::current_exe()
    }
}

/// Done when the process is asked to stop: SIGTERM or SIGINT. They are caught from the moment this returns.
pub fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = signal(SignalKind::terminate());
    let interrupt = signal(SignalKind::interrupt());
    async move {
        match (terminate, interrupt) {
            (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            },
            // Signals that are not caught end the process by themselves.
            _ => std::future::pending().await,
        }
    }
}
