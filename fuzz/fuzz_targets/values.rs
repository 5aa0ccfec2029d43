//! Every kind's grammar, refanging, and telling kinds apart.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::values(data));
