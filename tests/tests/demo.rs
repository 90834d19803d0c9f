//! `make demo` without its script: the demonstration servers behind the examples, which must do what their comments say.

use std::fs;
use std::path::{Path, PathBuf};

use http::StatusCode;
use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::process::{program, run};
use portolan_tests::standalone::Standalone;
use serde_json::Value;
use tokio::process::{Child, Command};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// A demonstration server on a free port, stopped when it is dropped.
async fn serve(name: &str, folder: &Path) -> anyhow::Result<(Child, String)> {
    let ready = folder.join(name);
    let mut command = Command::from(program(name)?);
    let child = command.arg("--ready-file").arg(&ready).kill_on_drop(true).spawn()?;
    let at = eventually(&format!("{name} listens"), async || {
        let text: Value = serde_json::from_slice(&fs::read(&ready).ok()?).ok()?;
        text["listen"].as_str().map(str::to_owned)
    })
    .await;
    Ok((child, at))
}

#[tokio::test]
async fn the_examples_do_what_their_comments_say() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (_units, units) = serve("demo-units", folder.path()).await?;
    let (_notes, notes) = serve("demo-notes", folder.path()).await?;
    let gateway = Standalone::start(&[]).await?;
    for name in ["policy.yaml", "route.yaml", "servers.yaml"] {
        let text = fs::read_to_string(examples().join(name))?;
        gateway.write(name, &text.replace("127.0.0.1:9101", &units).replace("127.0.0.1:9102", &notes))?;
    }
    let agent = Agent::modern(&gateway, "/mcp");
    // What deletes is allowed by no rule, and one of them is not even in the route.
    agent.lists(&["convert", "list_units", "notes_add", "notes_list_notes", "notes_search_notes"]).await;
    let converted = agent.call("convert", r#"{"value":42,"from":"km/h","to":"kn"}"#).await?;
    assert!(converted.text().contains("22.67"), "{}", converted.text());
    for tool in ["notes_delete_note", "notes_delete_all_notes"] {
        assert_eq!(agent.call(tool, "{}").await?.code(), Some(-32602), "{tool}");
    }
    let add = |notebook: &str| format!(r#"{{"title":"speed","text":"22.68 kn","notebook":"{notebook}"}}"#);
    let denied = agent.call("notes_add", &add("archive")).await?;
    assert_eq!((denied.status, denied.code()), (StatusCode::FORBIDDEN, Some(-31403)));
    assert!(denied.text().contains("archive-is-closed"), "{}", denied.text());
    for number in 0..5 {
        let written = agent.call("notes_add", &add("travel")).await?;
        assert!(written.status == StatusCode::OK && !written.is_tool_error(), "{number}: {}", written.text());
    }
    let limited = agent.call("notes_add", &add("travel")).await?;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS, "{}", limited.text());
    assert!(limited.header("retry-after").is_some());
    let found = agent.call("notes_search_notes", r#"{"query":"22.68"}"#).await?;
    assert!(found.text().contains("speed"), "{}", found.text());
    Ok(())
}

#[tokio::test]
async fn the_examples_have_no_problem() -> anyhow::Result<()> {
    let checked = run("portolan", &["check", "-f", &examples().display().to_string()]).await?;
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));
    Ok(())
}
