//! Any prefix and name of a tool, and any pattern.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::name::name(data));
