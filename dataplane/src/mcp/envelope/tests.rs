use super::*;
use crate::mcp::error::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR};

fn refusal(body: impl AsRef<[u8]>) -> Malformed {
    let body = body.as_ref();
    match scan(body) {
        Ok(envelope) => panic!("accepted {} as {envelope:?}", String::from_utf8_lossy(&body[..body.len().min(200)])),
        Err(malformed) => malformed,
    }
}

fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{params}}}}}"#)
}

/// `key` with its first character as an escape sequence.
fn escaped(key: &str) -> String {
    format!("\\u{:04x}{}", u32::from(key.as_bytes()[0]), &key[1..])
}

const TOP_KEYS: [(&str, &str); 4] = [("jsonrpc", "\"2.0\""), ("id", "1"), ("method", "\"a\""), ("params", "{}")];

fn param_keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    PARAMS.iter().map(|(name, field)| match field {
        Param::Name | Param::Uri | Param::Cursor | Param::ProtocolVersion => (*name, "\"a\""),
        Param::RequestId => (*name, "1"),
        _ => (*name, "{}"),
    })
}

const META_KEYS: [(&str, &str); 8] = [
    ("progressToken", "1"),
    (key::PROTOCOL_VERSION, "\"2026-07-28\""),
    (key::CLIENT_CAPABILITIES, "{}"),
    (key::CLIENT_INFO, "{}"),
    (key::LOG_LEVEL, "\"info\""),
    ("traceparent", "\"00\""),
    ("tracestate", "\"\""),
    ("baggage", "\"\""),
];

/// For each level: its keys, and a function that makes a message out of the members put at that level.
type Level = (Vec<(&'static str, &'static str)>, fn(&str) -> String);

fn levels() -> [Level; 3] {
    [
        (TOP_KEYS.to_vec(), |members| format!("{{{members}}}")),
        (param_keys().collect(), |members| call(members)),
        (META_KEYS.to_vec(), |members| call(&format!("\"_meta\":{{{members}}}"))),
    ]
}

/// All keys of a level, each with a valid value, and then `more`.
fn members(keys: &[(&str, &str)], more: &str) -> String {
    let all: Vec<_> = keys.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{}{more}", all.join(","))
}

#[test]
fn every_place_that_decisions_read_is_found() {
    let body = br#" {"params" : {"_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":{"x":[1]},"io.modelcontextprotocol/clientInfo":{},"traceparent":"00-1","other":1},
        "arguments": {"name":"no"}, "name" : "to\u006fl","cursor":"c","uri":"u","requestId":7,"clientInfo":{"name":"n"}},
        "id":"a\"b" ,"method":"tools/call","jsonrpc":"2.0","more":null} "#;
    let envelope = scan(body).unwrap();
    assert_eq!(envelope.shape, Shape::Request);
    assert_eq!(envelope.id.unwrap().of(body), br#""a\"b""#);
    assert_eq!(envelope.method.unwrap().decode(body), "tools/call");
    assert_eq!(envelope.name.unwrap().decode(body), "tool");
    assert_eq!(envelope.name.unwrap().span.of(body), br#""to\u006fl""#);
    assert_eq!(envelope.arguments.unwrap().of(body), br#"{"name":"no"}"#);
    assert_eq!(envelope.cursor.unwrap().decode(body), "c");
    assert_eq!(envelope.uri.unwrap().decode(body), "u");
    assert_eq!(envelope.request_id.unwrap().of(body), b"7");
    assert_eq!(envelope.client_info.unwrap().of(body), br#"{"name":"n"}"#);
    let meta = envelope.meta.unwrap();
    assert_eq!(meta.protocol_version.unwrap().decode(body), "2026-07-28");
    assert_eq!(meta.client_capabilities.unwrap().value.of(body), br#"{"x":[1]}"#);
    assert_eq!(meta.progress_token.unwrap().whole.of(body), br#""progressToken":"p""#);
    assert_eq!(meta.traceparent.unwrap().value.of(body), br#""00-1""#);
    assert_eq!(meta.object.of(body).first(), Some(&b'{'));
    assert_eq!(envelope.object.unwrap().of(body), body.trim_ascii());
}

#[test]
fn messages_are_told_apart_by_their_members() {
    let shape = |body: &str| scan(body.as_bytes()).map(|envelope| envelope.shape);
    assert_eq!(shape(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#), Ok(Shape::Request));
    assert_eq!(shape(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), Ok(Shape::Notification));
    assert_eq!(shape(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Ok(Shape::Response));
    assert_eq!(shape(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#), Ok(Shape::Response));
    assert_eq!(shape(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#), Ok(Shape::Batch));
    for neither in [
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a","params":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"a"}"#,
        r#"{"id":1,"method":"a"}"#,
        "1",
        "\"a\"",
        "null",
        "true",
        " {} ",
    ] {
        assert_eq!(refusal(neither).code, INVALID_REQUEST, "{neither}");
    }
}

#[test]
fn one_of_each_key_is_accepted_at_every_level_however_it_is_spelled() {
    for (keys, message) in levels() {
        scan(message(&members(&keys, "")).as_bytes()).unwrap();
        let spelled: Vec<_> = keys.iter().map(|(key, value)| format!("\"{}\":{value}", escaped(key))).collect();
        scan(message(&spelled.join(",")).as_bytes()).unwrap();
    }
}

#[test]
fn a_duplicate_key_is_refused_at_every_level_also_when_spelled_with_escapes() {
    for (keys, message) in levels() {
        for (key, value) in keys.clone() {
            for second in [key.to_owned(), escaped(key)] {
                let body = message(&members(&keys, &format!(",\"{second}\":{value}")));
                let malformed = refusal(&body);
                assert_eq!(malformed.code, INVALID_REQUEST, "{body}");
                assert_eq!(malformed.id.is_some(), key != "id", "an id that is there twice is nobody's: {body}");
            }
        }
    }
}

#[test]
fn a_key_that_resembles_one_of_ours_is_refused_at_every_level() {
    for (keys, message) in levels() {
        for (key, _) in keys {
            let capital = format!("{}{}", key[..1].to_uppercase(), &key[1..]);
            let mut variants =
                vec![key.to_uppercase(), format!("{key}\\u0000"), format!("{key}\\u0000x"), format!("\\u0000{key}")];
            variants.extend([
                format!("{key} "),
                format!(" {key}"),
                format!("{key}\\n"),
                format!("\u{feff}{key}"),
                format!("{key}\u{a0}"),
            ]);
            variants.extend([
                key.replacen('s', "\u{17f}", 1),
                key.replacen('k', "\u{212a}", 1),
                key.replacen('s', "\\u017f", 1),
            ]);
            variants.extend((capital != key).then(|| escaped(&capital)));
            variants.push(capital);
            for variant in variants.iter().filter(|variant| *variant != key) {
                let rest = if key == "jsonrpc" { r#","jsonrpc":"2.0""# } else { "" };
                let body = message(&format!("\"{variant}\":1{rest}"));
                assert_eq!(refusal(&body).code, INVALID_REQUEST, "{body}");
                assert!(refusal(&body).message.contains("resembles"), "{body}");
            }
        }
    }
}

#[test]
fn keys_that_only_begin_like_ours_are_somebody_elses() {
    for key in [
        "names",
        "nam",
        "na me",
        "name2",
        "methods",
        "xid",
        "",
        "\u{17f}",
        "_Meta_",
        "taskId",
        "io.modelcontextprotocol/other",
    ] {
        scan(call(&format!("\"name\":\"a\",\"{key}\":1,\"_meta\":{{\"{key}\":2}}")).as_bytes()).unwrap();
    }
}

#[test]
fn below_arguments_everything_that_is_json_passes() {
    let arguments = r#"{"name":1,"name":2,"Name":3,"method\u0000":4,"n":1e400,"big":12345678901234567890123,"z":-0,"f":1.50,"_meta":[],"_META":0}"#;
    let body = call(&format!("\"name\":\"a\",\"arguments\":{arguments}"));
    assert_eq!(scan(body.as_bytes()).unwrap().arguments.unwrap().of(body.as_bytes()), arguments.as_bytes());
    for other in ["null", "[]", "1", "\"x\""] {
        scan(call(&format!("\"name\":\"a\",\"arguments\":{other}")).as_bytes()).unwrap();
    }
}

#[test]
fn an_id_is_a_string_or_an_integer_of_64_bits() {
    let with = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    for id in ["0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808", "\"\"", "\"\\u0000\""] {
        let body = with(id);
        assert_eq!(scan(body.as_bytes()).unwrap().id.unwrap().of(body.as_bytes()), id.as_bytes());
    }
    let long = "1".repeat(400);
    for id in [
        "1.0",
        "1e0",
        "1E2",
        "-0",
        "9223372036854775808",
        "-9223372036854775809",
        "1e400",
        "{}",
        "[1]",
        "true",
        long.as_str(),
    ] {
        let malformed = refusal(with(id));
        assert_eq!((malformed.code, malformed.id), (INVALID_REQUEST, None), "{id}");
    }
    for id in ["NaN", "01", "+1", "0x1", "1.", "Infinity"] {
        assert_eq!(refusal(with(id)).code, PARSE_ERROR, "{id}");
    }
}

#[test]
fn a_parameter_of_the_wrong_type_is_told_with_the_id() {
    for params in [
        r#""name":1"#,
        r#""name":null"#,
        r#""uri":[]"#,
        r#""cursor":0"#,
        r#""protocolVersion":{}"#,
        r#""_meta":1"#,
        r#""_meta":[]"#,
        r#""requestId":1.5"#,
        r#""clientInfo":"x""#,
        r#""_meta":{"progressToken":1.5}"#,
        r#""_meta":{"progressToken":null}"#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":20260728}"#,
        r#""_meta":{"io.modelcontextprotocol/clientCapabilities":[]}"#,
    ] {
        let body = call(params);
        let malformed = refusal(&body);
        assert_eq!(malformed.code, INVALID_PARAMS, "{body}");
        assert_eq!(malformed.id.unwrap().of(body.as_bytes()), b"1");
    }
}

#[test]
fn the_id_is_told_also_when_it_comes_after_the_fault() {
    let body = br#"{"Method":"a","jsonrpc":"1.0","method":"b","id":"last"}"#;
    assert_eq!(refusal(body).id.unwrap().of(body), br#""last""#);
}

#[test]
fn a_body_that_is_not_json_is_that_before_anything_else() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"a""#,
        r#"{"Method":"a"} x"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a"}{}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"a"},"#,
        "",
        " ",
        "{",
        "nul",
        "\u{0}",
    ] {
        assert_eq!(refusal(body).code, PARSE_ERROR, "{body}");
    }
}

#[test]
fn bytes_that_are_not_plain_utf8_are_refused() {
    let valid = call("\"name\":\"a\"");
    let with_bom = [b"\xef\xbb\xbf", valid.as_bytes()].concat();
    let utf16: Vec<u8> = valid.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let overlong = call("\"name\":\"X\"")
        .into_bytes()
        .into_iter()
        .flat_map(|b| if b == b'X' { vec![0xc0, 0xaf] } else { vec![b] });
    let surrogate = call("\"name\":\"X\"")
        .into_bytes()
        .into_iter()
        .flat_map(|b| if b == b'X' { vec![0xed, 0xa0, 0x80] } else { vec![b] });
    for body in [with_bom, utf16, overlong.collect(), surrogate.collect(), b"\xff".to_vec()] {
        assert_eq!(refusal(&body).code, PARSE_ERROR);
    }
    assert_eq!(refusal(call(r#""arguments":{"a":"\ud800"}"#)).code, PARSE_ERROR);
    scan(call(r#""arguments":{"a":"\ud83d\ude00"}"#).as_bytes()).unwrap();
}

#[test]
fn depth_64_is_accepted_and_depth_65_is_refused() {
    // The message and its params are two levels.
    let nested = |depth: usize| call(&format!("\"arguments\":{}{}", "[".repeat(depth), "]".repeat(depth)));
    scan(nested(62).as_bytes()).unwrap();
    assert_eq!(refusal(nested(63)).code, PARSE_ERROR);
    assert_eq!(refusal(nested(1_000_000)).code, PARSE_ERROR);
    let objects = |depth: usize| call(&format!("\"_meta\":{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
    scan(objects(62).as_bytes()).unwrap();
    assert_eq!(refusal(objects(63)).code, PARSE_ERROR);
}

#[test]
fn wide_and_long_bodies_are_walked_once() {
    let many: String = (0..1_000_000).map(|n| format!("\"k{n}\":{n},")).collect();
    scan(call(&format!("{many}\"name\":\"a\"")).as_bytes()).unwrap();
    let long = "x".repeat(4 * 1024 * 1024);
    let body = call(&format!("\"name\":\"{long}\""));
    assert_eq!(scan(body.as_bytes()).unwrap().name.unwrap().raw(body.as_bytes()).len(), long.len());
    let escapes = "\\u0041".repeat(100_000);
    let body = call(&format!("\"name\":\"{escapes}\""));
    assert_eq!(scan(body.as_bytes()).unwrap().name.unwrap().decode(body.as_bytes()).len(), 100_000);
    assert_eq!(refusal(format!("{}1", "[".repeat(10)).replace('[', "{\"a\":")).code, PARSE_ERROR);
}

#[test]
fn batches_are_recognised_and_not_looked_into() {
    for batch in ["[]", " [ ", "[[[", r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#] {
        let envelope = scan(batch.as_bytes()).unwrap();
        assert_eq!((envelope.shape, envelope.object, envelope.method), (Shape::Batch, None, None));
    }
}

#[test]
fn a_refusal_never_quotes_the_body() {
    for body in [call("\"secret\\u0000\":1,\"name\":1"), call("\"arguments\":{\"password\":hunter2}")] {
        let message = refusal(&body).message;
        assert!(!message.contains("secret") && !message.contains("hunter2"), "{message}");
    }
}
