//! Sigma rules from text to a match.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::rules::sigma(data));
