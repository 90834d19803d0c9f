//! The core alone: tables of answers, each read at once and cut at every byte.

use super::{Whole, read, read_at_once};
use crate::upstream::UpstreamError;
use crate::upstream::http1::HEAD;

/// What is sent, the status, the body, and whether the connection may go on.
const GOOD: &[(&str, u16, &str, bool)] = &[
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", 200, "{}", true),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2 \r\n\r\n{}", 200, "{}", true),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\ncontent-length: 2\r\n\r\n{}", 200, "{}", true),
    ("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", 200, "", true),
    ("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", 202, "", true),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200, "{}", true),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1;a=\"b\"\r\n{\r\n1 \t;c\r\n}\r\n00\r\nx: y\r\n\r\n",
        200,
        "{}",
        true,
    ),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0A\r\n0123456789\r\n0\r\n\r\n", 200, "0123456789", true),
    ("HTTP/1.1 200 OK\r\n\r\n{}", 200, "{}", false),
    ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n{}", 200, "{}", false),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: x, Close\r\n\r\n{}", 200, "{}", false),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\nconnection: keep-alive\r\n\r\n{}", 200, "{}", false),
    ("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true),
    ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", 204, "", true),
    ("HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n", 304, "", true),
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        200,
        "{}",
        true,
    ),
    ("HTTP/1.1 500 \u{e9}\r\ncontent-length: 0\r\nx: \u{e9}\r\n\r\n", 500, "", true),
    ("HTTP/1.1 200 OK\ncontent-length: 2\n\n{}", 200, "{}", true),
];

/// What is sent before the server closes: all of it is refused.
const BAD: &[&str] = &[
    // No HTTP, or none that we speak.
    "",
    "SSH-2.0-OpenSSH_9\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 banana\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
    // Fields.
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx y: z\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n content-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nx: y\r\n folded\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: \0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: y\rz\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n: z\r\n\r\n",
    // Lengths.
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ",
    "HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\n{} ",
    "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ncontent-length: 2 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ncontent-length: 2,\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}",
    // Codings.
    "HTTP/1.1 200 OK\r\ncontent-length: 12\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ntransfer-encoding:\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n{}",
    "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    // Chunks.
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n 2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2 2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;\0\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a\rb\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx y\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\rx",
];

/// Reads in two pieces, cut at every place, and byte by byte.
fn read_cut(answer: &[u8]) -> impl Iterator<Item = Result<Whole, UpstreamError>> {
    let halves = (0..answer.len()).map(|at| read(false, [&answer[..at], &answer[at..]].into_iter()));
    halves.chain([read(false, answer.chunks(1))])
}

#[test]
fn an_answer_reads_the_same_however_it_is_cut_and_nothing_after_it_is_touched() {
    for (answer, status, body, goes_on) in GOOD {
        let whole = read_at_once(answer.as_bytes()).unwrap_or_else(|error| panic!("{answer}: {error:?}"));
        assert_eq!((whole.status, &*whole.body, whole.goes_on), (*status, body.as_bytes(), *goes_on), "{answer}");
        assert_eq!(whole.length, answer.len(), "{answer}");
        for cut in read_cut(answer.as_bytes()) {
            assert_eq!(cut.as_ref(), Ok(&whole), "{answer}");
        }
        // Only a body that the close ends takes in what comes after it.
        if whole.goes_on {
            let followed = read_at_once(format!("{answer}HTTP/1.1 200 OK\r\n\r\n").as_bytes()).unwrap();
            assert_eq!(followed, whole, "{answer}");
        }
    }
}

#[test]
fn what_is_no_answer_or_could_be_read_in_two_ways_is_refused_however_it_is_cut() {
    for answer in BAD {
        assert!(read_at_once(answer.as_bytes()).is_err(), "{answer}");
        for cut in read_cut(answer.as_bytes()) {
            assert!(cut.is_err(), "{answer}");
        }
    }
}

#[test]
fn an_answer_to_head_has_no_body_whatever_it_says() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
    let whole = read(true, [answer.as_bytes()].into_iter()).unwrap();
    assert_eq!((whole.body.len(), whole.goes_on), (0, true));
}

#[test]
fn only_fields_that_somebody_reads_are_kept_and_each_as_often_as_it_came() {
    let whole = read_at_once(
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nserver: x\r\nMcp-Session-Id: z\r\nmcp-session-id: a\r\n\r\n",
    )
    .unwrap();
    assert_eq!(
        whole.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect::<Vec<_>>(),
        [("mcp-session-id", &b"z"[..]), ("mcp-session-id", b"a")]
    );
}

#[test]
fn heads_interim_answers_extensions_and_trailers_have_bounds() {
    let fits = |answer: String| read_at_once(answer.as_bytes()).is_ok();
    let head = |size: usize| format!("HTTP/1.1 204 x\r\nx: {}\r\n\r\n", "x".repeat(size - 23));
    assert_eq!(head(HEAD).len(), HEAD);
    assert!(fits(head(HEAD)) && !fits(head(HEAD + 1)));
    let fields = |count| format!("HTTP/1.1 204 x\r\n{}\r\n", "x: y\r\n".repeat(count));
    assert!(fits(fields(100)) && !fits(fields(101)));
    let interim = |count| format!("{}HTTP/1.1 204 x\r\n\r\n", "HTTP/1.1 102 x\r\n\r\n".repeat(count));
    assert!(fits(interim(16)) && !fits(interim(17)));
    let chunked = |rest: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{rest}");
    let extension = |size| chunked(&format!("1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(size)));
    assert!(fits(extension(4000)) && !fits(extension(4096)));
    let extensions = |count| chunked(&format!("{}0\r\n\r\n", format!("1;{}\r\nx\r\n", "x".repeat(1023)).repeat(count)));
    assert!(fits(extensions(16)) && !fits(extensions(17)));
    let trailers = |size| chunked(&format!("0\r\nx: {}\r\n\r\n", "x".repeat(size)));
    assert!(fits(trailers(16_000)) && !fits(trailers(17_000)));
    let many = |count| chunked(&format!("0\r\n{}\r\n", "x: y\r\n".repeat(count)));
    assert!(fits(many(100)) && !fits(many(101)));
}

#[test]
fn a_head_that_drips_is_looked_at_again_only_when_it_may_be_whole() {
    // Byte by byte, a parser that began anew each time would look at two thousand million bytes here.
    let answer = format!("HTTP/1.1 204 x\r\nx: {}\r\n\r\n", "x".repeat(HEAD - 64));
    assert!(read(false, answer.as_bytes().chunks(1)).is_ok());
}
