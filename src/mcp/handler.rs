//! What is answered to one client: which tools there are, and what calling one gave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CustomRequest, CustomResult, ErrorCode,
    Implementation, InitializeRequestParams, InitializeResult, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as McpTool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
use tokio::sync::mpsc;

use super::content;
use super::hands::ClientHands;
use super::progress::{Meter, WAITING_MAX};
use super::tools::{Tool, ToolsError};
use super::{KeyGrants, Tools};
use crate::agent::hands::{OnProgress, ToolCall};
use crate::ids::Ids;

/// Answers one client.
pub(super) struct Handler {
    client: Arc<Client>,
    /// Of this client alone.
    hands: Arc<ClientHands>,
    /// In place of them, as long as the client has not begun a session.
    shared: Option<Arc<dyn Fn() -> Arc<ClientHands> + Send + Sync>>,
    in_session: AtomicBool,
}

/// Who is answered, and with what.
pub(super) struct Client {
    pub(super) tools: Arc<dyn Tools>,
    pub(super) workspace: String,
    pub(super) grants: Arc<KeyGrants>,
    pub(super) ids: Arc<dyn Ids>,
}

impl Client {
    /// New hands, which are nobody else's.
    pub(super) fn hands(&self) -> ClientHands {
        ClientHands::new(
            self.ids.next(super::SESSION_PREFIX),
            self.workspace.clone(),
            Arc::clone(&self.grants),
            Arc::clone(&self.tools),
        )
    }

    /// The tool of this name, if the client may call it.
    async fn tool(&self, name: &str) -> Result<Option<Tool>, ErrorData> {
        if !self.grants.allows_tool(name) {
            return Ok(None);
        }
        self.tools
            .find(&self.workspace, name)
            .await
            .map_err(refused)
    }
}

impl Handler {
    /// With hands of its own.
    pub(super) fn new(client: Arc<Client>) -> Handler {
        Handler {
            hands: Arc::new(client.hands()),
            client,
            shared: None,
            in_session: AtomicBool::new(false),
        }
    }

    /// With hands of its own once the client has begun a session; requests without one use the hands that `shared` gives.
    pub(super) fn with_shared(
        client: Arc<Client>,
        shared: Arc<dyn Fn() -> Arc<ClientHands> + Send + Sync>,
    ) -> Handler {
        Handler {
            shared: Some(shared),
            ..Handler::new(client)
        }
    }

    fn hands(&self) -> Arc<ClientHands> {
        match &self.shared {
            Some(shared) if !self.in_session.load(Ordering::Relaxed) => shared(),
            _ => Arc::clone(&self.hands),
        }
    }

    /// Its own hands, when nobody uses them any more.
    pub(super) fn into_hands(self) -> Option<ClientHands> {
        Arc::into_inner(self.hands)
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("glovebox", env!("CARGO_PKG_VERSION")))
            .with_instructions(
                "Tools that run in a sandbox of your own: files under /workspace, and no host of the network unless it was granted.",
            )
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.in_session.store(true, Ordering::Relaxed);
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let client = &self.client;
        let page = client
            .tools
            .list(&client.workspace, cursor.as_deref())
            .await;
        let page = page.map_err(refused)?;
        let allowed = page
            .tools
            .iter()
            .filter(|tool| client.grants.allows_tool(&tool.name));
        let mut result = ListToolsResult::with_all_items(allowed.map(definition).collect());
        result.next_cursor = page.next;
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        let Some(tool) = self.client.tool(name).await? else {
            let message = format!("unknown tool {name:?}: see tools/list");
            return Err(ErrorData::invalid_params(message, None));
        };
        let id = self.client.ids.next("call");
        let input = Value::Object(request.arguments.unwrap_or_default());
        let hands = self.hands();
        let (sender, mut reports) = mpsc::channel(WAITING_MAX);
        let mut meter = context.meta.get_progress_token().map(Meter::new);
        let on_progress: Option<OnProgress> = meter
            .is_some()
            .then(|| Arc::new(move |report| drop(sender.try_send(report))) as OnProgress);
        let call = hands.call(ToolCall {
            id: &id,
            tool: name,
            input: &input,
            on_progress: on_progress.as_ref(),
            cancelled: Some(&context.ct),
            allowance: None,
            pushed: tool.pushed.as_deref(),
        });
        let mut call = std::pin::pin!(call);
        let result = loop {
            tokio::select! {
                Some(report) = reports.recv() => {
                    if let Some(meter) = &mut meter {
                        // A client that has gone away is noticed by the transport.
                        drop(context.peer.notify_progress(meter.next(report)).await);
                    }
                }
                result = &mut call => break result,
            }
        };
        if let Some(meter) = &mut meter {
            while let Ok(report) = reports.try_recv() {
                drop(context.peer.notify_progress(meter.next(report)).await);
            }
        }
        let result = result.map_err(internal)?;
        tracing::info!(
            tool = name,
            id,
            is_error = result.is_error,
            "tool called over MCP"
        );
        Ok(content::result(result, &id).into())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // What is one of ours and came here has parameters that do not fit.
        Err(if request.method == "tools/call" {
            ErrorData::invalid_params(
                "tools/call: needs `name`, a string, and `arguments`, an object",
                None,
            )
        } else {
            let message = format!("no method {:?}", request.method);
            ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None)
        })
    }
}

fn definition(tool: &Tool) -> McpTool {
    let schema = tool.input_schema.as_object().cloned().unwrap_or_default();
    let mut annotations = ToolAnnotations::new()
        .read_only(tool.reach.read_only)
        .destructive(!tool.reach.read_only);
    annotations.open_world_hint = tool.reach.open_world;
    McpTool::new(tool.name.clone(), tool.text.clone(), schema).with_annotations(annotations)
}

fn refused(error: ToolsError) -> ErrorData {
    match error {
        ToolsError::BadCursor => ErrorData::invalid_params(error.to_string(), None),
        ToolsError::Failed(_) => internal(error),
    }
}

/// The client is told that it is not its fault, the log says why.
fn internal(error: impl std::error::Error) -> ErrorData {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    tracing::error!(error = text, "an MCP request failed");
    ErrorData::internal_error("internal server error", None)
}
