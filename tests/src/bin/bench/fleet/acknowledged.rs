//! A process's log as it grows: when it says what. The times are the log's own, so looking for them costs a measurement nothing.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::bail;
use k8s_openapi::jiff::Timestamp;
use portolan_tests::process::Process;

/// Longest wait for a line.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(3);

/// The log of one process.
pub struct Log {
    file: PathBuf,
    read: u64,
    rest: String,
}

/// A line and its time.
pub struct Line {
    /// When it was written.
    pub at: Timestamp,
    /// All of it.
    pub text: String,
}

/// The time as logs tell it.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// From one to the other; nothing where it is before.
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

impl Log {
    /// From its beginning.
    pub fn of(process: &Process) -> Self {
        Self { file: process.stderr_file(), read: 0, rest: String::new() }
    }

    /// The lines that are new.
    pub fn lines(&mut self) -> anyhow::Result<Vec<Line>> {
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.read))?;
        self.read += file.read_to_string(&mut self.rest)? as u64;
        let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
        let rest = self.rest.split_off(whole);
        let whole = std::mem::replace(&mut self.rest, rest);
        Ok(whole.lines().filter_map(line).collect())
    }

    /// From `began` to the first line after it that holds `text`.
    pub async fn until(&mut self, began: Timestamp, text: &str) -> anyhow::Result<Duration> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let found = self.lines()?.into_iter().find(|line| line.at > began && line.text.contains(text));
            if let Some(line) = found {
                return Ok(between(began, line.at));
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("no line says {text:?}")
    }
}

/// An operator's lines begin with their time, a gateway's are JSON and have it in the first field.
fn line(text: &str) -> Option<Line> {
    let time = text.strip_prefix(r#"{"timestamp":""#).unwrap_or(text);
    let end = time.find(['"', ' '])?;
    Some(Line { at: time[..end].parse().ok()?, text: text.to_owned() })
}
