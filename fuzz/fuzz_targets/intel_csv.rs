//! Intelligence that begins as a table.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::intel::after("csv", data));
