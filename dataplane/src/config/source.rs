//! Where the configuration stream comes from: operators by gRPC, or the operator's core in the same process.

use std::path::Path;

use anyhow::Context as _;
use portolan_config::proto::FromGateway;
use url::Url;

use super::link::Link;
use super::operators::Operators;
use super::tls::Tls;
use crate::followed::Followed;

/// Where a gateway's configuration comes from.
pub enum ConfigSource {
    /// Operators, tried in turn.
    Operators(Operators),
    /// An operator's core in this process: a function that opens a stream to it.
    Core(Box<dyn FnMut() -> Link + Send>),
}

impl ConfigSource {
    /// Operators at these URLs, with the folder of a certificate for those that are `https`.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn operators(urls: &[Url], tls_dir: Option<&Path>) -> anyhow::Result<Self> {
        let tls = tls_dir.map(Tls::load).transpose().context("--tls-dir")?;
        Operators::new(urls, tls).map(Self::Operators)
    }

    /// The files of an encrypted stream.
    pub(crate) fn tls(&self) -> Option<Followed<Tls>> {
        match self {
            Self::Operators(operators) => operators.tls(),
            Self::Core(_) => None,
        }
    }

    /// Opens a stream with `subscribe` as its first message.
    pub async fn open(&mut self, subscribe: FromGateway) -> Result<Link, String> {
        match self {
            Self::Operators(operators) => operators.open(subscribe).await,
            Self::Core(open) => {
                let link = open();
                link.sender.send(subscribe).await.map_err(|_| "the core has stopped".to_owned())?;
                Ok(link)
            }
        }
    }

    /// Whether somebody else is to be tried before there is a pause.
    pub(super) fn has_more(&self) -> bool {
        matches!(self, Self::Operators(operators) if operators.has_more())
    }

    /// Somebody served: the next stream begins with a look at who there is.
    pub(super) fn served(&mut self) {
        if let Self::Operators(operators) = self {
            operators.end_round();
        }
    }
}
