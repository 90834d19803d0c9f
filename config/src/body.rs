//! Bodies of resources: the typed form of a kind's message. It never compiles or judges what they say.

use bytes::Bytes;
use prost::Message;

pub use prost::DecodeError;

use crate::{Kind, proto};

macro_rules! bodies {
    ($($(#[$doc:meta])* $kind:ident),+ $(,)?) => {
        /// A resource's content.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $kind(proto::$kind)),+
        }

        impl Body {
            /// Reads the encoding of a kind. Byte fields share the memory of `bytes`.
            ///
            /// # Errors
            /// The bytes are not such a message: the peer's fault, and the same bytes fail again.
            pub fn decode(kind: Kind, bytes: &Bytes) -> Result<Self, DecodeError> {
                Ok(match kind {
                    $(Kind::$kind => Self::$kind(Message::decode(bytes.clone())?)),+
                })
            }

            /// The encoding whose hash is the version: equal bodies encode equally.
            #[must_use]
            pub fn encode(&self) -> Bytes {
                match self {
                    $(Self::$kind(message) => message.encode_to_vec().into()),+
                }
            }

            /// The type of the resource.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind),+
                }
            }
        }

        $(impl From<proto::$kind> for Body {
            fn from(message: proto::$kind) -> Self {
                Self::$kind(message)
            }
        })+
    };
}

bodies! {
    /// How to speak to a backend.
    Server,
    /// Where a server of the cluster is.
    Endpoints,
    /// An endpoint that agents see.
    Route,
    /// What holds on routes and servers.
    Policy,
    /// What a server offers.
    Catalogue,
    /// Some of a catalogue's definitions.
    Chunk,
    /// Referenced keys of a secret.
    Secret,
    /// Which servers one gateway lists.
    Assignment,
    /// What every gateway of a fleet shares.
    Fleet,
}

#[cfg(test)]
mod tests;
