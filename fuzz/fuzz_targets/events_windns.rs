//! Lines in a log that was told to be `windns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::events::lines_of("windns", data));
