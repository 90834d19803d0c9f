//! One request before one route of one server, for the tests of single phases.

use http::HeaderMap;
use portolan_config::proto;
use tokio::sync::mpsc;

use super::context::EndedSession;
use super::judge::Target;
use super::*;
use crate::drain::Drain;
use crate::followed::Followed;
use crate::limits::Limits;
use crate::mcp::seal::Ring;
use crate::mcp::{Revision, scan};
use crate::policy::Identity;
use crate::snapshot::compile::tests::{catalogue, compiler, route, server, step};
use crate::snapshot::{Compiler, Server};
use crate::telemetry::{Metrics, Telemetry};

pub(super) struct Scene {
    pub(super) context: Arc<Context>,
    pub(super) compiler: Compiler,
    _drain: Drain,
    _ended: mpsc::UnboundedReceiver<EndedSession>,
}

impl Scene {
    /// The tool `search` of a server, which agents call `a_search`.
    pub(super) fn new() -> Self {
        let (sender, ended) = mpsc::unbounded_channel();
        let limits = Limits::default();
        let drain = Drain::new();
        let context = Context::new(context::Parts {
            ring: Followed::fixed(Ring::generate()),
            telemetry: Telemetry::new(Metrics::new(&limits), None),
            limits,
            origins: admit::Origins::default(),
            key_sets: Default::default(),
            drain: drain.signal(),
            ended: sender,
        });
        let mut scene = Self { context, compiler: compiler(), _drain: drain, _ended: ended };
        let mut resources = vec![server("one"), route(&[("one", "a")], proto::Conflict::First)];
        resources.extend(catalogue("one", &["search"]));
        scene.compiler.apply(&step(resources));
        scene.publish();
        scene
    }

    /// Puts in force what the compiler has.
    pub(super) fn publish(&mut self) {
        let snapshot = self.compiler.snapshot();
        self.context.publish(snapshot);
    }

    pub(super) fn server(&self) -> Arc<Server> {
        Arc::clone(self.context.snapshot().server("Server/scm/one").unwrap())
    }

    pub(super) fn target(&self) -> Target {
        Target { index: 0, server: self.server() }
    }

    pub(super) fn account(&self) -> Account {
        self.context.telemetry.account(&Trace::new(None, None), &Method::POST)
    }

    /// A request of somebody with these headers.
    pub(super) fn exchange<'a>(&self, account: &'a mut Account, headers: HeaderMap) -> Exchange<'a> {
        let snapshot = self.context.snapshot();
        Exchange {
            context: Arc::clone(&self.context),
            route: Arc::clone(snapshot.route("any.example", "/mcp").unwrap()),
            snapshot,
            identity: Identity::anonymous(),
            worker: 0,
            host: "any.example".to_owned(),
            resource: Resource { scheme: "http", authority: "any.example".to_owned() },
            trace: Trace::new(None, None),
            account,
            headers,
        }
    }
}

/// A request of an agent that speaks this revision.
pub(super) fn message(body: &'static str, revision: Revision) -> Message {
    let bytes = bytes::Bytes::from_static(body.as_bytes());
    let envelope = scan(&bytes).unwrap();
    Message { bytes, envelope, inbound: Inbound::Request, revision, session: None }
}

/// Bytes of the future that serves a request.
fn size<'a, F, O>(_: F) -> usize
where
    F: FnOnce(&'a Arc<Context>, &'a Connection, Request<Incoming>) -> O,
    O: Future<Output = Response<Body>>,
{
    size_of::<O>()
}

#[test]
fn a_request_under_way_is_small_enough_to_be_moved_about() {
    let size = size(serve);
    assert!(size <= 2560, "{size} bytes: box what takes long");
}
