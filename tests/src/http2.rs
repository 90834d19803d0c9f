//! HTTP/2 frame by frame (RFC 9113), for requests that no library would send. Field sections are literals, which every peer must read.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::eventually::PATIENCE;
use crate::request::Request;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200`, the eighth entry of the static table.
const OK: u8 = 0x88;

/// A request as its frames have it.
#[derive(Clone, Debug)]
pub struct Raw {
    /// All fields in order, pseudo-header fields among them.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Fields behind the body.
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Raw {
    /// A request as a good client would send it.
    #[must_use]
    pub fn of(request: &Request, authority: &str) -> Self {
        let pseudo = [
            (":method", request.method.as_str()),
            (":scheme", "http"),
            (":path", &request.target),
            (":authority", authority),
        ];
        let pseudo = pseudo.into_iter().map(|(name, value)| (name.into(), value.into()));
        let fields = request.headers.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone()));
        Self { fields: pseudo.chain(fields).collect(), body: request.body.clone(), trailers: Vec::new() }
    }

    /// The same with one more field.
    #[must_use]
    pub fn and(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The same without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(other, _)| other != name.as_bytes());
        self
    }

    /// The same with a field behind the body.
    #[must_use]
    pub fn trailing(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.into(), value.into()));
        self
    }

    /// Sends it on a connection of its own: whether it is answered with 200, and not refused in any way that HTTP/2 has.
    ///
    /// # Errors
    /// There is no connection, or nothing comes back in time.
    pub async fn is_taken(&self, address: SocketAddr) -> anyhow::Result<bool> {
        let mut stream = TcpStream::connect(address).await?;
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        frame(&mut bytes, SETTINGS, 0, 0, &[]);
        frame(&mut bytes, HEADERS, END_HEADERS, 1, &section(&self.fields));
        let last = if self.trailers.is_empty() { END_STREAM } else { 0 };
        frame(&mut bytes, DATA, last, 1, &self.body);
        if !self.trailers.is_empty() {
            frame(&mut bytes, HEADERS, END_HEADERS | END_STREAM, 1, &section(&self.trailers));
        }
        stream.write_all(&bytes).await?;
        tokio::time::timeout(PATIENCE, answer(&mut stream)).await.context("nothing comes back")
    }
}

async fn answer(stream: &mut TcpStream) -> bool {
    let mut head = [0; 9];
    // A connection that ends has refused everything on it.
    while stream.read_exact(&mut head).await.is_ok() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).await.is_err() {
            return false;
        }
        match head[3] {
            HEADERS => return payload.first() == Some(&OK),
            RST_STREAM | GOAWAY => return false,
            _ => {}
        }
    }
    false
}

#[expect(clippy::cast_possible_truncation, reason = "each byte of the length in turn; tests send less than 16 MiB")]
fn frame(bytes: &mut Vec<u8>, kind: u8, flags: u8, stream: u8, payload: &[u8]) {
    let length = payload.len();
    bytes.extend([(length >> 16) as u8, (length >> 8) as u8, length as u8, kind, flags, 0, 0, 0, stream]);
    bytes.extend(payload);
}

/// Literal fields without indexing and without Huffman codes (RFC 7541, 6.2.2).
fn section(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            length(&mut bytes, text.len());
            bytes.extend(text);
        }
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541, 5.1).
#[expect(clippy::cast_possible_truncation, reason = "bits are masked off before")]
fn length(bytes: &mut Vec<u8>, length: usize) {
    if length < 127 {
        return bytes.push(length as u8);
    }
    bytes.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        bytes.push((rest & 127) as u8 | 128);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}
