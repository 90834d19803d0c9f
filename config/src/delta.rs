//! The delta protocol: both ends as state machines. They take and give messages; whoever drives them owns the connection.

use crate::Name;

pub mod client;
pub mod server;

/// The peer broke the protocol: end the stream and connect again, which starts from what is in force. Retrying is safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A step before `Subscribe`.
    #[error("a step before the subscription")]
    NotSubscribed,
    /// A second `Subscribe`.
    #[error("a second subscription")]
    SubscribedTwice,
    /// The operator's lease is over: a later holder has been seen.
    #[error("epoch {got} after epoch {seen}")]
    StaleEpoch {
        /// The highest epoch seen, on any stream.
        seen: u64,
        /// The step's.
        got: u64,
    },
    /// A part of another step before the commit mark.
    #[error("a part of another step before the commit mark")]
    MixedStep,
    /// A step before the last one was acknowledged.
    #[error("a step before the last one was acknowledged")]
    StepInFlight,
    /// A step that does not advance.
    #[error("sequence {got} after sequence {acknowledged}")]
    StaleSequence {
        /// The last acknowledged sequence.
        acknowledged: u64,
        /// The step's.
        got: u64,
    },
    /// A body that is not what its version says.
    #[error("the body of {0} is not what its version says")]
    Corrupt(Name),
    /// One name twice in one step.
    #[error("{0} is twice in one step")]
    Twice(Name),
    /// A step over `limits::STEP_BYTES` or `limits::STEP_NAMES`.
    #[error("a step over the bounds")]
    StepTooLarge,
    /// An acknowledgement of what is not in flight.
    #[error("an acknowledgement of sequence {0}, which is not in flight")]
    UnexpectedAck(u64),
    /// A report whose names or versions cannot be read, or that is over the bounds.
    #[error("a report that cannot be read or is over the bounds")]
    BadReport,
}
