//! Compiles intelligence into immutable detectors, and matches blocks of bytes and events.
//!
//! `indicator` finds plain values in raw bytes, `sigma` runs Sigma rules over events. Nothing here does I/O, and the
//! clock is passed in.

#[expect(
    unsafe_code,
    reason = "vector instructions and prefetches on the hot path; measured by `cargo xtask bench hunt`"
)]
pub mod indicator;
pub mod sigma;
