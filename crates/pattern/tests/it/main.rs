//! Agreement with the OASIS reference matcher, and with a slow oracle of our own.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures and skips are told"
)]

mod bindings;
mod data;
mod patterns;
mod random;
mod reference;
mod table;
