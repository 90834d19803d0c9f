//! An operator of this release, over the network, before a gateway that says what the first release's gateway said.

use std::fs::{self, File};

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use portolan_config::delta::client::{Reaction, Session};
use portolan_config::proto::configuration_client::ConfigurationClient;
use portolan_config::proto::{
    Chunk, Drain, Ended, EndedSession, FromGateway, FromOperator, KeysHeld, Rejected, Report, ServerFacts, Tool,
    from_gateway, from_operator,
};
use portolan_config::{Body, Kind, Name, Version, recording};
use portolan_operator::metrics::Metrics;
use portolan_operator::object::Object;
use portolan_operator::operator::Operator;
use portolan_operator::settings::{SecretAccess, Settings};
use portolan_operator::{publish, serve};
use portolan_tests::eventually::{eventually, within};
use portolan_tests::manifests::{merged, policy, route, server};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

/// What the first release's gateway said in [`converse`]. Never made anew: a gateway that says something else is another release.
const FIRST: &str = "gateway-0.1.0.said";

/// Seconds since 1970 at which a session that was ended would have expired: not in the life of these tests.
const LATE: i64 = 4_000_000_000;

fn objects() -> Vec<Object> {
    let rules = json!({"authorization": {"default": "Deny"}});
    let objects = [
        server("alpha", "https://alpha.example/mcp"),
        route("one", "/one", &["alpha"]),
        policy("rules", "McpRoute/one", &rules),
    ];
    let there = json!({"metadata": {"namespace": "shop", "generation": 1}});
    objects.into_iter().map(|object| Object::read(merged(object, &there)).unwrap()).collect()
}

/// One conversation, whoever says the gateway's part: `say` is given the number of what is to be said, and what has been heard since it last spoke.
async fn converse(
    operator: &Operator,
    mut say: impl FnMut(usize, &[FromOperator]) -> FromGateway,
) -> Vec<FromOperator> {
    let stop = CancellationToken::new();
    let _end = stop.clone().drop_guard();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve::serve(listener, operator.clone(), None, stop.clone()));
    tokio::spawn(publish::run(operator.clone(), Metrics::new(), stop));
    let (mut sender, receiver) = mpsc::channel(16);
    sender.send(say(0, &[])).await.unwrap();
    let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
    let mut client = ConfigurationClient::new(channel);
    let mut incoming = within("an answer", client.stream(receiver)).await.unwrap().into_inner();
    sender.send(say(1, &[])).await.unwrap();
    let mut all = Vec::new();
    // An acknowledgement of the first step; a report and the body of its chunk; and of each step that follows from what is said.
    for (number, awaited) in
        [(2, "step"), (3, ""), (4, "fetch"), (5, "step"), (6, ""), (7, "step"), (8, ""), (9, "step")]
    {
        let mut heard = Vec::new();
        while !awaited.is_empty() {
            let message = within("the operator goes on", incoming.next()).await.unwrap().unwrap();
            heard.push(message.clone());
            match message.message {
                Some(from_operator::Message::Step(step)) if step.commit && awaited == "step" => break,
                Some(from_operator::Message::Fetch(_)) if awaited == "fetch" => break,
                Some(from_operator::Message::Refused(refused)) => panic!("refused: {}", refused.reason),
                _ => {}
            }
        }
        sender.send(say(number, &heard)).await.unwrap();
        all.extend(heard);
    }
    let sequence = operator.size().sequence;
    eventually("the last word is heard", async || {
        let gateway = &operator.describe()["gateways"][0];
        (gateway["acknowledged"] == sequence && gateway["draining"] == true).then_some(())
    })
    .await;
    all
}

/// This release's gateway: it refuses the policy, and examines the server.
struct Live(Session);

impl Live {
    fn say(&mut self, number: usize, heard: &[FromOperator]) -> FromGateway {
        match number {
            0 => self.0.subscribe(),
            1 => KeysHeld {
                key_ids: vec!["first".to_owned()],
                sealing: "first".to_owned(),
                authorities: vec!["authority".to_owned()],
            }
            .into(),
            3 => self.report(),
            6 => {
                let session = EndedSession { session: Bytes::from_static(&[7; 16]), expires: LATE };
                Ended { sessions: vec![session] }.into()
            }
            8 => Drain {}.into(),
            _ => heard.iter().find_map(|message| self.answer(message)).unwrap(),
        }
    }

    fn answer(&mut self, message: &FromOperator) -> Option<FromGateway> {
        match self.0.on_message(message.clone()).unwrap() {
            Reaction::Change(change) => {
                let refused = change.upserts.iter().filter(|(name, ..)| name.kind() == Kind::Policy);
                let refused = refused.map(|(name, version, _)| Rejected {
                    name: name.to_string(),
                    version: version.to_string(),
                    reason: "authorization: not known here".to_owned(),
                });
                let refused = refused.collect();
                Some(self.0.applied(change.sequence, refused))
            }
            Reaction::Send(message) => Some(message),
            _ => None,
        }
    }

    fn report(&mut self) -> FromGateway {
        let definition = Bytes::from_static(br#"{"name":"echo","inputSchema":{"type":"object"}}"#);
        let tool = Tool { name: "echo".to_owned(), definition, digest: "sha256:01".to_owned() };
        let chunk = Body::from(Chunk { tools: vec![tool] }).encode();
        let report = Report {
            server: "Server/shop/alpha".to_owned(),
            server_version: "v".to_owned(),
            verified: true,
            reason: "Verified".to_owned(),
            message: "1 tool".to_owned(),
            latency_us: 1200,
            facts: Some(ServerFacts { revisions: vec!["2026-07-28".to_owned()], ..ServerFacts::default() }),
            digest: Version::of(&chunk).to_string(),
            ..Report::default()
        };
        self.0.report(report, vec![(Name::chunk("shop", "alpha", 0), chunk)])
    }
}

fn operator() -> Operator {
    let settings = Settings { secrets: SecretAccess::Files, open_without_authentication: true, ..Settings::default() };
    let operator = Operator::new(settings);
    operator.replace_all(objects());
    operator
}

/// What was recorded, with the number of the step that is acknowledged now.
fn as_recorded(recorded: &FromGateway, heard: &[FromOperator]) -> FromGateway {
    let step = heard.iter().rev().find_map(|message| match &message.message {
        Some(from_operator::Message::Step(step)) => Some(step.sequence),
        _ => None,
    });
    let mut message = recorded.clone();
    if let (Some(from_gateway::Message::Ack(ack)), Some(sequence)) = (&mut message.message, step) {
        ack.sequence = sequence;
    }
    message
}

#[tokio::test]
async fn an_operator_understands_all_that_the_first_releases_gateway_says() -> anyhow::Result<()> {
    let path = super::fixture(FIRST);
    if std::env::var_os("PORTOLAN_TEST_RECORD").is_some() && !path.exists() {
        let mut live = Live(Session::new("gateway-0".to_owned(), "default".to_owned(), "0.1.0".to_owned()));
        let mut said = Vec::new();
        converse(&operator(), |number, heard| {
            said.push(live.say(number, heard));
            said[said.len() - 1].clone()
        })
        .await;
        let mut bytes = Vec::new();
        recording::write(&mut bytes, &said)?;
        fs::write(&path, bytes)?;
    }
    let said: Vec<FromGateway> = recording::read(&mut File::open(&path)?)?;
    let operator = operator();
    let heard = converse(&operator, |number, heard| as_recorded(&said[number], heard)).await;

    let told = told_of(&heard, "Catalogue/shop/alpha");
    assert!(matches!(told, Some(Body::Catalogue(catalogue)) if catalogue.chunks == ["Chunk/shop/alpha/0"]));
    let Some(Body::Fleet(fleet)) = told_of(&heard, "Fleet/default") else { panic!("no fleet") };
    assert_eq!(fleet.ended_sessions.iter().map(|one| one.expires).collect::<Vec<_>>(), [LATE]);
    let gateway = &operator.describe()["gateways"][0];
    assert!(gateway["rejected"].to_string().contains("Policy/shop/rules"), "{gateway}");
    assert!(operator.holders().everywhere.contains("first"));
    let refused = operator.conditions().into_iter().flat_map(|status| status.findings);
    let refused: Vec<Value> = refused
        .filter(|finding| finding.message.contains("authorization: not known here"))
        .map(|finding| json!(finding.reason.to_string()))
        .collect();
    assert_eq!(refused, ["Rejected"]);
    Ok(())
}

/// The newest body of a resource among what was heard.
fn told_of(heard: &[FromOperator], name: &str) -> Option<Body> {
    let steps = heard.iter().filter_map(|message| match &message.message {
        Some(from_operator::Message::Step(step)) => Some(step),
        _ => None,
    });
    let newest = steps.flat_map(|step| &step.resources).filter(|resource| resource.name == name).last()?;
    Body::decode(name.parse::<Name>().unwrap().kind(), &newest.body).ok()
}
