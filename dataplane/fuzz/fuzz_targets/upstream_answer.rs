//! Any answer of a server, however it is cut.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::upstream_answer::upstream_answer(data));
