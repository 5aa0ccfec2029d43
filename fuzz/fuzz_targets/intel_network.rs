//! Intelligence that begins as Snort or Suricata rules.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| perisai_fuzz::intel::after("network", data));
