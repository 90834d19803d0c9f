//! hyper's client reads the same answers: what it refuses we refuse, and what both take they take for the same.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::read_at_once;

/// Parts of answers, well and badly formed, from which answers are put together.
const PARTS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 304 x\r\n",
    "content-length: 2\r\n",
    "content-length: 3\r\n",
    "content-length: 2, 2\r\n",
    "content-length: +2\r\n",
    "content-length : 2\r\n",
    "transfer-encoding: chunked\r\n",
    "transfer-encoding: gzip\r\n",
    "connection: close\r\n",
    "x: y\r\n",
    "x: y\r\n z\r\n",
    "x: \u{7f}\r\n",
    "\r\n",
    "\n",
    "{}",
    "2\r\n{}\r\n",
    "2;a=b\r\n{}\r\n",
    "2 \r\n{}\r\n",
    "2\n{}\r\n",
    "0\r\n\r\n",
    "0\r\nx: y\r\n\r\n",
    "0\r\nx y\r\n\r\n",
    "fffffffffffffffff\r\n",
];

/// Status and body as hyper's client reads them; `None` if it refuses.
async fn hyper(answer: Vec<u8>) -> Option<(u16, Bytes)> {
    let (ours, mut theirs) = duplex(1 << 16);
    tokio::spawn(async move {
        // Sent once the request is there: what comes before is another matter.
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") && theirs.read_buf(&mut request).await.unwrap_or(0) > 0 {}
        let _ = theirs.write_all(&answer).await;
    });
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(driver);
    let request = Request::post("/").body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.into_body().collect().await.ok()?.to_bytes()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_hyper_refuses_we_refuse_and_what_we_take_it_reads_alike(
        status in 0..5_usize,
        parts in proptest::collection::vec(any::<Index>(), 0..7),
    ) {
        let parts = parts.iter().map(|part| PARTS[part.index(PARTS.len())]);
        let answer: String = std::iter::once(PARTS[status]).chain(parts).collect();
        let Ok(ours) = read_at_once(answer.as_bytes()) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let theirs = runtime.block_on(hyper(answer.clone().into_bytes()));
        prop_assert_eq!(theirs, Some((ours.status, ours.body)), "{}", answer);
    }
}
