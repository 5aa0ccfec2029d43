//! Intelligence that begins as the objects of a STIX bundle.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::intel::after("stix", data));
