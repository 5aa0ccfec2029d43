//! The server, over loopback: each test runs over SQLite and over a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests and their helpers"
)]

mod backend;
mod client;
mod faults;
mod filters;
mod hidden;
mod manners;
mod peers;
mod reading;
mod sample;
mod served;
mod speed;
mod writing;
