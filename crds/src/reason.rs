//! The words of conditions' reasons: what programs may match on, so a word never changes its meaning.

use std::fmt;

/// Declares the reasons once: the variant is the word.
macro_rules! reasons {
    ($($(#[$doc:meta])* $word:ident,)+) => {
        /// Why a condition has its status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $word,)+ }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$word,)+];

            /// The word, in CamelCase.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => stringify!($word),)+ }
            }
        }
    };
}

reasons! {
    // Accepted, on every kind.
    /// The object is sound and in use.
    Accepted,
    /// A field's value is wrong; the message names the field and the remedy.
    Invalid,
    /// A CEL expression does not compile; the message has the position.
    InvalidExpression,
    /// A key set is no JSON Web Key Set, or has no key that can be used.
    InvalidJwks,
    /// An older route has the same host and path.
    HostPathConflict,
    /// An older policy has the same target and section.
    Conflicted,
    /// No target of a policy exists.
    TargetNotFound,
    /// Another fleet's operator serves the route, or nobody does.
    NoFleet,

    // ResolvedRefs, on every kind.
    /// Every object that is named exists and may be used.
    ResolvedRefs,
    /// The object that is named is in another namespace, which does not allow it.
    RefNotPermitted,
    /// The server or Service that is named does not exist.
    BackendNotFound,
    /// The Service that is named has no such port.
    PortNotFound,
    /// The Secret may exist, but its namespace does not grant it.
    SecretNotGranted,
    /// The namespace grants its Secrets, and there is none of that name.
    SecretNotFound,
    /// The Secret has no such key.
    SecretKeyNotFound,

    // Verified, on servers.
    /// The handshake and the lists succeeded.
    Verified,
    /// No gateway has examined the server yet.
    Pending,
    /// No ready endpoint.
    NoEndpoints,
    /// Nobody answers at the address.
    Unreachable,
    /// The address is one that gateways may not dial.
    AddressForbidden,
    /// Connected, but no answer in time.
    TimedOut,
    /// The server refuses the gateway's credentials (401, 403).
    Unauthorized,
    /// The server answers, but not as the protocol says, or not within the bounds.
    ProtocolError,
    /// None of the server's revisions is one that Portolan speaks, or that the object allows.
    UnsupportedRevision,

    // Programmed, on every kind.
    /// Every gateway of the fleet serves it.
    Programmed,
    /// No gateway is connected.
    NoGateways,
    /// A gateway refuses it; the message has the gateway's words.
    Rejected,
    /// The new version is invalid; the last good one is in force, or nothing where there is none.
    Held,

    // PartiallyInvalid, on routes.
    /// Tools of two servers have one name.
    NameConflict,
    /// Some of the servers cannot be served, the others are.
    ServersDropped,
    /// Nobody may call: no policy says who, and anonymous callers are not allowed.
    NoAuthentication,

    // PolicyAffected, on routes and servers.
    /// Policies apply; the message names them.
    PolicyAffected,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
