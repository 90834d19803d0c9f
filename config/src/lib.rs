//! The configuration stream between operator and gateways: the resources, the operator's log of them, and the two state machines that keep a
//! gateway's set equal to the log; and the frame of what a gateway keeps on disk. Pure: it must never open a socket, read a clock or know Kubernetes. Glue around it moves the messages.

pub mod body;
pub mod delta;
pub mod exposure;
pub mod frame;
pub mod last_good;
pub mod limits;
pub mod log;
pub mod name;
pub mod proto;
pub mod recording;
pub mod version;

mod step;

pub use body::{Body, DecodeError};
pub use exposure::exposed_name;
pub use last_good::{LastGood, LastGoodError};
pub use log::{Log, State};
pub use name::{Kind, Name, NameError};
pub use version::{Version, VersionError};

/// `Subscribe.schema` of this release: raised when a gateway must understand something new to be safe.
pub const SCHEMA: u32 = 1;
