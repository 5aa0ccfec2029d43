//! The integration tests of `detect`.
#![expect(clippy::unwrap_used, reason = "tests and their helpers")]

mod flatten;
mod indicator;
mod pattern;
mod sigma;
