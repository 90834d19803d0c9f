//! What several tests of the whole system share: a cluster. Nothing here ships.
#![warn(missing_docs)]

pub mod cluster;
