//! `perisai org` and `perisai group`: who is who, as far as sharing depends on it.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use crate::Outcome;
use crate::client::{Column, Kind, Listing, Which, list};

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
pub(crate) struct List {
    /// How to write the list
    #[arg(long, short, value_enum, ignore_case = true, default_value_t = Listing::Text)]
    format: Listing,
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

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name or id
    name: String,
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
                let added = node.ask(Method::POST, "/api/organisations", Some(body)).await?;
                list(&[added], &ORGANISATIONS, Listing::Text, &mut io::stdout().lock())?;
                Ok(Outcome::Done)
            }),
            Self::List(asked) => asked.node.with(async |node| {
                let all = node.all("/api/organisations").await?;
                list(&all, &ORGANISATIONS, asked.format, &mut io::stdout().lock())?;
                Ok(Outcome::Done)
            }),
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
                let changed = node.ask(Method::PATCH, &path, Some(body)).await?;
                list(
                    &[changed],
                    &ORGANISATIONS,
                    Listing::Text,
                    &mut io::stdout().lock(),
                )?;
                Ok(Outcome::Done)
            }),
            Self::Remove(named) => remove(Kind::Organisation, "/api/organisations", &named),
        }
    }
}

fn remove(kind: Kind, path: &str, named: &Named) -> anyhow::Result<Outcome> {
    named.node.with(async |node| {
        let id = node.id_of(kind, &named.name).await?;
        node.ask(Method::DELETE, &format!("{path}/{id}"), None).await?;
        writeln!(io::stdout(), "removed {}", named.name)?;
        Ok(Outcome::Done)
    })
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
                let added = node.ask(Method::POST, "/api/groups", Some(body)).await?;
                list(&[added], &GROUPS, Listing::Text, &mut io::stdout().lock())?;
                Ok(Outcome::Done)
            }),
            Self::List(asked) => asked.node.with(async |node| {
                let all = node.all("/api/groups").await?;
                list(&all, &GROUPS, asked.format, &mut io::stdout().lock())?;
                Ok(Outcome::Done)
            }),
            Self::Join(member) => member.change(Method::PUT, "is in"),
            Self::Leave(member) => member.change(Method::DELETE, "is no longer in"),
            Self::Remove(named) => remove(Kind::Group, "/api/groups", &named),
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
