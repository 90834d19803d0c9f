//! Which tools a route shows, as status counts them: the gateway's rule (`portolan_config::exposure`), applied to catalogues.

use std::collections::BTreeMap;

use portolan_config::{
    exposure::{self, Hints},
    proto::{Conflict, Route, RouteServer, ServerFacts, TrustedAnnotations},
};

/// What status needs of a catalogue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Its tools, in the server's order.
    pub tools: Vec<ToolFacts>,
    /// The catalogue's digest.
    pub digest: String,
    /// What the handshake taught.
    pub facts: Option<ServerFacts>,
    /// When it was last known to be true, milliseconds since 1970; 0: it is.
    pub stale_since: i64,
}

/// A tool, as far as exposure looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFacts {
    /// The server's own name for it.
    pub name: String,
    /// What the server claims of it.
    pub claimed: Hints,
}

/// A catalogue and what an administrator vouches for in it.
pub type Seen<'a> = (&'a Listing, &'a [TrustedAnnotations]);

/// What a route shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// By entry of `spec.servers`, in order.
    pub servers: Vec<Shown>,
    /// Names that two tools wanted.
    pub collisions: Vec<Collision>,
}

/// What one entry of a route shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The entry's name.
    pub entry: String,
    /// Tools that agents see.
    pub tools: usize,
    /// Tools that filters and collisions leave out.
    pub hidden: usize,
    /// Whether the server was ever listed.
    pub listed: bool,
    /// Whether the whole entry is dropped for a collision.
    pub rejected: bool,
}

/// Two tools with one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The name.
    pub tool: String,
    /// The entry that shows it.
    pub kept: String,
    /// The entry that does not.
    pub dropped: String,
}

/// What `route` shows. The first tool of a name, by order of `servers[]`, holds it; `conflict: Reject` drops the whole later server.
pub fn expose<'a>(route: &Route, seen: impl Fn(&RouteServer) -> Option<Seen<'a>>) -> Exposure {
    let reject = route.aggregation.is_some_and(|aggregation| aggregation.conflict() == Conflict::Reject);
    let mut exposure = Exposure::default();
    let mut holders: BTreeMap<String, &str> = BTreeMap::new();
    for entry in &route.servers {
        let Some((listing, trusted)) = seen(entry) else {
            exposure.servers.push(Shown {
                entry: entry.name.clone(),
                tools: 0,
                hidden: 0,
                listed: false,
                rejected: false,
            });
            continue;
        };
        let names = names(entry, listing, trusted);
        let taken = names.iter().any(|name| holders.contains_key(name));
        let before = holders.len();
        for name in names {
            match holders.get(&name) {
                Some(kept) => {
                    let (kept, dropped) = ((*kept).to_owned(), entry.name.clone());
                    exposure.collisions.push(Collision { tool: name, kept, dropped });
                }
                None if reject && taken => {}
                None => drop(holders.insert(name, &entry.name)),
            }
        }
        let tools = holders.len() - before;
        exposure.servers.push(Shown {
            entry: entry.name.clone(),
            tools,
            hidden: listing.tools.len() - tools,
            listed: true,
            rejected: reject && taken,
        });
    }
    exposure
}

/// The names that an entry wants.
fn names(entry: &RouteServer, listing: &Listing, trusted: &[TrustedAnnotations]) -> Vec<String> {
    let shown = listing
        .tools
        .iter()
        .filter(|tool| exposure::shows(entry, &tool.name, Hints::trusted(trusted, &tool.name), tool.claimed));
    shown.map(|tool| exposure::outward(entry, &tool.name)).collect()
}

#[cfg(test)]
mod tests;
