//! A node that is served for real, over TCP and TLS, and clients that are as they should be, or hostile.

#![allow(clippy::unwrap_used)]

mod api;
mod log_ins;
mod node;
mod proofs;
mod serving;
mod slow;
