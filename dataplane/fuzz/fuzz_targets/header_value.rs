//! Any value of a header that mirrors text.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::header_value::header_value(data));
