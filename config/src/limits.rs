//! Every bound of the configuration stream, in one table. Peers are of our own fleet, but a bound that holds only among friends is none.

use std::time::Duration;

/// Bytes that a part of a step aims at. A resource that is larger than this travels in a part of its own.
pub const STEP_PART_BYTES: usize = 1024 * 1024;

/// Bytes of one message on the stream; the transport's decoding limit on both ends. A `Subscribe` names every resource that a gateway has
/// (about 100 bytes each), so this is room for 300,000 of them.
pub const MESSAGE_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of bodies that a gateway buffers of one uncommitted step.
pub const STEP_BYTES: usize = 1024 * 1024 * 1024;

/// Names (resources, removals, revocations and holds together) that a gateway buffers of one uncommitted step.
pub const STEP_NAMES: usize = 500_000;

/// Bytes of a resource name: a kind, a namespace (63), an object's name (253) and an index fit twice.
pub const NAME_BYTES: usize = 768;

/// Chunks of one catalogue in a report.
pub const REPORT_CHUNKS: usize = 64;

/// Bytes of all chunks of one catalogue in a report.
pub const REPORT_BYTES: usize = 64 * 1024 * 1024;

/// Reports of one gateway that wait for bodies at a time.
pub const REPORTS_WAITING: usize = 65_536;

/// Bodies that an operator asks of one gateway at a time.
pub const FETCHES_IN_FLIGHT: usize = 8;

/// Bytes kept of a gateway's reason for a rejection.
pub const REASON_BYTES: usize = 1024;

/// Bytes of a file that a gateway keeps: whatever fits into one step fits into it.
pub const FILE_BYTES: u64 = 2 * STEP_BYTES as u64;

/// Age at which a session of an older client ends. Gateways hold to it, and the operator keeps a key that long after the last text under it.
pub const SESSION: Duration = Duration::from_hours(12);

/// Keys of a fleet's ring.
pub const RING_KEYS: usize = 16;
