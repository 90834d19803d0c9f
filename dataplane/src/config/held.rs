//! What the operator is told of this gateway's keys and authorities: it lets nothing take over that some pod does not hold.

use portolan_config::proto::KeysHeld;
use tokio::sync::watch;

use super::tls::Tls;
use crate::followed::Followed;
use crate::mcp::seal::Ring;

/// The key ring, and the files of the stream where it is encrypted.
pub struct Held {
    ring: Followed<Ring>,
    tls: Option<Followed<Tls>>,
    changes: Vec<watch::Receiver<()>>,
}

impl Held {
    /// What these files hold.
    pub fn new(ring: Followed<Ring>, tls: Option<Followed<Tls>>) -> Self {
        let changes = [ring.changes()].into_iter().chain(tls.as_ref().map(Followed::changes)).collect();
        Self { ring, tls, changes }
    }

    /// What there is to tell now.
    pub fn message(&mut self) -> KeysHeld {
        for change in &mut self.changes {
            change.mark_unchanged();
        }
        let ring = self.ring.current();
        KeysHeld {
            key_ids: ring.key_ids().map(str::to_owned).collect(),
            sealing: ring.sealing_id().to_owned(),
            authorities: self.tls.as_ref().map(|tls| tls.current().authorities.clone()).unwrap_or_default(),
        }
    }

    /// Waits until there is something else to tell.
    pub async fn changed(&mut self) {
        let waits = self.changes.iter_mut().map(|change| Box::pin(change.changed()));
        // The senders live as long as what they tell of.
        let _ = futures::future::select_all(waits).await;
    }
}

#[cfg(test)]
mod tests;
