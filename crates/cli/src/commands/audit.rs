//! `perisai audit`: what the node did.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::save;
use crate::Outcome;
use crate::client::Which;
use crate::output::report::clean;

/// The audit chain: what was done here, and what left
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Look whether the chain is whole: any change, gap or cut is told, with exit status 3
    Verify(Verify),
    /// Export the chain as JSON lines
    Export(Export),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Write to a file; - is standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    #[command(flatten)]
    node: Which,
}

impl Audit {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Verify(verify) => verify.node.with(async |node| {
                let found = node.get("/api/audit/verify").await?;
                let mut out = io::stdout().lock();
                for fault in found["faults"].as_array().into_iter().flatten() {
                    writeln!(out, "{}", clean(fault.as_str().unwrap_or_default()))?;
                }
                let (records, faults) = (&found["records"], &found["fault_count"]);
                writeln!(out, "{records} records, {faults} faults")?;
                writeln!(
                    out,
                    "signed by the Ed25519 key {}",
                    found["key"].as_str().unwrap_or_default()
                )?;
                Ok(if faults == 0 {
                    Outcome::Done
                } else {
                    Outcome::SomeFailed
                })
            }),
            Self::Export(export) => export
                .node
                .with(async |node| save(node, "/api/audit", export.output.as_deref(), false).await),
        }
    }
}
