//! An answer of a TAXII or MISP server, cut into its elements while it comes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::exchange::split(data));
