//! `perisai user`: people.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use console::Term;
use reqwest::Method;
use serde_json::{Value, json};

use super::ROLES;
use super::listed::{List, Named, put};
use crate::Outcome;
use crate::client::{Column, Kind, Which};

/// The people who work with this node
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add a person; their pass-phrase is asked for, or read from standard input
    Add(Add),
    /// List people
    List(List),
    /// Change what a person may do
    Set(Set),
    /// Give a person a new pass-phrase, which is asked for, or read from standard input
    PassPhrase(Named),
    /// Remove a person, with their tokens
    Remove(Named),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The name by which they log in
    name: String,
    /// What they may do; of another organisation: partner or viewer
    #[arg(long, value_parser = ROLES)]
    role: String,
    /// Their organisation, by name or id; our own where nothing is said
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// They take TLP:RED that names nobody
    #[arg(long)]
    reads_red: bool,
    /// They get no pass-phrase, and can have tokens only
    #[arg(long)]
    no_pass_phrase: bool,
    /// The UUID of their STIX identity, by which TLP:RED names them
    #[arg(long, value_name = "UUID")]
    id: Option<uuid::Uuid>,
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Their name or id
    name: String,
    /// What they may do
    #[arg(long, value_parser = ROLES)]
    role: Option<String>,
    /// Whether they take TLP:RED that names nobody
    #[arg(long, value_name = "true|false")]
    reads_red: Option<bool>,
    /// Whether nothing by which they are known counts
    #[arg(long, value_name = "true|false")]
    disabled: Option<bool>,
    #[command(flatten)]
    node: Which,
}

const COLUMNS: [Column; 6] = [
    ("name", "/name"),
    ("role", "/role"),
    ("organisation", "/organisation_name"),
    ("red", "/reads_red"),
    ("disabled", "/disabled"),
    ("id", "/id"),
];

impl User {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(add) => add.run(),
            Self::List(asked) => asked.run("/api/users", &COLUMNS),
            Self::Set(set) => {
                let mut body = json!({});
                if let Some(role) = &set.role {
                    body["role"] = json!(role);
                }
                for (name, value) in [("reads_red", set.reads_red), ("disabled", set.disabled)] {
                    if let Some(value) = value {
                        body[name] = json!(value);
                    }
                }
                change(&set.node, &set.name, body)
            }
            Self::PassPhrase(named) => {
                let body = json!({"pass_phrase": pass_phrase(&named.name)?});
                change(&named.node, &named.name, body)
            }
            Self::Remove(named) => named.remove(Kind::User),
        }
    }
}

impl Add {
    fn run(self) -> anyhow::Result<Outcome> {
        let pass_phrase = match self.no_pass_phrase {
            true => None,
            false => Some(pass_phrase(&self.name)?),
        };
        self.node.with_new(async |node| {
            let org = node.maybe_id_of(Kind::Organisation, self.org.as_deref()).await?;
            let body = json!({
                "name": self.name, "role": self.role, "organisation": org, "reads_red": self.reads_red,
                "pass_phrase": pass_phrase, "id": self.id,
            });
            put(node, Method::POST, "/api/users", body, &COLUMNS).await
        })
    }
}

fn change(node: &Which, name: &str, body: Value) -> anyhow::Result<Outcome> {
    node.with(async |node| {
        let id = node.id_of(Kind::User, name).await?;
        let path = format!("/api/users/{id}");
        put(node, Method::PATCH, &path, body, &COLUMNS).await
    })
}

/// A pass-phrase, twice from a terminal, or the first line of standard input.
fn pass_phrase(name: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        read.map_err(|error| anyhow::anyhow!("no pass-phrase can be read: {error}"))?;
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        if line.is_empty() {
            bail!("standard input holds no pass-phrase; --no-pass-phrase adds a person without one");
        }
        return Ok(line);
    }
    let terminal = Term::stderr();
    let ask = |text: &str| -> anyhow::Result<String> {
        write!(io::stderr(), "{text}: ").context("no pass-phrase can be asked for")?;
        let read = terminal.read_secure_line();
        read.map_err(|error| anyhow::anyhow!("no pass-phrase can be read: {error}"))
    };
    let first = ask(&format!("Pass-phrase for {name}, at least 12 characters"))?;
    match ask("Again")? == first {
        true => Ok(first),
        false => bail!("these are two different pass-phrases: nothing was done"),
    }
}
