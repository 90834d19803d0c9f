//! The generated types of `proto/portolan/config/v1`, and what the generator must not decide: how bodies that can hold secrets are printed.

use std::fmt;

#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::pedantic,
    clippy::all,
    reason = "generated; the documentation is in the .proto files"
)]
mod generated {
    tonic::include_proto!("portolan.config.v1");
}

pub use generated::*;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("keys", &self.data.keys().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

macro_rules! wrap {
    ($envelope:ident, $module:ident: $($variant:ident($message:ty)),+ $(,)?) => {$(
        impl From<$message> for $envelope {
            fn from(message: $message) -> Self {
                Self { message: Some($module::Message::$variant(message)) }
            }
        }
    )+};
}

wrap!(FromGateway, from_gateway:
    Subscribe(Subscribe), Ack(Ack), Report(Report), Ended(Ended), KeysHeld(KeysHeld), Drain(Drain), Found(Resource));
wrap!(FromOperator, from_operator: Step(Step), Fetch(Fetch), Refused(Refused));

#[cfg(test)]
mod tests;
