//! One STIX object.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::objects::parse(data));
