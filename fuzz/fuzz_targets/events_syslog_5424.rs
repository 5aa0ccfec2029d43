//! Lines in a log that was told to be `syslog_5424`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::events::lines_of("syslog_5424", data));
