//! Any bytes as messages of the operator on the configuration stream.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::step::step(data));
