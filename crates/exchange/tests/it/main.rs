//! The crate against servers: a real one, and ones that do what servers get wrong.

mod faults;
mod feeds;
mod medallion;
mod push;
mod server;
mod tls;
