//! Phase 3: who calls, by the route's own issuers and keys. Every request, whatever session or handle it carries.

use std::sync::Arc;

use http::HeaderMap;

use super::context::Context;
use super::metadata;
use super::refusal::Refusal;
use crate::policy::Identity;
use crate::snapshot::{Access, Resource, Route};

/// The principal of a request.
pub fn authenticate(
    context: &Context,
    route: &Route,
    resource: &Resource,
    headers: &HeaderMap,
    now: u64,
) -> Result<Arc<Identity>, Refusal> {
    match &route.access {
        Access::Open => Ok(Identity::anonymous()),
        Access::Undeclared => Err(Refusal::unauthorized("Bearer")),
        Access::Policy(authentication) => {
            authentication.authenticate(headers, || route.resource(resource), now).map_err(|fault| {
                if let Some(url) = &fault.lacks_key_of {
                    context.key_sets.ask(url);
                }
                let url = metadata::url(route, resource);
                Refusal::unauthorized(&authentication.challenge(&url, &fault))
            })
        }
    }
}
