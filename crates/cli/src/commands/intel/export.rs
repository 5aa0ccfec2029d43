//! `perisai intel export`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::filter::Filter;
use crate::Outcome;
use crate::client::{Kind, Which, query};
use crate::commands::save;

/// Write what an organisation may have to a STIX bundle
///
/// Each object goes whole or not at all, under the same rules as over TAXII; what was written is on the audit chain.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// For whom: an organisation, by name or id; our own where nothing is said
    #[arg(long = "for", value_name = "ORG")]
    recipient: Option<String>,
    /// All that is in a collection, by id or alias
    #[arg(long, value_name = "NAME", conflicts_with = "Filter")]
    collection: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Write to a file; - is standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    #[command(flatten)]
    node: Which,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let recipient = node
                .maybe_id_of(Kind::Organisation, self.recipient.as_deref())
                .await?;
            let mut parts = self.filter.parts(node).await?;
            parts.extend([("for", recipient), ("collection", self.collection.clone())]);
            let asked = query(&parts);
            save(
                node,
                &format!("/api/export{asked}"),
                self.output.as_deref(),
                false,
            )
            .await
        })
    }
}
