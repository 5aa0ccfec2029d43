//! Intelligence that begins as the attributes of a MISP event.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::intel::after("misp", data));
