//! How a request's body is read: whole, within its bounds of size and time.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::refusal::Refusal;

/// Reads a request's body whole: at most `bound` bytes, within `patience`. One frame, the usual case, is not copied.
pub async fn read(body: Incoming, bound: u64, patience: Duration) -> Result<Bytes, Refusal> {
    if body.size_hint().lower() > bound {
        discard(body, bound).await;
        return Err(Refusal::request_too_large(bound));
    }
    let mut reading = pin!(collect(body, bound));
    // Most bodies come with their head: a timer is made for one that does not.
    if let Poll::Ready(result) = futures::poll!(reading.as_mut()) {
        return result;
    }
    match tokio::time::timeout(patience, reading).await {
        Ok(result) => result,
        Err(_) => Err(Refusal::body_too_slow()),
    }
}

/// Reads on for a little while: a connection that is closed with bytes unread is reset, and its client never sees why.
async fn discard(mut body: Incoming, bound: u64) {
    let mut left = bound.saturating_mul(2);
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, |data| data.len() as u64)) else { return };
            left = rest;
        }
    };
    // Whoever is slower than this does not deserve the patience.
    let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
}

async fn collect(mut body: Incoming, bound: u64) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // A broken chunk or a vanished client: nobody is there to read what we say.
        let frame = frame.map_err(|_| Refusal::body_broken())?;
        let Ok(data) = frame.into_data() else { continue };
        if (first.len() + rest.len() + data.len()) as u64 > bound {
            return Err(Refusal::request_too_large(bound));
        }
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}
