//! `perisai peer`: from whom the node fetches, and to whom it sends.

mod set;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use jiff::SignedDuration;
use perisai_exchange::Fingerprint;
use perisai_model::Tlp;
use reqwest::Method;
use serde_json::{Value, json};

use self::set::Set;
use super::listed::{List, Named};
use super::tlp;
use crate::Outcome;
use crate::client::{Client, Column, Kind, Listing, Refused, Which, encoded, list};
use crate::output::report::clean;

/// Peers: from whom a node fetches, and to whom it sends, by itself
#[derive(Debug, Subcommand)]
pub(crate) enum Peer {
    /// Add a peer: a TAXII server, a feed by HTTP, a folder of MISP events, a MISP server
    Add(Box<Add>),
    /// Change a peer: where it is, what it knows us by, what is pulled and pushed
    Set(Box<Set>),
    /// List peers, and how it goes with them
    List(List),
    /// Pull from a peer and push to it now, and say how that went
    Sync(Sync),
    /// Do nothing with a peer for now
    Pause(Named),
    /// Take up again what was paused
    Resume(Named),
    /// Remove a peer; what it brought stays, until its source is recalled
    Remove(Named),
}

/// What a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Speaks {
    /// TAXII 2.1
    Taxii,
    /// A file by HTTP: a list, a table, a STIX bundle, rules, packed or not
    Feed,
    /// A folder of MISP events by HTTP
    MispFeed,
    /// A MISP server
    Misp,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name here
    name: String,
    /// Its address: of a server, an API root or a collection; of a file or a folder
    url: String,
    /// What it speaks
    #[arg(long, value_enum, default_value_t = Speaks::Taxii)]
    kind: Speaks,
    #[command(flatten)]
    wanted: Wanted,
    /// Whose it is, by name or id: what it is sent is released to them
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// How to hold what it brings without a TLP marking: clear, green, amber, amber+strict, red
    #[arg(long, value_name = "TLP", value_parser = tlp)]
    tlp: Option<Tlp>,
    /// Only keep it for now
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    node: Which,
}

/// What is the same for one that is added and one that is changed.
#[derive(Debug, Args)]
struct Wanted {
    /// The token that it knows us by; other users of this machine may see it here: --token-file hides it
    #[arg(long)]
    token: Option<String>,
    /// A file with that token, or - for standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// A name that it knows us by, with the token as its password
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A collection there that is pulled, by id, alias or title; all that may be read where none is named
    #[arg(long, value_name = "NAME")]
    collection: Vec<String>,
    /// How often it is pulled: 60s, 15m, 1h; 0 for never
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pull: Option<Duration>,
    /// The collection here that what comes enters, by id or alias
    #[arg(long, value_name = "COLLECTION")]
    into: Option<String>,
    /// The collection here that is pushed, by id or alias
    #[arg(long, value_name = "COLLECTION")]
    push: Option<String>,
    /// The collection there that it is pushed to; the only one that may be written to where nothing is said
    #[arg(long, value_name = "COLLECTION")]
    push_to: Option<String>,
    /// SHA-256 of its certificate, where it is self-signed; several, so that keys rotate with overlap
    #[arg(long, value_name = "SHA256")]
    fingerprint: Vec<Fingerprint>,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Its name, even of one that is paused; all that are not where nothing is said
    name: Option<String>,
    #[command(flatten)]
    node: Which,
}

const COLUMNS: [Column; 10] = [
    ("name", "/name"),
    ("kind", "/kind"),
    ("organisation", "/organisation_name"),
    ("url", "/url"),
    ("in", "/state/here"),
    ("out", "/state/sent"),
    ("lag", "/state/lag_seconds"),
    ("paused", "/paused"),
    ("since", "/state/failing_since"),
    ("error", "/state/last_error"),
];

fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let span = text.parse::<SignedDuration>().ok();
    let span = span.and_then(|span| Duration::try_from(span).ok());
    let span = span.filter(|span| span.as_secs() > 0);
    span.ok_or_else(|| "write how often: 60s, 15m, 1h, or 0 for never".to_owned())
}

impl Peer {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(add) => add.run(),
            Self::Set(set) => set.run(),
            Self::List(asked) => asked.run("/api/peers", &COLUMNS),
            Self::Sync(sync) => sync.run(),
            Self::Pause(named) => pause(&named, true),
            Self::Resume(named) => pause(&named, false),
            Self::Remove(named) => named.node.with(async |node| {
                let path = format!("/api/peers/{}", encoded(&named.name));
                node.ask(Method::DELETE, &path, None).await?;
                writeln!(io::stdout(), "removed {}", named.name)?;
                Ok(Outcome::Done)
            }),
        }
    }
}

impl Add {
    fn run(self) -> anyhow::Result<Outcome> {
        let known = self.wanted.known(self.kind == Speaks::Misp)?;
        self.node.with_new(async |node| {
            let kind = self.kind.to_possible_value().map(|kind| kind.get_name().to_owned());
            let mut body = json!({
                "name": self.name, "kind": kind, "url": self.url, "tlp": self.tlp.map(Tlp::as_str), "paused": self.paused,
                "organisation": node.maybe_id_of(Kind::Organisation, self.org.as_deref()).await?,
            });
            self.wanted.write(known, &mut body);
            let mut added = [node.ask(Method::POST, "/api/peers", Some(body)).await?];
            node.name_organisations(&mut added).await?;
            list(&added, &COLUMNS[..4], Listing::Text, &mut io::stdout().lock())?;
            Ok(Outcome::Done)
        })
    }
}

impl Wanted {
    /// What the peer knows us by, as the API calls it. `has_key`: it calls a token a key.
    fn known(&self, has_key: bool) -> anyhow::Result<Vec<(&'static str, String)>> {
        let secret = self.secret()?;
        let kind = match (&self.user, has_key) {
            (Some(_), _) => "password",
            (None, true) => "key",
            (None, false) => "token",
        };
        let user = self.user.clone().map(|user| ("user", user));
        Ok(user
            .into_iter()
            .chain(secret.map(|secret| (kind, secret)))
            .collect())
    }

    /// Writes down what was said.
    fn write(&self, known: Vec<(&'static str, String)>, body: &mut Value) {
        for (name, value) in known {
            body[name] = json!(value);
        }
        if !self.collection.is_empty() {
            body["collections"] = json!(self.collection);
        }
        if !self.fingerprint.is_empty() {
            let all = self.fingerprint.iter().map(ToString::to_string);
            body["fingerprints"] = json!(all.collect::<Vec<_>>());
        }
        if let Some(pull) = self.pull {
            body["pull_seconds"] = json!(pull.as_secs());
        }
        for (name, value) in [
            ("into", &self.into),
            ("push", &self.push),
            ("push_to", &self.push_to),
        ] {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
    }

    fn secret(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.token_file else {
            return Ok(self.token.clone());
        };
        let read = match path.as_os_str() == "-" {
            true => io::read_to_string(io::stdin()),
            false => std::fs::read_to_string(path),
        };
        let text = read.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let token = text.trim().to_owned();
        if token.is_empty() {
            bail!("{} holds no token", path.display());
        }
        Ok(Some(token))
    }
}

fn pause(named: &Named, paused: bool) -> anyhow::Result<Outcome> {
    named.node.with(async |node| {
        let path = format!("/api/peers/{}", encoded(&named.name));
        node.ask(Method::PATCH, &path, Some(json!({"paused": paused})))
            .await?;
        let word = if paused { "paused" } else { "taken up again" };
        writeln!(io::stdout(), "{} is {word}", named.name)?;
        Ok(Outcome::Done)
    })
}

impl Sync {
    fn run(self) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let names = match &self.name {
                Some(name) => vec![name.clone()],
                None => {
                    let all = node.all("/api/peers").await?;
                    let awake = all.iter().filter(|peer| peer["paused"] != true);
                    let names = awake.filter_map(|peer| peer["name"].as_str());
                    names.map(str::to_owned).collect()
                }
            };
            let mut outcome = Outcome::Done;
            for name in names {
                if !sync(node, &name).await? {
                    outcome = Outcome::SomeFailed;
                }
            }
            Ok(outcome)
        })
    }
}

/// Syncs with a peer, and says how that went. False: it failed.
async fn sync(node: &Client, name: &str) -> anyhow::Result<bool> {
    let path = format!("/api/peers/{}", encoded(name));
    let before = node.get(&path).await?;
    let mut peer = match node.ask(Method::POST, &format!("{path}/sync"), None).await {
        // It asked to be left alone; the others are not.
        Err(error)
            if error
                .downcast_ref::<Refused>()
                .is_some_and(|one| one.status == 409) =>
        {
            writeln!(io::stderr(), "perisai: {}", clean(&error.to_string())).context("standard error")?;
            return Ok(false);
        }
        answer => answer?,
    };
    // What takes long goes on, and is waited for.
    let round = peer["state"]["under_way_since"].clone();
    while !round.is_null() && peer["state"]["under_way_since"] == round {
        tokio::time::sleep(Duration::from_millis(500)).await;
        peer = node.get(&path).await?;
    }
    let state = &peer["state"];
    let more = |what: &str| {
        let number = |peer: &Value| peer["state"][what].as_u64().unwrap_or_default();
        number(&peer).saturating_sub(number(&before))
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{name}: {} stored, {} known, {} kept apart, {} refused, {} deleted; {} sent, {} not taken",
        more("stored"),
        more("known"),
        more("apart"),
        more("refused"),
        more("deleted"),
        more("sent"),
        more("not_taken")
    )?;
    let Some(error) = state["last_error"]
        .as_str()
        .filter(|_| !state["failing_since"].is_null())
    else {
        return Ok(true);
    };
    writeln!(io::stderr(), "perisai: {name}: {}", clean(error)).context("standard error")?;
    Ok(false)
}
