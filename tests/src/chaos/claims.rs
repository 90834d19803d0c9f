//! What must be true of the three ledgers, and the calls of which it is not: a pure function of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::ledger::{Asked, Call, Happened, Ledgers, Line, Outcome, Run, Time};
use super::schedule::{Harm, Mood, What};

/// A line waits for its writer (20 ms as a rule, more on a busy machine): one that is younger when its gateway is killed may be lost.
const UNWRITTEN: Duration = Duration::from_secs(1);
/// A server that could not be reached may be shunned for so long afterwards.
const SHUNNED: Duration = Duration::from_secs(1);
/// What is said of a server that was just created, and in a session that began without one.
const EDITED: [&str; 2] = ["no endpoint is ready", "a new session will have it"];
/// Faults that are shown with an offence began or ended so near to it.
const NEAR: Duration = Duration::from_secs(3);
/// Offences that are shown of each claim.
const SHOWN: usize = 12;

/// A claim, and how it stands.
#[derive(Debug)]
pub struct Claim {
    /// What is claimed.
    pub what: &'static str,
    /// What it was looked for in: the figure that shows that it is no empty claim.
    pub figure: String,
    /// Whatever contradicts it.
    pub offences: Vec<String>,
}

impl Claim {
    /// Whether nothing contradicts it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.offences.is_empty()
    }
}

/// Judges the ledgers.
#[must_use]
pub fn claims(ledgers: &Ledgers) -> Vec<Claim> {
    let joined = Joined::new(ledgers);
    vec![
        joined.every_call_ends(),
        joined.silence_has_a_cause(),
        joined.broken_connections_have_a_cause(),
        joined.failures_have_a_cause(),
        joined.admitted_calls_are_audited_once(),
        joined.the_audit_says_what_the_client_saw(),
        joined.nothing_runs_twice(),
        joined.success_ran_where_it_should(),
        joined.what_was_refused_never_ran(),
        joined.tenants_are_apart(),
        joined.nobody_calls_unknown(),
    ]
}

/// The ledgers, by call.
struct Joined<'a> {
    ledgers: &'a Ledgers,
    lines: HashMap<u64, Vec<&'a Line>>,
    runs: HashMap<u64, Vec<&'a Run>>,
    calls: HashMap<u64, &'a Call>,
}

impl<'a> Joined<'a> {
    fn new(ledgers: &'a Ledgers) -> Self {
        let (mut lines, mut runs) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        ledgers.lines.iter().for_each(|line| lines.entry(line.id).or_default().push(line));
        ledgers.runs.iter().for_each(|run| runs.entry(run.id).or_default().push(run));
        let calls = ledgers.calls.iter().map(|call| (call.id, call)).collect();
        Self { ledgers, lines, runs, calls }
    }

    fn lines(&self, call: &Call) -> &[&'a Line] {
        self.lines.get(&call.id).map(Vec::as_slice).unwrap_or_default()
    }

    fn runs(&self, call: &Call) -> &[&'a Run] {
        self.runs.get(&call.id).map(Vec::as_slice).unwrap_or_default()
    }

    /// A claim about those calls that `about` chooses, contradicted by those that `offends` names a reason for.
    fn claim(
        &self,
        what: &'static str,
        about: impl Fn(&Call) -> bool,
        offends: impl Fn(&Call) -> Option<String>,
    ) -> Claim {
        let (mut count, mut found) = (0, Vec::new());
        for call in self.ledgers.calls.iter().filter(|call| about(call)) {
            count += 1;
            if let Some(why) = offends(call) {
                found.push((call, why));
            }
        }
        let shown = found.iter().take(SHOWN).map(|(call, why)| self.told(call, why));
        let mut offences: Vec<String> = shown.collect();
        if found.len() > SHOWN {
            offences.push(format!("and {} more", found.len() - SHOWN));
        }
        Claim { what, figure: format!("{count} calls, {} offend", found.len()), offences }
    }

    /// A call with what each ledger says of it, and the faults around it.
    fn told(&self, call: &Call, why: &str) -> String {
        let mut text = format!("{why}\n  {call}\n");
        for line in self.lines(call) {
            let _ = writeln!(text, "  {line}");
        }
        for run in self.runs(call) {
            let name = self.ledgers.servers.get(run.server).map_or("?", |place| &place.name);
            let _ = writeln!(text, "  ran on {name} at {:.3}s, trace {}", run.at.as_secs_f64(), run.trace);
        }
        for fault in self.ledgers.faults.iter().filter(|fault| overlaps(fault, call.began, call.ended, NEAR)) {
            let (began, ended) = (fault.began.as_secs_f64(), fault.ended.as_secs_f64());
            let _ = writeln!(text, "  meanwhile: {}, {began:.3}s to {ended:.3}s", fault.what);
        }
        text
    }

    fn every_call_ends(&self) -> Claim {
        let mut claim = self.claim(
            "every call has an answer of its own or an error",
            |_| true,
            |call| matches!(call.outcome, Outcome::Wrong(_)).then(|| "the answer is none to this call".to_owned()),
        );
        let ended = self.ledgers.calls.len() as u64;
        if self.ledgers.begun != ended {
            claim.offences.push(format!("{} calls were begun and {ended} ended", self.ledgers.begun));
        }
        claim
    }

    fn silence_has_a_cause(&self) -> Claim {
        self.claim(
            "who hears nothing called somebody who could not speak",
            |call| call.outcome == Outcome::Silence,
            |call| (!self.is_muted(call)).then(|| "neither its gateway nor its server stood still".to_owned()),
        )
    }

    /// Its gateway was stopped, or a server that it needs said nothing. A session needs every server of its route.
    fn is_muted(&self, call: &Call) -> bool {
        let needs = |server: usize| match call.asked {
            Asked::Call(called) => called == server,
            _ => self.ledgers.servers.get(server).is_some_and(|place| place.tenant == call.route),
        };
        let mutes = |fault: &&Happened| match fault.what {
            What::Gateway(gateway, Harm::Paused) => gateway == call.gateway,
            What::Server(server, Mood::Hangs) => needs(server),
            _ => false,
        };
        self.happened(call, Duration::ZERO, mutes)
    }

    fn broken_connections_have_a_cause(&self) -> Claim {
        self.claim(
            "who finds no connection, or a broken one, called a gateway that was ended",
            |call| matches!(call.outcome, Outcome::Broken(_)),
            |call| {
                let ends = |fault: &&Happened| match fault.what {
                    What::Gateway(gateway, harm) => gateway == call.gateway && harm != Harm::Paused,
                    _ => false,
                };
                let explained = self.happened(call, Duration::ZERO, ends);
                (!explained).then(|| "nobody ended its gateway".to_owned())
            },
        )
    }

    fn failures_have_a_cause(&self) -> Claim {
        self.claim(
            "who is told that a server does not answer called one that did not",
            |call| matches!(&call.outcome, Outcome::Failed(text) if !EDITED.iter().any(|words| text.contains(words))),
            |call| {
                let suffers = |fault: &&Happened| match (fault.what, &call.asked) {
                    (What::Server(server, _), Asked::Call(called)) => server == *called,
                    _ => false,
                };
                let explained = self.happened(call, SHUNNED, suffers);
                (!explained).then(|| "nothing was done to its server".to_owned())
            },
        )
    }

    fn happened(&self, call: &Call, slack: Duration, which: impl Fn(&&Happened) -> bool) -> bool {
        self.ledgers.faults.iter().filter(which).any(|fault| overlaps(fault, call.began, call.ended, slack))
    }

    fn admitted_calls_are_audited_once(&self) -> Claim {
        self.claim(
            "a call that a gateway took has one audit line",
            |_| true,
            |call| match self.lines(call) {
                [_, _, ..] => Some("it has several lines".to_owned()),
                [line] if line.gateway != call.gateway => Some("another gateway has its line".to_owned()),
                [_] => None,
                [] if self.must_have_been_taken(call) && !self.line_may_be_lost(call) => Some("it has none".to_owned()),
                [] => None,
            },
        )
    }

    fn must_have_been_taken(&self, call: &Call) -> bool {
        match &call.outcome {
            Outcome::Success | Outcome::Failed(_) | Outcome::Withdrawn | Outcome::Wrong(_) => true,
            outcome @ Outcome::Refused { .. } => !outcome.is_unrouted(),
            Outcome::Broken(_) | Outcome::Silence | Outcome::Left => !self.runs(call).is_empty(),
        }
    }

    fn line_may_be_lost(&self, call: &Call) -> bool {
        self.ledgers.faults.iter().any(|fault| {
            fault.what == What::Gateway(call.gateway, Harm::Killed)
                && call.began <= fault.began
                && fault.began <= call.ended + UNWRITTEN
        })
    }

    fn the_audit_says_what_the_client_saw(&self) -> Claim {
        let disagrees = |call: &Call, line: &Line| {
            let record = &line.record;
            if record.route.as_ref()
                != self.ledgers.tenants.get(call.route).map(|tenant| format!("{tenant}/eng")).as_ref()
            {
                return Some("the line has another route");
            }
            match &call.outcome {
                Outcome::Success | Outcome::Failed(_) | Outcome::Withdrawn if !record.admits() => {
                    Some("the line says it was refused")
                }
                Outcome::Refused { status, .. } if record.status != *status => Some("the line has another status"),
                Outcome::Refused { code, .. } if record.code != *code => Some("the line has another code"),
                _ => None,
            }
        };
        self.claim(
            "the audit line says what the client saw",
            |call| !self.lines(call).is_empty(),
            |call| self.lines(call).iter().find_map(|line| disagrees(call, line)).map(str::to_owned),
        )
    }

    fn nothing_runs_twice(&self) -> Claim {
        self.claim(
            "no call runs twice",
            |call| !self.runs(call).is_empty(),
            |call| (self.runs(call).len() > 1).then(|| format!("it ran {} times", self.runs(call).len())),
        )
    }

    fn success_ran_where_it_should(&self) -> Claim {
        let server = |call: &Call| match call.asked {
            Asked::Call(server) => Some(server),
            _ => None,
        };
        self.claim(
            "a call that succeeded ran, on the server that it named",
            |call| call.outcome == Outcome::Success && server(call).is_some(),
            |call| match self.runs(call) {
                [] => Some("it never ran".to_owned()),
                runs if runs.iter().any(|run| Some(run.server) != server(call)) => {
                    Some("another server ran it".to_owned())
                }
                _ => None,
            },
        )
    }

    fn what_was_refused_never_ran(&self) -> Claim {
        self.claim(
            "what a gateway refused never ran",
            |call| {
                matches!(call.outcome, Outcome::Refused { .. })
                    || self.lines(call).iter().any(|line| !line.record.admits())
            },
            |call| (!self.runs(call).is_empty()).then(|| "it ran all the same".to_owned()),
        )
    }

    fn tenants_are_apart(&self) -> Claim {
        let tenant = |run: &Run| self.ledgers.servers.get(run.server).map(|place| place.tenant);
        self.claim(
            "nobody reaches a server of another tenant",
            |call| call.principal != call.route || !self.runs(call).is_empty(),
            |call| {
                let foreign = |run: &&&Run| tenant(run) != Some(call.route) || tenant(run) != Some(call.principal);
                if self.runs(call).iter().any(|run| foreign(&run)) {
                    return Some("it ran in another tenant".to_owned());
                }
                let answered = matches!(call.outcome, Outcome::Success | Outcome::Failed(_) | Outcome::Withdrawn);
                (call.principal != call.route && answered).then(|| "it was answered".to_owned())
            },
        )
    }

    fn nobody_calls_unknown(&self) -> Claim {
        let Ledgers { lines, runs, strange, .. } = self.ledgers;
        let known = |id: &u64| self.calls.contains_key(id);
        let mut offences: Vec<String> = strange.iter().map(|line| format!("not a whole line: {line}")).collect();
        offences.extend(lines.iter().filter(|line| !known(&line.id)).map(|line| format!("call {}: {line}", line.id)));
        let stray = runs.iter().filter(|run| !known(&run.id) || run.trace != run.id);
        offences.extend(stray.map(|run| format!("nobody's call ran, or under another's trace: {run:?}")));
        let figure = format!("{} lines and {} runs, {} offend", lines.len(), runs.len(), offences.len());
        offences.truncate(SHOWN);
        Claim { what: "every audit line and every run is of a call that a client made", figure, offences }
    }
}

fn overlaps(fault: &Happened, began: Time, ended: Time, slack: Duration) -> bool {
    fault.began <= ended + slack && began <= fault.ended + slack
}

#[cfg(test)]
mod tests;
