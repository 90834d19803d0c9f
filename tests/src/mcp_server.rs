//! Serves an rmcp handler over Streamable HTTP, to clients of every revision, until the process is asked to stop.
//!
//! For demonstration servers and fixtures; rmcp is never on the gateway's own data path.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

type Http<H> = StreamableHttpService<H, LocalSessionManager>;

/// The command line of a demonstration server.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Address to listen on; port 0 is any free port
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// File that gets the chosen address once the server listens
    #[arg(long)]
    pub ready_file: Option<PathBuf>,
}

/// Serves `handler` at `/mcp` until SIGTERM or Ctrl-C. Clones of it share whatever it keeps.
///
/// # Errors
/// The address cannot be had, or the ready file not be written.
pub async fn run<H: ServerHandler + Clone>(options: Options, handler: H) -> anyhow::Result<()> {
    let listener = TcpListener::bind(options.listen).await.with_context(|| options.listen.to_string())?;
    let address = listener.local_addr()?;
    if let Some(path) = &options.ready_file {
        let partial = path.with_added_extension("partial");
        std::fs::write(&partial, format!("{{\"listen\":\"{address}\"}}\n"))?;
        std::fs::rename(partial, path)?;
    }
    tracing::info!(%address, "serving");
    let stop = CancellationToken::new();
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        () = serve(listener, handler, stop.clone()) => {}
        _ = terminated.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    stop.cancel();
    Ok(())
}

/// Serves `handler` at `/mcp` on a bound socket until `stop`.
pub async fn serve<H: ServerHandler + Clone>(listener: TcpListener, handler: H, stop: CancellationToken) {
    serve_with(StreamableHttpServerConfig::default().disable_allowed_hosts(), listener, handler, stop).await;
}

/// The same as a configuration says.
pub async fn serve_with<H: ServerHandler + Clone>(
    config: StreamableHttpServerConfig,
    listener: TcpListener,
    handler: H,
    stop: CancellationToken,
) {
    let config = config.with_cancellation_token(stop.child_token());
    let sessions = Arc::new(LocalSessionManager::default());
    let service: Http<H> = StreamableHttpService::new(move || Ok(handler.clone()), sessions, config);
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        let Ok((stream, _)) = accepted else { continue };
        let (service, stop) = (service.clone(), stop.clone());
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            if let Err(error) = connection(stream, service).await {
                tracing::debug!(%error, "connection");
            }
        }));
    }
}

async fn connection<H: ServerHandler>(stream: TcpStream, service: Http<H>) -> io::Result<()> {
    let answer = service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        async move {
            match request.uri().path() {
                "/mcp" => Ok::<_, Infallible>(service.handle(request).await),
                _ => Ok(not_found()),
            }
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    builder.serve_connection(TokioIo::new(stream), answer).await.map_err(io::Error::other)
}

fn not_found() -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Empty::new().boxed());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
