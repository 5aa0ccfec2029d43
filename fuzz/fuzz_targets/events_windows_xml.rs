//! Lines in a log that was told to be `windows_xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::events::lines_of("windows_xml", data));
