//! Answers of servers over HTTP/1.1.

use bytes::{Bytes, BytesMut};

use crate::upstream::UpstreamError;
use crate::upstream::http1::{Progress, Reading};

/// What an answer was read as: its status, its fields, its body, whether its connection goes on, and how many bytes it took.
type Whole = (u16, Vec<(String, Vec<u8>)>, Vec<u8>, bool, usize);

/// The first byte says how large the pieces are and, by its highest bit, that HEAD was asked; the rest is what the server sends before it closes.
/// How it is cut changes nothing; what follows an answer is not touched and changes nothing; and a body written anew reads the same.
pub fn upstream_answer(data: &[u8]) {
    let Some((first, sent)) = data.split_first() else { return };
    let (size, bodiless) = (usize::from(first & 0x7f).max(1), first & 0x80 != 0);
    let whole = read(bodiless, [sent].into_iter());
    let cut = read(bodiless, sent.chunks(size));
    // Which fault is found first may depend on the cut; that there is one may not.
    assert_eq!(whole.as_ref().ok(), cut.as_ref().ok(), "in pieces of {size}");
    let Ok((status, fields, body, goes_on, length)) = whole else { return };
    assert!(length <= sent.len() && body.len() <= length);
    if goes_on {
        let alone = read(bodiless, [&sent[..length]].into_iter()).expect("it is whole");
        assert_eq!(alone, (status, fields, body.clone(), goes_on, length), "what follows changes it");
    }
    anew(&body);
}

/// Reads what a server sends until it closes.
fn read<'a>(bodiless: bool, mut pieces: impl Iterator<Item = &'a [u8]>) -> Result<Whole, UpstreamError> {
    let mut reading = Reading::new(bodiless);
    let (mut input, mut came, mut body) = (BytesMut::new(), 0, Vec::new());
    let mut more = |input: &mut BytesMut| {
        let piece = pieces.next().inspect(|piece| input.extend_from_slice(piece));
        came += piece.map_or(0, <[u8]>::len);
        piece.is_some()
    };
    let head = loop {
        match reading.head(&mut input)? {
            Some(head) => break head,
            None if more(&mut input) => {}
            None => return Err(UpstreamError::Closed { sent: true }),
        }
    };
    loop {
        match reading.chunk(&mut input)? {
            Progress::Data(data) => {
                assert!(!data.is_empty());
                body.extend_from_slice(&data);
            }
            Progress::End => break,
            Progress::Starved if more(&mut input) => {}
            Progress::Starved => reading.close()?,
        }
    }
    assert!(reading.is_complete() && reading.left() == Some(0));
    let fields = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    Ok((head.status.as_u16(), fields, body, reading.goes_on(), came - input.len()))
}

/// A body in either framing comes out as it went in.
fn anew(body: &[u8]) {
    let mut plain = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    plain.extend_from_slice(body);
    let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for piece in body.chunks(100) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    for answer in [Bytes::from(plain), Bytes::from(chunked)] {
        let (_, _, again, goes_on, length) = read(false, answer.chunks(7)).expect("a good answer");
        assert!(again == body && goes_on && length == answer.len());
    }
}
