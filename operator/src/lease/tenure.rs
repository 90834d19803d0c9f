//! What one replica may do: serve streams, write status, or neither.

use std::time::Instant;

use portolan_config::proto::Refused;

/// A replica's standing. Serving and writing are not the same: a holder that cannot reach the API server serves on what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenure {
    /// There are no others: standalone.
    Alone,
    /// The lease is ours.
    Holder {
        /// Its epoch.
        epoch: u64,
        /// Until when nobody else can have it.
        until: Instant,
    },
    /// It was ours and could not be renewed; nobody is known to have taken it.
    CutOff {
        /// Its epoch.
        epoch: u64,
        /// How often gateways were sent to look for a later holder.
        rounds: u32,
    },
    /// It is somebody else's, or nobody's yet.
    StandBy {
        /// The name of its holder, where it is known.
        holder: Option<String>,
    },
}

impl Tenure {
    /// Whether gateways are served.
    #[must_use]
    pub fn serves(&self) -> bool {
        !matches!(self, Self::StandBy { .. })
    }

    /// Whether status may be written at `now`.
    #[must_use]
    pub fn writes(&self, now: Instant) -> bool {
        match self {
            Self::Alone => true,
            Self::Holder { until, .. } => now < *until,
            Self::CutOff { .. } | Self::StandBy { .. } => false,
        }
    }

    /// The epoch that steps carry; `None`: none are sent.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        match self {
            Self::Alone => Some(0),
            Self::Holder { epoch, .. } | Self::CutOff { epoch, .. } => Some(*epoch),
            Self::StandBy { .. } => None,
        }
    }

    /// The word for it, as `/config` says it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Alone => "Alone",
            Self::Holder { .. } => "Holder",
            Self::CutOff { .. } => "CutOff",
            Self::StandBy { .. } => "StandBy",
        }
    }

    /// Whether a stream that was opened under this tenure ends under a later one: with the tenure, and when gateways are sent to look around.
    #[must_use]
    pub fn ends_under(&self, later: &Self) -> bool {
        !later.serves() || later.rounds() > self.rounds()
    }

    /// What a gateway is told that has to look for another replica.
    #[must_use]
    pub fn refusal(&self) -> Refused {
        let (reason, holder) = match self {
            Self::StandBy { holder: Some(holder) } => ("this operator stands by", holder.clone()),
            Self::StandBy { holder: None } => {
                ("this operator stands by, and nobody is known to hold the lease", String::new())
            }
            _ => ("this operator cannot renew its lease: another one may have it", String::new()),
        };
        Refused { reason: reason.to_owned(), holder }
    }

    fn rounds(&self) -> u32 {
        match self {
            Self::CutOff { rounds, .. } => *rounds,
            Self::Alone | Self::Holder { .. } | Self::StandBy { .. } => 0,
        }
    }
}
