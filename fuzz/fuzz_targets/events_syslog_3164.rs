//! Lines in a log that was told to be `syslog_3164`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::events::lines_of("syslog_3164", data));
