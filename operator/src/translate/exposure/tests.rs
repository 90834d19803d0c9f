use portolan_config::proto::Aggregation;

use super::*;

fn listing(tools: &[&str]) -> Listing {
    let tools = tools.iter().map(|name| ToolFacts { name: (*name).into(), claimed: Hints::default() }).collect();
    Listing { tools, ..Listing::default() }
}

fn entry(name: &str, prefix: &str) -> RouteServer {
    RouteServer { name: name.into(), prefix: prefix.into(), ..RouteServer::default() }
}

fn route(conflict: Conflict, servers: Vec<RouteServer>) -> Route {
    let aggregation = Aggregation { conflict: conflict.into(), ..Aggregation::default() };
    Route { servers, aggregation: Some(aggregation), ..Route::default() }
}

fn shown(exposure: &Exposure) -> Vec<(&str, usize, usize)> {
    exposure.servers.iter().map(|server| (server.entry.as_str(), server.tools, server.hidden)).collect()
}

#[test]
fn prefixes_keep_equal_names_apart() {
    let listing = listing(&["get", "put"]);
    let exposure = expose(&route(Conflict::First, vec![entry("a", "a"), entry("b", "b")]), |_| Some((&listing, &[])));
    assert_eq!(shown(&exposure), [("a", 2, 0), ("b", 2, 0)]);
    assert!(exposure.collisions.is_empty());
}

#[test]
fn first_drops_the_later_tool() {
    let (a, b) = (listing(&["get"]), listing(&["get", "put"]));
    let route = route(Conflict::First, vec![entry("a", ""), entry("b", "")]);
    let exposure = expose(&route, |entry| Some((if entry.name == "a" { &a } else { &b }, &[])));
    assert_eq!(shown(&exposure), [("a", 1, 0), ("b", 1, 1)]);
    assert_eq!(exposure.collisions, [Collision { tool: "get".into(), kept: "a".into(), dropped: "b".into() }]);
}

#[test]
fn reject_drops_the_later_server() {
    let (a, b) = (listing(&["get"]), listing(&["get", "put"]));
    let route = route(Conflict::Reject, vec![entry("a", ""), entry("b", "")]);
    let exposure = expose(&route, |entry| Some((if entry.name == "a" { &a } else { &b }, &[])));
    assert_eq!(shown(&exposure), [("a", 1, 0), ("b", 0, 2)]);
}

#[test]
fn a_filtered_tool_is_hidden_and_collides_with_nothing() {
    let listing = listing(&["get", "put"]);
    let filtered = RouteServer { exclude: vec!["get".into()], ..entry("b", "") };
    let include = RouteServer { include: vec!["get".into()], ..entry("a", "") };
    let exposure = expose(&route(Conflict::First, vec![include, filtered]), |_| Some((&listing, &[])));
    assert_eq!(shown(&exposure), [("a", 1, 1), ("b", 1, 1)]);
    assert!(exposure.collisions.is_empty());
}

#[test]
fn a_server_that_nobody_has_listed_shows_nothing_yet() {
    let exposure = expose(&route(Conflict::First, vec![entry("a", "")]), |_| None);
    assert!(!exposure.servers[0].listed);
}

#[test]
fn two_tools_of_one_server_that_come_to_one_name_collide_too() {
    let listing = listing(&["read.file", "read_file"]);
    let exposure = expose(&route(Conflict::Reject, vec![entry("a", "a")]), |_| Some((&listing, &[])));
    assert_eq!(shown(&exposure), [("a", 1, 1)]);
    assert_eq!(exposure.collisions, [Collision { tool: "a_read_file".into(), kept: "a".into(), dropped: "a".into() }]);
}
