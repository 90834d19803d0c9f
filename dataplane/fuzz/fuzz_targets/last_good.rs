//! Any bytes as the last known good configuration on disk, and as what is inside of it.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portolan_dataplane_fuzz::properties::last_good(data));
