use super::*;
use crate::telemetry::Metrics;

fn name(text: &str) -> Arc<str> {
    Arc::from(text)
}

#[test]
fn a_route_keeps_its_series_across_snapshots() {
    let metrics = Metrics::new(&Limits::default());
    let before = metrics.route(&name("team/route"));
    before.answered(Method::ToolsList, StatusCode::OK, Duration::ZERO);
    let after = metrics.route(&name("team/route"));
    drop(before);
    after.answered(Method::ToolsList, StatusCode::OK, Duration::ZERO);
    assert!(metrics.render().contains("route=\"team/route\",method=\"tools/list\",code=\"200\"} 2\n"));
}

#[test]
fn series_go_with_the_last_snapshot_that_has_them() {
    let metrics = Metrics::new(&Limits::default());
    let route = metrics.route(&name("team/route"));
    let tool = route.tool(&name("team/server"), &name("s_tool"));
    route.answered(Method::ToolsCall, StatusCode::OK, Duration::ZERO);
    tool.judged(Verdict::Allow, Duration::ZERO);
    assert!(metrics.render().contains("s_tool"));
    drop(tool);
    assert!(!metrics.render().contains("s_tool"));
    drop(route);
    assert!(!metrics.render().contains("team/route"));
}

#[test]
fn what_is_over_the_bound_is_counted_as_other() {
    let metrics = Metrics::new(&Limits { metric_routes: 1, metric_tools: 1, ..Limits::default() });
    let (one, two) = (metrics.route(&name("team/one")), metrics.route(&name("team/two")));
    let server = name("team/server");
    let (first, second) = (one.tool(&server, &name("first")), one.tool(&server, &name("second")));
    two.answered(Method::Ping, StatusCode::OK, Duration::ZERO);
    first.judged(Verdict::Allow, Duration::ZERO);
    second.judged(Verdict::Allow, Duration::ZERO);
    let text = metrics.render();
    assert!(text.contains("route=\"other\",method=\"ping\""), "{text}");
    assert!(text.contains("tool=\"first\""), "{text}");
    assert!(text.contains("tool=\"other\""), "{text}");
    assert!(!text.contains("two") && !text.contains("second\""), "{text}");
    assert_eq!(&**second.tool(), "second");
}

#[test]
fn errors_of_a_server_go_with_its_last_tool() {
    let metrics = Metrics::new(&Limits::default());
    let route = metrics.route(&name("team/route"));
    let (server, other) = (name("team/server"), name("team/other"));
    let (one, two) = (route.tool(&server, &name("one")), route.tool(&server, &name("two")));
    let kept = route.tool(&other, &name("three"));
    for tool in [&one, &two, &kept] {
        tool.failed("timed_out");
    }
    drop(one);
    assert!(metrics.render().contains("portolan_upstream_errors_total{server=\"team/server\",error=\"timed_out\"} 2"));
    drop(two);
    let text = metrics.render();
    assert!(!text.contains("team/server\",error"), "{text}");
    assert!(text.contains("team/other\",error=\"timed_out\"} 1"), "{text}");
}
