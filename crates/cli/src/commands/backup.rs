//! `perisai backup` and `perisai restore`.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueHint};
use tokio::runtime::Builder;

use super::save;
use crate::Outcome;
use crate::client::Which;

/// Back up a node on this machine, while it runs or not
///
/// The file holds all that the node keeps, as it stands at one moment, and its keys: keep it as you keep the node. It can be
/// restored to SQLite as to PostgreSQL, whichever it came from.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file; - is standard output
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    node: Which,
}

/// Restore a backup to an empty place
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    node: Which,
}

impl Backup {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let is_taken = std::fs::metadata(&self.file).is_ok_and(|metadata| metadata.is_file());
        if is_taken && self.file.as_os_str() != "-" {
            anyhow::bail!(
                "{}: there is a file of that name already: a backup does not take its place",
                self.file.display()
            );
        }
        self.node
            .with(async |node| save(node, "/api/backup", Some(&self.file), true).await)
    }
}

impl Restore {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let settings = self.node.here()?;
        let named = || self.file.display().to_string();
        let file = File::open(&self.file).map_err(|error| anyhow::anyhow!("{}: {error}", named()))?;
        let runtime = Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("no threads can be started")?;
        let rows = runtime
            .block_on(perisai_app::restore(&settings, file))
            .with_context(named)?;
        writeln!(
            io::stdout(),
            "restored {rows} rows to {}; the search index is made at the next start",
            settings.data.display()
        )?;
        Ok(Outcome::Done)
    }
}
