//! Any bytes as a sealed place in a list, and as the content of one.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::cursor::cursor(data));
