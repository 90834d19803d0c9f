//! What can become of a call on its way to a server and back.

use crate::mcp::headers::HeaderFault;
use crate::upstream::UpstreamError;

/// Said when a server asks for what we did not offer.
pub const UNFINISHED: &str = "the server asks for input that cannot be carried to this agent";

/// What can become of a call on its way.
pub enum Failure {
    /// No complete answer.
    Upstream(UpstreamError),
    /// An answer that is none of the protocol's.
    Invalid(&'static str),
    /// As many streams as this gateway holds are open.
    TooManyStreams,
    /// The server's session is gone, and with it the agent's.
    SessionLost,
    /// The server's credential is not to be had.
    NoCredential,
    /// An argument cannot be mirrored in the header that the tool's schema asks for.
    Arguments(HeaderFault),
    /// The agent has taken it back.
    Cancelled,
    /// This session was opened while the server did not answer.
    AbsentFromSession,
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}
