//! Who may do what and how much, and what is written down about it.

use std::collections::BTreeSet;

use http::StatusCode;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::identity::{Issuer, now};
use portolan_tests::manifests::{merged, policy, route, secret, server};
use portolan_tests::recorder::{Recorder, Speaks, tool, tool_with};
use portolan_tests::standalone::Standalone;
use serde_json::{Value, json};

/// A gateway whose route takes tokens of one issuer, before one recording server.
struct World {
    gateway: Standalone,
    server: Recorder,
    issuer: Issuer,
}

impl World {
    /// `spec` is laid over the route's policy, which has authentication; `further` are more objects.
    async fn start(spec: &Value, further: &[Value]) -> anyhow::Result<Self> {
        Self::start_in(spec, further, &[]).await
    }

    /// The same with these environment variables.
    async fn start_in(spec: &Value, further: &[Value], environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let issuer = Issuer::new("https://issuer.example", "eng")?;
        let read = tool_with("read", r#""annotations":{"readOnlyHint":true},"#);
        let recorder = Recorder::start(Speaks::Both, &[read, tool("write"), tool("wipe")]).await?;
        let authenticated = merged(json!({"authentication": {"jwt": issuer.jwt()}}), spec);
        let mut objects = vec![
            server("alpha", &recorder.url()),
            route("eng", "/mcp", &["alpha"]),
            policy("gate", "McpRoute/eng", &authenticated),
        ];
        // A later object replaces an earlier one of its kind and name: each is a file.
        objects.extend_from_slice(further);
        let world = Self { gateway: Standalone::start_in(&objects, &[], environment).await?, server: recorder, issuer };
        let probe = world.agent("probe", &json!({"groups": ["eng", "ops"]}))?;
        eventually("the endpoint serves", async || {
            let reply = probe.page(None).await.ok()?;
            (reply.status == StatusCode::OK && reply.text().contains("alpha_")).then_some(())
        })
        .await;
        world.server.forget();
        Ok(world)
    }

    fn agent(&self, subject: &str, claims: &Value) -> anyhow::Result<Agent> {
        Ok(Agent::modern(&self.gateway, "/mcp").with_token(&self.issuer.token_with(subject, claims)?))
    }
}

#[tokio::test]
async fn only_a_token_that_is_right_in_every_part_is_taken() -> anyhow::Result<()> {
    let world = World::start(&json!({}), &[]).await?;
    let issuer = &world.issuer;
    let stranger = Issuer::new(&issuer.url, &issuer.audience)?;
    let with = |claims: Value| issuer.token_with("ann", &claims);
    let without = |name: &str| {
        let mut claims = issuer.claims("ann");
        claims.as_object_mut().expect("claims are an object").remove(name);
        issuer.signed(&claims)
    };
    let good = issuer.token("ann")?;
    let (unsigned, rest) = good.rsplit_once('.').unwrap_or_default();
    let claims = issuer.claims("ann").to_string();
    let header = |members: Value| {
        issuer.with_header(&merged(json!({"alg": "ES256", "typ": "JWT", "kid": "one"}), &members), &claims)
    };
    let bad = [
        ("no signature, and says so", issuer.unsigned("ann")),
        ("signed with the public key", issuer.confused("ann")?),
        ("another key", stranger.token("ann")?),
        ("another audience", with(json!({"aud": "other"}))?),
        ("an audience that begins like ours", with(json!({"aud": "eng2"}))?),
        ("a list of others", with(json!({"aud": ["a", "b"]}))?),
        ("no audience", without("aud")?),
        ("another issuer", with(json!({"iss": "https://issuer.example/"}))?),
        ("no issuer", without("iss")?),
        ("no subject", without("sub")?),
        ("expired", with(json!({"exp": now() - 3600}))?),
        ("no end", without("exp")?),
        ("an end that is text", with(json!({"exp": "9999999999"}))?),
        ("not yet", with(json!({"nbf": now() + 3600}))?),
        (
            "two ends",
            issuer.with_header(
                &json!({"alg": "ES256", "kid": "one"}),
                &claims.replacen('{', r#"{"exp":9999999999,"#, 1),
            )?,
        ),
        (
            "an end beyond numbers",
            issuer.with_header(
                &json!({"alg": "ES256", "kid": "one"}),
                &claims.replace(&(now() + 3600).to_string(), "1e400"),
            )?,
        ),
        ("another key's name", header(json!({"kid": "../../etc/passwd"}))?),
        ("an unknown duty", header(json!({"crit": ["x"], "x": 1}))?),
        ("another algorithm", header(json!({"alg": "ES384"}))?),
        ("no signature", format!("{unsigned}.")),
        ("half a signature", format!("{unsigned}.{}", &rest[..rest.len() / 2])),
        ("a changed claim", good.replacen('.', ".A", 1)),
        ("two parts", unsigned.to_owned()),
        ("nothing", String::new()),
        ("very long", "x".repeat(20_000)),
    ];
    for (what, token) in bad {
        let agent = Agent::modern(&world.gateway, "/mcp").with_token(&token);
        let reply = agent.call("alpha_read", "{}").await?;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{what}: {}", reply.text());
        assert!(reply.header("www-authenticate").is_some_and(|told| told.contains("resource_metadata")), "{what}");
    }
    let ann = world.agent("ann", &json!({}))?;
    for scheme in ["Basic ", "bearer-", ""] {
        let request = ann.calling("alpha_read", "{}").with("authorization", format!("{scheme}{good}"));
        assert_eq!(ann.send(&request).await?.status, StatusCode::UNAUTHORIZED, "{scheme}");
    }
    let two = ann.calling("alpha_read", "{}").and("authorization", format!("Bearer {good}"));
    assert_eq!(ann.send(&two).await?.status, StatusCode::UNAUTHORIZED, "two tokens");
    let in_target = ann.calling("alpha_read", "{}").without("authorization").to(&format!("/mcp?access_token={good}"));
    assert_eq!(ann.send(&in_target).await?.status, StatusCode::UNAUTHORIZED, "a token in the target");
    assert!(world.server.seen().is_empty(), "nothing reached the server");
    for claims in [json!({}), json!({"aud": ["other", "eng"]})] {
        assert_eq!(world.agent("ann", &claims)?.call("alpha_read", "{}").await?.tool_text(), "done");
    }
    Ok(())
}

#[tokio::test]
async fn without_audiences_only_the_endpoints_own_url_is_one() -> anyhow::Result<()> {
    let issuer = Issuer::new("https://own.example", "unused")?;
    let own = json!({"authentication": {"jwt": [{"issuer": issuer.url, "jwks": {"inline": issuer.jwks()}}]}});
    let world =
        World::start(&json!({}), &[route("own", "/own", &["alpha"]), policy("own", "McpRoute/own", &own)]).await?;
    let own_url = world.gateway.url("/own");
    for (audience, status) in
        [(own_url.as_str(), 200), ("eng", 401), (&world.gateway.url("/mcp"), 401), (&own_url[..own_url.len() - 1], 401)]
    {
        let token = issuer.token_with("ann", &json!({"aud": audience}))?;
        let reply = Agent::modern(&world.gateway, "/own").with_token(&token).call("alpha_read", "{}").await?;
        assert_eq!(reply.status.as_u16(), status, "{audience}: {}", reply.text());
    }
    Ok(())
}

#[tokio::test]
async fn keys_come_from_a_secret_too_and_a_removed_key_is_refused() -> anyhow::Result<()> {
    let (first, second) =
        (Issuer::new("https://secret.example", "eng")?, Issuer::new("https://secret.example", "eng")?);
    let spec = json!({"authentication": {"jwt": [
        {"issuer": first.url, "audiences": ["eng"], "jwks": {"secretRef": {"name": "keys", "key": "jwks"}}},
    ]}});
    let objects =
        [secret("keys", "jwks", &first.jwks()), route("own", "/own", &["alpha"]), policy("own", "McpRoute/own", &spec)];
    let world = World::start(&json!({}), &objects).await?;
    let agent = |issuer: &Issuer| {
        Ok::<_, anyhow::Error>(Agent::modern(&world.gateway, "/own").with_token(&issuer.token("ann")?))
    };
    let (old, new) = (agent(&first)?, agent(&second)?);
    assert_eq!(old.call("alpha_read", "{}").await?.tool_text(), "done");
    assert_eq!(new.call("alpha_read", "{}").await?.status, StatusCode::UNAUTHORIZED);
    world.gateway.apply(&secret("keys", "jwks", &second.jwks()))?;
    eventually("the new key is taken", async || new.names().await.ok()).await;
    assert_eq!(old.call("alpha_read", "{}").await?.status, StatusCode::UNAUTHORIZED, "a token that was taken before");
    Ok(())
}

#[tokio::test]
async fn anonymous_calls_are_taken_where_the_policy_says_so_and_bad_tokens_never() -> anyhow::Result<()> {
    let spec = json!({
        "authentication": {"anonymous": true},
        "authorization": {"rules": [
            {"name": "all-read", "action": "Allow", "when": "tool.name == \"alpha_read\""},
            {"name": "ann-writes", "action": "Allow", "when": "identity.subject == \"ann\""},
        ]},
    });
    let world = World::start(&spec, &[]).await?;
    let anonymous = Agent::modern(&world.gateway, "/mcp");
    assert_eq!(anonymous.names().await?, ["alpha_read"]);
    assert_eq!(anonymous.call("alpha_read", "{}").await?.tool_text(), "done");
    assert_eq!(anonymous.call("alpha_write", "{}").await?.code(), Some(-32602));
    assert_eq!(
        anonymous.clone().with_token("nonsense").call("alpha_read", "{}").await?.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(world.agent("ann", &json!({}))?.call("alpha_write", "{}").await?.tool_text(), "done");
    // A token may not call itself nobody.
    let impostor = world.agent("anonymous", &json!({}))?;
    assert_eq!(impostor.names().await?, ["alpha_read"]);
    let line = world
        .gateway
        .audited("an anonymous call", |line| line["method"] == "tools/call" && line["verdict"] == "allow")
        .await;
    assert_eq!(line["principal"], "anonymous");
    Ok(())
}

#[tokio::test]
async fn the_list_and_the_call_are_one_verdict_for_each_principal() -> anyhow::Result<()> {
    let spec = json!({"authorization": {"rules": [
        {"name": "readers", "action": "Allow", "when": "\"eng\" in identity.claims.groups", "tools": ["*_read"]},
        {"name": "writers", "action": "Allow", "when": "\"ops\" in identity.claims.groups"},
        {"name": "never", "action": "Deny", "tools": ["alpha_wipe"]},
    ]}});
    let world = World::start(&spec, &[]).await?;
    let cases: [(&str, Value, &[&str]); 4] = [
        ("ann", json!({"groups": ["eng"]}), &["alpha_read"]),
        ("bob", json!({"groups": ["ops"]}), &["alpha_read", "alpha_write"]),
        ("eve", json!({"groups": ["engineers"]}), &[]),
        ("mal", json!({"groups": "eng,ops"}), &[]),
    ];
    for (subject, claims, visible) in cases {
        let agent = world.agent(subject, &claims)?;
        let listed = agent.page(None).await?;
        if visible.is_empty() {
            // Identity alone may have decided: either nothing is listed, or the door is shut.
            assert!(
                listed.status == StatusCode::FORBIDDEN || agent.names().await?.is_empty(),
                "{subject}: {}",
                listed.text()
            );
        } else {
            assert_eq!(agent.names().await?, visible, "{subject}");
        }
        for name in ["alpha_read", "alpha_write", "alpha_wipe"] {
            let reply = agent.call(name, "{}").await?;
            let allowed = reply.status == StatusCode::OK && reply.code().is_none();
            assert_eq!(allowed, visible.contains(&name), "{subject} {name}: {}", reply.text());
        }
    }
    let names: BTreeSet<_> =
        world.server.saw("tools/call").iter().map(|seen| seen.json()["params"]["name"].to_string()).collect();
    assert_eq!(names, BTreeSet::from([r#""read""#.to_owned(), r#""write""#.to_owned()]), "wipe never arrived");
    Ok(())
}

#[tokio::test]
async fn rules_read_arguments_and_only_annotations_that_somebody_vouches_for() -> anyhow::Result<()> {
    let spec = json!({"authorization": {"rules": [
        {"name": "safe", "action": "Allow", "when": "tool.annotations.readOnlyHint"},
        {"name": "small", "action": "Allow", "when": "arguments.amount <= 10"},
        {"name": "main", "action": "Deny", "when": "arguments.?branch.orValue(\"\") == \"main\""},
    ]}});
    let world = World::start(&spec, &[]).await?;
    let ann = world.agent("ann", &json!({}))?;
    // The server claims readOnlyHint for read, but nobody vouches for it.
    for (tool, arguments, allowed) in [
        ("alpha_read", "{}", false),
        ("alpha_read", r#"{"amount":10}"#, true),
        ("alpha_read", r#"{"amount":11}"#, false),
        ("alpha_read", r#"{"amount":"10"}"#, false),
        ("alpha_write", r#"{"amount":1,"branch":"main"}"#, false),
        ("alpha_write", r#"{"amount":1,"branch":"dev"}"#, true),
        // Two readers could take this differently: what is judged is what the server reads, or it is refused.
        ("alpha_write", r#"{"amount":1,"branch":"dev","branch":"main"}"#, false),
        ("alpha_write", r#"{"amount":1,"br\u0061nch":"main"}"#, false),
    ] {
        let reply = ann.call(tool, arguments).await?;
        let passed = reply.status == StatusCode::OK && reply.code().is_none();
        assert_eq!(passed, allowed, "{tool} {arguments}: {}", reply.text());
    }
    let trusted = json!({"spec": {"trust": {"annotations": [{"tools": ["re*"], "readOnlyHint": true}]}}});
    world.gateway.apply(&merged(server("alpha", &world.server.url()), &trusted))?;
    eventually("the trusted hint holds", async || {
        let reply = ann.call("alpha_read", "{}").await.ok()?;
        (reply.status == StatusCode::OK && reply.code().is_none()).then_some(())
    })
    .await;
    assert_ne!(ann.call("alpha_write", "{}").await?.code(), None, "for the other tool nobody vouches");
    Ok(())
}

#[tokio::test]
async fn the_route_and_the_server_must_both_allow_each_in_its_own_names() -> anyhow::Result<()> {
    let on_route =
        json!({"authorization": {"rules": [{"name": "r", "action": "Allow", "tools": ["alpha_read", "alpha_write"]}]}});
    let on_server = json!({"authorization": {"rules": [{"name": "s", "action": "Allow", "when": "tool.name in [\"read\", \"wipe\"]"}]}});
    let world = World::start(&on_route, &[policy("on-server", "McpServer/alpha", &on_server)]).await?;
    let ann = world.agent("ann", &json!({}))?;
    assert_eq!(ann.names().await?, ["alpha_read"]);
    assert_eq!(ann.call("alpha_read", "{}").await?.tool_text(), "done");
    for name in ["alpha_write", "alpha_wipe"] {
        assert_eq!(ann.call(name, "{}").await?.code(), Some(-32602), "{name}");
    }
    assert_eq!(world.server.saw("tools/call").len(), 1);
    Ok(())
}

#[tokio::test]
async fn in_mode_audit_nothing_is_blocked_and_everything_is_written_down() -> anyhow::Result<()> {
    let spec = json!({
        "mode": "Audit",
        "authorization": {"rules": [{"name": "readers", "action": "Allow", "tools": ["alpha_read"]}]},
        "rateLimits": [{"name": "once", "key": ["tool.name"], "requests": 1, "window": "1h"}],
    });
    let world = World::start(&spec, &[]).await?;
    let ann = world.agent("ann", &json!({}))?;
    assert_eq!(ann.call("alpha_write", "{}").await?.tool_text(), "done");
    for _ in 0..2 {
        assert_eq!(ann.call("alpha_read", "{}").await?.tool_text(), "done");
    }
    let denied = world.gateway.audited("would deny", |line| line["verdict"] == "would_deny").await;
    assert_eq!((&denied["tool"], &denied["status"]), (&json!("alpha_write"), &json!(200)));
    assert!(denied["policy"].as_str().is_some_and(|name| name.ends_with("gate")), "{denied}");
    let limited = world.gateway.audited("would limit", |line| line["verdict"] == "would_limit").await;
    assert_eq!((&limited["rule"], &limited["tool"]), (&json!("once"), &json!("alpha_read")));
    assert_eq!(
        Agent::modern(&world.gateway, "/mcp").page(None).await?.status,
        StatusCode::UNAUTHORIZED,
        "authentication holds"
    );
    Ok(())
}

#[tokio::test]
async fn each_key_of_a_rate_limit_has_its_own_count() -> anyhow::Result<()> {
    let spec = json!({"rateLimits": [
        {"name": "per-user-tool", "key": ["identity.subject", "tool.name"], "requests": 2, "window": "1h"},
        {"name": "per-team", "key": ["identity.claims.team"], "requests": 5, "window": "1h"},
    ]});
    let world = World::start(&spec, &[]).await?;
    let ann = world.agent("ann", &json!({"team": "a"}))?;
    let bob = world.agent("bob", &json!({"team": "a"}))?;
    let cleo = world.agent("cleo", &json!({"team": "b"}))?;
    let calls = [
        (&ann, "alpha_read", None),
        (&ann, "alpha_read", None),
        (&ann, "alpha_read", Some("per-user-tool")),
        (&ann, "alpha_write", None),
        (&bob, "alpha_read", None),
        (&bob, "alpha_write", None),
        (&bob, "alpha_wipe", Some("per-team")),
        (&cleo, "alpha_read", None),
    ];
    for (number, (agent, tool, limited)) in calls.into_iter().enumerate() {
        let reply = agent.call(tool, "{}").await?;
        match limited {
            None => assert_eq!(reply.tool_text(), "done", "{number}: {}", reply.text()),
            Some(name) => {
                assert_eq!((reply.status.as_u16(), reply.code()), (429, Some(-31429)), "{number}: {}", reply.text());
                assert!(reply.text().contains(name), "{number}: {}", reply.text());
                assert!(reply.header("retry-after").is_some());
            }
        }
    }
    assert_eq!(world.server.saw("tools/call").len(), 6);
    Ok(())
}

#[tokio::test]
async fn a_policy_on_a_server_limits_and_denies_through_every_route() -> anyhow::Result<()> {
    let on_server = json!({"rateLimits": [{"name": "one", "requests": 1, "window": "1h"}]});
    let world = World::start(
        &json!({}),
        &[route("open", "/open", &["alpha"]), policy("on-server", "McpServer/alpha", &on_server)],
    )
    .await?;
    assert_eq!(world.agent("ann", &json!({}))?.call("alpha_read", "{}").await?.tool_text(), "done");
    let reply = Agent::modern(&world.gateway, "/open").call("alpha_read", "{}").await?;
    assert_eq!((reply.status.as_u16(), reply.code()), (429, Some(-31429)), "{}", reply.text());
    Ok(())
}

#[tokio::test]
async fn a_withdrawn_permission_is_gone_at_once() -> anyhow::Result<()> {
    let allow = json!({"authorization": {"rules": [{"name": "all", "action": "Allow"}]}});
    let world = World::start(&allow, &[]).await?;
    let ann = world.agent("ann", &json!({}))?;
    assert_eq!(ann.call("alpha_write", "{}").await?.tool_text(), "done");
    let readers = json!({
        "authentication": {"jwt": world.issuer.jwt()},
        "authorization": {"rules": [{"name": "readers", "action": "Allow", "tools": ["alpha_read"]}]},
    });
    world.gateway.apply(&policy("gate", "McpRoute/eng", &readers))?;
    ann.lists(&["alpha_read"]).await;
    assert_eq!(ann.call("alpha_write", "{}").await?.code(), Some(-32602), "the call as the list");
    Ok(())
}

/// Every field of api.md's audit record, and no other.
const FIELDS: [&str; 15] = [
    "arguments_digest",
    "code",
    "duration_us",
    "generation",
    "method",
    "policy",
    "principal",
    "route",
    "rule",
    "server",
    "status",
    "time",
    "tool",
    "trace_id",
    "verdict",
];

#[tokio::test]
async fn every_decision_is_one_line_of_exactly_these_fields() -> anyhow::Result<()> {
    let deny = json!({"authorization": {"default": "Allow", "rules": [
        {"name": "no-main", "action": "Deny", "when": "arguments.?branch.orValue(\"\") == \"main\""},
    ]}});
    let world = World::start(&deny, &[]).await?;
    let ann = world.agent("ann", &json!({}))?;
    // The probe that waited for the world to settle has lines of its own, which may still be on their way.
    let ours = |lines: Vec<Value>| -> Vec<Value> {
        let probe = |line: &Value| line["principal"].as_str().is_some_and(|who| who.ends_with("#probe"));
        lines.into_iter().filter(|line| !probe(line)).collect()
    };
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    ann.send(&ann.calling("alpha_read", r#"{"text":"x"}"#).with("traceparent", &parent)).await?;
    ann.call("alpha_read", r#"{"branch":"main"}"#).await?;
    ann.call("alpha_nothing", "{}").await?;
    ann.page(None).await?;
    Agent::modern(&world.gateway, "/mcp").call("alpha_read", "{}").await?;
    ann.send(&ann.calling("alpha_read", "{}").body("{")).await?;
    let lines =
        eventually("six lines", async || world.gateway.audit().ok().map(ours).filter(|lines| lines.len() >= 6)).await;
    let lines = &lines[..];
    assert_eq!(lines.len(), 6, "one line each: {lines:#?}");
    for line in lines {
        let fields: Vec<_> = line.as_object().into_iter().flat_map(serde_json::Map::keys).map(String::as_str).collect();
        assert_eq!(fields.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(FIELDS), "{line}");
        assert_eq!(line["route"], "default/eng", "{line}");
    }
    let verdicts: Vec<_> =
        lines.iter().map(|line| (line["verdict"].as_str().unwrap_or_default(), line["status"].as_u64())).collect();
    let expected =
        [("allow", 200), ("deny", 403), ("invalid", 200), ("allow", 200), ("unauthenticated", 401), ("invalid", 400)];
    assert_eq!(verdicts, expected.map(|(verdict, status)| (verdict, Some(status))));
    let call = &lines[0];
    assert_eq!(
        (&call["trace_id"], &call["tool"], &call["method"]),
        (&json!(trace), &json!("alpha_read"), &json!("tools/call"))
    );
    assert_eq!((&call["server"], &call["principal"]), (&json!("default/alpha"), &json!("https://issuer.example#ann")));
    assert!(call["arguments_digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{call}");
    assert!(
        world.server.sees("tools/call").await.header("traceparent").contains(trace),
        "the server joins the same trace"
    );
    Ok(())
}

#[tokio::test]
async fn a_trace_that_only_the_metadata_names_is_joined_too() -> anyhow::Result<()> {
    let world = World::start(&json!({}), &[]).await?;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let ann = world.agent("ann", &json!({}))?;
    let context = format!(r#""_meta":{{"traceparent":"00-{trace}-00f067aa0ba902b7-01","tracestate":"vendor=1","#);
    ann.send(&ann.calling("alpha_read", "{}").edit(r#""_meta":{"#, &context)).await?;
    let call = world.server.sees("tools/call").await;
    assert!(call.header("traceparent").contains(trace), "{}", call.header("traceparent"));
    assert_eq!(call.header("tracestate"), "vendor=1");
    let meta = call.json()["params"]["_meta"].clone();
    assert!(meta["traceparent"].as_str().is_some_and(|parent| parent.contains(trace)), "{meta}");
    assert!(!meta["traceparent"].as_str().unwrap_or_default().contains("00f067aa0ba902b7"), "a span of ours: {meta}");
    assert_eq!(meta["tracestate"], "vendor=1");
    world.gateway.audited("the call", |line| line["trace_id"] == trace).await;
    Ok(())
}

#[tokio::test]
async fn no_token_argument_or_secret_is_ever_written_or_passed_on() -> anyhow::Result<()> {
    let credential =
        json!({"spec": {"credentials": {"header": {"name": "X-Key", "secretRef": {"name": "key", "key": "value"}}}}});
    let recorder = Recorder::start(Speaks::Legacy, &[tool("read")]).await?;
    let further = [secret("key", "value", "canary-secret"), merged(server("alpha", &recorder.url()), &credential)];
    // Everything is logged that can be, the access log included.
    let world = World::start_in(&json!({}), &further, &[("PORTOLAN_LOG", "trace")]).await?;
    let token = world.issuer.token_with("ann", &json!({"note": "canary-claim"}))?;
    let signature = token.rsplit('.').next().unwrap_or_default().to_owned();
    let modern = Agent::modern(&world.gateway, "/mcp").with_token(&token);
    let legacy = modern.clone().initialized().await?;
    for agent in [&modern, &legacy] {
        let request =
            agent.calling("alpha_read", r#"{"text":"canary-argument"}"#).with("x-forwarded-for", "canary-header");
        let request = request.with("cookie", format!("token={token}")).and("connection", "close");
        agent.send(&request).await?;
        agent.call("canary-name", "{}").await?;
        agent.send(&agent.request("canary-method", "{}")).await?;
        agent.send(&agent.calling("alpha_read", "{}").body(r#"{"canary-broken""#)).await?;
    }
    legacy.delete().await?;
    let seen: String = recorder.seen().iter().map(portolan_tests::recorder::Seen::everything).collect();
    assert!(
        seen.contains("canary-argument") && seen.contains("canary-secret"),
        "what belongs to the server reaches it"
    );
    for canary in [signature.as_str(), "canary-claim", "canary-header", "authorization"] {
        assert!(!seen.contains(canary), "{canary} reached a server: {seen}");
    }
    let pages = [world.gateway.admin("/metrics").await?.text(), world.gateway.admin("/config").await?.text()];
    let written = [world.gateway.process.stdout(), world.gateway.process.stderr(), world.gateway.audit_text()];
    let session = legacy.session.unwrap_or_default();
    for target in [r#""target":"access""#, r#""level":"DEBUG""#] {
        assert!(written[1].contains(target), "the log has {target}");
    }
    for text in pages.iter().chain(&written) {
        for canary in
            [&signature, &session, "canary-claim", "canary-argument", "canary-secret", "canary-header", "canary-broken"]
        {
            assert!(!text.contains(canary), "{canary} is written in {text}");
        }
    }
    assert!(!pages[0].contains("canary"), "no agent names a series: {}", pages[0]);
    Ok(())
}

#[tokio::test]
async fn metrics_count_by_route_server_and_tool() -> anyhow::Result<()> {
    let world = World::start(&json!({}), &[]).await?;
    world.agent("ann", &json!({}))?.call("alpha_read", "{}").await?;
    let page = eventually("the call is counted", async || {
        let page = world.gateway.admin("/metrics").await.ok()?.text();
        page.lines().any(|line| line.contains("alpha_read")).then_some(page)
    })
    .await;
    for line in page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        assert!(line.starts_with("portolan_"), "{line}");
    }
    assert!(page.contains("default/eng") && page.contains("default/alpha"), "{page}");
    Ok(())
}
