//! Files that outlive the process, in the data folder: framed, sealed with the fleet's keys where they hold more than a number, and replaced as a whole or not at all.
//!
//! Nothing in here runs on a worker or decides what is kept. A disk that is full, read-only or broken costs a warning, never a request.

mod epoch;
mod file;
mod keeper;

pub use epoch::EpochFile;
pub use file::{File, Unusable};
pub use keeper::Keeper;
