//! Sessions of older clients on a fleet of two gateways: good on any of them for one principal on one route, and ended on all of them.

use http::{Method, StatusCode};
use portolan_tests::{
    agent::Agent,
    cluster::Cluster,
    eventually::{eventually, within},
    fixture::Fixture,
    fleet::{Fleet, Member},
    identity::Issuer,
    manifests::{policy, route, server},
    namespace::Namespace,
    recorder::Speaks,
    request::Request,
};
use serde_json::json;

use crate::setup::{TOOLS, serve};

/// A second gateway, and the same agent there.
async fn second(fleet: &mut Fleet, agent: &Agent) -> anyhow::Result<Agent> {
    fleet.add_gateway().await?;
    fleet.counts_gateways(2).await;
    Ok(at(agent, &fleet.gateways[1]))
}

fn at(agent: &Agent, gateway: &Member) -> Agent {
    Agent { address: gateway.running().at.listen, ..agent.clone() }
}

async fn refused(agent: &Agent) {
    let look = async || {
        let reply = agent.send(&agent.request("ping", "{}")).await.ok()?;
        (reply.status == StatusCode::NOT_FOUND).then_some(())
    };
    eventually("the session is refused", look).await;
}

#[tokio::test]
async fn a_session_works_on_any_gateway_and_its_end_holds_on_all_of_them_until_it_expires() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "anywhere").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    let there = second(&mut fleet, &agent).await?;
    let (here, there) = {
        let here = agent.initialized().await?;
        (here.clone(), Agent { session: here.session, ..there })
    };
    there.lists(&TOOLS).await;
    assert_eq!(here.call("alpha_count", "{}").await?.tool_text(), "1");
    assert_eq!(there.call("alpha_count", "{}").await?.tool_text(), "2", "the same session of the server");
    let kept = here.clone().initialized().await?;
    let mut stream = there.stream(&there.listening()).await?;

    assert!(there.delete().await?.status.is_success(), "it ends where it did not begin");
    within("its stream ends", async {
        while stream.bytes().await?.is_some() {}
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    refused(&here).await;
    for request in [here.listening(), here.calling("alpha_echo", "{}"), end(&here)] {
        assert_eq!(here.send(&request).await?.status, StatusCode::NOT_FOUND, "{}", request.method);
    }

    // The operator forgets everything, and the gateway where the session ended is gone before it is back.
    fleet.operators[0].kill9()?;
    fleet.gateways[1].kill9()?;
    fleet.start_operator(0).await?;
    fleet.counts_gateways(1).await;
    refused(&here).await;
    fleet.start_gateway(1).await?;
    fleet.counts_gateways(2).await;
    refused(&there).await;

    // Everybody restarts.
    fleet.kept().await;
    fleet.gateways[0].kill9()?;
    fleet.operators[0].kill9()?;
    fleet.gateways[1].kill9()?;
    fleet.start_gateway(0).await?;
    assert_eq!(here.send(&here.request("ping", "{}")).await?.status, StatusCode::NOT_FOUND, "from disk");
    assert_eq!(kept.call("alpha_count", "{}").await?.tool_text(), "1", "another session goes on");
    Ok(())
}

fn end(agent: &Agent) -> Request {
    let session = agent.session.as_deref().unwrap_or_default();
    Request::get(&agent.path).by(Method::DELETE).with("mcp-session-id", session).token(agent.token.as_deref())
}

/// Two tenants with a route each to one server, and two principals that may use both.
struct Tenants {
    fleet: Fleet,
    x: Namespace,
    _y: Namespace,
    _upstream: Fixture,
    /// Principal by route, each with a session of its own.
    agents: Vec<Agent>,
}

impl Tenants {
    async fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        let fleet = Fleet::start(cluster).await?;
        let upstream = Fixture::start(Speaks::Both).await?;
        let issuer = Issuer::new("https://issuer.example", "eng")?;
        let (x, y) = (Namespace::new(cluster, "x").await?, Namespace::new(cluster, "y").await?);
        let mut agents = Vec::new();
        for namespace in [&x, &y] {
            // The same names in both: only the tenant differs.
            let path = namespace.path("eng");
            let objects = [server("alpha", &upstream.url()), route("eng", &path, &["alpha"]), rules(&issuer, "true")];
            namespace.apply_all(&objects).await?;
            namespace.programmed(&objects).await;
            for subject in ["ann", "bob"] {
                let agent = fleet.agent(&path).with_token(&issuer.token(subject)?);
                agent.lists(&TOOLS).await;
                agents.push(agent.initialized().await?);
            }
        }
        // A policy may change: the tokens are good for the next one, too.
        x.apply(&rules(&issuer, "tool.name != 'alpha_wipe'")).await?;
        agents[0].lists(&TOOLS[..7]).await;
        x.apply(&rules(&issuer, "true")).await?;
        agents[0].lists(&TOOLS).await;
        Ok(Self { fleet, x, _y: y, _upstream: upstream, agents })
    }

    /// Every session, presented by every principal on every route of this gateway: only those that belong together are good.
    async fn only_equals_succeed(&self, gateway: usize, when: &str) -> anyhow::Result<()> {
        for (owner, issued) in self.agents.iter().enumerate() {
            for (presenter, presented) in self.agents.iter().enumerate() {
                let agent = Agent { session: issued.session.clone(), ..at(presented, &self.fleet.gateways[gateway]) };
                let what = format!("{when}: session {owner} presented as {presenter}");
                let call = agent.call("alpha_echo", r#"{"text":"mine"}"#).await?;
                if owner == presenter {
                    assert_eq!(call.tool_text(), "mine", "{what}");
                    agent.stream(&agent.listening()).await?;
                } else {
                    assert_eq!(call.status, StatusCode::NOT_FOUND, "{what}: {}", call.text());
                    for request in [agent.listening(), agent.request("ping", "{}"), end(&agent)] {
                        assert_eq!(
                            agent.send(&request).await?.status,
                            StatusCode::NOT_FOUND,
                            "{what} {}",
                            request.method
                        );
                    }
                }
            }
        }
        Ok(())
    }
}

fn rules(issuer: &Issuer, when: &str) -> serde_json::Value {
    let rules = json!([{"name": "rule", "action": "Allow", "when": when}]);
    policy("auth", "McpRoute/eng", &json!({"authentication": {"jwt": issuer.jwt()}, "authorization": {"rules": rules}}))
}

#[tokio::test]
async fn a_session_is_good_for_its_principal_on_its_route_in_its_tenant_and_nowhere_else() -> anyhow::Result<()> {
    let cluster = Cluster::own()?;
    let mut tenants = Tenants::start(&cluster).await?;
    tenants.fleet.add_gateway().await?;
    tenants.fleet.counts_gateways(2).await;
    at(&tenants.agents[3], &tenants.fleet.gateways[1]).lists(&TOOLS).await;
    tenants.only_equals_succeed(0, "the same gateway").await?;
    tenants.only_equals_succeed(1, "another gateway").await?;

    tenants.fleet.gateways[0].kill9()?;
    tenants.fleet.start_gateway(0).await?;
    tenants.agents[3].lists(&TOOLS).await;
    tenants.only_equals_succeed(0, "after a restart").await?;

    // More of one tenant's policies, and less of it again.
    let limits = policy("limits", "McpRoute/eng", &json!({"limits": {"requestBytes": "1Mi"}}));
    tenants.x.apply(&limits).await?;
    tenants.x.becomes("McpPolicy", "limits", "Programmed", "True", "Programmed").await;
    for gateway in 0..2 {
        tenants.only_equals_succeed(gateway, "after a policy change").await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_survives_the_kill_of_every_gateway_in_turn() -> anyhow::Result<()> {
    let long = std::env::var_os("PORTOLAN_TEST_LONG").is_some();
    let (sessions, at_once) = if long { (10_000, 50) } else { (200, 10) };
    let cluster = Cluster::own()?;
    let mut fleet = Fleet::start(&cluster).await?;
    let namespace = Namespace::new(&cluster, "survive").await?;
    let (_upstream, agent) = serve(&fleet, &namespace).await?;
    let there = second(&mut fleet, &agent).await?;
    there.lists(&TOOLS).await;
    // Half of them begin on each.
    let opening = (0..at_once).map(|caller| {
        let from = if caller % 2 == 0 { agent.clone() } else { there.clone() };
        async move {
            let mut opened = Vec::new();
            for _ in 0..sessions / at_once {
                opened.push(from.clone().initialized().await?);
            }
            Ok::<_, anyhow::Error>(opened)
        }
    });
    let opened = futures::future::try_join_all(opening).await?;

    for (count, gateway) in [(1, 0), (2, 1)] {
        fleet.gateways[gateway].kill9()?;
        fleet.start_gateway(gateway).await?;
        let new = fleet.gateways[gateway].running().at.listen;
        Agent { address: new, session: None, ..agent.clone() }.lists(&TOOLS).await;
        let calls = opened.iter().map(|sessions| async move {
            for session in sessions {
                let counted = Agent { address: new, ..session.clone() }.call("alpha_count", "{}").await?;
                assert_eq!(counted.tool_text(), count.to_string(), "{} {}", counted.status, counted.text());
            }
            Ok::<_, anyhow::Error>(())
        });
        futures::future::try_join_all(calls).await?;
    }
    Ok(())
}
