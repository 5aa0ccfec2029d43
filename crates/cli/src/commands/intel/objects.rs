//! `perisai intel search` and `perisai intel show`.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};

use super::filter::Filter;
use crate::Outcome;
use crate::client::{Column, Listing, Which, encoded, list, query};

/// Search what a node keeps
///
/// An object is found where it satisfies all that is asked; where several may stand in an option, commas are between
/// them, and one is enough. The latest come first.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Words, all of which it has
    words: Vec<String>,
    /// A value that it has: an address, a domain, a hash, defanged or not
    #[arg(long, value_name = "VALUE")]
    value: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Show no more than this; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// How to write what is found
    #[arg(long, short, value_enum, ignore_case = true, default_value_t = Listing::Text)]
    format: Listing,
    #[command(flatten)]
    node: Which,
}

/// Show an object with all its versions
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id
    id: String,
    /// How to write it: for people, or a version a line
    #[arg(long, short, value_enum, ignore_case = true, default_value_t = Listing::Text)]
    format: Listing,
    #[command(flatten)]
    node: Which,
}

const COLUMNS: [Column; 5] = [
    ("id", "/id"),
    ("tlp", "/tlp"),
    ("source", "/source_name"),
    ("received", "/received"),
    ("what", "/what"),
];

/// The most that a page of the API has.
const PAGE: usize = 500;

impl Search {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let words = (!self.words.is_empty()).then(|| self.words.join(" "));
        self.node.with(async |node| {
            let filter = self.filter.parts(node).await?;
            let mut waiting = None;
            let mut left = if self.limit == 0 { usize::MAX } else { self.limit };
            let mut after: Option<String> = None;
            let mut is_first = true;
            loop {
                let parts = [
                    ("text", words.clone()),
                    ("value", self.value.clone()),
                    ("after", after.clone()),
                    ("limit", Some(left.min(PAGE).to_string())),
                ];
                let asked = query(&[&filter[..], &parts].concat());
                let mut page = node.get(&format!("/api/objects{asked}")).await?;
                let Value::Array(mut items) = page["items"].take() else {
                    anyhow::bail!("the node's answer is no list");
                };
                left -= items.len().min(left);
                after = page["next"].as_str().map(str::to_owned);
                waiting = page["waiting"].as_u64().or(waiting);
                node.name_sources(&mut items).await?;
                self.write(items, std::mem::take(&mut is_first))?;
                if after.is_none() || left == 0 {
                    break;
                }
            }
            if after.is_some() {
                writeln!(io::stderr(), "perisai: there is more; --limit 0 shows all")?;
            }
            if let Some(waiting) = waiting {
                writeln!(
                    io::stderr(),
                    "perisai: about {waiting} objects that came are not in the index yet; search again in a moment"
                )?;
            }
            Ok(Outcome::Done)
        })
    }

    /// Writes a page. Pages of a table that people read have a heading each.
    fn write(&self, mut items: Vec<Value>, is_first: bool) -> io::Result<()> {
        for item in &mut items {
            item["what"] = json!(what(&item["object"]));
            if self.format == Listing::Jsonl {
                item.as_object_mut().map(|item| item.remove("what"));
            }
        }
        let mut out = io::stdout().lock();
        match self.format {
            Listing::Text if items.is_empty() && is_first => writeln!(out, "nothing is found"),
            Listing::Text if items.is_empty() => Ok(()),
            _ => list(&items, &COLUMNS, self.format, &mut out),
        }
    }
}

/// What an object is about, in a few words.
fn what(object: &Value) -> String {
    const LONGEST: usize = 80;
    let names = [
        "name",
        "pattern",
        "value",
        "path",
        "relationship_type",
        "abstract",
        "opinion",
        "description",
    ];
    let found = names.iter().find_map(|name| object[*name].as_str());
    let found = found.or_else(|| object["hashes"].as_object()?.values().next()?.as_str());
    let mut text: String = found.unwrap_or_default().chars().take(LONGEST).collect();
    if object["revoked"] == true {
        text.push_str(" (revoked)");
    }
    text
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let mut versions = node.get(&format!("/api/objects/{}", encoded(&self.id))).await?;
            let versions = versions.as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
            node.name_sources(versions).await?;
            let mut out = io::stdout().lock();
            if self.format != Listing::Text {
                list(versions, &COLUMNS[..4], self.format, &mut out)?;
                return Ok(Outcome::Done);
            }
            for version in versions {
                let text = |name: &str| version[name].as_str().unwrap_or("-").to_owned();
                writeln!(
                    out,
                    "version {}, TLP:{}, from {}, received {}",
                    text("version"),
                    text("tlp").to_uppercase(),
                    crate::output::report::clean(&text("source_name")),
                    text("received")
                )?;
                // Its control characters are escaped by JSON, but not those that turn the direction of writing.
                let pretty = serde_json::to_string_pretty(&version["object"])?;
                pretty
                    .lines()
                    .try_for_each(|line| writeln!(out, "{}", crate::output::report::clean(line)))?;
            }
            Ok(Outcome::Done)
        })
    }
}
