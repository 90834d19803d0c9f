use http::StatusCode;

use super::*;

fn reply(status: u16, body: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap();
    Reply { status, headers: http::HeaderMap::new(), body: body.to_owned().into() }
}

fn of(status: u16, body: &str) -> String {
    outcome(&reply(status, body), &Asked::Call(0), "alpha 7".to_owned()).word()
}

#[test]
fn an_answer_is_a_success_only_if_it_is_the_one_that_was_asked_for() {
    let result = |text: &str| format!(r#"{{"id":1,"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#);
    assert_eq!(of(200, &result("alpha 7")), "success");
    for other in ["alpha 8", "beta 7", ""] {
        assert_eq!(of(200, &result(other)), "wrong answer", "{other}");
    }
    assert_eq!(of(200, "half of it"), "wrong answer");
    assert_eq!(of(202, ""), "wrong answer");
}

#[test]
fn errors_are_told_apart() {
    assert_eq!(
        of(200, r#"{"id":1,"result":{"isError":true,"content":[{"type":"text","text":"alpha 7"}]}}"#),
        "failed result"
    );
    assert_eq!(of(403, r#"{"id":1,"error":{"code":-31403,"message":"denied"}}"#), "refused 403 -31403");
    assert_eq!(of(200, r#"{"id":1,"error":{"code":-32602,"message":"no such tool"}}"#), "refused 200 -32602");
    assert_eq!(of(401, ""), "refused 401");
    let lost = outcome(
        &reply(503, r#"{"error":{"code":-31503,"message":"this gateway has no configuration yet"}}"#),
        &Asked::Delete,
        String::new(),
    );
    assert!(lost.is_unrouted(), "{lost:?}");
}

#[test]
fn an_answer_that_was_withdrawn_in_an_open_stream_is_no_refusal() {
    let denied = r#"{"id":1,"error":{"code":-31403,"message":"what allowed this call is no longer in force"}}"#;
    assert_eq!(of(200, denied), "refused 200 -31403");
    let mut stream = reply(200, &format!("event: message\ndata: {denied}\n\n"));
    stream.headers.insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    assert_eq!(outcome(&stream, &Asked::Call(0), "alpha 7".to_owned()), Outcome::Withdrawn);
    stream.body = bytes::Bytes::new();
    assert_eq!(outcome(&stream, &Asked::Call(0), "alpha 7".to_owned()).word(), "wrong answer", "it just ends");
}
