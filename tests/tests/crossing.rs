//! Agents of either era before servers of either era: what of a message changes on the way, and that nothing else does.

use anyhow::Context;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::{eventually, within};
use portolan_tests::fixture::Fixture;
use portolan_tests::manifests::{merged, route, secret, server};
use portolan_tests::recorder::{Answer, Recorder, Seen, Speaks, tool, tool_with};
use portolan_tests::request::{LEGACY, MODERN};
use portolan_tests::standalone::Standalone;
use serde_json::{Value, json};

const ALL: [Speaks; 4] = [Speaks::Modern, Speaks::Legacy, Speaks::Sessionless, Speaks::Both];

/// A gateway before one recording server, and an agent of each era.
async fn before(speaks: Speaks) -> anyhow::Result<(Standalone, Recorder, [Agent; 2])> {
    before_tools(speaks, &[tool("echo")]).await
}

async fn before_tools(speaks: Speaks, tools: &[String]) -> anyhow::Result<(Standalone, Recorder, [Agent; 2])> {
    let recorder = Recorder::start(speaks, tools).await?;
    let gateway = Standalone::start(&[server("alpha", &recorder.url()), route("eng", "/mcp", &["alpha"])]).await?;
    let modern = Agent::modern(&gateway, "/mcp");
    eventually("the server's tools are listed", async || modern.names().await.ok().filter(|names| !names.is_empty()))
        .await;
    let legacy = Agent::legacy(&gateway, "/mcp").await?;
    Ok((gateway, recorder, [modern, legacy]))
}

/// Whether a server of this kind is spoken to in 2026-07-28 for this agent.
fn modern_upstream(speaks: Speaks, agent: &Agent) -> bool {
    match speaks {
        Speaks::Modern => true,
        Speaks::Legacy | Speaks::Sessionless => false,
        Speaks::Both => agent.session.is_none(),
    }
}

fn last_call(recorder: &Recorder) -> anyhow::Result<Seen> {
    recorder.saw("tools/call").pop().context("the server was called")
}

#[tokio::test]
async fn a_real_server_of_any_era_serves_agents_of_both() -> anyhow::Result<()> {
    for speaks in ALL {
        let fixture = Fixture::start(speaks).await?;
        let gateway = Standalone::start(&[server("real", &fixture.url()), route("eng", "/mcp", &["real"])]).await?;
        let modern = Agent::modern(&gateway, "/mcp");
        eventually("the tools are listed", async || modern.names().await.ok().filter(|names| names.len() == 8)).await;
        for agent in [modern, Agent::legacy(&gateway, "/mcp").await?] {
            let case = format!("{speaks:?}, {}", if agent.session.is_some() { "legacy" } else { "modern" });
            assert_eq!(agent.call("real_echo", r#"{"text":"ahoy"}"#).await?.tool_text(), "ahoy", "{case}");
            assert_eq!(agent.call("real_add", r#"{"a":40,"b":2}"#).await?.tool_text(), "42", "{case}");
            assert!(agent.call("real_fail", "{}").await?.is_tool_error(), "{case}");
            let structured = agent.call("real_structured", "{}").await?.json();
            assert_eq!(structured["result"]["structuredContent"], json!({"unit": "m", "value": 3}), "{case}");
            let request = agent.calling("real_progress", r#"{"steps":3}"#);
            let request = with_token(&request, r#""my token""#);
            let events = agent.send(&request).await?.events();
            let steps: Vec<_> = events.iter().filter(|event| event.contains("notifications/progress")).collect();
            assert_eq!(steps.len(), 3, "{case}: {events:?}");
            assert!(steps.iter().all(|step| step.contains(r#""progressToken":"my token""#)), "{case}: {steps:?}");
            assert!(events.last().is_some_and(|last| last.contains("all steps done")), "{case}: {events:?}");
        }
    }
    Ok(())
}

/// The request with a progress token.
fn with_token(request: &portolan_tests::request::Request, token: &str) -> portolan_tests::request::Request {
    if String::from_utf8_lossy(&request.body).contains(r#""_meta":{"#) {
        request.clone().edit(r#""_meta":{"#, &format!(r#""_meta":{{"progressToken":{token},"#))
    } else {
        request.clone().edit(r#""params":{"#, &format!(r#""params":{{"_meta":{{"progressToken":{token}}},"#))
    }
}

#[tokio::test]
async fn a_session_of_a_real_server_is_kept_for_its_agent() -> anyhow::Result<()> {
    let fixture = Fixture::start(Speaks::Legacy).await?;
    let gateway = Standalone::start(&[server("real", &fixture.url()), route("eng", "/mcp", &["real"])]).await?;
    let modern = Agent::modern(&gateway, "/mcp");
    eventually("the tools are listed", async || modern.names().await.ok().filter(|names| names.len() == 8)).await;
    let (ann, bob) = (Agent::legacy(&gateway, "/mcp").await?, Agent::legacy(&gateway, "/mcp").await?);
    for expected in ["1", "2", "3"] {
        assert_eq!(ann.call("real_count", "{}").await?.tool_text(), expected);
    }
    assert_eq!(bob.call("real_count", "{}").await?.tool_text(), "1", "another session counts from the start");
    Ok(())
}

#[tokio::test]
async fn headers_upstream_are_rebuilt_for_the_servers_era_and_none_is_carried_over() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, agents) = before(speaks).await?;
        for agent in agents {
            let case = format!("{speaks:?}, {}", if agent.session.is_some() { "legacy" } else { "modern" });
            let request = agent.calling("alpha_echo", "{}").with("cookie", "canary").with("x-canary", "canary");
            let request = request.with("user-agent", "canary").with("last-event-id", "canary");
            let request = request.with("authorization", "Bearer canary").with("tracestate", "vendor=1");
            let request = request.with("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
            assert_eq!(agent.send(&request).await?.tool_text(), "done", "{case}");
            let call = last_call(&recorder)?;
            assert!(!call.everything().contains("canary"), "{case}: {}", call.everything());
            assert_eq!(call.header("accept"), "application/json, text/event-stream", "{case}");
            assert_eq!(call.header("content-type"), "application/json", "{case}");
            assert_eq!(call.header("host"), recorder.address.to_string(), "{case}");
            let version = if modern_upstream(speaks, &agent) { MODERN } else { LEGACY };
            assert_eq!(call.header("mcp-protocol-version"), version, "{case}");
            let mirrored = [call.header("mcp-method"), call.header("mcp-name")];
            let expected = if modern_upstream(speaks, &agent) { ["tools/call", "echo"] } else { ["", ""] };
            assert_eq!(mirrored, expected, "{case}");
            let session = call.header("mcp-session-id");
            let sessions = matches!(speaks, Speaks::Legacy | Speaks::Both) && !modern_upstream(speaks, &agent);
            assert_eq!(session.starts_with("upstream-session-"), sessions, "{case}: {session}");
            assert_eq!(call.header("tracestate"), "vendor=1", "{case}");
        }
    }
    Ok(())
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn a_trace_goes_on_from_the_header_or_else_from_the_metadata() -> anyhow::Result<()> {
    let other = "00-11111111111111111111111111111111-00f067aa0ba902b7-01";
    for speaks in ALL {
        let (gateway, recorder, agents) = before(speaks).await?;
        for agent in agents {
            let case = format!("{speaks:?}, {}", if agent.session.is_some() { "legacy" } else { "modern" });
            let told = |parent: &str| {
                let member = format!(r#""traceparent":"{parent}","tracestate":"vendor=1","progressToken":7"#);
                with_token(&agent.calling("alpha_echo", "{}"), "7").edit(r#""progressToken":7"#, &member)
            };
            let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
            let by_header = told(other).with("traceparent", &parent).with("tracestate", "vendor=1");
            for request in [told(&parent), by_header] {
                recorder.forget();
                assert_eq!(agent.send(&request).await?.tool_text(), "done", "{case}");
                let call = last_call(&recorder)?;
                let meta = call.json()["params"]["_meta"]["traceparent"].as_str().unwrap_or_default().to_owned();
                for place in [call.header("traceparent"), meta] {
                    assert!(place.starts_with(&format!("00-{TRACE}-")) && place.ends_with("-01"), "{case}: {place}");
                    assert_ne!(place, parent, "{case}: the parent of the server's span is ours");
                }
                assert_eq!(call.header("tracestate"), "vendor=1", "{case}");
            }
        }
        eventually("both requests of both agents are accounted for under the trace", async || {
            let lines = gateway.audit().ok()?;
            (lines.iter().filter(|line| line["trace_id"] == TRACE).count() == 4).then_some(())
        })
        .await;
    }
    Ok(())
}

#[tokio::test]
async fn metadata_is_made_for_a_modern_server_and_taken_out_for_an_older_one() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, agents) = before(speaks).await?;
        for agent in agents {
            let case = format!("{speaks:?}, {}", if agent.session.is_some() { "legacy" } else { "modern" });
            let capable = String::from_utf8_lossy(&agent.calling("alpha_echo", "{}").body)
                .replace(r#"clientCapabilities":{}"#, r#"clientCapabilities":{"elicitation":{},"sampling":{}}"#);
            let request = agent.calling("alpha_echo", "{}").body(capable);
            let request = with_token(&request, "7");
            let request = request.edit(r#""progressToken":7"#, r#""acme.example/kept":{"n":1.50},"progressToken":7"#);
            agent.send(&request).await?;
            let call = last_call(&recorder)?;
            let meta = call.json()["params"]["_meta"].clone();
            assert_eq!(meta["acme.example/kept"], json!({"n": 1.5}), "{case}: members that are not ours stay");
            assert_ne!(meta["progressToken"], json!(7), "{case}: tokens are our own");
            assert!(meta["progressToken"].is_number() || meta["progressToken"].is_string(), "{case}: {meta}");
            let (version, capabilities) =
                (&meta["io.modelcontextprotocol/protocolVersion"], &meta["io.modelcontextprotocol/clientCapabilities"]);
            if modern_upstream(speaks, &agent) {
                assert_eq!((version, capabilities), (&json!(MODERN), &json!({})), "{case}: no capability is promised");
                assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "t", "{case}: the agent's name is told");
                assert!(meta["traceparent"].is_string(), "{case}: {meta}");
            } else {
                assert_eq!((version, capabilities), (&Value::Null, &Value::Null), "{case}: {meta}");
                assert_eq!(meta["io.modelcontextprotocol/clientInfo"], Value::Null, "{case}");
            }
        }
    }
    Ok(())
}

/// Members, numbers and spacing that no typed model keeps.
const ODD_ARGUMENTS: &str = r#"{ "big":12345678901234567890123,"f":1.50,"e":1e300,"dup":1,"dup":2 ,"u":"\u0061\ud83d\ude00","ü":[ ] ,"z":null}"#;
const ODD_RESULT: &str = r#""content": [{"type":"text","text":"\u0061","x-unknown":1.50},{"type":"hologram","n":12345678901234567890123}],"structuredContent":{"b":1,"a":1e2} , "x-top":[ ]"#;

#[tokio::test]
async fn arguments_reach_the_server_byte_for_byte() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, agents) = before(speaks).await?;
        for agent in agents {
            for arguments in [ODD_ARGUMENTS, r#"{"beyond":1e400,"small":-0.0,"zero":-0}"#] {
                agent.call("alpha_echo", arguments).await?;
                let text = last_call(&recorder)?.text();
                assert!(text.contains(&format!(r#""arguments":{arguments}"#)), "{speaks:?}: {text}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn within_an_era_a_request_changes_in_its_id_name_and_metadata_only() -> anyhow::Result<()> {
    let (_gateway, recorder, [modern, legacy]) = before(Speaks::Both).await?;
    let request = legacy.calling("alpha_echo", ODD_ARGUMENTS).id(r#""an \u0069d""#);
    legacy.send(&request).await?;
    let call = last_call(&recorder)?;
    let ours = call.json()["id"].to_string();
    let expected =
        String::from_utf8_lossy(&request.body).replace(r#""an \u0069d""#, &ours).replace("alpha_echo", "echo");
    assert_eq!(call.text(), expected);
    let request = modern.calling("alpha_echo", ODD_ARGUMENTS).edit(r#""_meta":{"#, r#""_meta":{"traceparent":"x","#);
    modern.send(&request).await?;
    let call = last_call(&recorder)?;
    let (ours, parent) = (call.json()["id"].to_string(), call.json()["params"]["_meta"]["traceparent"].to_string());
    let expected = String::from_utf8_lossy(&request.body)
        .replace(r#""id":1"#, &format!(r#""id":{ours}"#))
        .replace(r#""traceparent":"x""#, &format!(r#""traceparent":{parent}"#))
        .replace("alpha_echo", "echo");
    assert_eq!(call.text(), expected);
    Ok(())
}

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

fn progress(token: &str, progress: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{progress},"x":1.50}}}}"#
    )
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

#[tokio::test]
async fn a_modern_agent_that_goes_away_cancels_its_call_in_the_servers_own_way() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, [modern, _]) = before(speaks).await?;
        for (what, answer) in
            [("before an answer", Answer::Hang), ("in a stream", Answer::Open(vec![progress("$TOKEN", 1)]))]
        {
            recorder.forget();
            recorder.answer("echo", answer);
            let gone = recorder.gone();
            let request = with_token(&modern.calling("alpha_echo", "{}"), "1");
            let calling = async {
                let response = request.open(modern.address).await?;
                std::future::pending::<()>().await;
                drop(response);
                Ok::<_, anyhow::Error>(())
            };
            let id = tokio::select! {
                result = calling => panic!("{result:?}"),
                seen = recorder.sees("tools/call") => seen.json()["id"].clone(),
            };
            if speaks == Speaks::Modern || speaks == Speaks::Both {
                eventually("the server's exchange is broken off", async || (recorder.gone() > gone).then_some(()))
                    .await;
                assert!(recorder.saw("notifications/cancelled").is_empty(), "{speaks:?} {what}");
            } else {
                let cancelled = recorder.sees("notifications/cancelled").await;
                assert_eq!(cancelled.json()["params"]["requestId"], id, "{speaks:?} {what}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_older_agent_cancels_by_a_notification_and_not_by_going_away() -> anyhow::Result<()> {
    for speaks in ALL {
        let (_gateway, recorder, [_, legacy]) = before(speaks).await?;
        recorder.forget();
        recorder.answer("echo", Answer::Hang);
        let gone = recorder.gone();
        let request = legacy.calling("alpha_echo", "{}").id(r#""mine""#);
        let (_, ()) = within("the cancelled call ends", async {
            tokio::join!(request.send(legacy.address), async {
                let id = recorder.sees("tools/call").await.json()["id"].clone();
                let params = r#"{"requestId":"mine","reason":"enough"}"#;
                let accepted = legacy.notify("notifications/cancelled", params).await.expect("an answer");
                assert_eq!(accepted.status.as_u16(), 202);
                if modern_upstream(speaks, &legacy) {
                    eventually("the exchange is broken off", async || (recorder.gone() > gone).then_some(())).await;
                } else {
                    assert_eq!(
                        recorder.sees("notifications/cancelled").await.json()["params"]["requestId"],
                        id,
                        "{speaks:?}"
                    );
                }
            })
        })
        .await;
    }
    Ok(())
}

#[tokio::test]
async fn an_older_agent_that_goes_away_leaves_its_call_running() -> anyhow::Result<()> {
    for speaks in [Speaks::Modern, Speaks::Legacy] {
        let (gateway, recorder, [_, legacy]) = before(speaks).await?;
        recorder.forget();
        recorder.answer("echo", Answer::Gated(Box::new(Answer::Json(portolan_tests::recorder::RESULT.to_owned()))));
        let gone = recorder.gone();
        {
            let request = legacy.calling("alpha_echo", "{}");
            let calling = request.open(legacy.address);
            tokio::select! {
                result = calling => panic!("{:?}", result.map(|response| response.status())),
                _ = recorder.sees("tools/call") => {}
            }
        }
        // Another message of the same agent has been served whole: the gateway has seen the connection go.
        eventually("the gateway goes on", async || legacy.send(&legacy.request("ping", "{}")).await.ok()).await;
        recorder.open_gate();
        gateway.audited("the call is accounted for", |line| line["method"] == "tools/call").await;
        assert_eq!(recorder.gone(), gone, "{speaks:?}: the exchange was not broken off");
        assert!(recorder.saw("notifications/cancelled").is_empty(), "{speaks:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_real_server_sees_cancellations_of_both_kinds() -> anyhow::Result<()> {
    for speaks in [Speaks::Modern, Speaks::Legacy] {
        let fixture = Fixture::start(speaks).await?;
        let gateway = Standalone::start(&[server("real", &fixture.url()), route("eng", "/mcp", &["real"])]).await?;
        let modern = Agent::modern(&gateway, "/mcp");
        eventually("the tools are listed", async || modern.names().await.ok().filter(|names| names.len() == 8)).await;
        let request = modern.calling("real_slow", r#"{"milliseconds":600000}"#);
        tokio::select! {
            result = request.send(modern.address) => panic!("{result:?}"),
            () = eventually("the call runs", async || (fixture.running() == 1).then_some(())) => {}
        }
        eventually("the call is cancelled", async || (fixture.running() == 0).then_some(())).await;
        assert_eq!(fixture.cancelled(), 1, "{speaks:?}");
    }
    Ok(())
}

#[tokio::test]
async fn arguments_are_mirrored_in_the_headers_that_the_tools_schema_asks_for() -> anyhow::Result<()> {
    let definition = r#"{"name":"query","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"limit":{"type":"integer","x-mcp-header":"Limit"}}}}"#;
    let broken =
        r#"{"name":"broken","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}}"#;
    let (_gateway, recorder, agents) =
        before_tools(Speaks::Modern, &[definition.to_owned(), broken.to_owned()]).await?;
    for agent in agents {
        assert_eq!(agent.names().await?, ["alpha_query"], "a tool with an invalid annotation is not shown");
        for (arguments, region, limit) in [
            (r#"{"region":"eu","limit":10}"#, "eu", "10"),
            (r#"{"region":"zürich"}"#, "=?base64?esO8cmljaA==?=", ""),
            (r#"{"region":"=?base64?eA==?="}"#, "=?base64?PT9iYXNlNjQ/ZUE9PT89?=", ""),
        ] {
            let request = agent.calling("alpha_query", arguments);
            let request = if agent.session.is_none() && arguments.contains("limit") {
                request.with("mcp-param-region", "eu").with("mcp-param-limit", "10")
            } else {
                request.with("mcp-param-region", region)
            };
            let request = if agent.session.is_some() { request.without("mcp-param-region") } else { request };
            assert_eq!(agent.send(&request).await?.tool_text(), "done", "{arguments}");
            let call = last_call(&recorder)?;
            assert_eq!(
                (call.header("mcp-param-region"), call.header("mcp-param-limit")),
                (region.to_owned(), limit.to_owned())
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_whose_schema_has_changed_is_asked_for_it_and_called_once_more() -> anyhow::Result<()> {
    let before = tool("query");
    let after = r#"{"name":"query","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}"#;
    let recorder = Recorder::start(Speaks::Modern, &[before]).await?;
    // Nobody looks at the server by the clock while this test runs.
    let alpha = merged(server("alpha", &recorder.url()), &json!({"spec": {"health": {"interval": "10m"}}}));
    let gateway = Standalone::start(&[alpha, route("eng", "/mcp", &["alpha"])]).await?;
    let modern = Agent::modern(&gateway, "/mcp");
    modern.lists(&["alpha_query"]).await;
    let legacy = Agent::legacy(&gateway, "/mcp").await?;
    recorder.set_tools(&[tool("other"), after.to_owned()]);
    recorder.answer("query", Answer::Mirrored("mcp-param-region", "eu"));
    for agent in [legacy, modern.clone()] {
        recorder.forget();
        assert_eq!(agent.call("alpha_query", r#"{"region":"eu"}"#).await?.tool_text(), "done");
        let calls = recorder.saw("tools/call");
        let regions: Vec<_> = calls.iter().map(|seen| seen.header("mcp-param-region")).collect();
        assert!(regions == ["", "eu"] || regions == ["eu"], "{regions:?}");
        let ids: std::collections::HashSet<_> = calls.iter().map(|seen| seen.json()["id"].to_string()).collect();
        assert_eq!(ids.len(), calls.len(), "each attempt has an id of its own");
    }
    eventually("the new schema is listed, long before its time", async || {
        modern.page(None).await.ok()?.text().contains("x-mcp-header").then_some(())
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_refuses_the_headers_of_its_own_schema_is_called_once() -> anyhow::Result<()> {
    let (_gateway, recorder, agents) = before(Speaks::Modern).await?;
    recorder.answer("echo", Answer::Mirrored("mcp-param-never", "x"));
    for agent in agents {
        recorder.forget();
        let reply = agent.call("alpha_echo", "{}").await?;
        assert!(reply.is_tool_error() && !reply.text().contains("words-of-the-server"), "{}", reply.text());
        assert_eq!(recorder.saw("tools/call").len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_modern_agents_mirrored_arguments_must_agree_with_its_body() -> anyhow::Result<()> {
    let definition = r#"{"name":"query","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}"#;
    let (_gateway, recorder, [modern, _]) = before_tools(Speaks::Modern, &[definition.to_owned()]).await?;
    recorder.forget();
    let good = modern.calling("alpha_query", r#"{"region":"eu"}"#).with("mcp-param-region", "eu");
    let cases = [
        ("missing", good.clone().without("mcp-param-region")),
        ("wrong", good.clone().with("mcp-param-region", "us")),
        ("twice", good.clone().and("mcp-param-region", "eu")),
        ("without a value in the body", good.clone().edit(r#""region":"eu""#, r#""other":1"#)),
    ];
    for (what, request) in cases {
        let reply = modern.send(&request).await?;
        assert_eq!((reply.status.as_u16(), reply.code()), (400, Some(-32020)), "{what}: {}", reply.text());
    }
    assert!(recorder.saw("tools/call").is_empty());
    assert_eq!(
        modern.send(&good.with("mcp-param-unknown", "x")).await?.tool_text(),
        "done",
        "unknown ones are ignored"
    );
    Ok(())
}

#[tokio::test]
async fn the_gateways_own_credential_goes_to_the_server_and_an_edit_of_it_holds_for_the_next_call() -> anyhow::Result<()>
{
    let recorder = Recorder::start(Speaks::Both, &[tool_with("echo", "")]).await?;
    let credential = json!({"spec": {"credentials": {"header": {
        "name": "Authorization", "format": "Bearer %s", "secretRef": {"name": "token", "key": "value"},
    }}}});
    let objects = [
        merged(server("alpha", &recorder.url()), &credential),
        secret("token", "value", "first-secret"),
        route("eng", "/mcp", &["alpha"]),
    ];
    let gateway = Standalone::start(&objects).await?;
    let agent = Agent::modern(&gateway, "/mcp");
    agent.lists(&["alpha_echo"]).await;
    assert!(
        recorder.seen().iter().all(|seen| seen.header("authorization") == "Bearer first-secret"),
        "examinations too"
    );
    agent.call("alpha_echo", "{}").await?;
    assert_eq!(last_call(&recorder)?.header("authorization"), "Bearer first-secret");
    gateway.apply(&secret("token", "value", "second-secret"))?;
    eventually("the next call has the new secret", async || {
        agent.call("alpha_echo", "{}").await.ok()?;
        (last_call(&recorder).ok()?.header("authorization") == "Bearer second-secret").then_some(())
    })
    .await;
    let told = [
        gateway.process.stdout(),
        gateway.process.stderr(),
        gateway.admin("/config").await?.text(),
        gateway.audit_text(),
    ];
    assert!(told.iter().all(|text| !text.contains("-secret")), "no secret is told");
    Ok(())
}
