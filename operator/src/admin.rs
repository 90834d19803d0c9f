//! The admin port: `GET /livez`, `/readyz`, `/metrics` and `/config`.
//!
//! Reads only. Secrets are shown by name and version, never by content.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{metrics::Metrics, operator::Operator};

/// Longest wait for a request's head.
const HEAD: Duration = Duration::from_secs(5);
/// Connections at a time: probes, a scraper and a person.
const CONNECTIONS: usize = 64;

/// Serves the admin port until `stop`.
pub async fn serve(listener: TcpListener, operator: Operator, metrics: Metrics, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept(), if tasks.len() < CONNECTIONS => accepted,
            () = tokio::time::sleep(Duration::from_millis(100)), if tasks.len() >= CONNECTIONS => continue,
            () = stop.cancelled() => return,
        };
        // Out of file descriptors, most likely: a pause keeps the loop from spinning.
        let Ok((socket, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (operator, metrics, stop) = (operator.clone(), metrics.clone(), stop.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let response = answer(request.method(), request.uri().path(), &operator, &metrics);
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_headers(32)
            .serve_connection(TokioIo::new(socket), service);
        tasks.spawn(async move {
            tokio::select! {
                result = connection => if let Err(error) = result { tracing::debug!(%error, "admin connection") },
                () = stop.cancelled() => {}
            }
        });
    }
}

/// The answer to one request.
fn answer(method: &Method, path: &str, operator: &Operator, metrics: &Metrics) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n");
    }
    match path {
        "/livez" => text(StatusCode::OK, "text/plain", "ok\n"),
        "/readyz" if operator.is_ready() => text(StatusCode::OK, "text/plain", "ok\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "first lists are not done\n"),
        "/metrics" => text(StatusCode::OK, Metrics::CONTENT_TYPE, metrics.render(operator)),
        "/config" => text(StatusCode::OK, "application/json", operator.describe().to_string()),
        _ => text(StatusCode::NOT_FOUND, "text/plain", "/livez /readyz /metrics /config\n"),
    }
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests;
