//! Project tasks: `cargo xtask tidy | test | docs | fuzz | bench`. What each does stands in CONTRIBUTING.md.
#![expect(clippy::print_stdout, reason = "a task talks to the person who runs it")]

mod api;
mod bench;
mod docs;
mod fuzz;
mod postgres;
mod run;
mod test;
mod tidy;
mod venv;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask TASK

  tidy                          check floors, sizes, module docs and leftovers
  test [--no-peers]             install what the tests need, then run every check there is
  api                           write the reference of the API from openapi.json
  docs                          run the examples of the README and the book
  peers                         install the reference programs that tests compare with
  fuzz [TARGET] [--seconds N]   fuzz one target, or each in turn (60 seconds each)
  bench NAME                    run a benchmark";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let Some((task, rest)) = arguments.split_first() else {
        bail!("no task given\n\n{USAGE}");
    };
    match (task.as_str(), rest) {
        ("tidy", []) => tidy::run(),
        ("test", _) => test::run(test::Options::parse(rest)?),
        ("api", []) => api::write(),
        ("docs", []) => docs::run(),
        ("peers", []) => venv::run(),
        ("fuzz", _) => fuzz::run(&fuzz::Options::parse(rest)?),
        ("bench", _) => bench::run(rest),
        ("help" | "--help" | "-h", _) => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("`{}` is no task\n\n{USAGE}", arguments.join(" ")),
    }
}
