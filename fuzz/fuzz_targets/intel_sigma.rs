//! Intelligence that begins as a Sigma rule.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::intel::after("sigma", data));
