//! The MCP servers of a run: each writes down what really ran, and does to its callers what it is told.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{
    ledger::{Place, Run, id_of_trace},
    schedule::{Mood, SERVERS},
};
use crate::recorder::{Answer, Recorder, Seen, Speaks, tool};

/// The tools of every server: the first is always on show and answers with a message, the second is what edits hide and answers with events.
pub const TOOLS: [&str; 2] = ["note", "more"];

/// How long they take at most: faults shall find calls under way.
const QUICK: Duration = Duration::from_millis(50);
const SLOW: Duration = Duration::from_millis(300);
/// What a server may say while it works.
const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"working"}}"#;

/// Name, tenant and eras of each.
const KINDS: [(&str, usize, Speaks); SERVERS] =
    [("alpha", 0, Speaks::Both), ("beta", 0, Speaks::Modern), ("gamma", 1, Speaks::Legacy), ("delta", 1, Speaks::Both)];

/// All of them, and their ledger.
pub struct Servers {
    servers: Vec<Recorder>,
    runs: Arc<Mutex<Vec<Run>>>,
}

impl Servers {
    /// Starts them; what runs is dated from `clock`.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(clock: Instant) -> anyhow::Result<Self> {
        let (mut servers, runs) = (Vec::new(), Arc::new(Mutex::new(Vec::new())));
        for (number, (name, _, speaks)) in KINDS.into_iter().enumerate() {
            let ledger = Arc::clone(&runs);
            let witness = move |seen: &Seen| ledger.lock().push(run(seen, number, clock));
            let server = Recorder::witnessed(speaks, &TOOLS.map(tool), Box::new(witness)).await?;
            server.answer(TOOLS[0], Answer::Late(QUICK, Box::new(Answer::Json(echo(name)))));
            server.answer(TOOLS[1], Answer::Trickle(SLOW, vec![NOTE.to_owned(), echo(name)]));
            servers.push(server);
        }
        Ok(Self { servers, runs })
    }

    /// What they are.
    #[must_use]
    pub fn places() -> Vec<Place> {
        KINDS.map(|(name, tenant, _)| Place { name: name.to_owned(), tenant }).to_vec()
    }

    /// The URL of each.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Recorder::url).collect()
    }

    /// One is so from now on; `None` brings it to its senses.
    pub fn be(&self, server: usize, mood: Option<Mood>) {
        let answer = match mood {
            None => None,
            Some(Mood::Resets) => Some(Answer::Reset),
            Some(Mood::Hangs) => Some(Answer::Hang),
            Some(Mood::Halves) => Some(Answer::Cut),
            Some(Mood::Floods) => Some(Answer::Flood),
            Some(Mood::Restarts) => return self.servers[server].restart(),
        };
        self.servers[server].suffer(answer);
    }

    /// What ran so far.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.runs.lock().clone()
    }
}

/// The answer that only this server gives, and only to this call.
fn echo(server: &str) -> String {
    let content = format!(r#"[{{"type":"text","text":"{server} $TEXT"}}]"#);
    format!(r#"{{"jsonrpc":"2.0","id":$ID,"result":{{"resultType":"complete","content":{content}}}}}"#)
}

/// A call without an id of ours has the id 0, which is nobody's.
fn run(seen: &Seen, server: usize, clock: Instant) -> Run {
    let id = seen.json()["params"]["arguments"]["text"].as_str().and_then(|text| text.parse().ok());
    let trace = seen.header("traceparent");
    let trace = trace.split('-').nth(1).and_then(id_of_trace);
    Run { id: id.unwrap_or_default(), trace: trace.unwrap_or_default(), server, at: clock.elapsed() }
}
