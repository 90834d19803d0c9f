//! Answers good and hostile, however they are cut; connections over a pipe; and hyper's client beside ours.

mod connection;
mod differential;
mod reading;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::{Progress, Reading};
use crate::upstream::UpstreamError;

/// An answer that was read to its end.
#[derive(Debug, PartialEq, Eq)]
struct Whole {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    goes_on: bool,
    /// Bytes of it, and of the interim ones before it.
    length: usize,
}

/// Reads what a server sent before it closed, in pieces.
fn read<'a>(bodiless: bool, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Whole, UpstreamError> {
    let mut reading = Reading::new(bodiless);
    let (mut input, mut body, mut head, mut came) = (BytesMut::new(), BytesMut::new(), None, 0);
    let mut pieces = pieces.map(Some).chain([None]);
    loop {
        if head.is_none() {
            head = reading.head(&mut input)?;
        }
        if head.is_some() {
            match reading.chunk(&mut input)? {
                Progress::Data(data) => {
                    body.extend_from_slice(&data);
                    continue;
                }
                Progress::End => break,
                Progress::Starved => {}
            }
        }
        match pieces.next().unwrap() {
            Some(piece) => {
                came += piece.len();
                input.extend_from_slice(piece);
            }
            None if head.is_none() => return Err(UpstreamError::Closed { sent: true }),
            None => {
                reading.close()?;
                break;
            }
        }
    }
    let head = head.unwrap();
    Ok(Whole {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.freeze(),
        goes_on: reading.goes_on(),
        length: came - input.len(),
    })
}

fn read_at_once(answer: &[u8]) -> Result<Whole, UpstreamError> {
    read(false, [answer].into_iter())
}
