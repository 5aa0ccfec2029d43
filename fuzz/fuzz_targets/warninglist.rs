//! A MISP warninglist, read and applied.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::intel::warninglist(data));
