//! The binary `perisai`: reads the command line, runs one use case of `app`, and says how it ended.

mod client;
mod commands;
mod interrupt;
mod output;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use commands::Command;

/// What is held by many threads for different times is given back to the system; the usual allocator keeps it.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A collective cyber-defence node: hunts through logs, keeps intelligence, and exchanges it with partners under rules
/// that hold.
#[derive(Debug, Parser)]
#[command(name = "perisai", version, propagate_version = true, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// How a run ended, as the exit status says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All done.
    Done,
    /// `--exit-code` was asked for, and something was found.
    Found,
    /// Done, but some input could not be read or used.
    SomeFailed,
    /// Ended by Ctrl-C or `kill`; what was found so far is written.
    Interrupted,
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Ok(Outcome::SomeFailed) => ExitCode::from(3),
        Ok(Outcome::Interrupted) => ExitCode::from(interrupt::STATUS),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done where standard error is closed, too.
            let _ = writeln!(io::stderr(), "perisai: {error:#}");
            ExitCode::from(if is_unwritten(&error) { 4 } else { 2 })
        }
    }
}

/// What was found could not be written. Errors of reading are told as problems of an input and end nothing, so an error of
/// the system that gets here is one of writing.
fn is_unwritten(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<io::Error>())
}

/// Whoever read the output has seen enough (`| head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
