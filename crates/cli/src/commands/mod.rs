//! The commands, a file each.

mod demo;
mod hunt;
mod intel;
mod serve;
mod time;

use clap::Subcommand;

use crate::Outcome;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look for indicators and rules in logs: files, folders, archives, standard input
    Hunt(Box<hunt::Hunt>),
    /// Hunt an attack on a made-up ministry, and learn what to try next
    Demo(demo::Demo),
    /// Look at intelligence itself
    #[command(subcommand)]
    Intel(intel::Intel),
    /// Run a node: keep intelligence, and exchange it with partners
    Serve(serve::Serve),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Hunt(hunt) => hunt.run(),
            Self::Demo(demo) => demo.run(),
            Self::Intel(intel) => intel.run(),
            Self::Serve(serve) => serve.run(),
        }
    }
}
