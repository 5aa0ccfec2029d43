//! The server, over loopback: TAXII over SQLite and over a real PostgreSQL, and who may do what over TCP and TLS, with
//! clients that are as they should be, or hostile.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests and their helpers"
)]

mod api;
mod backend;
mod client;
mod decisions;
mod described;
mod egress;
mod faults;
mod filters;
mod hidden;
mod idle;
mod intelligence;
mod log_ins;
mod looking;
#[cfg(unix)]
mod lost;
mod manners;
mod node;
mod peers;
mod places;
mod proofs;
mod reading;
mod refusals;
mod sample;
mod served;
mod serving;
mod slow;
mod speed;
mod sync;
mod writing;
