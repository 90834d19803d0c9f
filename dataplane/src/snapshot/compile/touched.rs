//! What a change touches: the names whose parts are others, and through the edges between them the servers and routes that must be joined anew.
//!
//! So a snapshot costs what was edited. Whoever forgets an edge here serves what is no longer so: the tests compare with a snapshot made at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use portolan_config::{Kind, Name};

use super::{Compiler, InForce, Part, Server};

/// What changed since the last snapshot.
#[derive(Default)]
pub(super) struct Touched {
    /// Resources, and what policies and closed edits are on.
    pub(super) names: BTreeSet<Name>,
    /// Something that much may read: a secret, an issuer's keys.
    pub(super) everything: bool,
}

/// What snapshots change for whoever asks servers and issuers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Which servers this gateway lists, or how.
    pub assigned: bool,
    /// Perhaps where issuers publish their keys.
    pub policies: bool,
}

impl Compiler {
    /// Puts a part in force, or takes it away, and notes what reads it.
    pub(super) fn set(&mut self, name: &Name, entry: Option<InForce>) {
        self.unlink(name);
        match entry {
            Some(entry) => self.parts.insert(name.clone(), entry),
            None => self.parts.remove(name),
        };
        self.link(name);
        self.touched.names.insert(name.clone());
        self.touched.everything |= name.kind() == Kind::Secret;
        self.news.policies |= name.kind() == Kind::Policy;
        self.news.assigned |= name.kind() == Kind::Assignment;
    }

    /// Takes the edges of a part away.
    fn unlink(&mut self, name: &Name) {
        match self.parts.get(name).map(|entry| &entry.part) {
            Some(Part::Policy(policy)) => {
                for target in targets(&policy.attachments) {
                    if let Some(attached) = self.attachments.get_mut(&target) {
                        attached.retain(|(policy, ..)| policy != name);
                    }
                    self.touched.names.insert(target);
                }
            }
            Some(Part::Route(route)) => {
                for entry in &route.servers {
                    if let Some(routes) = self.routes_of.get_mut(entry.server.as_str()) {
                        routes.remove(name);
                        if routes.is_empty() {
                            self.routes_of.remove(entry.server.as_str());
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds the edges of a part.
    fn link(&mut self, name: &Name) {
        match self.parts.get(name).map(|entry| &entry.part) {
            Some(Part::Policy(policy)) => {
                for attachment in &policy.attachments {
                    let Ok(target) = attachment.target.parse::<Name>() else { continue };
                    let attached = self.attachments.entry(target.clone()).or_default();
                    attached.push((name.clone(), Arc::clone(policy), attachment.sections().collect()));
                    // In order of the policies' names, and of their attachments.
                    attached.sort_by(|(one, ..), (other, ..)| one.cmp(other));
                    self.touched.names.insert(target);
                }
            }
            Some(Part::Route(route)) => {
                for entry in &route.servers {
                    self.routes_of.entry(entry.server.clone()).or_default().insert(name.clone());
                }
            }
            _ => {}
        }
    }

    /// Joins what was touched, and shows it.
    pub(super) fn join(&mut self, touched: &Touched) {
        for name in &touched.names {
            self.show(name);
        }
        let (mut servers, mut routes) = (BTreeSet::new(), BTreeSet::new());
        if touched.everything {
            servers.extend(self.of_kind(Kind::Server).map(|(name, _)| name.clone()));
            routes.extend(self.of_kind(Kind::Route).map(|(name, _)| name.clone()));
        }
        for name in &touched.names {
            match name.kind() {
                Kind::Server => drop(servers.insert(name.clone())),
                Kind::Endpoints | Kind::Catalogue | Kind::Chunk => drop(servers.insert(name.sibling(Kind::Server))),
                Kind::Route => drop(routes.insert(name.clone())),
                Kind::Policy | Kind::Secret | Kind::Assignment | Kind::Fleet => {}
            }
        }
        for name in servers {
            if self.rejoin_server(&name) {
                routes.extend(self.routes_of.get(name.as_str()).into_iter().flatten().cloned());
            }
        }
        for name in routes {
            self.rejoin_route(&name);
        }
    }

    /// Whether the server is another one than before.
    fn rejoin_server(&mut self, name: &Name) -> bool {
        let joined = self.server_joined(name);
        let before = self.servers.get(name).map(|joined| &joined.value);
        let same = match (before, &joined) {
            (Some(before), Some(joined)) => Arc::ptr_eq(before, &joined.value),
            (None, None) => true,
            _ => false,
        };
        if same {
            return false;
        }
        let is_asked_alike =
            matches!((before, &joined), (Some(before), Some(joined)) if is_asked_alike(before, &joined.value));
        self.news.assigned = self.news.assigned || (!is_asked_alike && self.is_assigned(name));
        let (servers, is) = (&mut self.shown.servers, |entry: &(Name, _)| entry.0 == *name);
        let hash = servers.hash(name.as_str());
        match joined {
            Some(joined) => {
                servers.insert(hash, (name.clone(), Arc::clone(&joined.value)), is);
                self.servers.insert(name.clone(), joined);
            }
            None => {
                servers.remove(hash, is);
                self.servers.remove(name);
            }
        }
        true
    }

    fn rejoin_route(&mut self, name: &Name) {
        let joined = self.route_joined(name);
        let before = self.routes.remove(name);
        let same =
            matches!((&before, &joined), (Some(before), Some(joined)) if Arc::ptr_eq(&before.value, &joined.value));
        if !same {
            if let Some(before) = &before {
                self.shown.routes.withdraw(&before.value);
            }
            if let Some(joined) = &joined {
                self.shown.routes.claim(&joined.value);
            }
        }
        if let Some(joined) = joined {
            self.routes.insert(name.clone(), joined);
        }
    }

    /// Shows a resource's version, or that it is gone.
    fn show(&mut self, name: &Name) {
        let (resources, is) = (&mut self.shown.resources, |entry: &(Name, _)| entry.0 == *name);
        let hash = resources.hash(name.as_str());
        match self.parts.get(name) {
            Some(entry) => resources.insert(hash, (name.clone(), entry.version), is),
            None => drop(resources.remove(hash, is)),
        }
    }

    fn is_assigned(&self, server: &Name) -> bool {
        self.of_kind(Kind::Assignment).any(|(_, entry)| match &entry.part {
            Part::Assignment(assignment) => assignment.servers.iter().any(|assigned| assigned == server.as_str()),
            _ => false,
        })
    }
}

/// Whether a server is asked for its tools as before: another catalogue is no reason to look at its assignment.
fn is_asked_alike(one: &Server, other: &Server) -> bool {
    Arc::ptr_eq(&one.part, &other.part)
        && Arc::ptr_eq(&one.upstream, &other.upstream)
        && one.credential == other.credential
}

fn targets(attachments: &[portolan_config::proto::Attachment]) -> Vec<Name> {
    attachments.iter().filter_map(|attachment| attachment.target.parse().ok()).collect()
}
