//! The binary as its users run it.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests and their helpers")]

mod bad_input;
mod command_line;
mod examples;
mod intelligence;
#[cfg(unix)]
mod live;
#[cfg(unix)]
mod node;
mod planted;
mod shared_data;
mod told;
mod tool;
#[cfg(feature = "yara")]
mod yara;
