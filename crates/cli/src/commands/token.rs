//! `perisai token` and `perisai certificate`: by which programs and partners are known.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use perisai_exchange::Fingerprint;
use reqwest::Method;
use serde_json::json;

use super::{ROLES, listed, time};
use crate::Outcome;
use crate::client::{Column, Kind, Listing, Which, encoded, list};

/// Tokens: how programs and partners show who they are
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; it is shown once, on standard output
    Add(Add),
    /// List tokens, without their secrets
    List(List),
    /// Revoke a token
    #[command(alias = "revoke")]
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What it is for
    name: String,
    /// What it may do
    #[arg(long, value_parser = ROLES)]
    role: String,
    /// Whose it is: an organisation, by name or id; our own where nothing is said
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// The person who has it for themselves
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// To what it is narrowed
    #[arg(long, value_name = "WORD", value_delimiter = ',', value_parser = SCOPE)]
    scope: Vec<String>,
    /// From when on it does not count: a time, or 90d from now
    #[arg(long, value_name = "T")]
    expires: Option<String>,
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of an organisation, by name or id
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// How to write the list
    #[arg(long, short, value_enum, ignore_case = true, default_value_t = Listing::Text)]
    format: Listing,
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Its id: twelve hexadecimal digits, which stand in the token, too
    id: String,
    #[command(flatten)]
    node: Which,
}

/// The words of a scope.
const SCOPE: [&str; 7] = [
    "taxii:read",
    "taxii:write",
    "api:read",
    "api:write",
    "ingest",
    "respond",
    "admin",
];

const TOKENS: [Column; 8] = [
    ("id", "/id"),
    ("name", "/name"),
    ("organisation", "/organisation_name"),
    ("role", "/role"),
    ("scope", "/scope"),
    ("expires", "/expires"),
    ("used", "/used"),
    ("revoked", "/revoked"),
];

impl Token {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(add) => add.run(),
            Self::List(asked) => asked.node.with(async |node| {
                let org = node.maybe_id_of(Kind::Organisation, asked.org.as_deref()).await?;
                let mut all = node.all("/api/tokens").await?;
                all.retain(|token| org.as_deref().is_none_or(|org| token["organisation"] == org));
                node.name_organisations(&mut all).await?;
                list(&all, &TOKENS, asked.format, &mut io::stdout().lock())?;
                Ok(Outcome::Done)
            }),
            Self::Remove(asked) => asked.node.with(async |node| {
                let path = format!("/api/tokens/{}", encoded(&asked.id));
                node.ask(Method::DELETE, &path, None).await?;
                writeln!(io::stdout(), "revoked {}", asked.id)?;
                Ok(Outcome::Done)
            }),
        }
    }
}

impl Add {
    fn run(self) -> anyhow::Result<Outcome> {
        let expires = self.expires.as_deref().map(time::future).transpose();
        let expires = expires.map_err(|why| anyhow::anyhow!("--expires: {why}"))?;
        self.node.with_new(async |node| {
            let body = json!({
                "name": self.name, "role": self.role, "scope": self.scope, "expires": expires,
                "organisation": node.maybe_id_of(Kind::Organisation, self.org.as_deref()).await?,
                "person": node.maybe_id_of(Kind::User, self.user.as_deref()).await?,
            });
            let made = node.ask(Method::POST, "/api/tokens", Some(body)).await?;
            let secret = made["secret"].as_str().context("the node gave no token")?;
            writeln!(
                io::stderr(),
                "perisai: this is the only time that the token is shown; its id is {}",
                made["token"]["id"].as_str().unwrap_or_default()
            )?;
            writeln!(io::stdout(), "{secret}")?;
            Ok(Outcome::Done)
        })
    }
}

/// Certificates by which partners are known (mutual TLS), pinned by their fingerprint
#[derive(Debug, Subcommand)]
pub(crate) enum Certificate {
    /// Pin a partner's certificate; several of one partner count side by side, so that keys rotate with overlap
    Add(Pin),
    /// List certificates
    List(listed::List),
    /// Revoke a certificate
    #[command(alias = "revoke")]
    Remove(Unpin),
}

#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// Its SHA-256, or a file with it in PEM; have it from the partner by another way than this network
    certificate: String,
    /// Whom it names: an organisation, by name or id
    #[arg(long, value_name = "NAME")]
    org: String,
    /// What it is for
    #[arg(long, default_value = "TAXII")]
    name: String,
    /// From when on it does not count: a time, or 90d from now
    #[arg(long, value_name = "T")]
    until: Option<String>,
    #[command(flatten)]
    node: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Unpin {
    /// Its SHA-256
    fingerprint: Fingerprint,
    #[command(flatten)]
    node: Which,
}

const CERTIFICATES: [Column; 6] = [
    ("organisation", "/organisation_name"),
    ("name", "/name"),
    ("added", "/added"),
    ("until", "/valid_until"),
    ("revoked", "/revoked"),
    ("fingerprint", "/fingerprint"),
];

impl Certificate {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(pin) => pin.run(),
            Self::List(asked) => asked.run("/api/certificates", &CERTIFICATES),
            Self::Remove(asked) => asked.node.with(async |node| {
                let path = format!("/api/certificates/{}", asked.fingerprint);
                node.ask(Method::DELETE, &path, None).await?;
                writeln!(io::stdout(), "revoked {}", asked.fingerprint)?;
                Ok(Outcome::Done)
            }),
        }
    }
}

impl Pin {
    fn run(self) -> anyhow::Result<Outcome> {
        let until = self.until.as_deref().map(time::future).transpose();
        let until = until.map_err(|why| anyhow::anyhow!("--until: {why}"))?;
        let fingerprint = fingerprint(&self.certificate)?;
        self.node.with_new(async |node| {
            let organisation = node.id_of(Kind::Organisation, &self.org).await?;
            let body = json!({"fingerprint": fingerprint.to_string(), "organisation": organisation, "name": self.name,
                "valid_until": until});
            listed::put(node, Method::POST, "/api/certificates", body, &CERTIFICATES).await
        })
    }
}

/// The fingerprint that a text is, or that of the first certificate of a file.
fn fingerprint(text: &str) -> anyhow::Result<Fingerprint> {
    if let Ok(fingerprint) = text.parse() {
        return Ok(fingerprint);
    }
    if !Path::new(text).exists() {
        bail!("{text} is neither a SHA-256 nor a file with a certificate");
    }
    let pem = std::fs::read(text).map_err(|error| anyhow::anyhow!("{text}: {error}"))?;
    Fingerprint::of_pem(&pem).with_context(|| text.to_owned())
}
