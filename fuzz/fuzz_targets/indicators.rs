//! Plain indicators looked for in any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::rules::indicators(data));
