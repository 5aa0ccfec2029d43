//! `perisai intel apart`.

use std::io::{self, Write};

use clap::Args;

use crate::Outcome;
use crate::client::{Client, Column, Listing, Which, encoded, list, query};
use crate::output::report::clean;

/// List what is kept apart: what others sent to change what is not theirs
///
/// Versions, revocations and deletions by others than whose an object is. They count for nothing, and no partner gets
/// them. The latest come first.
#[derive(Debug, Args)]
pub(crate) struct Apart {
    /// Show one of them as it came, by its key
    #[arg(conflicts_with_all = ["source", "id"])]
    key: Option<String>,
    /// From a source, by name or by that of its organisation
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// With an id, or to change the object of this id
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Show no more than this; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// How to write them
    #[arg(long, short, value_enum, ignore_case = true, default_value_t = Listing::Text)]
    format: Listing,
    #[command(flatten)]
    node: Which,
}

const COLUMNS: [Column; 6] = [
    ("attempt", "/attempt"),
    ("of", "/of"),
    ("version", "/version"),
    ("source", "/source_name"),
    ("received", "/received"),
    ("key", "/key"),
];

/// The most that a page of the API has.
const PAGE: usize = 500;

impl Apart {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            match &self.key {
                Some(key) => show(node, key).await?,
                None => self.list(node).await?,
            }
            Ok(Outcome::Done)
        })
    }

    async fn list(&self, node: &Client) -> anyhow::Result<()> {
        let source = node.source_names(self.source.as_deref()).await?;
        let mut left = if self.limit == 0 { usize::MAX } else { self.limit };
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let asked = query(&[
                ("source", source.clone()),
                ("id", self.id.clone()),
                ("after", after.take()),
                ("limit", Some(left.min(PAGE).to_string())),
            ]);
            let mut page = node.get(&format!("/api/apart{asked}")).await?;
            let Some(items) = page["items"].as_array_mut() else {
                anyhow::bail!("the node's answer is no list");
            };
            left -= items.len().min(left);
            all.append(items);
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() || left == 0 {
                break;
            }
        }
        node.name_sources(&mut all).await?;
        let mut out = io::stdout().lock();
        match self.format {
            Listing::Text if all.is_empty() => writeln!(out, "nothing is kept apart")?,
            format => list(&all, &COLUMNS, format, &mut out)?,
        }
        if after.is_some() {
            writeln!(io::stderr(), "perisai: there is more; --limit 0 shows all")?;
        }
        Ok(())
    }
}

async fn show(node: &Client, key: &str) -> anyhow::Result<()> {
    let found = node.get(&format!("/api/apart/{}", encoded(key))).await?;
    let pretty = serde_json::to_string_pretty(&found)?;
    let mut out = io::stdout().lock();
    for line in pretty.lines() {
        writeln!(out, "{}", clean(line))?;
    }
    Ok(())
}
