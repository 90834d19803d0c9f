//! A real MCP server, on rmcp: both eras, or one of them, in this process on a free port.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, DiscoverResult, Implementation,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion, ServerCapabilities,
    ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{MaybeSendFuture, RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::recorder::Speaks;

/// A running server. Its tools: `echo`, `add`, `slow`, `fail`, `structured`, `progress`, `count` (per session), `wipe` (destructive).
pub struct Fixture {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    cancelled: AtomicUsize,
    sessions: AtomicU64,
    counters: Mutex<HashMap<u64, u64>>,
}

/// One session's handler; a modern request has one of its own.
struct Handler {
    speaks: Speaks,
    session: u64,
    shared: Arc<Shared>,
}

impl Fixture {
    /// Starts a server.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(speaks: Speaks) -> anyhow::Result<Self> {
        Self::start_at(([127, 0, 0, 1], 0).into(), speaks).await
    }

    /// Starts a server at an address: where one was that has stopped, or not on loopback.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn start_at(address: SocketAddr, speaks: Speaks) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let (handlers, config) = (Arc::clone(&shared), StreamableHttpServerConfig::default());
        let service = StreamableHttpService::new(
            move || {
                let session = handlers.sessions.fetch_add(1, Ordering::Relaxed);
                Ok(Handler { speaks, session, shared: Arc::clone(&handlers) })
            },
            Arc::new(LocalSessionManager::default()),
            config
                .disable_allowed_hosts()
                .with_legacy_session_mode(speaks != Speaks::Sessionless)
                .with_json_response(true),
        );
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                connections.spawn(async move {
                    let connection =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    // A connection that ends is what tests do.
                    let _ = connection.await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, shared, serving })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Calls of `slow` that are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.running.load(Ordering::SeqCst)
    }

    /// Calls of `slow` that were cancelled.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.shared.cancelled.load(Ordering::SeqCst)
    }

    /// Stops it, and breaks its connections.
    pub fn stop(&self) {
        self.serving.abort();
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop();
    }
}

fn tool(name: &'static str, properties: &Value, annotations: Option<ToolAnnotations>) -> Tool {
    let schema = json!({"type": "object", "properties": properties});
    let schema = schema.as_object().cloned().unwrap_or_default();
    let tool = Tool::new(name, format!("The tool {name}."), Arc::new(schema));
    match annotations {
        Some(annotations) => tool.with_annotations(annotations),
        None => tool,
    }
}

fn tools() -> Vec<Tool> {
    let read_only = ToolAnnotations::new().read_only(true).destructive(false);
    vec![
        tool("echo", &json!({"text": {"type": "string"}}), Some(read_only)),
        tool("add", &json!({"a": {"type": "number"}, "b": {"type": "number"}}), None),
        tool("slow", &json!({"milliseconds": {"type": "integer"}}), None),
        tool("fail", &json!({}), None),
        tool("structured", &json!({}), None),
        tool("progress", &json!({"steps": {"type": "integer"}}), None),
        tool("count", &json!({}), None),
        tool("wipe", &json!({}), Some(ToolAnnotations::new().read_only(false).destructive(true))),
    ]
}

/// A call that runs, and was cancelled if it is dropped before its end.
struct Running(Arc<Shared>, bool);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Handler {
    async fn run(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let text = |text: String| Ok(CallToolResult::success(vec![ContentBlock::text(text)]));
        match &*request.name {
            "echo" => text(arguments["text"].as_str().unwrap_or_default().to_owned()),
            "add" => text(
                (arguments["a"].as_f64().unwrap_or_default() + arguments["b"].as_f64().unwrap_or_default()).to_string(),
            ),
            "slow" => self.slow(arguments["milliseconds"].as_u64().unwrap_or(60_000), context).await,
            "fail" => Ok(CallToolResult::error(vec![ContentBlock::text("it failed, as it was asked to")])),
            "structured" => Ok(CallToolResult::structured(json!({"unit": "m", "value": 3}))),
            "progress" => self.progress(arguments["steps"].as_u64().unwrap_or(3), context).await,
            "count" => {
                let mut counters = self.shared.counters.lock();
                let counter = counters.entry(self.session).or_default();
                *counter += 1;
                text(counter.to_string())
            }
            "wipe" => text("wiped".to_owned()),
            _ => Err(ErrorData::invalid_params("no such tool", None)),
        }
    }

    async fn slow(&self, milliseconds: u64, context: RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        let mut running = Running(Arc::clone(&self.shared), false);
        tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_millis(milliseconds)) => running.1 = true,
            () = context.ct.cancelled() => {}
        }
        Ok(CallToolResult::success(vec![ContentBlock::text("slowly done")]))
    }

    async fn progress(&self, steps: u64, context: RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
        if let Some(token) = context.meta.get_progress_token() {
            for step in 1..=steps {
                let progress = f64::from(u32::try_from(step).unwrap_or(u32::MAX));
                // Nobody may listen any more.
                let _ = context.peer.notify_progress(ProgressNotificationParam::new(token.clone(), progress)).await;
            }
        }
        Ok(CallToolResult::success(vec![ContentBlock::text("all steps done")]))
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("fixture", "1.0.0"))
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        match self.speaks {
            Speaks::Modern => Cow::Borrowed(&[ProtocolVersion::V_2026_07_28]),
            Speaks::Legacy | Speaks::Sessionless => {
                Cow::Borrowed(&[ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2025_06_18])
            }
            Speaks::Both => Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS),
        }
    }

    fn discover(
        &self,
        _: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<DiscoverResult, ErrorData>> + MaybeSendFuture + '_ {
        std::future::ready(match self.speaks {
            Speaks::Legacy | Speaks::Sessionless => {
                Err(ErrorData::new(rmcp::model::ErrorCode::METHOD_NOT_FOUND, "Method not found", None))
            }
            Speaks::Modern | Speaks::Both => {
                Ok(DiscoverResult::from_server_info(self.supported_protocol_versions().into_owned(), self.get_info()))
            }
        })
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.run(request, context).await.map(CallToolResponse::Complete)
    }
}
