//! Headers that disagree with the body, or that two readers of HTTP could read differently.

use http::StatusCode;
use portolan_tests::request::{MODERN, raw};

use super::{World, call};

#[tokio::test]
async fn every_mirrored_header_must_agree_with_the_body() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let headers = [
        ("mcp-protocol-version", MODERN, "2025-11-25"),
        ("mcp-method", "tools/call", "tools/list"),
        ("mcp-name", "alpha_echo", "alpha_hidden"),
    ];
    for (name, right, wrong) in headers {
        let cases = [
            ("absent", call().without(name)),
            ("empty", call().with(name, "")),
            ("wrong", call().with(name, wrong)),
            ("in other letters", call().with(name, right.to_uppercase() + "X")),
            ("long", call().with(name, right.repeat(800))),
            ("as base64 of itself in base64", call().with(name, "=?base64?PT9iYXNlNjQ/WVd4d2FHRmZaV05vYnc9PT89?=")),
            ("twice", call().and(name, right)),
            ("twice, the second wrong", call().and(name, wrong)),
            ("twice, the first wrong", call().with(name, wrong).and(name, right)),
            ("a list", call().with(name, format!("{right}, {right}"))),
            ("not text", call().with(name, b"\xc3\xa9".as_slice())),
            ("with an underscore beside", call().and(&name.replace('-', "_"), right)),
            ("with a wrong underscore beside", call().and(&name.replace('-', "_"), wrong)),
        ];
        for (what, request) in cases {
            world.refused(&format!("{name} {what}"), &request, 400, Some(-32020)).await;
        }
        let padded = format!(" \t{right}\t ");
        world.taken(&format!("{name} between blanks"), &call().with(name, padded)).await;
        // The listener refuses it before anybody reads the message.
        world.refused(&format!("{name} to be dropped on the way"), &call().and("connection", name), 400, None).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn the_headers_of_methods_that_are_not_calls_must_agree_too() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let modern = world.modern();
    let list = modern.request("tools/list", "{}");
    let prompt = modern.request("prompts/get", r#"{"name":"x"}"#);
    let resource = modern.request("resources/read", r#"{"uri":"file:///x"}"#);
    let unknown = modern.request("acme/run", r#"{"name":"x"}"#);
    let cases = [
        ("a list of another method", list.clone().with("mcp-method", "tools/call")),
        ("a list with a name", list.clone().with("mcp-name", "alpha_echo")),
        ("a prompt without its name", prompt.clone()),
        ("a prompt of another name", prompt.clone().with("mcp-name", "y")),
        ("a resource without its uri", resource.clone()),
        ("a resource of another uri", resource.clone().with("mcp-name", "file:///y")),
        ("an unknown method of another name", unknown.clone().with("mcp-method", "acme/stop")),
        ("an unknown method without one", unknown.clone().without("mcp-method")),
    ];
    for (what, request) in cases {
        world.refused(what, &request, 400, Some(-32020)).await;
    }
    for (what, request) in [
        ("a prompt", prompt.with("mcp-name", "x")),
        ("a resource", resource.with("mcp-name", "file:///x")),
        ("an unknown method", unknown),
    ] {
        world.refused(what, &request, 404, Some(-32601)).await;
    }
    world.nothing_leaked();
    Ok(())
}

#[tokio::test]
async fn a_trailer_says_nothing() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let request = |left_out: &str, trailer: &str| {
        let kept = call().without(left_out);
        let fields: String = kept
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", String::from_utf8_lossy(value)))
            .collect();
        let body = String::from_utf8_lossy(&kept.body).into_owned();
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{fields}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n{trailer}\r\n",
            world.address(),
            body.len()
        )
    };
    for (name, value) in [("mcp-name", "alpha_echo"), ("mcp-method", "tools/call"), ("mcp-protocol-version", MODERN)] {
        let answer = raw(world.address(), request(name, &format!("{name}: {value}\r\n")).as_bytes()).await?;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("-32020"), "{name}: {answer}");
    }
    world.nothing_leaked();
    let answer = raw(world.address(), request("", "mcp-name: alpha_hidden\r\n").as_bytes()).await?;
    assert!(answer.starts_with("HTTP/1.1 200"), "what a header says stands: {answer}");
    assert_eq!(world.server.sees("tools/call").await.header("mcp-name"), "echo");
    Ok(())
}

#[tokio::test]
async fn a_name_that_no_header_can_carry_is_encoded_one_way_only() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let wrong = [
        "=?base64?YWxwaGFfZWNobwo=?=",
        "=?BASE64?YWxwaGFfZWNobw==?=",
        "=?base64?YWxwaGFfZWNobw?=",
        "=?base64?!!!!?=",
        "=?base64?/w==?=",
        "=?base64?PT9iYXNlNjQ/WVd4d2FHRmZaV05vYnc9PT89?=",
    ];
    for value in wrong {
        world.refused(value, &call().with("mcp-name", value), 400, Some(-32020)).await;
    }
    world.nothing_leaked();
    let reply = world.gateway.send(&call().with("mcp-name", "=?base64?YWxwaGFfZWNobw==?=")).await?;
    assert_eq!((reply.status, reply.tool_text().as_str()), (StatusCode::OK, "done"));
    Ok(())
}

#[tokio::test]
async fn connection_may_name_no_field_that_anybody_decides_by() -> anyhow::Result<()> {
    let world = World::settled().await?;
    for named in ["authorization", "host", "content-length", "x-tenant", "close, Mcp-Name", "keep-alive, origin"] {
        world.refused(named, &call().with("connection", named), 400, None).await;
    }
    world.nothing_leaked();
    Ok(())
}

/// What comes over the wire where two readers of HTTP could disagree.
#[tokio::test]
async fn a_request_with_doubtful_framing_is_refused_and_its_connection_closed() -> anyhow::Result<()> {
    let world = World::settled().await?;
    let good = call();
    let body = String::from_utf8_lossy(&good.body).into_owned();
    let length = body.len();
    let fields: String =
        good.headers.iter().map(|(name, value)| format!("{name}: {}\r\n", String::from_utf8_lossy(value))).collect();
    let host = format!("host: {}\r\n", world.address());
    let chunked = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let cases = [
        (
            "two lengths",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}content-length: {length}\r\ncontent-length: 0\r\n\r\n{body}"),
        ),
        (
            "a list of lengths",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}content-length: {length}, {length}\r\n\r\n{body}"),
        ),
        ("a signed length", format!("POST /mcp HTTP/1.1\r\n{host}{fields}content-length: +{length}\r\n\r\n{body}")),
        (
            "an unknown coding",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: xchunked\r\n\r\n{chunked}"),
        ),
        (
            "a coding behind chunks",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked, identity\r\n\r\n{chunked}"),
        ),
        (
            "chunks in HTTP/1.0",
            format!("POST /mcp HTTP/1.0\r\n{host}{fields}transfer-encoding: chunked\r\n\r\n{chunked}"),
        ),
        (
            "a folded field",
            format!("POST /mcp HTTP/1.1\r\n{host}x-a: 1\r\n 2\r\n{fields}content-length: {length}\r\n\r\n{body}"),
        ),
        (
            "a space before the colon",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}content-length : {length}\r\n\r\n{body}"),
        ),
        (
            "a length before chunks",
            format!(
                "POST /mcp HTTP/1.1\r\n{host}{fields}content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"
            ),
        ),
        (
            "a length behind chunks",
            format!(
                "POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunked}"
            ),
        ),
        (
            "a size of a chunk that is none",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked\r\n\r\n0x{chunked}"),
        ),
        (
            "a size of a chunk beyond every integer",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked\r\n\r\nf{:0>20}{chunked}", 0),
        ),
        (
            "a chunk that is longer than its size",
            format!("POST /mcp HTTP/1.1\r\n{host}{fields}transfer-encoding: chunked\r\n\r\n1\r\n{body}\r\n0\r\n\r\n"),
        ),
        (
            "a carriage return in a field",
            format!("POST /mcp HTTP/1.1\r\n{host}x-a: a\rb\r\n{fields}content-length: {length}\r\n\r\n{body}"),
        ),
        ("no version", format!("POST /mcp\r\n{host}{fields}content-length: {length}\r\n\r\n{body}")),
        ("no host", format!("POST /mcp HTTP/1.1\r\n{fields}content-length: {length}\r\n\r\n{body}")),
        ("two hosts", format!("POST /mcp HTTP/1.1\r\n{host}{host}{fields}content-length: {length}\r\n\r\n{body}")),
        (
            "a host with a user",
            format!("POST /mcp HTTP/1.1\r\nhost: evil@127.0.0.1\r\n{fields}content-length: {length}\r\n\r\n{body}"),
        ),
        (
            "a target at odds with the host",
            format!("POST http://evil.example/mcp HTTP/1.1\r\n{host}{fields}content-length: {length}\r\n\r\n{body}"),
        ),
        (
            "a NUL in a field",
            format!("POST /mcp HTTP/1.1\r\n{host}x-a: a\0b\r\n{fields}content-length: {length}\r\n\r\n{body}"),
        ),
    ];
    for (what, bytes) in cases {
        // A second request behind the first, as a smuggler has it.
        let bytes = format!("{bytes}GET /smuggled HTTP/1.1\r\n{host}\r\n");
        let answer = raw(world.address(), bytes.as_bytes()).await?;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4"),
            "{what}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.").count().max(1), 1, "{what} has one answer at most: {answer}");
    }
    world.nothing_leaked();
    Ok(())
}
