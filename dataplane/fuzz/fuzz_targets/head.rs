//! Any Host, Origin and target of a request.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::head::head(data));
