//! What of an answer reaches an agent, and of what comes before it.

use anyhow::Context;
use portolan_tests::eventually::eventually;
use portolan_tests::recorder::{Answer, Speaks};
use serde_json::json;

use super::{ALL, ODD_RESULT, before, modern_upstream, progress, with_token};

#[tokio::test]
async fn a_result_is_the_servers_bytes_but_for_the_id_and_the_eras_own_members() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, agents) = before(speaks).await?;
        for agent in agents {
            let case = format!("{speaks:?}, {}", if agent.session.is_some() { "legacy" } else { "modern" });
            let modern = modern_upstream(speaks, &agent);
            let own = if modern { r#""resultType":"complete","# } else { "" };
            let message = format!(r#"{{"jsonrpc":"2.0", "id":$ID,"result":{{{own}{ODD_RESULT}}}}}"#);
            recorder.answer("echo", Answer::Json(message));
            for id in ["9007199254740993", r#""\u0061b""#, "-3"] {
                let reply = agent.send(&agent.calling("alpha_echo", "{}").id(id)).await?;
                let text = reply.text();
                assert!(text.contains(&format!(r#""id":{id},"#)), "{case}: {text}");
                assert!(text.contains(ODD_RESULT), "{case}: {text}");
                let result = reply.json()["result"].clone();
                if agent.session.is_some() {
                    assert!(result.get("resultType").is_none() && result.get("_meta").is_none(), "{case}: {text}");
                    let expected = format!(r#"{{"jsonrpc":"2.0", "id":{id},"result":{{{ODD_RESULT}}}}}"#);
                    assert_eq!(text, expected, "{case}");
                } else {
                    assert_eq!(result["resultType"], "complete", "{case}: {text}");
                    assert_eq!(
                        result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "portolan",
                        "{case}: {text}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn hints_and_identity_of_a_modern_server_stay_on_its_side() -> anyhow::Result<()> {
    let (_gateway, recorder, [modern, legacy]) = before(Speaks::Modern).await?;
    let result = r#"{"resultType":"complete","ttlMs":60000,"cacheScope":"public","content":[],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"upstream-canary","version":"9"},"acme.example/x":1}}"#;
    recorder.answer("echo", Answer::Json(format!(r#"{{"jsonrpc":"2.0","id":$ID,"result":{result}}}"#)));
    let for_modern = modern.call("alpha_echo", "{}").await?;
    assert!(!for_modern.text().contains("upstream-canary"), "{}", for_modern.text());
    assert_eq!(for_modern.json()["result"]["_meta"]["acme.example/x"], 1);
    let for_legacy = legacy.call("alpha_echo", "{}").await?.json()["result"].clone();
    assert_eq!(for_legacy, json!({"content": [], "_meta": {"acme.example/x": 1}}));
    Ok(())
}

#[tokio::test]
async fn an_error_of_a_tool_reaches_the_agent_with_its_code_and_data() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, agents) = before(speaks).await?;
        for code in [-32602, -32603, 42] {
            let error =
                format!(r#"{{"code":{code},"message":"No such city.","data":{{"n":12345678901234567890123}}}}"#);
            recorder.answer("echo", Answer::Json(format!(r#"{{"jsonrpc":"2.0","id":$ID,"error":{error}}}"#)));
            for agent in &agents {
                let reply = agent.call("alpha_echo", "{}").await?;
                assert_eq!((reply.status.as_u16(), reply.code()), (200, Some(code)), "{speaks:?}");
                assert!(reply.text().contains(&error), "{speaks:?}: {}", reply.text());
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_capability_that_the_agent_lacks_is_named_as_the_server_names_it() -> anyhow::Result<()> {
    let error = r#"{"code":-32021,"message":"Missing","data":{"requiredCapabilities":{"sampling":{}}}}"#;
    let body = format!(r#"{{"jsonrpc":"2.0","id":$ID,"error":{error}}}"#);
    for speaks in [Speaks::Modern, Speaks::Both] {
        let (_gateway, recorder, [modern, legacy]) = before(speaks).await?;
        recorder.answer("echo", Answer::Http(400, Vec::new(), body.clone()));
        let reply = modern.call("alpha_echo", "{}").await?;
        assert_eq!((reply.status.as_u16(), reply.code()), (400, Some(-32021)), "{speaks:?}: {}", reply.text());
        assert!(reply.text().contains(error), "{speaks:?}: {}", reply.text());
        // Who did declare it could do nothing about it, and an older agent does not know the error.
        let declaring = modern
            .calling("alpha_echo", "{}")
            .edit(r#"clientCapabilities":{}"#, r#"clientCapabilities":{"sampling":{}}"#);
        for reply in [modern.send(&declaring).await?, legacy.call("alpha_echo", "{}").await?] {
            assert!(reply.is_tool_error() && !reply.text().contains("-32021"), "{speaks:?}: {}", reply.text());
        }
    }
    Ok(())
}

#[tokio::test]
async fn progress_comes_as_it_happens_under_the_agents_own_token() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, agents) = before(speaks).await?;
        for agent in agents {
            recorder.answer(
                "echo",
                Answer::Open(vec![progress("$TOKEN", 1), progress("987654321", 9), progress("$TOKEN", 2)]),
            );
            let request = with_token(&agent.calling("alpha_echo", "{}"), r#""t\u006f""#);
            let mut stream = agent.stream(&request).await?;
            for step in [1, 2] {
                let event = stream.next().await?.context("an event")?;
                assert_eq!(event, progress(r#""t\u006f""#, step), "{speaks:?}: the rest is the server's");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_answer_ends_the_stream_and_foreign_messages_never_pass() -> anyhow::Result<()> {
    let answer =
        r#"{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}}"#;
    let foreign = answer.replace("$ID", "987654321").replace("done", "canary");
    let listed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let raw = format!(
        "\u{feff}: hello\r\nid: 7\r\nretry: 1\r\ndata: {foreign}\r\n\r\nevent: message\rdata:{listed}\r\rdata: {}\ndata: {}\n\ndata: {}\n\n",
        &answer[..17],
        &answer[17..],
        foreign
    );
    for speaks in ALL {
        let (_gateway, recorder, agents) = before(speaks).await?;
        recorder.answer("echo", Answer::Raw(raw.clone()));
        for agent in agents {
            let reply = agent.call("alpha_echo", "{}").await?;
            let events = reply.events();
            assert_eq!(events.len(), 1, "{speaks:?}: {}", reply.text());
            assert_eq!(reply.tool_text(), "done", "{speaks:?}");
            assert!(
                !reply.text().contains("retry:") && !reply.text().contains("id: 7"),
                "{speaks:?}: {}",
                reply.text()
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_servers_request_is_answered_that_nobody_here_can_do_it() -> anyhow::Result<()> {
    let ask = r#"{"jsonrpc":"2.0","id":"ask-1","method":"elicitation/create","params":{"message":"canary"}}"#;
    let ping = r#"{"jsonrpc":"2.0","id":"ask-2","method":"ping"}"#;
    for speaks in [Speaks::Legacy, Speaks::Sessionless] {
        let (_gateway, recorder, agents) = before(speaks).await?;
        for agent in agents {
            recorder.forget();
            recorder.answer("echo", Answer::Open(vec![ask.to_owned(), ping.to_owned(), progress("$TOKEN", 1)]));
            let mut stream = agent.stream(&with_token(&agent.calling("alpha_echo", "{}"), "1")).await?;
            let first = stream.next().await?.context("an event")?;
            assert!(!first.contains("canary"), "{speaks:?}: {first}");
            let answer = async |id: &str| {
                eventually("the server gets an answer", async || {
                    recorder.seen().into_iter().find(|seen| seen.json()["id"] == id)
                })
                .await
            };
            let told = answer("ask-1").await;
            assert_eq!(told.json()["error"]["code"], -32601, "{speaks:?}: {}", told.text());
            assert_eq!(told.header("mcp-session-id").is_empty(), speaks == Speaks::Sessionless, "{speaks:?}");
            let alive = answer("ask-2").await;
            assert_eq!(
                alive.json()["result"],
                json!({}),
                "{speaks:?}: that it lives is no capability: {}",
                alive.text()
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_modern_server_may_ask_nothing_and_so_gets_no_answer() -> anyhow::Result<()> {
    let ask = r#"{"jsonrpc":"2.0","id":"ask-1","method":"elicitation/create","params":{"message":"canary"}}"#;
    let (_gateway, recorder, agents) = before(Speaks::Modern).await?;
    let answer = portolan_tests::recorder::RESULT;
    recorder.answer("echo", Answer::Events(vec![ask.to_owned(), answer.to_owned()]));
    for agent in agents {
        recorder.forget();
        let reply = agent.call("alpha_echo", "{}").await?;
        assert_eq!((reply.events().len(), reply.tool_text().as_str()), (1, "done"), "{}", reply.text());
        // A call after it would come after an answer to the server.
        agent.call("alpha_echo", "{}").await?;
        assert!(recorder.seen().iter().all(|seen| seen.rpc() == "tools/call"), "{:?}", recorder.seen());
    }
    Ok(())
}
