//! What a search or an export takes of what a node keeps.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::client::Client;
use crate::commands::time;

/// Which objects; where several may stand in an option, commas are between them, and one is enough.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Types: indicator, malware, report
    #[arg(long = "type", value_name = "TYPE,…")]
    types: Option<String>,
    /// Kinds of observables: ipv4, domain, sha256
    #[arg(long, value_name = "KIND,…")]
    kind: Option<String>,
    /// Labels of TLP; what has no marking counts by the node's default
    #[arg(long, value_name = "TLP,…")]
    tlp: Option<String>,
    /// Sources, by name or by that of their organisation
    #[arg(long, value_name = "NAME,…")]
    source: Option<String>,
    /// Labels
    #[arg(long, value_name = "LABEL,…")]
    label: Option<String>,
    /// It came at this time or later
    #[arg(long, value_name = "T")]
    since: Option<String>,
    /// It came before this time
    #[arg(long, value_name = "T")]
    until: Option<String>,
    /// Only what counts now: neither revoked nor past its time
    #[arg(long)]
    live: bool,
    /// Only what counts no more
    #[arg(long, conflicts_with = "live")]
    expired: bool,
}

impl Filter {
    /// The parts of a query of the API.
    pub(super) async fn parts(&self, node: &Client) -> anyhow::Result<Vec<(&'static str, Option<String>)>> {
        let live = (self.live || self.expired).then(|| self.live.to_string());
        Ok(vec![
            ("type", self.types.clone()),
            ("kind", self.kind.clone()),
            ("tlp", self.tlp.clone()),
            ("source", node.source_names(self.source.as_deref()).await?),
            ("label", self.label.clone()),
            ("since", moment("--since", self.since.as_deref())?),
            ("until", moment("--until", self.until.as_deref())?),
            ("live", live),
        ])
    }
}

fn moment(option: &str, text: Option<&str>) -> anyhow::Result<Option<String>> {
    let time = text.map(|text| time::parse(text, &TimeZone::UTC, Timestamp::now()));
    let time = time.transpose();
    let time = time.map_err(|why| anyhow::anyhow!("{option}: {why}"))?;
    Ok(time.map(|time| time.to_string()))
}
