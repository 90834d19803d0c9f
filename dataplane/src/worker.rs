//! Workers: one thread, one runtime, one socket each, and nothing between them but atomics. Or all in one runtime on one socket, whose threads take
//! over each other's tasks.
//!
//! A worker that dies takes the process with it: half a gateway looks healthy and is not.

use std::future::pending;
use std::io;
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use crate::drain::Phase;
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
    /// Starts a runtime of so many threads for each socket; `listener` makes what the runtime of that number serves with.
    ///
    /// # Errors
    /// A thread or its runtime cannot be had.
    pub fn start<S: Service>(
        sockets: Vec<TcpListener>,
        threads_each: usize,
        mut listener: impl FnMut(usize) -> Listener<S>,
    ) -> anyhow::Result<Self> {
        let (sender, ended) = mpsc::unbounded_channel();
        let mut threads = Vec::with_capacity(sockets.len());
        for (number, socket) in sockets.into_iter().enumerate() {
            let (listener, last) = (listener(number), LastWords { sender: sender.clone(), words: None });
            let body = move || {
                let ended = run(listener, socket, threads_each);
                last.are(ended.map_err(|error| format!("worker {number}: {error}")));
            };
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

fn run<S: Service>(listener: Listener<S>, socket: TcpListener, threads: usize) -> io::Result<()> {
    if threads == 1 {
        return Builder::new_current_thread().enable_all().build()?.block_on(serve(listener, socket));
    }
    let runtime = Builder::new_multi_thread().worker_threads(threads).thread_name("worker").enable_all().build()?;
    // A task, as connections are: this thread only waits.
    runtime.block_on(runtime.spawn(serve(listener, socket))).map_err(io::Error::other)?
}

async fn serve<S: Service>(listener: Listener<S>, socket: TcpListener) -> io::Result<()> {
    let drain = listener.drain.clone();
    listener.serve(socket).await?;
    // The connections are tasks of this runtime: it lives until they have ended or are cut.
    drain.reached(Phase::Stopping).await;
    Ok(())
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
