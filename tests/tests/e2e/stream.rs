//! What an operator of this release says to a gateway is kept, so that gateways of later releases are tried with it.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

use portolan_config::{
    delta::client::{Reaction, Session},
    proto::{FromOperator, from_operator},
    recording,
};
use portolan_dataplane::{
    limits::Limits,
    snapshot::{Compiler, Source, compile::Settings},
    telemetry::Metrics,
    upstream::Dialer,
};
use portolan_tests::{
    cluster::Cluster,
    fixture::Fixture,
    fleet::Fleet,
    identity::Issuer,
    manifests::{merged, policy, route, server},
    recorder::Speaks,
    tap::Tap,
};
use serde_json::{Value, json};

/// Where recordings are kept.
fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// This release's recording. It is never made anew: an operator that says something else is another release.
fn file() -> PathBuf {
    fixtures().join(concat!("stream-", env!("CARGO_PKG_VERSION"), ".bin"))
}

/// Plays a recording to a gateway's half of the protocol and its compiler. Returns the names in force.
fn replay(messages: Vec<FromOperator>) -> anyhow::Result<BTreeSet<String>> {
    let mut session = Session::new("gateway-0".to_owned(), "default".to_owned(), "later".to_owned());
    let dialer = Arc::new(Dialer::new(Vec::new(), true));
    let metrics = Metrics::new(&Limits::default());
    let settings = Settings { workers: 1, dialer, open_without_authentication: false, source: Source::Stream, metrics };
    let mut compiler = Compiler::new(settings);
    session.subscribe();
    for message in messages {
        // A body that was fetched from the gateway that was there then is not asked of this one.
        if !matches!(message.message, Some(from_operator::Message::Step(_))) {
            continue;
        }
        if let Reaction::Change(change) = session.on_message(message)? {
            let rejected = compiler.apply(&change);
            assert!(rejected.is_empty(), "{rejected:?}");
            compiler.snapshot();
            session.applied(change.sequence, rejected);
        }
    }
    let snapshot = compiler.snapshot();
    assert_eq!(snapshot.servers().count(), 2);
    let route = snapshot.route("mcp.acme.example", "/eng/mcp").expect("the route is there");
    assert!(!route.closed && route.tools.all().len() == 15, "{} tools", route.tools.all().len());
    Ok(snapshot.resources().map(|(name, _)| name.to_string()).collect())
}

/// Objects with every field that the stream carries.
fn objects(url: &str) -> anyhow::Result<Vec<Value>> {
    let issuer = Issuer::new("https://issuer.example", "eng")?;
    let trusted = json!({"spec": {
        "trust": {"annotations": [{"tools": ["echo"], "readOnlyHint": true}]},
        "credentials": {"header": {"name": "x-key", "secretRef": {"name": "token", "key": "value"}}},
        "health": {"maxConcurrent": 20},
    }});
    let shown = json!({"spec": {
        "hostnames": ["mcp.acme.example"],
        "aggregation": {"conflict": "Reject", "onServerFailure": "Fail", "staleFor": "5m"},
        "servers": [
            {"name": "a", "serverRef": {"name": "alpha"}, "tools": {"exclude": ["wipe"], "overrides": [{"name": "add", "as": "sum", "description": "Adds."}]}},
            {"name": "b", "serverRef": {"name": "beta"}, "prefix": "bee"},
        ],
    }});
    let rules = json!({
        "authentication": {"jwt": issuer.jwt(), "resourceMetadata": {"authorizationServers": ["https://issuer.example"]}},
        "authorization": {"default": "Allow", "rules": [{"name": "no", "action": "Deny", "when": "arguments.branch == 'main'", "tools": ["bee_*"]}]},
        "rateLimits": [{"name": "each", "key": ["identity.subject"], "requests": 60, "window": "1m", "burst": 5}],
        "limits": {"requestBytes": "1Mi"},
    });
    Ok(vec![
        portolan_tests::manifests::secret("token", "value", "not a secret"),
        merged(server("alpha", url), &trusted),
        server("beta", url),
        merged(route("eng", "/eng/mcp", &["a"]), &shown),
        policy("rules", "McpRoute/eng", &rules),
        policy("own", "McpServer/beta", &json!({"mode": "Audit", "authorization": {"default": "Deny"}})),
    ])
}

/// What an operator says to a new gateway about [`objects`].
async fn record() -> anyhow::Result<Vec<FromOperator>> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::without_gateway(&cluster).await?;
    let tap = Tap::start(fleet.stream()).await?;
    fleet.follow(tap.address);
    fleet.add_gateway().await?;
    // A name that never changes: names are part of what is compared.
    let client = cluster.client().await?;
    let namespace = portolan_tests::namespace::Namespace { client, name: "recorded".to_owned() };
    cluster.kubectl(&["create", "namespace", "recorded"]).await?;
    let reader =
        ["rolebinding", "portolan-secret-reader", "--namespace=recorded", "--clusterrole=portolan-secret-reader"];
    cluster
        .kubectl(&[&["create"], &reader[..], &["--serviceaccount=portolan-system:portolan-operator"]].concat())
        .await?;
    let upstream = Fixture::start(Speaks::Both).await?;
    let objects = objects(&upstream.url())?;
    namespace.apply_all(&objects).await?;
    namespace.programmed(&objects).await;
    for server in ["alpha", "beta"] {
        namespace.becomes("McpServer", server, "Verified", "True", "Verified").await;
    }
    let serves = |object: &Value| object["status"]["totals"]["tools"] == 15;
    namespace.until("McpRoute", "eng", "shows every tool", serves).await;
    Ok(tap.heard())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_release_says_what_its_recording_says() -> anyhow::Result<()> {
    let heard = record().await?;
    if std::env::var_os("PORTOLAN_TEST_RECORD").is_some() && !file().exists() {
        let mut bytes = Vec::new();
        recording::write(&mut bytes, &heard)?;
        fs::write(file(), bytes)?;
    }
    let recorded = recording::read(&mut fs::File::open(file())?)?;
    assert_eq!(replay(heard)?, replay(recorded)?, "another stream needs another release");
    Ok(())
}

#[test]
fn every_recorded_stream_is_taken_in_whole() -> anyhow::Result<()> {
    let mut count = 0;
    for entry in fs::read_dir(fixtures())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "bin") {
            let in_force = replay(recording::read(&mut fs::File::open(&path)?)?)?;
            for kind in [
                "Server/",
                "Endpoints/",
                "Route/",
                "Policy/",
                "Catalogue/",
                "Chunk/",
                "Secret/",
                "Assignment/",
                "Fleet/",
            ] {
                let there = in_force.iter().any(|name| name.starts_with(kind));
                assert!(there || kind == "Endpoints/", "{} has no {kind}", path.display());
            }
            count += 1;
        }
    }
    assert!(count > 0, "no recording is kept");
    Ok(())
}
