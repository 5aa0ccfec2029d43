//! A hunt that takes its intelligence from a node, and tells the node what it saw.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::Context as _;
use jiff::Timestamp;
use perisai_app::Writer;
use perisai_model::{Finding, Report};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::client::{Client, Which, encoded};

/// What a hunt has use for: indicators with their rules, and what tells more of them.
const TYPES: &str = "attack-pattern,campaign,identity,indicator,intrusion-set,malware,marking-definition,relationship,\
                     threat-actor,tool,vulnerability,domain-name,email-addr,file,ipv4-addr,ipv6-addr,url";

/// How many sightings are sent together.
const TOGETHER: usize = 200;

/// Intelligence that a node gave.
pub(super) struct Fetched {
    pub(super) file: NamedTempFile,
    /// What findings call it.
    pub(super) name: String,
}

/// Takes all that a hunt has use for from a node.
pub(super) fn fetch(node: &Which) -> anyhow::Result<Fetched> {
    let file = node.with(async |client| download(client).await)?;
    let name = node.name();
    Ok(Fetched { file, name })
}

/// The same from a node that answers.
pub(in crate::commands) async fn download(client: &Client) -> anyhow::Result<NamedTempFile> {
    let mut file = NamedTempFile::new().context("no file can be made for what the node gives")?;
    let path = format!("/api/export?type={}", encoded(TYPES));
    let mut answer = client.send(client.request(Method::GET, &path)?).await?;
    while let Some(piece) = answer.chunk().await.map_err(|error| client.unreached(&error))? {
        file.write_all(&piece)?;
    }
    Ok(file)
}

/// How often something was seen, and when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times {
    count: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// Writes findings on, and counts how often each object of a source was seen.
pub(super) struct Tally<'a> {
    inner: &'a mut dyn Writer,
    /// The source whose objects count.
    source: &'a str,
    now: Timestamp,
    seen: BTreeMap<String, Times>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(inner: &'a mut dyn Writer, source: &'a str) -> Self {
        Self {
            inner,
            source,
            now: Timestamp::now(),
            seen: BTreeMap::new(),
        }
    }

    fn count(&mut self, finding: &Finding) {
        let sources = finding
            .rule
            .sources
            .iter()
            .filter(|one| *one.source == *self.source);
        let indicators = sources.filter_map(|one| one.id.as_deref());
        for id in indicators.filter(|id| id.starts_with("indicator--")) {
            let times = self.seen.entry(id.to_owned()).or_default();
            times.count += 1;
            // A clock that went wrong says nothing of when, and the node would not take it.
            if let Some(time) = finding.time.filter(|time| *time <= self.now) {
                times.first = Some(times.first.map_or(time, |first| first.min(time)));
                times.last = Some(times.last.map_or(time, |last| last.max(time)));
            }
        }
    }

    /// What is told to the node.
    pub(super) fn into_sightings(self) -> Vec<Value> {
        let all = self.seen.into_iter().map(|(of, times)| {
            json!({"of": of, "count": times.count.min(999_999_999), "first": times.first, "last": times.last})
        });
        all.collect()
    }
}

impl Writer for Tally<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.count(finding);
        self.inner.finding(finding)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }

    fn finish(&mut self, report: &Report) -> io::Result<()> {
        self.inner.finish(report)
    }
}

/// Tells a node what was seen, and on standard error how many sightings are new to it.
pub(super) fn report(node: &Which, sightings: &[Value]) -> anyhow::Result<()> {
    if sightings.is_empty() {
        return Ok(());
    }
    let (stored, known) = node.with(async |client| tell(client, sightings).await)?;
    let name = node.name();
    writeln!(
        io::stderr(),
        "perisai: told {name}: {stored} new sightings, {known} that it knew"
    )?;
    Ok(())
}

/// The same, to a node that answers: how many are new to it, and how many it knew.
pub(in crate::commands) async fn tell(client: &Client, sightings: &[Value]) -> anyhow::Result<(u64, u64)> {
    let (mut stored, mut known) = (0, 0);
    for some in sightings.chunks(TOGETHER) {
        let taken = client
            .ask(Method::POST, "/api/sightings", Some(json!(some)))
            .await?;
        stored += taken["stored"].as_u64().unwrap_or_default();
        known += taken["known"].as_u64().unwrap_or_default();
    }
    Ok((stored, known))
}
