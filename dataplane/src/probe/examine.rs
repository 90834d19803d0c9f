//! One look at a server: every era that it speaks, its tools in the newest of them, and how long its handshake took.

use std::time::Duration;

use portolan_config::proto;
use tokio::time::{Instant, timeout};

use super::facts::Introduction;
use super::fault::{Fault, Reason};
use super::handshake::{Opened, Outcome, discover, initialize};
use super::listing::{Listing, list};
use super::target::{Credential, Target};
use super::wire::{Session, delete};
use crate::mcp::{Era, Revision};

/// A look takes at most so many times the patience for one answer, however many pages there are.
const ANSWERS: u32 = 10;

/// What a look at a server found.
#[derive(Debug)]
pub struct Found {
    /// What the handshakes taught.
    pub facts: proto::ServerFacts,
    /// Its tools.
    pub listing: Listing,
    /// From the first request to its answer.
    pub latency: Duration,
}

/// Looks at a server. `known` is what an earlier look found: an era that can be neither confirmed nor ruled out now keeps what is in it.
///
/// # Errors
/// [`Fault`]: the server is not verified, and why.
pub async fn examine(target: &Target, known: Option<&proto::ServerFacts>) -> Result<Found, Fault> {
    if target.credential == Credential::Missing {
        return Err(Fault::new(Reason::Unauthorized, "the secret of spec.credentials is not to be had"));
    }
    let patience = target.timing.timeout.saturating_mul(ANSWERS);
    let late = || Fault::new(Reason::TimedOut, "the handshake and the list took too long");
    timeout(patience, look(target, known)).await.unwrap_or_else(|_| Err(late()))
}

async fn look(target: &Target, known: Option<&proto::ServerFacts>) -> Result<Found, Fault> {
    let began = Instant::now();
    let modern = if wants(target, Era::Modern) { discover(target).await } else { Outcome::NotSpoken };
    let mut latency = began.elapsed();
    if let Outcome::Unknown(fault) = &modern
        && matches!(fault.reason, Reason::Unauthorized | Reason::NoEndpoints)
    {
        return Err(fault.clone());
    }
    let began = Instant::now();
    let legacy = if wants(target, Era::Legacy) { initialize(target).await } else { Outcome::NotSpoken };
    if !matches!(modern, Outcome::Spoken(_)) {
        latency = began.elapsed();
    }
    let listing = match (&modern, &legacy) {
        (Outcome::Spoken(introduction), _) => tools(target, introduction, None).await,
        (_, Outcome::Spoken(opened)) => tools(target, &opened.introduction, Some(&opened.session)).await,
        (Outcome::Unknown(fault), _) | (_, Outcome::Unknown(fault)) => Err(fault.clone()),
        (Outcome::NotSpoken, Outcome::NotSpoken) => {
            Err(Fault::protocol("neither server/discover nor initialize agrees on a revision that is spoken here"))
        }
    };
    if let Outcome::Spoken(opened) = &legacy {
        delete(target, &opened.session).await;
    }
    Ok(Found { listing: listing?, facts: facts(target, &modern, &legacy, known), latency })
}

/// Whether an era is worth a try: pinned revisions rule out the others.
fn wants(target: &Target, era: Era) -> bool {
    target.revisions.is_empty() || target.revisions.iter().any(|revision| revision.era() == era)
}

async fn tools(target: &Target, introduction: &Introduction, session: Option<&Session>) -> Result<Listing, Fault> {
    if introduction.may_have_tools() { list(target, session).await } else { Ok(Listing::default()) }
}

fn facts(
    target: &Target,
    modern: &Outcome<Introduction>,
    legacy: &Outcome<Opened>,
    known: Option<&proto::ServerFacts>,
) -> proto::ServerFacts {
    let before = |era| {
        let revisions = known.into_iter().flat_map(|known| &known.revisions).filter_map(|name| name.parse().ok());
        revisions.filter(move |revision: &Revision| revision.era() == era)
    };
    let mut revisions: Vec<Revision> = Vec::new();
    match modern {
        Outcome::Spoken(introduction) => revisions.extend(&introduction.revisions),
        Outcome::Unknown(_) => revisions.extend(before(Era::Modern)),
        Outcome::NotSpoken => {}
    }
    let mints_sessions = match legacy {
        Outcome::Spoken(opened) => {
            revisions.push(opened.session.revision);
            opened.session.id.is_some()
        }
        Outcome::Unknown(_) => {
            revisions.extend(before(Era::Legacy));
            known.is_some_and(|known| known.mints_sessions)
        }
        Outcome::NotSpoken => false,
    };
    revisions.retain(|revision| target.permits(*revision));
    revisions.sort_unstable_by(|one, other| other.cmp(one));
    revisions.dedup();
    let introduction = match (modern, legacy) {
        (Outcome::Spoken(introduction), _) => introduction.clone(),
        (_, Outcome::Spoken(opened)) => opened.introduction.clone(),
        _ => Introduction::default(),
    };
    proto::ServerFacts {
        revisions: revisions.iter().map(ToString::to_string).collect(),
        mints_sessions,
        server_name: introduction.name,
        server_version: introduction.version,
        capabilities: introduction.capabilities.unwrap_or_default(),
        instructions: introduction.instructions,
    }
}
