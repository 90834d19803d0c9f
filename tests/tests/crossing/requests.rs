//! What of a request reaches a server, and in which form.

use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::manifests::{merged, route, secret, server};
use portolan_tests::recorder::{Answer, Recorder, Speaks, tool, tool_with};
use portolan_tests::request::{LEGACY, MODERN};
use portolan_tests::standalone::Standalone;
use serde_json::{Value, json};

use super::{ALL, ODD_ARGUMENTS, before, before_tools, last_call, modern_upstream, with_token};

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
