//! A proxy of ours on the configuration stream: it passes bytes between one gateway and one operator, or delays, withholds or cuts them.
//!
//! It knows nothing of what it passes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::schedule::Wire;

/// Bytes that are under way in one direction.
const BYTES: usize = 64 << 10;
/// What a delay adds to every piece, in each direction.
const DELAY: Duration = Duration::from_millis(250);

/// A listener in front of one operator.
pub struct Link {
    /// Where a gateway connects.
    pub address: SocketAddr,
    wire: watch::Sender<Option<Wire>>,
    serving: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Link {
    /// Listens in front of an operator.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(operator: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let wire = watch::Sender::new(None);
        let state = wire.subscribe();
        let serving = tokio::spawn(async move {
            // Dropped with this task, and every connection with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, operator, state.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, wire, serving })
    }

    /// Does this to every connection from now on; `None` passes them on.
    pub fn be(&self, wire: Option<Wire>) {
        self.wire.send_replace(wire);
    }
}

async fn connection(gateway: TcpStream, operator: SocketAddr, wire: watch::Receiver<Option<Wire>>) {
    let Ok(operator) = TcpStream::connect(operator).await else { return };
    // A peer that has gone is no news; what it was sent is lost either way.
    let _ = (gateway.set_nodelay(true), operator.set_nodelay(true));
    let _ = (gateway.set_zero_linger(), operator.set_zero_linger());
    let (from_gateway, to_gateway) = gateway.into_split();
    let (from_operator, to_operator) = operator.into_split();
    let mut cut = wire.clone();
    tokio::select! {
        _ = cut.wait_for(|wire| *wire == Some(Wire::Cut)) => {}
        () = pass(from_gateway, to_operator, Arc::new(wire.clone())) => {}
        () = pass(from_operator, to_gateway, Arc::new(wire)) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, wire: Arc<watch::Receiver<Option<Wire>>>) {
    let (mut bytes, mut wire) = (BytesMut::with_capacity(BYTES), wire.as_ref().clone());
    while from.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
        let now = *wire.borrow();
        if now == Some(Wire::Delayed) {
            tokio::time::sleep(DELAY).await;
        }
        if wire.wait_for(|wire| *wire != Some(Wire::Partitioned)).await.is_err()
            || to.write_all_buf(&mut bytes).await.is_err()
        {
            return;
        }
        bytes.reserve(BYTES);
    }
}
