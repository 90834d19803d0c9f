use super::*;
use crate::limits::Limits;
use crate::telemetry::Metrics;
use crate::telemetry::audit::{Audit, Sink};

fn telemetry(audit: Option<&std::path::Path>) -> Telemetry {
    let metrics = Metrics::new(&Limits::default());
    let audit = audit.map(|path| Audit::open(&Sink::File(path.into()), 8, metrics.clone()).unwrap());
    Telemetry::new(metrics, audit)
}

fn account(telemetry: &Telemetry) -> Account {
    telemetry.account(
        &Trace::new(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), None),
        &http::Method::POST,
    )
}

fn call(telemetry: &Telemetry, subject: &str) -> Account {
    let route = telemetry.metrics().route(&Arc::from("team/route"));
    let mut account = account(telemetry);
    account.matched(&route, 7);
    account.called_by(Principal { issuer: Arc::from("https://id.example"), subject: Arc::from(subject) });
    account.asked(Method::of("tools/call"));
    account.resolved(&route.tool(&Arc::from("team/github"), &Arc::from("gh_search")));
    account.status(StatusCode::OK);
    account
}

#[test]
fn a_line_has_exactly_the_fields_of_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let telemetry = telemetry(Some(&path));
    let mut one = call(&telemetry, "ann");
    one.judged(Verdict::Deny, Some(Arc::from("team/baseline")), Some(Arc::from("no-prod")));
    one.code(-31403);
    one.arguments([0xab; 32]);
    drop(one);
    telemetry.flush();
    let text = std::fs::read_to_string(path).unwrap();
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let wanted = [
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
    assert_eq!(keys, wanted);
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(line["principal"], "https://id.example#ann");
    assert_eq!(line["verdict"], "deny");
    assert_eq!(line["rule"], "no-prod");
    assert_eq!(line["code"], -31403);
    assert_eq!(line["generation"], 7);
    assert_eq!(line["arguments_digest"], format!("sha256:{}", "ab".repeat(32)));
}

#[test]
fn nothing_that_a_caller_chose_ends_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let telemetry = telemetry(Some(&path));
    let subject = "a\r\n{\"x\":1}\u{85}\u{2028}\u{9b}31m\u{202e}\u{7f}é";
    drop(call(&telemetry, subject));
    telemetry.flush();
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(
        !text
            .trim_end()
            .contains(|character: char| character.is_control() || character == '\u{2028}' || character == '\u{202e}')
    );
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["principal"], format!("https://id.example#{subject}"));
}

#[test]
fn a_call_is_counted_by_route_server_tool_and_verdict() {
    let telemetry = telemetry(None);
    let kept = telemetry.metrics().route(&Arc::from("team/route"));
    let tool = kept.tool(&Arc::from("team/github"), &Arc::from("gh_search"));
    drop(call(&telemetry, "ann"));
    let mut failed = call(&telemetry, "ann");
    failed.failed("timed_out");
    drop(failed);
    let mut denied = call(&telemetry, "ann");
    denied.judged(Verdict::Deny, None, None);
    denied.refused_for("denied");
    drop(denied);
    let text = telemetry.metrics().render();
    let call = "portolan_tool_calls_total{route=\"team/route\",server=\"team/github\",tool=\"gh_search\",verdict=";
    assert!(text.contains(&format!("{call}\"allow\"}} 2\n")), "{text}");
    assert!(text.contains(&format!("{call}\"deny\"}} 1\n")), "{text}");
    assert!(
        text.contains("portolan_requests_total{route=\"team/route\",method=\"tools/call\",code=\"200\"} 3\n"),
        "{text}"
    );
    assert!(text.contains("portolan_upstream_errors_total{server=\"team/github\",error=\"timed_out\"} 1\n"), "{text}");
    assert!(text.contains("portolan_refusals_total{reason=\"denied\"} 1\n"), "{text}");
    assert!(
        text.contains("portolan_tool_call_duration_seconds_count{route=\"team/route\",server=\"team/github\"} 2\n"),
        "{text}"
    );
    drop((kept, tool));
}

#[test]
fn a_request_that_no_route_takes_is_not_audited() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let telemetry = telemetry(Some(&path));
    let mut stray = account(&telemetry);
    stray.refused_for("no_route");
    drop(stray);
    telemetry.flush();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "");
    assert!(telemetry.metrics().render().contains("portolan_refusals_total{reason=\"no_route\"} 1\n"));
}

#[test]
fn a_client_that_went_away_has_a_status_of_its_own() {
    let telemetry = telemetry(None);
    let route = telemetry.metrics().route(&Arc::from("team/route"));
    let mut gone = account(&telemetry);
    gone.matched(&route, 1);
    drop(gone);
    assert!(telemetry.metrics().render().contains("method=\"other\",code=\"0\"} 1\n"));
}
