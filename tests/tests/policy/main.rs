//! Who may do what and how much, and what is written down about it.

mod account;
mod tokens;
mod verdict;

use http::StatusCode;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::identity::Issuer;
use portolan_tests::manifests::{merged, policy, route, server};
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
