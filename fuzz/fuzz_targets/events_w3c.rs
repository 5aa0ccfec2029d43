//! Lines in a log that was told to be `w3c`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::events::lines_of("w3c", data));
