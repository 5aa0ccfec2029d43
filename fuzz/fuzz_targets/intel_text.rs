//! Intelligence that begins as a plain list.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::intel::after("text", data));
