//! The binary as its users run it.

mod bad_input;
mod command_line;
mod examples;
mod planted;
mod shared_data;
mod tool;
