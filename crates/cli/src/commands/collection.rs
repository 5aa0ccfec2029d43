//! `perisai collection`: what partners read and write.

use std::io::{self, Write};

use anyhow::bail;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::listed::List;
use crate::Outcome;
use crate::client::{Client, Column, Kind, Listing, Which, encoded, list};

/// Collections: what partners read and write by TAXII, and who may
#[derive(Debug, Subcommand)]
pub(crate) enum Collection {
    /// Make a collection: a basket that takes what is sent to it, or, with a query, what matches that
    Add(Add),
    /// Change a collection: its name, what enters it by itself
    Set(Set),
    /// List collections, and who may use them
    List(List),
    /// Let an organisation read a collection, or write to it
    Grant(Grant),
    /// Remove a collection; what is in it stays in the node
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name for people
    title: String,
    /// A short name that may stand for its id
    #[arg(long)]
    alias: Option<String>,
    /// More for people
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    query: Query,
    #[command(flatten)]
    node: Which,
}

/// What enters a collection by itself: what satisfies each part that is given.
#[derive(Debug, Args)]
struct Query {
    /// Query: all there is
    #[arg(long, conflicts_with_all = ["types", "tlp", "label", "source", "audience"])]
    all: bool,
    /// Query: one of these types
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    types: Vec<String>,
    /// Query: under one of these labels of TLP
    #[arg(long, value_name = "TLP", value_delimiter = ',')]
    tlp: Vec<String>,
    /// Query: with one of these labels
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    label: Vec<String>,
    /// Query: from one of these sources
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Query: meant by name for one of these organisations
    #[arg(long, value_name = "ORG")]
    audience: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A query that is given takes the place of the one before: what matched that alone leaves. \
    --alias '' and --description '' take back what was said."
)]
pub(crate) struct Set {
    /// The collection, by id or alias
    collection: String,
    /// Its name for people
    #[arg(long)]
    title: Option<String>,
    /// A short name that may stand for its id
    #[arg(long)]
    alias: Option<String>,
    /// More for people
    #[arg(long)]
    description: Option<String>,
    /// Nothing enters by itself any more, and what did leaves
    #[arg(long, conflicts_with_all = ["all", "types", "tlp", "label", "source", "audience"])]
    basket: bool,
    #[command(flatten)]
    query: Query,
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Grant {
    /// The collection, by id or alias
    collection: String,
    /// The organisation, by name or id
    organisation: String,
    /// It may take from it what policy allows
    #[arg(long)]
    read: bool,
    /// It may add to it
    #[arg(long)]
    write: bool,
    /// It may do nothing with it any more
    #[arg(long, conflicts_with_all = ["read", "write"], required_unless_present_any = ["read", "write"])]
    nothing: bool,
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The collection, by id or alias
    collection: String,
    #[command(flatten)]
    node: Which,
}

const COLUMNS: [Column; 5] = [
    ("alias", "/alias"),
    ("title", "/title"),
    ("enters", "/enters"),
    ("rights", "/who"),
    ("id", "/id"),
];

impl Collection {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(add) => add.run(),
            Self::Set(set) => set.run(),
            Self::List(asked) => asked.node.with(async |node| {
                let all = node.all("/api/collections").await?;
                let all = described(node, all).await?;
                list(&all, &COLUMNS, asked.format, &mut io::stdout().lock())?;
                Ok(Outcome::Done)
            }),
            Self::Grant(grant) => grant.node.with(async |node| {
                let organisation = node.id_of(Kind::Organisation, &grant.organisation).await?;
                let path = format!(
                    "/api/collections/{}/rights/{organisation}",
                    encoded(&grant.collection)
                );
                let body = json!({"read": grant.read, "write": grant.write});
                node.ask(Method::PUT, &path, Some(body)).await?;
                let may = match (grant.read, grant.write) {
                    (true, true) => "read and write",
                    (true, false) => "read",
                    (false, true) => "write",
                    (false, false) => "do nothing with",
                };
                writeln!(
                    io::stdout(),
                    "{} may {may} {}",
                    grant.organisation,
                    grant.collection
                )?;
                Ok(Outcome::Done)
            }),
            Self::Remove(asked) => asked.node.with(async |node| {
                let path = format!("/api/collections/{}", encoded(&asked.collection));
                node.ask(Method::DELETE, &path, None).await?;
                writeln!(io::stdout(), "removed {}", asked.collection)?;
                Ok(Outcome::Done)
            }),
        }
    }
}

impl Add {
    fn run(self) -> anyhow::Result<Outcome> {
        self.node.with_new(async |node| {
            let query = self.query.written(node).await?;
            let body = json!({"title": self.title, "alias": self.alias, "description": self.description, "query": query});
            let made = node.ask(Method::POST, "/api/collections", Some(body)).await?;
            let made = described(node, vec![made]).await?;
            list(&made, &COLUMNS, Listing::Text, &mut io::stdout().lock())?;
            Ok(Outcome::Done)
        })
    }
}

impl Set {
    fn run(self) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let said = [
                ("title", self.title.clone().map(Value::from)),
                ("alias", self.alias.clone().map(Value::from)),
                ("description", self.description.clone().map(Value::from)),
                ("query", self.query.written(node).await?),
                ("basket", self.basket.then_some(Value::Bool(true))),
            ];
            let said = said
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let body: serde_json::Map<_, _> = said.collect();
            if body.is_empty() {
                bail!("say what is to be otherwise of {}: see --help", self.collection);
            }
            let path = format!("/api/collections/{}", encoded(&self.collection));
            let changed = node.ask(Method::PATCH, &path, Some(Value::Object(body))).await?;
            let changed = described(node, vec![changed]).await?;
            list(&changed, &COLUMNS, Listing::Text, &mut io::stdout().lock())?;
            Ok(Outcome::Done)
        })
    }
}

impl Query {
    /// As the API takes it; `None` where there is none.
    async fn written(&self, node: &Client) -> anyhow::Result<Option<Value>> {
        let mut audience = Vec::new();
        for name in &self.audience {
            audience.push(node.id_of(Kind::Organisation, name).await?);
        }
        let parts = [&self.types, &self.tlp, &self.label, &self.source, &self.audience];
        let has_query = self.all || parts.iter().any(|part| !part.is_empty());
        Ok(has_query.then(|| {
            json!({"types": self.types, "tlp": self.tlp, "labels": self.label, "sources": self.source,
                "audience": audience})
        }))
    }
}

/// Says for people what enters by itself, and who may do what.
async fn described(node: &Client, mut all: Vec<Value>) -> anyhow::Result<Vec<Value>> {
    for collection in &mut all {
        let mut rights = collection["rights"].as_array().cloned().unwrap_or_default();
        node.name_organisations(&mut rights).await?;
        let who: Vec<_> = rights.iter().map(right).collect();
        collection["who"] = json!(who.join(", "));
        collection["enters"] = json!(enters(&collection["query"]));
    }
    Ok(all)
}

fn right(right: &Value) -> String {
    let name = [&right["organisation_name"], &right["organisation"]];
    let name = name.into_iter().find_map(Value::as_str).unwrap_or_default();
    let may = match (right["read"] == true, right["write"] == true) {
        (true, true) => "rw",
        (true, false) => "r",
        (false, true) => "w",
        (false, false) => "nothing",
    };
    format!("{name} {may}")
}

/// `what is sent`, `all`, or `types indicator, tlp clear green`.
fn enters(query: &Value) -> String {
    let Some(query) = query.as_object() else {
        return "what is sent".to_owned();
    };
    let part = |name: &str| {
        let words = query.get(name)?.as_array()?.iter().filter_map(Value::as_str);
        Some(format!("{name} {}", words.collect::<Vec<_>>().join(" ")))
    };
    let names = ["types", "tlp", "labels", "sources", "audience"];
    let parts: Vec<_> = names.into_iter().filter_map(part).collect();
    match parts.is_empty() {
        true => "all".to_owned(),
        false => parts.join(", "),
    }
}
