//! Any bytes as a bearer token, and as the header and the claims of one that is signed well.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::token::token(data));
