//! What the fuzz targets share. The properties are also compiled into the gateway's own tests, so they name the gateway's modules as the gateway itself does.

pub use portolan_dataplane::{listener, mcp, policy, request, upstream};

pub mod properties;
