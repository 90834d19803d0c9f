//! Running calls that a `notifications/cancelled` may name: found by session and request id, on whichever worker the notification lands.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The session's fingerprint and the request's id as it was written.
type Key = ([u8; 16], Bytes);

/// Calls of older clients that are under way in this process.
#[derive(Default)]
pub struct Cancels {
    running: Arc<Mutex<HashMap<Key, Arc<Notify>, RandomState>>>,
}

/// A call's entry; it leaves the table with the call.
pub struct Running {
    table: Arc<Mutex<HashMap<Key, Arc<Notify>, RandomState>>>,
    key: Key,
    cancelled: Arc<Notify>,
}

impl Cancels {
    /// Enters a call. A client that uses one id twice at a time can cancel only the later of the two.
    pub fn enter(&self, session: [u8; 16], id: Bytes) -> Running {
        let cancelled = Arc::new(Notify::new());
        let key = (session, id);
        self.running.lock().insert(key.clone(), Arc::clone(&cancelled));
        Running { table: Arc::clone(&self.running), key, cancelled }
    }

    /// Cancels a call; unknown ids are ignored, as the protocol asks.
    pub fn cancel(&self, session: [u8; 16], id: Bytes) {
        if let Some(cancelled) = self.running.lock().get(&(session, id)) {
            cancelled.notify_one();
        }
    }
}

impl Running {
    /// Ends when the client has cancelled the call.
    pub async fn cancelled(&self) {
        self.cancelled.notified().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        if table.get(&self.key).is_some_and(|entry| Arc::ptr_eq(entry, &self.cancelled)) {
            table.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests;
