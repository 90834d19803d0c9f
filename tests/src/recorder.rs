//! An MCP server that writes down every byte it is sent and answers as it is told: it proves what went upstream, and that nothing did.

mod answer;
mod serve;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub use self::answer::{Answer, RESULT};
use crate::eventually::eventually;
use crate::request::LEGACY;

/// The revisions that a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// 2026-07-28 only.
    Modern,
    /// 2025-11-25, with session ids.
    Legacy,
    /// 2025-11-25, without session ids.
    Sessionless,
    /// Both; with session ids for 2025-11-25.
    Both,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its method.
    pub method: Method,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte.
    pub body: Bytes,
}

/// As much of a message as says what it asks for.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    method: String,
}

impl Seen {
    /// The message; null where there is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The message's method.
    #[must_use]
    pub fn rpc(&self) -> String {
        // Not through `json`: no `Value` holds every number that a test may send.
        serde_json::from_slice::<Asked>(&self.body).unwrap_or_default().method
    }

    /// A header, empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
    }

    /// Everything that was sent, for a search.
    #[must_use]
    pub fn everything(&self) -> String {
        format!("{} {:?} {}", self.method, self.headers, self.text())
    }
}

/// What the connections share with the test.
struct State {
    speaks: Speaks,
    tools: Mutex<Vec<String>>,
    answers: Mutex<HashMap<String, Answer>>,
    seen: Mutex<Vec<Seen>>,
    sessions: Mutex<Vec<String>>,
    gone: Mutex<usize>,
    initialize: Mutex<Option<Answer>>,
    agrees: Mutex<String>,
    gate: watch::Sender<bool>,
    suffers: Mutex<Option<Answer>>,
    witness: Option<Witness>,
    lives: watch::Sender<u64>,
}

/// Who is told of each call that runs.
pub type Witness = Box<dyn Fn(&Seen) + Send + Sync>;

/// A server.
pub struct Recorder {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

impl Recorder {
    /// Starts a server with these tools, each the text of its definition (see [`tool`]).
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(speaks: Speaks, tools: &[String]) -> anyhow::Result<Self> {
        Self::start_with(speaks, tools, None).await
    }

    /// The same, for more calls than anybody would keep: `witness` is told of each that runs, and nothing is kept. Connections that it closes
    /// are reset.
    ///
    /// # Errors
    /// There is no port.
    pub async fn witnessed(speaks: Speaks, tools: &[String], witness: Witness) -> anyhow::Result<Self> {
        Self::start_with(speaks, tools, Some(witness)).await
    }

    async fn start_with(speaks: Speaks, tools: &[String], witness: Option<Witness>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            speaks,
            tools: Mutex::new(tools.to_vec()),
            answers: Mutex::default(),
            seen: Mutex::default(),
            sessions: Mutex::default(),
            gone: Mutex::default(),
            initialize: Mutex::default(),
            agrees: Mutex::new(LEGACY.to_owned()),
            gate: watch::channel(false).0,
            suffers: Mutex::default(),
            witness,
            lives: watch::channel(0).0,
        });
        let serving = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { address, state, serving })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// From now on, calls of a tool are answered so.
    pub fn answer(&self, tool: &str, answer: Answer) {
        self.state.answers.lock().insert(tool.to_owned(), answer);
    }

    /// From now on, `initialize` is answered so.
    pub fn answer_initialize(&self, answer: Answer) {
        *self.state.initialize.lock() = Some(answer);
    }

    /// From now on, `initialize` settles on this revision.
    pub fn agree_on(&self, revision: &str) {
        revision.clone_into(&mut self.state.agrees.lock());
    }

    /// From now on, these are its tools.
    pub fn set_tools(&self, tools: &[String]) {
        *self.state.tools.lock() = tools.to_vec();
    }

    /// From now on, every request is answered so, calls after they ran; `None` ends it.
    pub fn suffer(&self, answer: Option<Answer>) {
        *self.state.suffers.lock() = answer;
    }

    /// Is another process all of a sudden: its connections are broken and its sessions lost.
    pub fn restart(&self) {
        self.lose_sessions();
        self.state.lives.send_modify(|life| *life += 1);
    }

    /// Lets every [`Answer::Gated`] go.
    pub fn open_gate(&self) {
        self.state.gate.send_replace(true);
    }

    /// All that was sent so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().clone()
    }

    /// The messages of one method that were sent so far.
    #[must_use]
    pub fn saw(&self, method: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.rpc() == method).collect()
    }

    /// Waits until a message of a method was sent.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn sees(&self, method: &str) -> Seen {
        eventually(&format!("the server is sent {method}"), async || self.saw(method).pop()).await
    }

    /// Forgets what was sent so far: what a gateway asks of its own when it starts is no answer to a test.
    pub fn forget(&self) {
        self.state.seen.lock().clear();
    }

    /// Loses its sessions, as a server does that was restarted.
    pub fn lose_sessions(&self) {
        self.state.sessions.lock().clear();
    }

    /// Exchanges that the other side broke off before the answer was complete.
    #[must_use]
    pub fn gone(&self) -> usize {
        *self.state.gone.lock()
    }

    /// Stops: its port is closed and every connection broken.
    pub fn stop(&self) {
        self.serving.abort();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    let mut lives = state.lives.subscribe();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let _ = stream.set_nodelay(true);
                if state.witness.is_some() {
                    let _ = stream.set_zero_linger();
                }
                connections.spawn(serve::connection(stream, Arc::clone(&state)));
                while connections.try_join_next().is_some() {}
            }
            // The state holds the sender.
            _ = lives.changed() => connections.abort_all(),
        }
    }
}

/// The definition of a tool that takes a text.
#[must_use]
pub fn tool(name: &str) -> String {
    tool_with(name, "")
}

/// The same with further members, each followed by a comma.
#[must_use]
pub fn tool_with(name: &str, members: &str) -> String {
    format!(
        r#"{{"name":"{name}",{members}"description":"The tool {name}.","inputSchema":{{"type":"object","properties":{{"text":{{"type":"string"}}}}}}}}"#
    )
}
