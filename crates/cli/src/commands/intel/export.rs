//! `perisai intel export`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::Outcome;
use crate::client::{Kind, Which, query};
use crate::commands::{save, time};

/// Write what an organisation may have to a STIX bundle
///
/// Each object goes whole or not at all, under the same rules as over TAXII; what was written is on the audit chain.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// For whom: an organisation, by name or id; our own where nothing is said
    #[arg(long = "for", value_name = "ORG")]
    recipient: Option<String>,
    /// All that is in a collection, by id or alias
    #[arg(long, value_name = "NAME", conflicts_with_all = ["types", "tlp", "source", "label", "since", "live", "expired"])]
    collection: Option<String>,
    /// One of these types
    #[arg(long = "type", value_name = "TYPE,…")]
    types: Option<String>,
    /// Under one of these labels of TLP
    #[arg(long, value_name = "TLP,…")]
    tlp: Option<String>,
    /// From one of these sources, by name or by that of their organisation
    #[arg(long, value_name = "NAME,…")]
    source: Option<String>,
    /// With one of these labels
    #[arg(long, value_name = "LABEL,…")]
    label: Option<String>,
    /// It came at this time or later
    #[arg(long, value_name = "T")]
    since: Option<String>,
    /// Only what counts now
    #[arg(long)]
    live: bool,
    /// Only what counts no more
    #[arg(long, conflicts_with = "live")]
    expired: bool,
    /// Write to a file; - is standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    #[command(flatten)]
    node: Which,
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let since = self
            .since
            .as_deref()
            .map(|text| time::parse(text, &TimeZone::UTC, Timestamp::now()));
        let since = since
            .transpose()
            .map_err(|why| anyhow::anyhow!("--since: {why}"))?;
        let live = (self.live || self.expired).then_some(self.live);
        self.node.with(async |node| {
            let recipient = node
                .maybe_id_of(Kind::Organisation, self.recipient.as_deref())
                .await?;
            let asked = query(&[
                ("for", recipient),
                ("collection", self.collection.clone()),
                ("type", self.types.clone()),
                ("tlp", self.tlp.clone()),
                ("source", node.source_names(self.source.as_deref()).await?),
                ("label", self.label.clone()),
                ("since", since.map(|since| since.to_string())),
                ("live", live.map(|live| live.to_string())),
            ]);
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
