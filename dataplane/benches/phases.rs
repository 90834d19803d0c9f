//! The phases that decide about a call, each alone: `phases NAME TIMES` runs one so often, `phases` names them. Counting instructions is
//! somebody else's work (`make bench-instructions`).

#![allow(clippy::print_stdout, reason = "names are what it is asked for")]
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has nothing to say")]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use portolan_config::delta::client::Change;
use portolan_config::{Body, Kind, Name, Version, proto};
use portolan_dataplane::limits::Limits;
use portolan_dataplane::mcp::cross::{self, Crossing, Outbound};
use portolan_dataplane::mcp::headers::PROTOCOL_VERSION;
use portolan_dataplane::mcp::{Revision, classify, scan, scan_response};
use portolan_dataplane::policy::gcra::Limiter;
use portolan_dataplane::policy::{CallFacts, Identity, Verdict};
use portolan_dataplane::snapshot::compile::Settings;
use portolan_dataplane::snapshot::{Compiler, Snapshot, Source};
use portolan_dataplane::telemetry::Metrics;
use portolan_dataplane::upstream::Dialer;
use serde_json::json;

const MODERN: &[u8] = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"first_echo","arguments":{"text":"a message of ordinary length, as agents write them to their tools","count":3},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
const ARGUMENTS: &[u8] = br#"{"text":"a message of ordinary length, as agents write them to their tools","count":3}"#;
const ANSWER: &[u8] = br#"{"jsonrpc":"2.0","id":1234567,"result":{"content":[{"text":"a message of ordinary length, as agents write them to their tools","type":"text"}],"resultType":"complete","structuredContent":{"count":3,"echoed":true}}}"#;
const BOTH_MODERN: Crossing = Crossing { client: Revision::R20260728, upstream: Revision::R20260728 };

/// What the phases work on.
struct Bench {
    snapshot: Snapshot,
    headers: HeaderMap,
    identity: Identity,
    limiter: Limiter,
    request: Bytes,
    answer: Bytes,
}

type Phase = fn(&Bench);

const PHASES: [(&str, Phase); 6] = [
    ("envelope scan", |bench| {
        let envelope = scan(black_box(&bench.request)).expect("a good request");
        black_box(classify::classify(&bench.headers, &bench.request, &envelope).expect("a good request"));
    }),
    ("match", |bench| {
        let route = bench.snapshot.route(black_box("mcp.example"), black_box("/mcp")).expect("the route");
        black_box(route.tools.find(black_box("first_echo")).expect("the tool"));
    }),
    ("verdict, four rules", |bench| {
        let judgement = bench.route().policy.judge(black_box(&bench.facts()));
        assert_eq!(judgement.verdict, Verdict::Allow);
    }),
    ("rate limit", |bench| {
        let limiting = bench.route().policy.limit(black_box(&bench.facts()), &bench.limiter, 1, 1);
        assert!(limiting.limited.is_none());
    }),
    ("request splice", |bench| {
        let envelope = scan(&bench.request).expect("a good request");
        let outbound = Outbound {
            id: b"1234567",
            name: Some("echo"),
            progress_token: None,
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"),
            client_info: None,
        };
        black_box(cross::request(&bench.request, &envelope, BOTH_MODERN, &outbound));
    }),
    ("answer scan and splice", |bench| {
        let envelope = scan_response(black_box(&bench.answer)).expect("a good answer");
        black_box(cross::response(&bench.answer, &envelope, BOTH_MODERN, b"7"));
    }),
];

fn main() {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [name, times] = arguments.as_slice() else {
        PHASES.iter().for_each(|(name, _)| println!("{name}"));
        return;
    };
    let (_, phase) = PHASES.iter().find(|(known, _)| known == name).expect("the name of a phase");
    let bench = Bench::new();
    for _ in 0..times.parse().expect("a number") {
        phase(black_box(&bench));
    }
}

impl Bench {
    fn new() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(PROTOCOL_VERSION, HeaderValue::from_static("2026-07-28"));
        let claims = json!({"org": "acme", "groups": ["ops", "eng", "team-1"], "exp": 1_900_000_000});
        Self {
            snapshot: snapshot(),
            headers,
            identity: Identity::new("https://issuer.example", "agent", claims, None),
            limiter: Limiter::default(),
            request: Bytes::from_static(MODERN),
            answer: Bytes::from_static(ANSWER),
        }
    }

    fn route(&self) -> &portolan_dataplane::snapshot::Route {
        self.snapshot.route("mcp.example", "/mcp").expect("the route")
    }

    fn facts(&self) -> CallFacts<'_> {
        let (_, tool) = self.route().tools.find("first_echo").expect("the tool");
        CallFacts {
            identity: &self.identity,
            tool_name: &tool.exposed,
            tool_server: "scm/first",
            annotations: &tool.hints,
            arguments: Some(ARGUMENTS),
            method: "tools/call",
            host: "mcp.example",
            path: "/mcp",
            headers: &self.headers,
            revision: "2026-07-28",
        }
    }
}

/// A route of two servers with four rules and a rate limit, as the benchmark of the whole gateway has it.
fn snapshot() -> Snapshot {
    let mut compiler = Compiler::new(Settings {
        workers: 1,
        dialer: Arc::new(Dialer::new(Vec::new(), true)),
        open_without_authentication: true,
        source: Source::Stream,
        metrics: Metrics::new(&Limits::default()),
    });
    let mut resources = vec![route(), policy()];
    ["first", "second"].iter().for_each(|name| resources.extend(server(name)));
    let upserts = resources.into_iter().map(|(name, body)| {
        let bytes = body.encode();
        (name, Version::of(&bytes), bytes)
    });
    let change = Change {
        sequence: 1,
        epoch: 0,
        upserts: upserts.collect(),
        removed: Vec::new(),
        revoked: Vec::new(),
        held: Vec::new(),
        initial: true,
    };
    assert!(compiler.apply(&change).is_empty(), "everything compiles");
    compiler.snapshot()
}

fn server(name: &str) -> [(Name, Body); 3] {
    let server = proto::Server {
        namespace: "scm".to_owned(),
        name: name.to_owned(),
        path: "/mcp".to_owned(),
        authority: format!("{name}.scm.svc:8080"),
        ..Default::default()
    };
    let tool = proto::Tool {
        name: "echo".to_owned(),
        definition: Bytes::from_static(br#"{"name":"echo","inputSchema":{"type":"object"}}"#),
        digest: String::new(),
    };
    let chunk = Name::chunk("scm", name, 0);
    let catalogue = proto::Catalogue {
        server: format!("Server/scm/{name}"),
        chunks: vec![chunk.to_string()],
        facts: Some(proto::ServerFacts { revisions: vec!["2026-07-28".to_owned()], ..Default::default() }),
        ..Default::default()
    };
    [
        (Name::new(Kind::Server, "scm", name), Body::Server(server)),
        (chunk, Body::Chunk(proto::Chunk { tools: vec![tool] })),
        (Name::new(Kind::Catalogue, "scm", name), Body::Catalogue(catalogue)),
    ]
}

fn route() -> (Name, Body) {
    let servers = ["first", "second"].map(|name| proto::RouteServer {
        name: name.to_owned(),
        server: format!("Server/scm/{name}"),
        prefix: name.to_owned(),
        ..Default::default()
    });
    let route = proto::Route {
        namespace: "scm".to_owned(),
        name: "all".to_owned(),
        path: "/mcp".to_owned(),
        servers: servers.to_vec(),
        ..Default::default()
    };
    (Name::new(Kind::Route, "scm", "all"), Body::Route(route))
}

fn policy() -> (Name, Body) {
    let rule = |name: &str, action: proto::Action, when: &str| proto::Rule {
        name: name.to_owned(),
        action: action.into(),
        when: when.to_owned(),
        ..Default::default()
    };
    let rules = vec![
        rule("other-organisations", proto::Action::Deny, r#"identity.claims.org != "acme""#),
        rule("no-bulk", proto::Action::Deny, "has(arguments.count) && arguments.count > 100"),
        rule(
            "readers-only-read",
            proto::Action::Deny,
            r#"!("eng" in identity.claims.groups) && !tool.annotations.readOnlyHint"#,
        ),
        rule("engineers", proto::Action::Allow, r#""eng" in identity.claims.groups && tool.name.startsWith("first_")"#),
    ];
    let policy = proto::Policy {
        namespace: "scm".to_owned(),
        name: "who".to_owned(),
        attachments: vec![proto::Attachment {
            target: "Route/scm/all".to_owned(),
            sections: vec![proto::Section::Authorization.into(), proto::Section::RateLimits.into()],
        }],
        authorization: Some(proto::Authorization { default: proto::Action::Deny.into(), rules }),
        rate_limits: vec![proto::RateLimit {
            name: "each".to_owned(),
            key: vec!["identity.subject".to_owned(), "tool.name".to_owned()],
            requests: 1_000_000_000,
            window_ms: 60_000,
            burst: 1_000_000,
        }],
        ..Default::default()
    };
    (Name::new(Kind::Policy, "scm", "who"), Body::Policy(policy))
}
