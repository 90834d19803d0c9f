use super::{DISCOVERED, JSON, Script, asked, look, method, requests};
use crate::probe::Reason;
use crate::upstream::tests::server::{Reply, Server, answer, json};

/// A modern server whose pages are made from the cursor that it is asked for.
async fn paged(page: impl Fn(Option<&str>) -> String + Send + Sync + 'static) -> Server {
    Server::start(move |_, request| {
        Reply::Text(match method(request).as_str() {
            "server/discover" => json(DISCOVERED),
            "tools/list" => {
                let body = request.split_once("\r\n\r\n").unwrap().1;
                let body: serde_json::Value = serde_json::from_str(body).unwrap();
                json(&page(body["params"]["cursor"].as_str()))
            }
            _ => answer("404 Not Found", JSON, super::UNKNOWN),
        })
    })
    .await
}

fn page(tools: &str, next: Option<&str>) -> String {
    let next = next.map(|next| format!(r#","nextCursor":"{next}""#)).unwrap_or_default();
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tools}]{next}}}}}"#)
}

fn tool(name: &str) -> String {
    format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#)
}

#[tokio::test]
async fn every_page_is_followed_in_order_and_an_empty_cursor_is_a_cursor() {
    let server = paged(|cursor| match cursor {
        None => page(&tool("one"), Some("")),
        Some("") => page(&tool("two"), Some("more")),
        Some(_) => page(&tool("three"), None),
    })
    .await;
    let names: Vec<_> = look(&server).await.unwrap().listing.tools.into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["one", "two", "three"]);
}

#[tokio::test]
async fn definitions_are_kept_byte_for_byte() {
    let odd = "{ \"name\" : \"caf\\u00e9\" ,\\n\"inputSchema\":{\"type\":\"object\",\"maximum\":12345678901234567890123,\"x\":1.0}}";
    let odd = odd.replace("\\n", "\n");
    let kept = odd.clone();
    let server = paged(move |_| page(&odd, None)).await;
    let tools = look(&server).await.unwrap().listing.tools;
    assert_eq!(tools[0].definition, kept);
    assert_eq!(tools[0].name, "café");
    assert!(tools[0].digest.starts_with("sha256:"));
}

#[tokio::test]
async fn tools_that_nobody_could_use_are_left_out_and_counted() {
    let tools = [
        tool("good"),
        tool("good"),
        tool(""),
        r#"{"name":7,"inputSchema":{"type":"object"}}"#.to_owned(),
        r#"{"name":"no_schema"}"#.to_owned(),
        r#"{"name":"bad_header","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}}"#.to_owned(),
        r#"{"name":"good_header","inputSchema":{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}}}"#.to_owned(),
        format!(r#"{{"name":"huge","inputSchema":{{"type":"object"}},"description":"{}"}}"#, "x".repeat(600 * 1024)),
    ]
    .join(",");
    let server = paged(move |_| page(&tools, None)).await;
    let listing = look(&server).await.unwrap().listing;
    let names: Vec<_> = listing.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["good", "good_header"]);
    assert_eq!(listing.omitted.count(), 6, "{:?}", listing.omitted);
    assert!(listing.omitted.0.keys().any(|why| why.contains("x-mcp-header")));
}

#[tokio::test]
async fn a_cursor_that_comes_back_ends_the_list_with_an_error() {
    let server = paged(|cursor| match cursor {
        None => page("", Some("a")),
        Some("a") => page("", Some("b")),
        Some(_) => page("", Some("a")),
    })
    .await;
    assert_eq!(look(&server).await.unwrap_err().reason, Reason::ProtocolError);
}

#[tokio::test]
async fn pages_without_end_are_too_many() {
    let mut server = paged(|cursor| {
        let next: u32 = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        page("", Some(&(next + 1).to_string()))
    })
    .await;
    assert_eq!(look(&server).await.unwrap_err().reason, Reason::ListTooLarge);
    let lists = asked(&mut server).into_iter().filter(|method| method == "tools/list").count();
    assert_eq!(lists, 64);
}

#[tokio::test]
async fn more_tools_or_bytes_than_are_served_are_too_many() {
    let many = (0..1025).map(|index| tool(&format!("t{index}"))).collect::<Vec<_>>().join(",");
    let server = paged(move |_| page(&many, None)).await;
    assert_eq!(look(&server).await.unwrap_err().reason, Reason::ListTooLarge);
    let fits = (0..1024).map(|index| tool(&format!("t{index}"))).collect::<Vec<_>>().join(",");
    let server = paged(move |_| page(&fits, None)).await;
    assert_eq!(look(&server).await.unwrap().listing.tools.len(), 1024);

    let large = |name: &str| {
        format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}},"description":"{}"}}"#, "x".repeat(500 * 1024))
    };
    let server = paged(move |cursor| {
        let at: u32 = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        page(&large(&format!("t{at}")), Some(&(at + 1).to_string()))
    })
    .await;
    assert_eq!(look(&server).await.unwrap_err().reason, Reason::ListTooLarge, "eight MiB of definitions");

    let wide = "x".repeat(3 * 1024 * 1024);
    let server = paged(move |_| page(&tool(&wide), None)).await;
    assert_eq!(look(&server).await.unwrap_err().reason, Reason::ListTooLarge, "one page of three MiB");
}

#[tokio::test]
async fn a_list_that_is_refused_or_malformed_is_an_error_without_the_servers_words() {
    let answers = [
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"secret words"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":"secret words"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","tools":[]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"nextCursor":7}}"#,
    ];
    for body in answers {
        let server = paged(|_| body.to_owned()).await;
        let fault = look(&server).await.unwrap_err();
        assert_eq!(fault.reason, Reason::ProtocolError, "{body}");
        assert!(!fault.message.contains("secret"), "{fault}");
    }
}

#[tokio::test]
async fn a_session_is_ended_also_when_its_list_fails() {
    let mut server = Script { tools: answer("500 Oops", "", ""), ..Script::legacy() }.start().await;
    assert_eq!(look(&server).await.unwrap_err().reason, Reason::Unreachable);
    assert!(requests(&mut server).last().unwrap().starts_with("DELETE"));
}

#[tokio::test]
async fn a_server_that_claims_no_tools_is_not_asked_for_them() {
    let bare =
        r#"{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"],"capabilities":{"prompts":{}}}}"#;
    let mut server = Script { discover: json(bare), ..Script::modern() }.start().await;
    let found = look(&server).await.unwrap();
    assert!(found.listing.tools.is_empty());
    assert_eq!(found.facts.capabilities, ["prompts"]);
    assert!(!asked(&mut server).contains(&"tools/list".to_owned()));
}
