//! Where one key set is published, and one question to it: bounded in time and size, no redirect followed, by the dialer that checks every address.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode};
use portolan_config::proto;

use crate::limits::Limits;
use crate::policy;
use crate::upstream::{Deadlines, Upstream, UpstreamConfig, UpstreamError};

/// From a question to its last byte.
const TOTAL: Duration = Duration::from_secs(10);
const AGENT: HeaderValue = HeaderValue::from_static(concat!("portolan/", env!("CARGO_PKG_VERSION")));
const MEDIA: HeaderValue = HeaderValue::from_static("application/jwk-set+json, application/json");

/// A place where an issuer publishes its keys.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name among all of them.
    pub url: Arc<str>,
    upstream: UpstreamConfig,
    target: PathAndQuery,
}

/// Why there is no key set. Never holds the issuer's words or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There was no whole answer.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// An answer, but not the one wanted. Redirects are not followed.
    #[error("the answer's status is {0}")]
    Status(StatusCode),
    /// No key set, or one without a key that could be used.
    #[error("the key set {0}")]
    Unusable(String),
}

impl Fault {
    /// One word for metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Upstream(error) => error.word(),
            Self::Status(_) => "status",
            Self::Unusable(_) => "unusable",
        }
    }
}

impl Source {
    /// Reads where a policy says that the keys are.
    ///
    /// # Errors
    /// What cannot be used of it.
    pub fn parse(published: &proto::PublishedKeys) -> Result<Self, String> {
        let remote = published.remote.as_ref().ok_or("names no host")?;
        Ok(Self {
            url: policy::published_at(published),
            upstream: UpstreamConfig::outside(remote, &published.authority)?,
            target: published.path.parse().map_err(|_| "has no path that could be asked for")?,
        })
    }

    /// How to reach it.
    #[must_use]
    pub(super) fn upstream(&self) -> &UpstreamConfig {
        &self.upstream
    }

    /// Asks once.
    pub(super) async fn fetch(&self, upstream: &Upstream, limits: &Limits) -> Result<Bytes, Fault> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.target.clone().into();
        request.headers_mut().insert(ACCEPT, MEDIA);
        request.headers_mut().insert(USER_AGENT, AGENT);
        let deadlines = Deadlines {
            connect: limits.upstream_connect,
            first_byte: TOTAL,
            total: TOTAL,
            answer_bytes: limits.jwks_bytes,
        };
        let answer = upstream.send(upstream.background(), None, request, &deadlines).await?;
        if answer.status != StatusCode::OK {
            return Err(Fault::Status(answer.status));
        }
        let document = answer.body.bytes().await?;
        policy::check_key_set(&document).map_err(Fault::Unusable)?;
        Ok(document)
    }
}
