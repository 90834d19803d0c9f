//! Exposed names: what agents call a server's tool. The rule is shared with the operator, which tells them in status.

pub use portolan_config::exposure::exposed_name as exposed;

#[cfg(test)]
mod tests;
