//! Clients of both eras that call all the time, on any gateway, now and then where they must not; nothing is repeated, and everything is written down.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use fastrand::Rng;
use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    ledger::{Asked, Call, Outcome, Place, traceparent},
    servers::TOOLS,
};
use crate::{
    agent::Agent,
    request::{LEGACY, Reply, Request},
};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two calls of one client (milliseconds).
const PACE: std::ops::Range<u64> = 50..250;
/// Calls after which a session is ended and another one opened.
const SESSION: u32 = 25;
/// One call of so many goes where the client has no business,
const TRESPASS: u32 = 12;
/// and one of so many is left while it is under way (milliseconds).
const LEAVE: u32 = 15;
const LEAVES: std::ops::Range<u64> = 5..150;

/// What a tenant's clients know.
#[derive(Debug, Clone)]
pub struct Door {
    /// The path of its route.
    pub path: String,
    /// Its principal's token.
    pub token: String,
}

/// What all clients share: whom they call, and the ledger.
pub struct Desk {
    /// When the run began.
    pub clock: Instant,
    /// Every gateway.
    pub gateways: Vec<SocketAddr>,
    /// Every tenant.
    pub doors: Vec<Door>,
    /// Every server.
    pub servers: Vec<Place>,
    begun: AtomicU64,
    calls: Mutex<Vec<Call>>,
}

impl Desk {
    /// A desk with an empty ledger.
    #[must_use]
    pub fn new(clock: Instant, gateways: Vec<SocketAddr>, doors: Vec<Door>, servers: Vec<Place>) -> Arc<Self> {
        Arc::new(Self { clock, gateways, doors, servers, begun: AtomicU64::new(0), calls: Mutex::default() })
    }

    /// The ledger: calls that were begun, and those that ended.
    #[must_use]
    pub fn ledger(&self) -> (u64, Vec<Call>) {
        (self.begun.load(Ordering::SeqCst), self.calls.lock().clone())
    }
}

/// One client.
pub struct Client {
    desk: Arc<Desk>,
    name: String,
    tenant: usize,
    legacy: bool,
    session: Option<String>,
    /// Calls of its session.
    used: u32,
    rng: Rng,
}

impl Client {
    /// A client of a tenant.
    #[must_use]
    pub fn new(desk: &Arc<Desk>, name: String, tenant: usize, legacy: bool, seed: u64) -> Self {
        Self { desk: Arc::clone(desk), name, tenant, legacy, session: None, used: 0, rng: Rng::with_seed(seed) }
    }

    /// Calls until it is stopped, and gives itself back.
    pub async fn work(mut self, stop: CancellationToken) -> Self {
        loop {
            let pause = Duration::from_millis(self.rng.u64(PACE));
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return self;
            }
            let gateway = self.rng.usize(..self.desk.gateways.len());
            let (trespasses, tool) = (self.rng.u32(..TRESPASS) == 0, TOOLS[usize::from(self.rng.u32(..4) == 0)]);
            let route = if trespasses { (self.tenant + 1) % self.desk.doors.len() } else { self.tenant };
            let servers: Vec<usize> = self.servers_of(route);
            let server = servers[self.rng.usize(..servers.len())];
            let leaves = self.rng.u32(..LEAVE) == 0;
            let leaves = leaves.then(|| Duration::from_millis(self.rng.u64(LEAVES)));
            self.call(gateway, route, server, tool, leaves).await;
        }
    }

    /// Every server of its tenant on every gateway, each called once, in sessions that are new. What was no success.
    pub async fn calls_everything(&mut self) -> Vec<String> {
        let mut failures = Vec::new();
        for gateway in 0..self.desk.gateways.len() {
            self.session = None;
            for server in self.servers_of(self.tenant) {
                match self.call(gateway, self.tenant, server, TOOLS[0], None).await {
                    Some(Outcome::Success) => {}
                    other => failures.push(format!("{} on gateway-{gateway}, server {server}: {other:?}", self.name)),
                }
            }
        }
        failures
    }

    fn servers_of(&self, tenant: usize) -> Vec<usize> {
        let all = self.desk.servers.iter().enumerate();
        all.filter(|(_, place)| place.tenant == tenant).map(|(number, _)| number).collect()
    }

    /// Calls a tool, in a session if it is an older client, and may leave before the answer; `None` where it got no session.
    async fn call(
        &mut self,
        gateway: usize,
        route: usize,
        server: usize,
        tool: &str,
        leaves: Option<Duration>,
    ) -> Option<Outcome> {
        if self.legacy {
            self.keep_session(gateway).await?;
        }
        let agent = self.agent(gateway, route);
        let tool = format!("{}_{tool}", self.desk.servers[server].name);
        let calling = |id: u64| agent.calling(&tool, &format!(r#"{{"text":"{id}"}}"#));
        let calls = self.attempt(gateway, route, Asked::Call(server), leaves, calling);
        let (_, outcome) = calls.await;
        self.used += 1;
        let lost = match &outcome {
            Outcome::Refused { status, .. } => *status == 404 && route == self.tenant,
            Outcome::Failed(text) => text.contains("a new session will have it"),
            _ => false,
        };
        if lost {
            self.session = None;
        }
        Some(outcome)
    }

    /// Sees to it that there is a session, and that it is not too old.
    async fn keep_session(&mut self, gateway: usize) -> Option<()> {
        let own = self.tenant;
        if self.session.is_some() && self.used >= SESSION {
            let agent = self.agent(gateway, own);
            let end = Request::get(&agent.path).by(http::Method::DELETE).token(agent.token.as_deref());
            let end = end.with("mcp-session-id", agent.session.as_deref().unwrap_or_default());
            self.attempt(gateway, own, Asked::Delete, None, |_| end).await;
            self.session = None;
        }
        if self.session.is_none() {
            let agent = self.agent(gateway, own);
            let request = Request::initialize(&agent.path, LEGACY).token(agent.token.as_deref());
            let (reply, outcome) = self.attempt(gateway, own, Asked::Initialize, None, |_| request).await;
            let session = reply.as_ref().and_then(|reply| reply.header("mcp-session-id"));
            self.session = session.filter(|_| outcome == Outcome::Success).map(str::to_owned);
            self.used = 0;
            let agent = self.agent(gateway, own);
            agent.session.as_ref()?;
            let said = agent.request("notifications/initialized", "{}").edit(r#""id":1,"#, "");
            self.attempt(gateway, own, Asked::Initialized, None, |_| said).await;
        }
        Some(())
    }

    /// Itself in front of a route, with its own token and session.
    fn agent(&self, gateway: usize, route: usize) -> Agent {
        Agent {
            address: self.desk.gateways[gateway],
            path: self.desk.doors[route].path.clone(),
            token: Some(self.desk.doors[self.tenant].token.clone()),
            session: self.session.clone(),
        }
    }

    /// One attempt, in the ledger from its beginning to its end.
    async fn attempt(
        &self,
        gateway: usize,
        route: usize,
        asked: Asked,
        leaves: Option<Duration>,
        request: impl FnOnce(u64) -> Request,
    ) -> (Option<Reply>, Outcome) {
        let id = self.desk.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let request = request(id).with("traceparent", traceparent(id));
        let began = self.desk.clock.elapsed();
        let sent = tokio::time::timeout(leaves.unwrap_or(PATIENCE), request.send(self.desk.gateways[gateway])).await;
        let (reply, outcome) = match sent {
            Err(_) if leaves.is_some() => (None, Outcome::Left),
            Err(_) => (None, Outcome::Silence),
            Ok(Err(error)) => (None, Outcome::Broken(format!("{error:#}"))),
            Ok(Ok(reply)) => {
                let outcome = outcome(&reply, &asked, self.expected(&asked, id));
                (Some(reply), outcome)
            }
        };
        let (client, principal) = (self.name.clone(), self.tenant);
        let ended = self.desk.clock.elapsed();
        let call = Call { id, client, principal, route, gateway, asked, began, ended, outcome: outcome.clone() };
        self.desk.calls.lock().push(call);
        (reply, outcome)
    }

    fn expected(&self, asked: &Asked, id: u64) -> String {
        match asked {
            Asked::Call(server) => format!("{} {id}", self.desk.servers[*server].name),
            _ => String::new(),
        }
    }
}

/// What an answer is to a client that asked for this and expects this text.
fn outcome(reply: &Reply, asked: &Asked, expected: String) -> Outcome {
    let status = reply.status.as_u16();
    let message: Value = serde_json::from_str(&reply.message_text()).unwrap_or_default();
    let (result, code) = (&message["result"], message["error"]["code"].as_i64());
    let streamed = reply.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let succeeds = match asked {
        Asked::Call(_) => status == 200 && result["isError"] != true && text == expected,
        Asked::Initialize => status == 200 && reply.header("mcp-session-id").is_some(),
        Asked::Initialized => status == 202,
        Asked::Delete => status == 204,
    };
    if succeeds {
        Outcome::Success
    } else if status == 200 && result["isError"] == true {
        Outcome::Failed(text.to_owned())
    } else if status == 200 && code == Some(-31403) && streamed {
        // In a stream that was open already: before, a call is refused in another way.
        Outcome::Withdrawn
    } else if code.is_some() || status >= 400 {
        let words = message["error"]["message"].as_str().map_or_else(|| reply.text(), str::to_owned);
        Outcome::Refused { status, code, text: words.chars().take(120).collect() }
    } else {
        Outcome::Wrong(format!("{status} {}", reply.text().chars().take(200).collect::<String>()))
    }
}

#[cfg(test)]
mod tests;
