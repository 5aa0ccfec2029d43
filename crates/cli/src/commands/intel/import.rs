//! `perisai intel import`.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueHint};
use perisai_app::{Stop, files_of};
use perisai_model::{Place, Tlp};
use reqwest::{Body, Method};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::AsyncSeekExt;

use super::job::wait;
use crate::Outcome;
use crate::client::{Client, Kind, Refused, Which, query};
use crate::commands::tlp;
use crate::interrupt;
use crate::output::report;

/// Bring files of intelligence into a node
///
/// STIX objects are kept as they are; MISP, CSV and lists become indicators of our own, Sigma and YARA rules such with
/// their text. What came before is known again.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The name of the source that they come from
    #[arg(long, value_name = "NAME", default_value = "import")]
    source: String,
    /// How to hold objects that carry no TLP marking: clear, green, amber, amber+strict, red
    #[arg(long, value_name = "TLP", value_parser = tlp)]
    tlp: Option<Tlp>,
    /// For whom alone it is: an organisation, by name or id; several, and groups and people, count together
    #[arg(long = "for", value_name = "ORG")]
    organisations: Vec<String>,
    /// For whom alone it is: the members of a sharing group, by name or id
    #[arg(long = "for-group", value_name = "GROUP")]
    groups: Vec<String>,
    /// For whom alone it is: a person, by name or id; TLP:RED that names people is for nobody else
    #[arg(long = "for-person", value_name = "NAME")]
    persons: Vec<String>,
    /// A collection that all of it enters, by id or alias
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Also take what partners only observed (STIX observed-data)
    #[arg(long)]
    observed: bool,
    /// List all that could not be read or used
    #[arg(long)]
    explain_problems: bool,
    /// Files or folders, packed or not, or - for standard input
    #[arg(value_name = "PATH|-", required = true, value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    node: Which,
}

/// What it came to, of all files.
#[derive(Default)]
struct Sum {
    stored: u64,
    known: u64,
    apart: u64,
    refused: u64,
    deleted: u64,
    left_out: u64,
    problems: Vec<String>,
}

impl Sum {
    fn add(&mut self, work: &Value) {
        let number = |name: &str| work[name].as_u64().unwrap_or_default();
        self.stored += number("stored");
        self.known += number("known");
        self.apart += number("apart");
        self.refused += number("refused");
        self.deleted += number("deleted");
        self.left_out += number("left_out");
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} stored, {} known, {} kept apart, {} refused",
            self.stored, self.known, self.apart, self.refused
        )?;
        if self.deleted > 0 {
            write!(out, ", {} deleted", self.deleted)?;
        }
        if self.left_out > 0 {
            write!(
                out,
                "; {} left out: not meant for detection, or of no kind that is used",
                self.left_out
            )?;
        }
        Ok(())
    }
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let stop = interrupt::on_signal();
        let stop = stop.map_err(|error| anyhow::anyhow!("no signal can be caught: {error}"))?;
        let mut sum = Sum::default();
        let mut unread = Vec::new();
        let files = files_of(&self.paths, &mut unread);
        sum.problems.extend(unread.iter().map(ToString::to_string));
        self.node.with_new(async |node| {
            let audience = self.audience(node).await?;
            for (path, place) in &files {
                if stop.is_set() {
                    break;
                }
                let asked = self.query(&place.to_string(), &audience);
                self.send(node, path.as_deref(), place, &asked, &stop, &mut sum)
                    .await?;
            }
            Ok(())
        })?;
        let mut errors = io::stderr().lock();
        report::problems(&sum.problems, self.explain_problems, &mut errors)?;
        let mut out = io::stdout().lock();
        writeln!(out, "{sum}")?;
        Ok(match () {
            () if stop.is_set() => Outcome::Interrupted,
            () if sum.refused > 0 || (sum.problems.len() as u64) > sum.apart => Outcome::SomeFailed,
            () => Outcome::Done,
        })
    }

    /// Those for whom alone it is, as the API takes them.
    async fn audience(&self, node: &Client) -> anyhow::Result<[(&'static str, Option<String>); 3]> {
        let mut audience = [("organisations", None), ("groups", None), ("persons", None)];
        let named = [
            (Kind::Organisation, &self.organisations),
            (Kind::Group, &self.groups),
            (Kind::User, &self.persons),
        ];
        for ((_, ids), (kind, names)) in audience.iter_mut().zip(named) {
            let mut found = Vec::new();
            for name in names {
                found.push(node.id_of(kind, name).await?);
            }
            *ids = (!found.is_empty()).then(|| found.join(","));
        }
        Ok(audience)
    }

    fn query(&self, name: &str, audience: &[(&'static str, Option<String>)]) -> String {
        let mut parts = vec![
            ("name", Some(name.to_owned())),
            ("source", Some(self.source.clone())),
            ("tlp", self.tlp.map(|tlp| tlp.as_str().to_owned())),
            ("collection", self.collection.clone()),
            ("observed", self.observed.then(|| "true".to_owned())),
        ];
        parts.extend_from_slice(audience);
        query(&parts)
    }

    /// Sends a file, and waits until it is taken in.
    async fn send(
        &self,
        node: &Client,
        path: Option<&Path>,
        place: &Place,
        asked: &str,
        stop: &Stop,
        sum: &mut Sum,
    ) -> anyhow::Result<()> {
        let name = place.to_string();
        let opened = match path {
            Some(path) => tokio::fs::File::open(path).await,
            None => standard_input().map(tokio::fs::File::from_std),
        };
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => {
                sum.problems.push(format!("{name}: {error}"));
                return Ok(());
            }
        };
        let begun = loop {
            // From its beginning, again where the node had no time; a pipe has none.
            let _ = file.rewind().await;
            let file = file.try_clone().await.with_context(|| name.clone())?;
            let request = node.request(Method::POST, &format!("/api/imports{asked}"))?;
            let answer = node.send(request.body(Body::from(file))).await;
            match answer {
                Err(error)
                    if error
                        .downcast_ref::<Refused>()
                        .is_some_and(|one| one.status == 429) =>
                {
                    // Others import, too.
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
                answer => break answer?,
            }
        };
        let begun: Value =
            serde_json::from_slice(&begun.bytes().await.map_err(|error| node.unreached(&error))?)?;
        let say = |job: &Value| {
            let work = &job["work"];
            format!("{name}: {} stored, {} known", work["stored"], work["known"])
        };
        let job = wait(node, begun, stop, say).await.with_context(|| name.clone())?;
        sum.add(&job["work"]);
        let told = job["work"]["problems"].as_array().into_iter().flatten();
        sum.problems
            .extend(told.filter_map(Value::as_str).map(str::to_owned));
        Ok(())
    }
}

/// Standard input as a file: it may have to be sent twice.
fn standard_input() -> io::Result<std::fs::File> {
    let kept = NamedTempFile::new()?;
    let mut file = kept.as_file().try_clone()?;
    io::copy(&mut io::stdin().lock(), &mut file)?;
    kept.reopen()
}
