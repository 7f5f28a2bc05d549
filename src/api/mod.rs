//! HTTP: the Managed Agents API as the official SDKs speak it. One file per resource.
//!
//! The only place that knows status codes. It checks keys, reads requests, asks [`crate::resources`] what they mean and
//! [`crate::agent::Agents`] to do what concerns sessions. It never calls a tool or a model.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get, post};

use crate::agent::Agents;
use crate::clock::Clock;
use crate::ids::Ids;
use crate::mcp::Mcp;
use crate::store::{Documents, Keys};
use crate::tools::Registry;

mod agents;
mod auth;
mod body;
mod envelope;
mod environments;
mod error;
mod events;
mod mcp;
pub mod metrics;
mod page;
mod path;
mod query;
mod serve;
mod sessions;
mod stream;
mod tools;
mod upload;

pub use serve::serve;

use error::ApiError;

/// What the API is made of. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// Runs sessions.
    pub agents: Agents,
    /// Agents and environments.
    pub documents: Arc<dyn Documents>,
    /// The tools that people have pushed.
    pub tools: Registry,
    /// The largest component that may be pushed, in bytes.
    pub component_bytes_max: usize,
    /// Who may ask.
    pub keys: Arc<dyn Keys>,
    /// Makes ids of agents, environments and requests.
    pub ids: Arc<dyn Ids>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Serves `/mcp`.
    pub mcp: Mcp,
    /// What `/metrics` shows.
    pub metrics: metrics::Handle,
}

impl Api {
    /// The present moment as resources carry it: fixed width, so that texts sort as times do.
    fn now(&self) -> String {
        query::timestamp(self.clock.now())
    }
}

/// Every route of the server.
pub fn router(api: Api) -> Router {
    let agent = "/v1/agents/{agent_id}";
    let environment = "/v1/environments/{environment_id}";
    let session = "/v1/sessions/{session_id}";
    let tool = "/v1/tools/{tool_id}";
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics::show))
        .route("/mcp", any(mcp::handle))
        .route("/v1/agents", post(agents::create).get(agents::list))
        .route(agent, get(agents::retrieve).post(agents::update))
        .route(&format!("{agent}/archive"), post(agents::archive))
        .route(&format!("{agent}/versions"), get(agents::versions))
        .route(
            "/v1/environments",
            post(environments::create).get(environments::list),
        )
        .route(
            environment,
            get(environments::retrieve)
                .post(environments::update)
                .delete(environments::delete),
        )
        .route(
            &format!("{environment}/archive"),
            post(environments::archive),
        )
        .route("/v1/sessions", post(sessions::create).get(sessions::list))
        .route(
            session,
            get(sessions::retrieve)
                .post(sessions::update)
                .delete(sessions::delete),
        )
        .route(&format!("{session}/archive"), post(sessions::archive))
        .route(&format!("{session}/fork"), post(sessions::fork))
        .route(
            &format!("{session}/events"),
            post(events::send).get(events::list),
        )
        .route(&format!("{session}/events/stream"), get(stream::open))
        .route("/v1/tools", post(tools::push).get(tools::list))
        .route(tool, get(tools::retrieve))
        .route(&format!("{tool}/versions"), get(tools::versions))
        .route(&format!("{tool}/content"), get(tools::content))
        .route(&format!("{tool}/archive"), post(tools::archive))
        .fallback(|| async { ApiError::new(StatusCode::NOT_FOUND, "no such route") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this route does not support this method",
            )
        })
        .layer(axum::middleware::from_fn_with_state(
            api.clone(),
            envelope::wrap,
        ))
        .with_state(api)
}
