//! The binary as its users run it.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests and their helpers")]

mod bad_input;
mod command_line;
mod examples;
mod intelligence;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(unix)]
mod live;
#[cfg(target_os = "linux")]
mod messages;
#[cfg(target_os = "linux")]
mod node;
#[cfg(unix)]
mod node_commands;
#[cfg(target_os = "linux")]
mod node_faults;
#[cfg(unix)]
mod node_peers;
mod planted;
mod shared_data;
mod told;
mod tool;
#[cfg(feature = "yara")]
mod yara;
