//! `perisai org` and `perisai group`: who is who, as far as sharing depends on it.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use super::listed::{List, Named, put};
use crate::Outcome;
use crate::client::{Column, Kind, Which};

/// The organisations that this node knows: partners, clients, the community
#[derive(Debug, Subcommand)]
pub(crate) enum Org {
    /// Add an organisation
    Add(Add),
    /// List organisations
    List(List),
    /// Change what an organisation is to us
    Set(Set),
    /// Remove an organisation, with its users, tokens and certificates
    Remove(Named),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name
    name: String,
    /// It is a client of ours: AMBER that we receive may go to it
    #[arg(long)]
    client: bool,
    /// It is of the community: GREEN may go to it
    #[arg(long)]
    community: bool,
    /// The UUID of its STIX identity, by which audiences name it; one is made where nothing is said
    #[arg(long, value_name = "UUID")]
    id: Option<uuid::Uuid>,
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name or id
    organisation: String,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    /// Whether it is a client of ours
    #[arg(long, value_name = "true|false")]
    client: Option<bool>,
    /// Whether it is of the community
    #[arg(long, value_name = "true|false")]
    community: Option<bool>,
    #[command(flatten)]
    node: Which,
}

const ORGANISATIONS: [Column; 4] = [
    ("name", "/name"),
    ("client", "/client"),
    ("community", "/community"),
    ("id", "/id"),
];

impl Org {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(add) => add.node.with_new(async |node| {
                let body =
                    json!({"name": add.name, "client": add.client, "community": add.community, "id": add.id});
                put(node, Method::POST, "/api/organisations", body, &ORGANISATIONS).await
            }),
            Self::List(asked) => asked.run("/api/organisations", &ORGANISATIONS),
            Self::Set(set) => set.node.with(async |node| {
                let id = node.id_of(Kind::Organisation, &set.organisation).await?;
                let mut body = json!({});
                if let Some(name) = &set.name {
                    body["name"] = json!(name);
                }
                for (name, value) in [("client", set.client), ("community", set.community)] {
                    if let Some(value) = value {
                        body[name] = json!(value);
                    }
                }
                let path = format!("/api/organisations/{id}");
                put(node, Method::PATCH, &path, body, &ORGANISATIONS).await
            }),
            Self::Remove(named) => named.remove(Kind::Organisation),
        }
    }
}

/// Groups of organisations that share among themselves
#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Make a group
    Add(AddGroup),
    /// List groups
    List(List),
    /// Put an organisation into a group
    Join(Membership),
    /// Take an organisation out of a group
    Leave(Membership),
    /// Remove a group
    Remove(Named),
}

#[derive(Debug, Args)]
pub(crate) struct AddGroup {
    /// Its name
    name: String,
    /// Its UUID, by which audiences name it; one is made where nothing is said
    #[arg(long, value_name = "UUID")]
    id: Option<uuid::Uuid>,
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Membership {
    /// The group, by name or id
    group: String,
    /// The organisation, by name or id
    organisation: String,
    #[command(flatten)]
    node: Which,
}

const GROUPS: [Column; 3] = [("name", "/name"), ("id", "/id"), ("members", "/members")];

impl Group {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(add) => add.node.with_new(async |node| {
                let body = json!({"name": add.name, "id": add.id});
                put(node, Method::POST, "/api/groups", body, &GROUPS).await
            }),
            Self::List(asked) => asked.run("/api/groups", &GROUPS),
            Self::Join(member) => member.change(Method::PUT, "is in"),
            Self::Leave(member) => member.change(Method::DELETE, "is no longer in"),
            Self::Remove(named) => named.remove(Kind::Group),
        }
    }
}

impl Membership {
    fn change(self, method: Method, word: &str) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let group = node.id_of(Kind::Group, &self.group).await?;
            let organisation = node.id_of(Kind::Organisation, &self.organisation).await?;
            let path = format!("/api/groups/{group}/members/{organisation}");
            node.ask(method, &path, None).await?;
            writeln!(io::stdout(), "{} {word} {}", self.organisation, self.group)?;
            Ok(Outcome::Done)
        })
    }
}
