//! A source of STIX objects.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::objects::read(data));
