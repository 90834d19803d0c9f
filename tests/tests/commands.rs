//! The command lines: flags, environment variables, signals and exit codes, on which other people's scripts rely.

use std::net::TcpListener;
use std::time::Instant;

use portolan_tests::agent::Agent;
use portolan_tests::eventually::eventually;
use portolan_tests::fixture::Fixture;
use portolan_tests::manifests::{route, server};
use portolan_tests::process::{Process, program, run};
use portolan_tests::recorder::{Recorder, Speaks, tool};
use portolan_tests::request::Request;
use portolan_tests::standalone::Standalone;

/// Every command with its flags.
const COMMANDS: [(&str, &[&str], &[&str]); 4] = [
    (
        "portolan",
        &["standalone"],
        &[
            "filename",
            "listen",
            "admin",
            "workers",
            "scheduling",
            "data-dir",
            "allow-origin",
            "allow-upstream",
            "ready-file",
            "audit-log",
            "external-url",
        ],
    ),
    ("portolan", &["check"], &["filename"]),
    (
        "portolan-operator",
        &[],
        &[
            "name",
            "fleet",
            "default-fleet",
            "fleet-service",
            "namespace",
            "listen",
            "tls-dir",
            "stream-host",
            "certificate-lifetime",
            "authority-lifetime",
            "key-lifetime",
            "admin",
            "external-url",
            "ready-file",
        ],
    ),
    (
        "portolan-gateway",
        &[],
        &[
            "operator",
            "name",
            "fleet",
            "listen",
            "admin",
            "workers",
            "scheduling",
            "data-dir",
            "allow-origin",
            "allow-upstream",
            "ready-file",
            "audit-log",
            "listen-tls-dir",
            "tls-dir",
            "fleet-key",
        ],
    ),
];

/// The long flags of a help text, each with the variable that it names.
fn flags(help: &str) -> Vec<(String, Option<String>)> {
    let mut flags: Vec<(String, Option<String>)> = Vec::new();
    for line in help.lines().map(str::trim_start) {
        if let Some(flag) =
            line.split_whitespace().find_map(|word| word.strip_prefix("--")).filter(|_| line.starts_with('-'))
        {
            flags.push((flag.to_owned(), None));
        }
        if let (Some((_, rest)), Some(last)) = (line.split_once("[env: "), flags.last_mut()) {
            last.1 = rest.split('=').next().map(str::to_owned);
        }
    }
    flags.retain(|(flag, _)| !["help", "version"].contains(&flag.as_str()));
    flags
}

#[tokio::test]
async fn every_flag_has_an_environment_variable_of_its_name() -> anyhow::Result<()> {
    for (name, command, wanted) in COMMANDS {
        let help = run(name, &[command, &["--help"]].concat()).await?;
        let flags = flags(&String::from_utf8_lossy(&help.stdout));
        let names: Vec<&str> = flags.iter().map(|(flag, _)| flag.as_str()).collect();
        assert_eq!(names, wanted, "{name} {command:?}");
        for (flag, variable) in &flags {
            let expected = format!("PORTOLAN_{}", flag.to_uppercase().replace('-', "_"));
            assert_eq!(variable.as_deref(), Some(expected.as_str()), "{name} {command:?} --{flag}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_command_may_be_told_everything_by_its_environment() -> anyhow::Result<()> {
    let recorder = Recorder::start(Speaks::Modern, &[tool("echo")]).await?;
    let folder = tempfile::tempdir()?;
    let objects = [server("alpha", &recorder.url()), route("eng", "/mcp", &["alpha"])];
    for (number, object) in objects.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.yaml")), object.to_string())?;
    }
    let environment = [
        ("PORTOLAN_FILENAME", &*folder.path().display().to_string()),
        ("PORTOLAN_LISTEN", "127.0.0.1:0"),
        ("PORTOLAN_ADMIN", "127.0.0.1:0"),
        ("PORTOLAN_WORKERS", "1"),
    ];
    let (process, at) = Process::start_in("portolan", &["standalone"], &environment).await?;
    let agent = Agent { address: at.listen, path: "/mcp".to_owned(), token: None, session: None };
    agent.lists(&["alpha_echo"]).await;
    drop(process);
    Ok(())
}

#[tokio::test]
async fn wrong_usage_ends_with_two() -> anyhow::Result<()> {
    for (name, arguments) in [
        ("portolan", &[][..]),
        ("portolan", &["check"]),
        ("portolan", &["check", "-f", "/nowhere"]),
        ("portolan", &["standalone", "--nonsense"]),
        ("portolan", &["nonsense"]),
        ("portolan", &["standalone", "-f", ".", "--listen", "nowhere"]),
        ("portolan-operator", &["--listen", "8090"]),
        ("portolan-operator", &["--default-fleet", "perhaps"]),
        ("portolan-gateway", &[]),
        ("portolan-gateway", &["--operator", "http://10.0.0.1:8090"]),
    ] {
        let output = run(name, arguments).await?;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name} {arguments:?}: {told}");
        assert!(
            !told.is_empty() && output.stdout.is_empty(),
            "{name} {arguments:?} says it to people who look at errors"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_start_ends_with_one_and_says_why() -> anyhow::Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let taken = taken.local_addr()?.to_string();
    let folder = tempfile::tempdir()?;
    let nowhere = folder.path().join("missing").display().to_string();
    let manifests = folder.path().display().to_string();
    let operator = ["--operator", "http://127.0.0.1:9"];
    for (name, arguments, word) in [
        (
            "portolan",
            [&["standalone", "-f", &manifests, "--admin", &taken][..], &["--listen", "127.0.0.1:0"]].concat(),
            "in use",
        ),
        ("portolan-gateway", [&operator[..], &["--listen", "127.0.0.1:0", "--admin", &taken]].concat(), "in use"),
        (
            "portolan-gateway",
            [&operator[..], &["--fleet-key", &nowhere, "--admin", "127.0.0.1:0", "--listen", "127.0.0.1:0"]].concat(),
            "missing",
        ),
        ("portolan-operator", vec!["--listen", &taken, "--admin", "127.0.0.1:0"], "in use"),
    ] {
        let output = run(name, &arguments).await?;
        let told = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert_eq!(output.status.code(), Some(1), "{name} {arguments:?}: {told}");
        assert!(told.contains(word), "{name} {arguments:?}: {told}");
    }
    let mut operator = tokio::process::Command::from(program("portolan-operator")?);
    operator.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).env("KUBECONFIG", &nowhere);
    let output = operator.env_remove("KUBERNETES_SERVICE_HOST").kill_on_drop(true).output().await?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("set KUBECONFIG"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_second_signal_stops_at_once() -> anyhow::Result<()> {
    let fixture = Fixture::start(Speaks::Both).await?;
    let mut gateway = Standalone::start(&[server("real", &fixture.url()), route("eng", "/mcp", &["real"])]).await?;
    let agent = Agent::modern(&gateway, "/mcp");
    eventually("the tools are listed", async || agent.names().await.ok().filter(|names| !names.is_empty())).await;
    let request = agent.calling("real_slow", r#"{"milliseconds":60000}"#);
    let (reply, stopped) = tokio::join!(request.send(agent.address), async {
        eventually("the call runs", async || (fixture.running() == 1).then_some(())).await;
        let begun = Instant::now();
        gateway.process.terminate()?;
        eventually("it is not ready", async || {
            (Request::get("/readyz").send(gateway.addresses.admin).await.ok()?.status == 503).then_some(())
        })
        .await;
        gateway.process.terminate()?;
        Ok::<_, anyhow::Error>((gateway.process.ended().await, begun.elapsed()))
    });
    assert!(reply.is_err(), "the call is cut");
    let (status, elapsed) = stopped?;
    assert_eq!(status.code(), Some(0));
    assert!(elapsed.as_secs() < 4, "the drain's own maximum is 5 s: {elapsed:?}");
    Ok(())
}
