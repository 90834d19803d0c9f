//! What the fuzz targets share. The properties are also compiled into the gateway's own tests, so they name the protocol core `crate::mcp`.

pub use portolan_dataplane::mcp;

pub mod properties;
