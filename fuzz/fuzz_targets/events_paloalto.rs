//! Lines in a log that was told to be `paloalto`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::events::lines_of("paloalto", data));
