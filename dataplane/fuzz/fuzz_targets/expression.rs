//! Any text as a condition of a rule, and as a key path.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::expression::expression(data));
