//! The audit log: one line of JSON for each decision, to a file or to stdout.
//!
//! A worker never waits for it: lines go through a bounded queue, and one that finds it full is lost and counted. Nothing in a line can end it
//! early or speak to a terminal: controls and everything that turns the direction of text are escaped.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::facts::Facts;
use super::metrics::Metrics;

/// Lines gather for this long before they are written: at most fifty wake-ups a second, however many requests there are.
const GATHER: Duration = Duration::from_millis(20);
/// Longest wait for the queue when the process ends.
const FLUSH: Duration = Duration::from_secs(1);

/// Where audit lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Standard output: `-` on the command line.
    Stdout,
    /// A file; lines are added at its end.
    File(PathBuf),
}

impl From<&str> for Sink {
    fn from(text: &str) -> Self {
        if text == "-" { Self::Stdout } else { Self::File(text.into()) }
    }
}

/// The queue to the thread that writes.
#[derive(Clone, Debug)]
pub struct Audit {
    queue: SyncSender<Entry>,
}

#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

impl Audit {
    /// Opens the log; at most `waiting` lines wait to be written.
    ///
    /// # Errors
    /// The file cannot be opened, or no thread be had.
    pub fn open(sink: &Sink, waiting: usize, metrics: Metrics) -> io::Result<Self> {
        let output: Box<dyn Write + Send> = match sink {
            Sink::Stdout => Box::new(io::stdout()),
            Sink::File(path) => Box::new(open(path)?),
        };
        let (queue, entries) = sync_channel(waiting);
        thread::Builder::new().name("audit".to_owned()).spawn(move || write(&entries, output, &metrics))?;
        Ok(Self { queue })
    }

    /// Queues a line, or loses it.
    pub(super) fn write(&self, facts: &Facts, metrics: &Metrics) {
        if self.queue.try_send(Entry::Line(render(facts))).is_err() {
            metrics.audit_dropped();
        }
    }

    /// Waits until what is queued has been written, for a second at most.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.queue.send(Entry::Flush(done)).is_ok() {
            // A disk that hangs must not keep the process.
            let _ = written.recv_timeout(FLUSH);
        }
    }
}

/// Names of callers are personal data: nobody else on the machine needs them.
fn open(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn write(entries: &Receiver<Entry>, output: impl Write, metrics: &Metrics) {
    let mut output = BufWriter::new(output);
    while let Ok(first) = entries.recv() {
        let mut waiting = Vec::new();
        for entry in std::iter::once(first).chain(entries.try_iter()) {
            match entry {
                Entry::Line(line) if output.write_all(&line).is_err() => metrics.audit_dropped(),
                Entry::Line(_) => {}
                Entry::Flush(done) => waiting.push(done),
            }
        }
        if output.flush().is_err() {
            metrics.audit_dropped();
        }
        for done in waiting {
            // Whoever waited may have given up.
            let _ = done.try_send(());
        }
        thread::park_timeout(GATHER);
    }
}

/// The fields, in the order in which people read them. All are always there.
#[derive(Serialize)]
struct Record<'a> {
    time: jiff::Timestamp,
    trace_id: &'a str,
    route: Option<&'a str>,
    server: Option<&'a str>,
    tool: Option<&'a str>,
    method: &'static str,
    principal: Option<String>,
    verdict: &'static str,
    policy: Option<&'a str>,
    rule: Option<&'a str>,
    status: u16,
    code: Option<i64>,
    duration_us: u64,
    generation: i64,
    arguments_digest: Option<String>,
}

/// One decision's line, with its end.
fn render(facts: &Facts) -> Vec<u8> {
    let mut trace = [0; 32];
    let trace_id = hex::encode_to_slice(facts.trace, &mut trace);
    let record = Record {
        time: jiff::Timestamp::now(),
        trace_id: trace_id.ok().and_then(|()| std::str::from_utf8(&trace).ok()).unwrap_or_default(),
        route: facts.route.as_ref().map(|route| &**route.name()),
        server: facts.tool.as_ref().map(|tool| &**tool.server()),
        tool: facts.tool.as_ref().map(|tool| &**tool.tool()),
        method: facts.method.as_str(),
        principal: facts.principal.as_ref().map(ToString::to_string),
        verdict: facts.verdict.as_str(),
        policy: facts.policy.as_deref(),
        rule: facts.rule.as_deref(),
        status: facts.status.as_u16(),
        code: facts.code,
        duration_us: u64::try_from(facts.duration.as_micros()).unwrap_or(u64::MAX),
        generation: facts.generation,
        arguments_digest: facts.arguments.map(|digest| format!("sha256:{}", hex::encode(digest))),
    };
    let mut line = Vec::with_capacity(512);
    // Plain data into a buffer: neither can fail.
    let _ = record.serialize(&mut Serializer::with_formatter(&mut line, Inert));
    line.push(b'\n');
    line
}

/// Compact JSON in which nothing is left that a terminal or a reader of lines obeys: C1 controls, DEL, line and paragraph separators, bidi marks.
struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() && !fragment.contains('\u{7f}') {
            return CompactFormatter.write_string_fragment(writer, fragment);
        }
        for character in fragment.chars() {
            let obeyed = character.is_control()
                || matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if obeyed {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            } else {
                writer.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
