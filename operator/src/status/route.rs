//! The status of an McpRoute.

use portolan_crds::{
    CONTROLLER_NAME, ConditionType, Duration, Finding, Reason,
    reference::ParentReference,
    route::{DataPlane, McpRouteStatus, RouteParent, RouteServerStatus, RouteTotals, ServerState},
};

use super::{Moment, continued};
use crate::{
    core::Reached,
    translate::exposure::{Exposure, Shown},
};

/// What is known of a route.
#[derive(Debug)]
pub struct RouteFacts<'a> {
    /// The fleet that serves it.
    pub fleet: &'a str,
    /// The URL that agents use, where it is known.
    pub endpoint: Option<String>,
    /// What its servers show, by entry of the spec, in order.
    pub servers: Vec<ServerView>,
    /// Where its newest edit is in force; `None`: nowhere, it was refused.
    pub reached: Option<&'a Reached>,
}

/// What one entry shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerView {
    /// The entry's name.
    pub name: String,
    /// Tools shown and hidden, and how the server does; `None`: nobody knows since this operator started.
    pub known: Option<(usize, usize, ServerState)>,
}

impl ServerView {
    /// An entry that cannot be used.
    #[must_use]
    pub fn refused(name: &str) -> Self {
        Self { name: name.to_owned(), known: Some((0, 0, ServerState::Refused)) }
    }

    /// An entry that shows something. `reported`: whether a gateway has said anything of the server, `stale`: for how many milliseconds it
    /// has not answered, of `stale_for` that its tools stay.
    #[must_use]
    pub fn of(shown: &Shown, reported: bool, stale: Option<i64>, stale_for: i64) -> Self {
        let state = match stale {
            _ if shown.rejected => ServerState::Refused,
            _ if !shown.listed && reported => ServerState::Unavailable,
            None => ServerState::Serving,
            Some(stale) if stale < stale_for => ServerState::Stale,
            Some(_) => ServerState::Unavailable,
        };
        let tools = if state == ServerState::Unavailable { 0 } else { shown.tools };
        let known = (shown.listed || reported).then_some((tools, shown.hidden, state));
        Self { name: shown.entry.clone(), known }
    }
}

/// Names that two tools want, as a finding.
#[must_use]
pub fn collisions(exposure: &Exposure) -> Option<Finding> {
    let first = exposure.collisions.first()?;
    let others = exposure.collisions.len() - 1;
    let more = if others == 0 { String::new() } else { format!(", and {others} more") };
    let message = format!(
        "spec.servers: tool {} of {} is left out, {} has the name{more}; give one of them another prefix",
        first.tool, first.dropped, first.kept
    );
    Some(Finding::holds(ConditionType::PartiallyInvalid, Reason::NameConflict, message))
}

/// The status that follows from `findings` and `facts`, continuing `old`.
#[must_use]
pub fn route(findings: &[Finding], facts: &RouteFacts<'_>, old: &McpRouteStatus, moment: Moment) -> McpRouteStatus {
    let parent = ParentReference::fleet(facts.fleet);
    let before = old.parents.iter().find(|entry| entry.parent_ref == parent);
    let conditions = continued(findings, before.map_or(&[], |entry| &entry.conditions), moment);
    let data_plane = data_plane(&conditions, before, facts, moment);
    let servers: Vec<RouteServerStatus> = facts.servers.iter().map(|view| server(view, old)).collect();
    let totals = RouteTotals { servers: count(servers.len()), tools: servers.iter().map(|server| server.tools).sum() };
    let controller_name = CONTROLLER_NAME.to_owned();
    McpRouteStatus {
        parents: vec![RouteParent { parent_ref: parent, controller_name, conditions, data_plane }],
        servers,
        totals: Some(totals),
        endpoint: facts.endpoint.clone(),
    }
}

/// The counts go with the condition that tells them: they are written when it is.
fn data_plane(
    conditions: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition],
    before: Option<&RouteParent>,
    facts: &RouteFacts<'_>,
    moment: Moment,
) -> Option<DataPlane> {
    let programmed = |conditions| portolan_crds::conditions::get(conditions, ConditionType::Programmed);
    if let Some(before) = before
        && let (Some(old), Some(new)) = (programmed(&before.conditions), programmed(conditions))
        && old == new
    {
        return before.data_plane.clone();
    }
    let reached = facts.reached.filter(|reached| reached.total > 0)?;
    let clamp = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let propagation = reached.propagation.filter(|_| reached.everywhere()).and_then(|time| u64::try_from(time).ok());
    Some(DataPlane {
        generation: moment.generation.unwrap_or(0),
        acknowledged: clamp(reached.acknowledged),
        total: clamp(reached.total),
        propagation: propagation.map(|time| Duration::from(std::time::Duration::from_millis(time))),
    })
}

fn server(view: &ServerView, old: &McpRouteStatus) -> RouteServerStatus {
    match view.known {
        Some((tools, hidden, state)) => {
            RouteServerStatus { name: view.name.clone(), tools: count(tools), hidden: count(hidden), state }
        }
        None => old.servers.iter().find(|entry| entry.name == view.name).cloned().unwrap_or(RouteServerStatus {
            name: view.name.clone(),
            tools: 0,
            hidden: 0,
            state: ServerState::Pending,
        }),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
