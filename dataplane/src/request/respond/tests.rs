use super::*;
use crate::mcp::Revision;

fn rewriter() -> Rewriter {
    Rewriter {
        ours: 7,
        id: Bytes::from_static(br#""theirs""#),
        progress: Some(Bytes::from_static(br#""tok""#)),
        declared: None,
        crossing: Crossing { client: Revision::R20251125, upstream: Revision::R20251125 },
    }
}

fn rewrite(text: &'static str) -> Rewritten {
    rewriter().rewrite(&Bytes::from_static(text.as_bytes())).unwrap()
}

#[test]
fn the_answer_to_our_id_is_the_answer_to_the_agents() {
    let Rewritten::Result(body) = rewrite(r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#) else { panic!() };
    assert_eq!(body, r#"{"jsonrpc":"2.0","id":"theirs","result":{"content":[]}}"#);
    let Rewritten::Error { body, code } = rewrite(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no"}}"#)
    else {
        panic!()
    };
    assert_eq!(
        (&body[..], code),
        (&br#"{"jsonrpc":"2.0","id":"theirs","error":{"code":-32602,"message":"no"}}"#[..], -32602)
    );
}

#[test]
fn an_answer_to_any_other_id_is_not_passed_on() {
    for id in ["8", "70", r#""7""#, r#""theirs""#, "-7"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
        assert!(matches!(rewriter().rewrite(&text.into()), Ok(Rewritten::Foreign)), "{id}");
    }
}

#[test]
fn an_error_without_an_id_is_about_the_only_request_that_there_was() {
    let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"x"}}"#;
    let Rewritten::Error { body, code } = rewrite(error) else { panic!() };
    assert_eq!(code, -32000);
    assert!(body.starts_with(br#"{"jsonrpc":"2.0","id":"theirs","#));
}

#[test]
fn a_result_that_is_not_complete_is_not_finished() {
    for kind in ["input_required", "task", "of-tomorrow"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"resultType":"{kind}"}}}}"#);
        assert!(matches!(rewriter().rewrite(&text.into()), Ok(Rewritten::Unfinished)), "{kind}");
    }
}

#[test]
fn progress_is_passed_on_for_our_token_alone_and_under_the_agents() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1}}"#;
    let Rewritten::Notification(body) = rewrite(progress) else { panic!() };
    assert_eq!(body, progress.replace(r#""progressToken":7"#, r#""progressToken":"tok""#));
    for other in ["8", r#""7""#, r#""tok""#] {
        let text = progress.replace(r#""progressToken":7"#, &format!(r#""progressToken":{other}"#));
        assert!(matches!(rewriter().rewrite(&text.into()), Ok(Rewritten::Foreign)), "{other}");
    }
    let quiet = Rewriter { progress: None, ..rewriter() };
    assert!(matches!(quiet.rewrite(&progress.into()), Ok(Rewritten::Foreign)), "the agent asked for none");
}

#[test]
fn a_missing_capability_is_told_to_the_agent_that_did_not_declare_it_and_to_no_other() {
    let missing = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32021,"message":"m","data":{"requiredCapabilities":{"sampling":{}}}}}"#;
    let told = |declared: Option<&'static str>| {
        let rewriter = Rewriter { declared: declared.map(|text| Bytes::from_static(text.as_bytes())), ..rewriter() };
        rewriter.rewrite(&missing.into()).unwrap()
    };
    for declared in ["{}", r#"{"elicitation":{}}"#] {
        assert!(matches!(told(Some(declared)), Rewritten::Error { code: -32021, .. }), "{declared}");
    }
    for declared in [Some(r#"{"sampling":{}}"#), Some("[]"), None] {
        assert!(matches!(told(declared), Rewritten::Unfinished), "{declared:?}");
    }
}

#[test]
fn of_other_notifications_only_log_messages_are_about_the_call() {
    let notification = |method: &str| format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{}}}}"#).into();
    assert!(matches!(rewriter().rewrite(&notification("notifications/message")), Ok(Rewritten::Notification(_))));
    for method in ["notifications/tools/list_changed", "notifications/cancelled", "of-tomorrow"] {
        assert!(matches!(rewriter().rewrite(&notification(method)), Ok(Rewritten::Foreign)), "{method}");
    }
}

#[test]
fn a_servers_request_is_told_from_a_ping() {
    let asked = |method: &str| rewriter().rewrite(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"}}"#).into());
    assert!(matches!(asked("ping"), Ok(Rewritten::Asked { ping: true, .. })));
    assert!(matches!(asked("sampling/createMessage"), Ok(Rewritten::Asked { ping: false, id }) if id == "7"));
}

#[test]
fn agents_are_told_what_is_about_their_call_and_not_what_is_about_ours() {
    for code in [-32602, -32603, -32000, -32002, -32019, 0, 42, -31403] {
        assert!(is_for_agents(code), "{code}");
    }
    for code in [-32700, -32600, -32601, -32020, -32022, -32099] {
        assert!(!is_for_agents(code), "{code}");
    }
}
