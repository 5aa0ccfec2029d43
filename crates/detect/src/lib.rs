//! Compiles intelligence into immutable detectors, and matches blocks of bytes and events.
//!
//! `indicator` finds plain values in raw bytes, `sigma` runs Sigma rules and `pattern` STIX patterns over events;
//! [`Detector`] holds them all, and says why a match counts and what is known of it. Nothing here does I/O, and the
//! clock is passed in.

mod detector;
#[expect(
    unsafe_code,
    reason = "vector instructions and prefetches on the hot path; measured by `cargo xtask bench hunt`"
)]
pub mod indicator;
pub mod pattern;
pub mod sigma;
mod typed;
mod warninglist;

pub use detector::{Detector, Matched};
