//! What comes out of every format, for one made-up hunt.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests and their helpers")]

mod hostile;
mod peers;
mod sample;
mod snapshots;
