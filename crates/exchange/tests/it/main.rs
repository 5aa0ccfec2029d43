//! The crate against servers: a real one, and ones that do what servers get wrong.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests and their helpers")]

mod faults;
mod feeds;
mod medallion;
mod push;
mod server;
mod tls;
