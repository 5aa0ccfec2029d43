//! The parser of STIX patterns, and their evaluation.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::pattern(data));
