//! Workers: one thread, one runtime, one socket each, and nothing between them but atomics.
//!
//! A worker that dies takes the process with it: half a gateway looks healthy and is not.

use std::future::pending;
use std::io;
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use tokio::sync::mpsc;

use crate::listener::{Listener, Service};

/// The threads that serve.
#[derive(Debug)]
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
    ended: mpsc::UnboundedReceiver<Ended>,
    left: usize,
}

/// How one worker ended: as asked, or why not.
type Ended = Result<(), String>;

impl Workers {
    /// Starts one worker for each socket; `listener` makes what the worker of that number serves with.
    ///
    /// # Errors
    /// A thread or its runtime cannot be had.
    pub fn start<S: Service>(
        sockets: Vec<TcpListener>,
        mut listener: impl FnMut(usize) -> Listener<S>,
    ) -> anyhow::Result<Self> {
        let (sender, ended) = mpsc::unbounded_channel();
        let mut threads = Vec::with_capacity(sockets.len());
        for (number, socket) in sockets.into_iter().enumerate() {
            let (listener, last) = (listener(number), LastWords { sender: sender.clone(), words: None });
            let body = move || last.are(run(listener, socket).map_err(|error| format!("worker {number}: {error}")));
            threads.push(thread::Builder::new().name(format!("worker-{number}")).spawn(body).context("worker")?);
        }
        Ok(Self { left: threads.len(), threads, ended })
    }

    /// Waits until all have ended as asked.
    ///
    /// # Errors
    /// The first that ended otherwise; the others may still run, and the process should end.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        while self.left > 0 {
            match self.ended.recv().await {
                Some(Ok(())) => self.left -= 1,
                Some(Err(why)) => return Err(anyhow!(why)),
                None => return pending().await,
            }
        }
        for thread in self.threads.drain(..) {
            // It has said its last words; joining frees it.
            let _ = thread.join();
        }
        Ok(())
    }
}

fn run<S: Service>(listener: Listener<S>, socket: TcpListener) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let drain = listener.drain.clone();
        listener.serve(socket).await?;
        // The connections are tasks of this runtime: it lives until they have ended or are cut.
        drain.reached(crate::drain::Phase::Stopping).await;
        Ok(())
    })
}

/// Sent whatever happens to the thread, a panic included.
struct LastWords {
    sender: mpsc::UnboundedSender<Ended>,
    words: Option<Ended>,
}

impl LastWords {
    fn are(mut self, words: Ended) {
        self.words = Some(words);
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        let words = self.words.take().unwrap_or_else(|| Err("a worker panicked".to_owned()));
        // Nobody listens when the process is already ending.
        let _ = self.sender.send(words);
    }
}

#[cfg(test)]
mod tests;
