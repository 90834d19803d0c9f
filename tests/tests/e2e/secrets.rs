//! Credentials from Secrets: only where granted, new ones at the next call, withdrawn ones gone.

use portolan_tests::{
    account::{NAME, NAMESPACE, SECRET_READER},
    cluster::Cluster,
    eventually::eventually,
    fleet::{Fleet, answers},
    manifests::{merged, route, secret, server},
    namespace::Namespace,
    recorder::{Recorder, Speaks, tool},
};
use serde_json::json;

use crate::setup::open;

/// The command that a condition tells.
fn command(message: &str) -> Option<Vec<String>> {
    let command = &message[message.find("kubectl ")?..];
    Some(command.split_whitespace().map(|word| word.trim_end_matches('.').to_owned()).collect())
}

#[tokio::test]
async fn a_credential_is_used_where_its_secret_is_granted_and_gone_when_the_grant_is() -> anyhow::Result<()> {
    let (cluster, fleet) = (Cluster::shared()?, Fleet::shared().await?);
    let namespace = Namespace::new(cluster, "secrets").await?;
    let upstream = Recorder::start(Speaks::Modern, &[tool("echo")]).await?;
    let credentials = json!({"spec": {"credentials": {"header": {
        "name": "Authorization", "format": "Bearer %s", "secretRef": {"name": "token", "key": "value"},
    }}}});
    let path = namespace.path("eng");
    let private = merged(server("alpha", &upstream.url()), &credentials);
    namespace
        .apply_all(&[secret("token", "value", "first"), private, route("eng", &path, &["alpha"]), open("open", "eng")])
        .await?;
    let agent = fleet.agent(&path);

    // Not granted: the condition has the command that grants it, and that command works as it stands.
    let told = namespace.becomes("McpServer", "alpha", "ResolvedRefs", "False", "SecretNotGranted").await;
    let command = command(told["message"].as_str().unwrap_or_default()).expect("a command");
    let account = format!("--serviceaccount={NAMESPACE}:{NAME}");
    assert!(command.contains(&account) && command.contains(&SECRET_READER.to_owned()), "{command:?}");
    assert!(upstream.seen().is_empty(), "nobody is sent anything without the credential that belongs to it");
    let words: Vec<&str> = command.iter().skip(1).map(String::as_str).collect();
    cluster.kubectl(&words).await?;
    namespace.becomes("McpServer", "alpha", "ResolvedRefs", "True", "ResolvedRefs").await;
    agent.lists(&["alpha_echo"]).await;
    agent.call("alpha_echo", "{}").await?;
    assert_eq!(upstream.sees("tools/call").await.header("authorization"), "Bearer first");

    // Rotated: the next call has it.
    namespace.apply(&secret("token", "value", "second")).await?;
    eventually("a call has the new credential", async || {
        upstream.forget();
        agent.call("alpha_echo", "{}").await.ok()?;
        (upstream.saw("tools/call").pop()?.header("authorization") == "Bearer second").then_some(())
    })
    .await;

    // Withdrawn: the credential is gone, and nothing is sent without it.
    namespace.delete("RoleBinding", SECRET_READER).await?;
    let told = namespace.becomes("McpServer", "alpha", "ResolvedRefs", "False", "SecretNotGranted").await;
    assert!(told["message"].as_str().is_some_and(|text| text.contains("kubectl create rolebinding")), "{told}");
    let call = agent.calling("alpha_echo", "{}");
    answers("calls fail", &agent, &call, |reply| reply.status != 200 || reply.is_tool_error()).await;
    upstream.forget();
    agent.call("alpha_echo", "{}").await?;
    assert!(upstream.saw("tools/call").is_empty(), "{:?}", upstream.saw("tools/call"));
    let log = fleet.gateways[0].running().process.stderr() + &fleet.operators[0].running().process.stderr();
    assert!(!log.contains("Bearer first") && !log.contains("Bearer second"), "no credential is logged");
    Ok(())
}
