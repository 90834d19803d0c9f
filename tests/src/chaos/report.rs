//! What a run was and how its claims stand, for people to read.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use super::{claims::Claim, edits::Made, ledger::Ledgers};

/// A run.
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// How long faults went on.
    pub length: Duration,
    /// The ledgers.
    pub ledgers: Ledgers,
    /// The edits.
    pub edits: Made,
    /// How long edits went on.
    pub edited_for: Duration,
    /// How its claims stand.
    pub claims: Vec<Claim>,
    /// Where what the processes wrote is, if it is kept.
    pub logs: Option<PathBuf>,
}

impl Report {
    /// Whether every claim holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.claims.iter().all(Claim::holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "chaos: seed {}, {} s of faults", self.seed, self.length.as_secs())?;
        let mut faults = BTreeMap::<String, usize>::new();
        for fault in &self.ledgers.faults {
            let kind = fault.what.to_string();
            let kind = kind.rsplit_once(' ').map_or(kind.as_str(), |(_, kind)| kind);
            let whose = kind_of(&fault.what.to_string());
            *faults.entry(format!("{whose}{kind}")).or_default() += 1;
        }
        writeln!(formatter, "  {} faults: {}", self.ledgers.faults.len(), counted(&faults))?;
        let mut outcomes = BTreeMap::<String, usize>::new();
        for call in &self.ledgers.calls {
            *outcomes.entry(call.outcome.word()).or_default() += 1;
        }
        writeln!(formatter, "  {} calls: {}", self.ledgers.calls.len(), counted(&outcomes))?;
        let (lines, runs) = (self.ledgers.lines.len(), self.ledgers.runs.len());
        writeln!(formatter, "  {lines} audit lines, {runs} runs on the servers")?;
        let Made { stored, refused, lost } = self.edits;
        let rate = (stored + refused + lost) as f64 * 60.0 / self.edited_for.as_secs_f64().max(1.0);
        writeln!(
            formatter,
            "  {rate:.0} edits a minute: {stored} stored, {refused} refused by the API server, {lost} found none"
        )?;
        for claim in &self.claims {
            let mark = if claim.holds() { "holds" } else { "FAILS" };
            writeln!(formatter, "  {mark}  {}: {}", claim.what, claim.figure)?;
        }
        for claim in self.claims.iter().filter(|claim| !claim.holds()) {
            writeln!(formatter, "\n{}:", claim.what)?;
            claim.offences.iter().try_for_each(|offence| writeln!(formatter, "- {offence}"))?;
        }
        if let Some(logs) = &self.logs {
            writeln!(
                formatter,
                "\nagain: CHAOS_SEED={} CHAOS_SECONDS={} make chaos",
                self.seed,
                self.length.as_secs()
            )?;
            writeln!(formatter, "logs, audit logs and all calls: {}", logs.display())?;
        }
        Ok(())
    }
}

/// The thing that a fault happens to, without its number.
fn kind_of(fault: &str) -> &'static str {
    match fault {
        _ if fault.starts_with("operator") => "operator ",
        _ if fault.starts_with("gateway") => "gateway ",
        _ if fault.starts_with("stream") => "stream ",
        _ if fault.starts_with("disk") => "disk ",
        _ if fault.starts_with("server") => "server ",
        _ => "",
    }
}

fn counted(counts: &BTreeMap<String, usize>) -> String {
    let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    counts.join(", ")
}
