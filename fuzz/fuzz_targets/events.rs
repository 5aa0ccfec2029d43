//! Any log, told by its content: containers, archives, EVTX and all formats.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::events::any(data));
