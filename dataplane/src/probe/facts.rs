//! What a handshake says of a server, bounded: a server's words reach status and lists of agents, so none of them may be endless.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::mcp::Revision;

const NAME_CHARACTERS: usize = 256;
const INSTRUCTIONS_CHARACTERS: usize = 16 * 1024;
const CAPABILITIES: usize = 32;

/// What a server says of itself in one era.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Introduction {
    /// Revisions of that era which we speak, too.
    pub(super) revisions: Vec<Revision>,
    pub(super) name: String,
    pub(super) version: String,
    /// `None`: it did not get to say.
    pub(super) capabilities: Option<Vec<String>>,
    pub(super) instructions: String,
}

impl Introduction {
    /// Whether `tools/list` is worth asking.
    pub(super) fn may_have_tools(&self) -> bool {
        self.capabilities.as_ref().is_none_or(|capabilities| capabilities.iter().any(|name| name == "tools"))
    }
}

/// The result of `server/discover`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Discovered {
    supported_versions: Vec<String>,
    capabilities: Option<BTreeMap<String, IgnoredAny>>,
    instructions: Option<String>,
}

/// The result of `initialize`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Initialized {
    protocol_version: String,
    capabilities: Option<BTreeMap<String, IgnoredAny>>,
    server_info: Option<Implementation>,
    instructions: Option<String>,
}

/// `data` of an error -32022.
#[derive(Deserialize)]
pub(super) struct Supported {
    supported: Vec<String>,
}

/// `serverInfo`.
#[derive(Default, Deserialize)]
pub(super) struct Implementation {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

impl Discovered {
    pub(super) fn introduction(self, server: Option<Implementation>) -> Introduction {
        let server = server.unwrap_or_default();
        Introduction {
            revisions: known(&self.supported_versions),
            name: cut(server.name, NAME_CHARACTERS),
            version: cut(server.version, NAME_CHARACTERS),
            capabilities: Some(names(self.capabilities)),
            instructions: cut(self.instructions.unwrap_or_default(), INSTRUCTIONS_CHARACTERS),
        }
    }
}

impl Initialized {
    pub(super) fn introduction(self) -> Introduction {
        let server = self.server_info.unwrap_or_default();
        Introduction {
            revisions: known(std::slice::from_ref(&self.protocol_version)),
            name: cut(server.name, NAME_CHARACTERS),
            version: cut(server.version, NAME_CHARACTERS),
            capabilities: Some(names(self.capabilities)),
            instructions: cut(self.instructions.unwrap_or_default(), INSTRUCTIONS_CHARACTERS),
        }
    }
}

impl Supported {
    pub(super) fn revisions(&self) -> Vec<Revision> {
        known(&self.supported)
    }
}

fn known(versions: &[String]) -> Vec<Revision> {
    versions.iter().filter_map(|version| version.parse().ok()).collect()
}

fn names(capabilities: Option<BTreeMap<String, IgnoredAny>>) -> Vec<String> {
    capabilities.into_iter().flatten().map(|(name, _)| cut(name, NAME_CHARACTERS)).take(CAPABILITIES).collect()
}

fn cut(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
    text
}
