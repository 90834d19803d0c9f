//! Where an issuer publishes its keys: answers as it is told, and counts who asks.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// What is answered.
#[derive(Debug, Clone)]
pub enum Keys {
    /// This document.
    Set(String),
    /// This status, with a header, and no document.
    Status(u16, Option<(&'static str, String)>),
    /// Nothing, ever.
    Silence,
}

struct State {
    keys: Mutex<Keys>,
    asked: Mutex<usize>,
}

/// A place where keys are published.
pub struct Published {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl Published {
    /// Publishes this document.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(document: String) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { keys: Mutex::new(Keys::Set(document)), asked: Mutex::default() });
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(|_| answer(&state));
                    // A connection that ends is what tests do.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Self { address, state, serving })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// The `jwks` of a policy that takes the keys from here.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"remote": {"url": self.url()}})
    }

    /// Answers so from now on.
    pub fn answer(&self, keys: Keys) {
        *self.state.keys.lock() = keys;
    }

    /// How often it was asked.
    #[must_use]
    pub fn asked(&self) -> usize {
        *self.state.asked.lock()
    }

    /// Stops it, and breaks its connections.
    pub fn stop(&self) {
        self.serving.abort();
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn answer(state: &State) -> Result<Response<Full<Bytes>>, Infallible> {
    *state.asked.lock() += 1;
    let keys = state.keys.lock().clone();
    let (status, header, body) = match keys {
        Keys::Set(document) => (200, Some(("content-type", "application/json".to_owned())), document),
        Keys::Status(status, header) => (status, header, String::new()),
        Keys::Silence => pending().await,
    };
    let response = Response::builder().status(status);
    let response = match header {
        Some((name, value)) => response.header(name, value),
        None => response,
    };
    Ok(response.body(Full::new(body.into())).unwrap_or_default())
}
