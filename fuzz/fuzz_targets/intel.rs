//! Any intelligence, told by its content.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::intel::any(data));
