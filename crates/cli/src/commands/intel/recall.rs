//! `perisai intel recall` and `perisai intel reindex`.

use std::io::{self, Write};

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use perisai_app::Stop;
use reqwest::Method;
use serde_json::json;

use super::job::wait;
use crate::Outcome;
use crate::client::{Kind, Which};
use crate::commands::time;
use crate::output::report::clean;

/// Take back what a source brought
///
/// It leaves collections, searches, and what partners can read. What another source brought, too, stays as theirs. What
/// names it is listed: look at that next.
#[derive(Debug, Args)]
pub(crate) struct Recall {
    /// The name of the source, or of its organisation: `perisai source list` shows them
    #[arg(long, value_name = "NAME")]
    source: String,
    /// What came from this time on: 2022-02-24T03:00:00Z, 2022-02-24, yesterday, seconds since 1970, or 7d ago
    #[arg(long, value_name = "T")]
    since: String,
    #[command(flatten)]
    node: Which,
}

/// Make the search index and all else that is derived again
///
/// Searches find less until it is done; what partners read is not touched.
#[derive(Debug, Args)]
pub(crate) struct Reindex {
    #[command(flatten)]
    node: Which,
}

impl Recall {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let since = time::parse(&self.since, &TimeZone::UTC, Timestamp::now());
        let since = since.map_err(|why| anyhow::anyhow!("--since: {why}"))?;
        self.node.with(async |node| {
            let number = node.id_of(Kind::Source, &self.source).await?;
            let path = format!("/api/sources/{number}/recall");
            let begun = node
                .ask(Method::POST, &path, Some(json!({"since": since})))
                .await?;
            let say = |job: &serde_json::Value| format!("{} objects withdrawn", job["work"]["objects"]);
            let job = wait(node, begun, &Stop::default(), say).await?;
            let work = &job["work"];
            let mut out = io::stdout().lock();
            writeln!(
                out,
                "withdrawn: {} objects{} that {} brought since {since}",
                work["objects"],
                match work["versions"] == work["objects"] {
                    true => String::new(),
                    false => format!(" ({} versions)", work["versions"]),
                },
                self.source
            )?;
            for name in work["paused"].as_array().into_iter().flatten() {
                let name = clean(name.as_str().unwrap_or_default());
                writeln!(
                    out,
                    "paused: {name}, which would bring them again (perisai peer resume {name})"
                )?;
            }
            if work["kept"] != 0 {
                writeln!(out, "kept: {} objects that others brought, too", work["kept"])?;
            }
            if work["touched"] != 0 {
                writeln!(out, "named by {} other objects:", work["touched"])?;
                for id in work["touched_ids"].as_array().into_iter().flatten() {
                    writeln!(out, "  {}", clean(id.as_str().unwrap_or_default()))?;
                }
            }
            Ok(Outcome::Done)
        })
    }
}

impl Reindex {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let begun = node.ask(Method::POST, "/api/reindex", None).await?;
            wait(node, begun, &Stop::default(), |_| {
                "making the index again".to_owned()
            })
            .await?;
            writeln!(io::stdout(), "the index is made again")?;
            Ok(Outcome::Done)
        })
    }
}
