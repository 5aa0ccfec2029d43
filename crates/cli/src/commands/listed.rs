//! What the commands on the registers of a node have in common: they list, show what was made, remove by name.

use std::io::{self, Write};

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::Outcome;
use crate::client::{Client, Column, Kind, Listing, Which, list};

/// Asks for all of a register.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// How to write the list
    #[arg(long, short, value_enum, ignore_case = true, default_value_t = Listing::Text)]
    pub(super) format: Listing,
    #[command(flatten)]
    pub(super) node: Which,
}

/// Names one of a register.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name or id
    pub(super) name: String,
    #[command(flatten)]
    pub(super) node: Which,
}

impl List {
    /// Lists all that a path of the API gives.
    pub(super) fn run(&self, path: &str, columns: &[Column]) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let mut all = node.all(path).await?;
            node.name_organisations(&mut all).await?;
            list(&all, columns, self.format, &mut io::stdout().lock())?;
            Ok(Outcome::Done)
        })
    }
}

impl Named {
    /// Removes it.
    pub(super) fn remove(&self, kind: Kind) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let id = node.id_of(kind, &self.name).await?;
            node.ask(Method::DELETE, &format!("{}/{id}", kind.path()), None)
                .await?;
            writeln!(io::stdout(), "removed {}", self.name)?;
            Ok(Outcome::Done)
        })
    }
}

/// Makes or changes one, and shows it as it is then.
pub(super) async fn put(
    node: &Client,
    method: Method,
    path: &str,
    body: Value,
    columns: &[Column],
) -> anyhow::Result<Outcome> {
    let mut shown = [node.ask(method, path, Some(body)).await?];
    node.name_organisations(&mut shown).await?;
    list(&shown, columns, Listing::Text, &mut io::stdout().lock())?;
    Ok(Outcome::Done)
}
