//! The admin port: `GET /livez`, `/readyz`, `/metrics`, `/config`. It reads and never changes anything, and it never says a secret.

pub mod readiness;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

pub use self::readiness::{Blocker, Readiness};
use crate::limits::Limits;
use crate::snapshot::Source;
use crate::telemetry::{Metrics, metrics};

/// What `/readyz` says of a gateway that is alone.
const FROM_DISK: &str = "ok: serving the last known good configuration from disk, no operator was reached yet\n";

/// What the admin port shows.
#[derive(Clone)]
pub struct Admin {
    /// Whether the process is ready, and what is missing.
    pub readiness: Readiness,
    /// The counters.
    pub metrics: Metrics,
    /// Where what is served came from.
    pub source: Arc<dyn Fn() -> Source + Send + Sync>,
    /// The body of `/config`, as JSON: what is in force, secrets masked.
    pub config: Arc<dyn Fn() -> Bytes + Send + Sync>,
}

impl Admin {
    /// Serves the socket for as long as it is polled.
    pub async fn serve(self, socket: TcpListener, limits: Limits) {
        let places = Arc::new(Semaphore::new(limits.admin_connections));
        loop {
            // Over the bound a connection waits in the kernel's queue: probes and scrapers come again.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match socket.accept().await {
                Ok((stream, _)) => {
                    let admin = self.clone();
                    let (head, idle) = (limits.head, limits.idle);
                    tokio::spawn(async move {
                        // A scraper that keeps its connection may come back within the idle time; nobody needs one for longer.
                        let _ = tokio::time::timeout(idle, admin.connection(stream, head)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "admin port");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(&self, stream: TcpStream, head: Duration) {
        let service = service_fn(|request: Request<_>| async move { Ok::<_, Infallible>(self.answer(&request)) });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_headers(64)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "admin connection");
        }
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" => match self.readiness.missing() {
                missing if missing.is_empty() && (self.source)() == Source::Disk => text(StatusCode::OK, FROM_DISK),
                missing if missing.is_empty() => text(StatusCode::OK, "ok\n"),
                missing => text(StatusCode::SERVICE_UNAVAILABLE, format!("waiting for: {}\n", missing.join(", "))),
            },
            "/metrics" => page(StatusCode::OK, metrics::CONTENT_TYPE, self.metrics.render()),
            "/config" => page(StatusCode::OK, "application/json", (self.config)()),
            _ => text(StatusCode::NOT_FOUND, "/livez /readyz /metrics /config\n"),
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    page(status, "text/plain; charset=utf-8", body)
}

fn page(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Writes the file that says where a ready process listens: whole or not at all, so that whoever waits for it never reads half of it.
///
/// # Errors
/// The file cannot be written.
pub fn write_ready_file(path: &Path, listen: SocketAddr, admin: SocketAddr) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let partial = path.with_added_extension("partial");
    std::fs::write(&partial, format!("{{\"listen\":\"{listen}\",\"admin\":\"{admin}\"}}\n")).map_err(named)?;
    std::fs::rename(&partial, path).map_err(named)
}

#[cfg(test)]
mod tests;
