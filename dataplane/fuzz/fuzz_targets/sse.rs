//! Any bytes as a server's event stream, in any chunks.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::sse::sse(data));
