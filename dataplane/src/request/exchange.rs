//! What the phases of one request hand to each other.

use std::sync::Arc;

use http::HeaderMap;

use super::context::Context;
use crate::mcp::seal::Binding;
use crate::policy::Identity;
use crate::snapshot::sessions::Owner;
use crate::snapshot::{Resource, Route, Server, Snapshot};
use crate::telemetry::{Account, Trace};
use crate::upstream::Deadlines;

/// One request under way.
pub struct Exchange<'a> {
    /// What all requests share.
    pub context: Arc<Context>,
    /// The one snapshot that it is judged by.
    pub snapshot: Arc<Snapshot>,
    /// The endpoint.
    pub route: Arc<Route>,
    /// Who calls.
    pub identity: Arc<Identity>,
    /// The worker that serves it.
    pub worker: usize,
    /// The host that it asked for.
    pub host: String,
    /// How the agent addressed us.
    pub resource: Resource,
    /// Its place in a trace.
    pub trace: Trace,
    /// What is written down about it.
    pub account: &'a mut Account,
    /// The request's headers.
    pub headers: HeaderMap,
}

impl Exchange<'_> {
    /// What sealed handles of this exchange are good for: its route and principal alone.
    pub fn binding(&self) -> Binding<'_> {
        Binding { route: self.route.name.as_str(), tenant: &self.route.tenant, principal: self.identity.key() }
    }

    /// Whose sessions on servers are this exchange's.
    pub fn owner(&self) -> Owner {
        (*self.identity.key(), Arc::clone(&self.route.label))
    }

    /// The bound of the body that the route's policy sets.
    pub fn request_bytes(&self) -> Option<u64> {
        self.route.policy.request_bytes()
    }

    /// How long a call may take, and how large its answer may be: the smallest of what the gateway and the policies say.
    pub fn deadlines(&self, server: &Server) -> Deadlines {
        let limits = &self.context.limits;
        let said = [self.route.policy.response_bytes(), server.policy.response_bytes()];
        Deadlines {
            connect: limits.upstream_connect,
            first_byte: limits.upstream_first_byte,
            total: limits.upstream_total,
            answer_bytes: said.into_iter().flatten().fold(limits.response_bytes, u64::min),
        }
    }
}
