//! Any bytes as a message, of an agent and of a server.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::envelope(data));
