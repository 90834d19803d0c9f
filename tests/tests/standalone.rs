//! `portolan standalone` and `portolan check` as people use them: what they print, what they end with, and what an edit does.

use std::fs;
use std::path::Path;
use std::process::Output;

use anyhow::Context;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::fixture::Fixture;
use portolan_tests::load::Load;
use portolan_tests::manifests::{merged, policy, route, server};
use portolan_tests::process::run;
use portolan_tests::recorder::{Recorder, Speaks, tool};
use portolan_tests::standalone::Standalone;
use serde_json::{Value, json};
use tokio::process::Command;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn check(folder: &Path) -> anyhow::Result<Output> {
    run("portolan", &["check", "-f", &folder.display().to_string()]).await
}

#[tokio::test]
async fn check_is_quiet_about_good_files() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let objects = [server("alpha", "https://mcp.vendor.example/mcp"), route("eng", "/mcp", &["alpha"])];
    for (number, object) in objects.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.yaml")), object.to_string())?;
    }
    let output = check(folder.path()).await?;
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    Ok(())
}

/// A file with mistakes, each on a line that the output must name.
const MISTAKES: &str = "\
apiVersion: portolan.dev/v1alpha1
kind: McpRoute
metadata: {name: eng}
spec:
  path: /mcp
  servers:
  - name: alpha
    serverRef:
      name: missing
---
apiVersion: portolan.dev/v1alpha1
kind: McpPolicy
metadata: {name: gate}
spec:
  targetRefs: [{kind: McpRoute, name: eng}]
  authorization:
    rules:
    - name: typo
      action: Allow
      when: identity.subjekt == 'ann'
";

#[tokio::test]
async fn check_names_file_line_object_field_and_remedy_of_every_mistake() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("all.yaml"), MISTAKES)?;
    fs::write(folder.path().join("broken.yaml"), "apiVersion: v1\nkind: [\n")?;
    let output = check(folder.path()).await?;
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let line =
        |wanted: &str| told.lines().find(|line| line.contains(wanted)).with_context(|| format!("{wanted}: {told}"));
    let reference = line("all.yaml:9:")?;
    assert!(reference.contains("McpRoute default/eng") && reference.contains("missing"), "{reference}");
    let expression = line("all.yaml:20:")?;
    assert!(expression.contains("McpPolicy default/gate") && expression.contains("subjekt"), "{expression}");
    line("broken.yaml:")?;
    Ok(())
}

async fn one_server() -> anyhow::Result<(Standalone, Fixture, Agent)> {
    let fixture = Fixture::start(Speaks::Both).await?;
    let gateway = Standalone::start(&[server("real", &fixture.url()), route("eng", "/mcp", &["real"])]).await?;
    let agent = Agent::modern(&gateway, "/mcp");
    eventually("the tools are listed", async || agent.names().await.ok().filter(|names| names.len() == 8)).await;
    Ok((gateway, fixture, agent))
}

#[tokio::test]
async fn it_prints_conditions_endpoints_and_a_curl_line_that_works_when_it_is_pasted() -> anyhow::Result<()> {
    let (gateway, _fixture, _agent) = one_server().await?;
    let line = eventually("a curl line is printed", async || {
        gateway.process.stdout().lines().map(str::trim).find(|line| line.starts_with("curl ")).map(str::to_owned)
    })
    .await;
    let output = Command::new("sh").args(["-c", &line]).output().await?;
    let answer: Value =
        serde_json::from_slice(&output.stdout).with_context(|| format!("{line}: {}", text(&output.stdout)))?;
    assert_eq!(answer["result"]["tools"].as_array().map(Vec::len), Some(8), "{line}: {answer}");
    let told = eventually("the route is programmed", async || {
        let told = gateway.process.stdout();
        told.contains("Programmed=True").then_some(told)
    })
    .await;
    for wanted in
        ["McpServer default/real", "McpRoute default/eng", "Accepted=True", "Verified=True", &gateway.url("/mcp")]
    {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    assert!(!told.contains('\u{1b}'), "colours are for terminals");
    Ok(())
}

#[tokio::test]
async fn an_edit_is_in_force_without_a_failed_call() -> anyhow::Result<()> {
    let (gateway, _fixture, agent) = one_server().await?;
    let agents = vec![agent.clone(), agent.clone().initialized().await?];
    let load = Load::start(agents, "real_echo");
    load.makes(50).await;
    for exclude in [json!(["wipe"]), json!([]), json!(["wipe", "slow", "fail"])] {
        let entry = json!({"spec": {"servers": [{"name": "real", "serverRef": {"name": "real"}, "tools": {"exclude": exclude}}]}});
        gateway.apply(&merged(route("eng", "/mcp", &["real"]), &entry))?;
        let wanted = 8 - exclude.as_array().map_or(0, Vec::len);
        eventually("the edit is in force", async || agent.names().await.ok().filter(|names| names.len() == wanted))
            .await;
        load.makes(50).await;
    }
    load.finish().await?;
    Ok(())
}

#[tokio::test]
async fn a_bad_edit_changes_nothing_and_is_told() -> anyhow::Result<()> {
    let recorder = Recorder::start(Speaks::Both, &[tool("echo"), tool("wipe")]).await?;
    let deny = |when: &str| {
        policy(
            "gate",
            "McpRoute/eng",
            &json!({"authorization": {"default": "Allow", "rules": [
                {"name": "no-wipe", "action": "Deny", "when": when},
            ]}}),
        )
    };
    let objects =
        [server("alpha", &recorder.url()), route("eng", "/mcp", &["alpha"]), deny("tool.name == \"alpha_wipe\"")];
    let gateway = Standalone::start(&objects).await?;
    let agent = Agent::modern(&gateway, "/mcp");
    agent.lists(&["alpha_echo"]).await;
    gateway.apply(&deny("tool.nonsense == 1"))?;
    eventually("the bad edit is told", async || gateway.process.stdout().contains("nonsense").then_some(())).await;
    assert!(gateway.process.stdout().contains("Accepted=False"), "{}", gateway.process.stdout());
    assert_eq!(agent.names().await?, ["alpha_echo"], "the last good version holds");
    gateway.write("broken.yaml", "kind: [\n")?;
    eventually("the broken file is told", async || {
        format!("{}{}", gateway.process.stdout(), gateway.process.stderr()).contains("broken.yaml").then_some(())
    })
    .await;
    assert_eq!(agent.names().await?, ["alpha_echo"]);
    gateway.apply(&deny("tool.name == \"alpha_echo\""))?;
    agent.lists(&["alpha_wipe"]).await;
    Ok(())
}

#[tokio::test]
async fn a_deleted_route_is_404_and_a_new_one_serves() -> anyhow::Result<()> {
    let (gateway, _fixture, agent) = one_server().await?;
    gateway.apply(&route("second", "/second", &["real"]))?;
    let second = Agent::modern(&gateway, "/second");
    eventually("the new route serves", async || second.names().await.ok().filter(|names| names.len() == 8)).await;
    gateway.delete("McpRoute", "eng")?;
    eventually("the deleted route is gone", async || {
        (agent.page(None).await.ok()?.status.as_u16() == 404).then_some(())
    })
    .await;
    assert_eq!(second.names().await?.len(), 8);
    Ok(())
}

#[tokio::test]
async fn of_two_routes_with_one_path_one_serves_and_the_other_says_why_not() -> anyhow::Result<()> {
    let (gateway, _fixture, agent) = one_server().await?;
    gateway.apply(&merged(
        route("zzz", "/mcp", &["real"]),
        &json!({"spec": {"servers": [
            {"name": "real", "serverRef": {"name": "real"}, "prefix": "thief"},
        ]}}),
    ))?;
    eventually("the conflict is told", async || gateway.process.stdout().contains("HostPathConflict").then_some(()))
        .await;
    assert!(agent.names().await?.iter().all(|name| name.starts_with("real_")));
    Ok(())
}

#[tokio::test]
async fn the_admin_port_says_what_is_in_force() -> anyhow::Result<()> {
    let (gateway, _fixture, _agent) = one_server().await?;
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(gateway.admin(path).await?.status.as_u16(), 200, "{path}");
    }
    let config = gateway.admin("/config").await?.json();
    assert_eq!(config["source"], "Files", "{config}");
    for field in ["snapshot", "epoch", "resources"] {
        assert!(config.get(field).is_some(), "{field}: {config}");
    }
    Ok(())
}

#[tokio::test]
async fn asked_to_stop_it_finishes_what_runs_and_ends_with_zero() -> anyhow::Result<()> {
    let (mut gateway, fixture, agent) = one_server().await?;
    let request = agent.calling("real_slow", r#"{"milliseconds":700}"#);
    let (reply, status) = tokio::join!(request.send(agent.address), async {
        eventually("the call runs", async || (fixture.running() == 1).then_some(())).await;
        gateway.process.terminate()?;
        Ok::<_, anyhow::Error>(gateway.process.ended().await)
    });
    assert_eq!(reply?.tool_text(), "slowly done", "the call was answered");
    assert_eq!(status?.code(), Some(0));
    Ok(())
}
