//! The commands, a file each.

mod audit;
mod backup;
mod collection;
mod demo;
mod hunt;
mod intel;
mod listed;
mod org;
mod peer;
mod serve;
mod source;
mod time;
mod token;
mod user;

use std::io::{self, Write};
use std::path::Path;

use clap::Subcommand;
use perisai_model::Tlp;
use reqwest::Method;

use crate::Outcome;
use crate::client::Client;
use crate::output::file::Output;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look for indicators and rules in logs: files, folders, archives, standard input
    Hunt(Box<hunt::Hunt>),
    /// Show two nodes: a partner's that knows an attack, and a made-up ministry's that hunts it; learn what to try next
    Demo(demo::Demo),
    /// Run a node: keep intelligence, and exchange it with partners
    Serve(serve::Serve),
    /// Intelligence: check files of it, bring it into a node, search and export what a node keeps
    #[command(subcommand)]
    Intel(Box<intel::Intel>),
    /// Collections: what partners read and write by TAXII, and who may
    #[command(subcommand)]
    Collection(Box<collection::Collection>),
    /// Peers: from whom a node fetches, and to whom it sends, by itself
    #[command(subcommand)]
    Peer(Box<peer::Peer>),
    /// Sources: from whom intelligence came, and how far they are trusted
    #[command(subcommand)]
    Source(Box<source::Source>),
    /// The organisations that a node knows: partners, clients, the community
    #[command(subcommand)]
    Org(Box<org::Org>),
    /// Groups of organisations that share among themselves
    #[command(subcommand)]
    Group(Box<org::Group>),
    /// The people who work with a node
    #[command(subcommand)]
    User(Box<user::User>),
    /// Tokens: how programs and partners show who they are
    #[command(subcommand)]
    Token(Box<token::Token>),
    /// Certificates by which partners are known (mutual TLS)
    #[command(subcommand)]
    Certificate(Box<token::Certificate>),
    /// The audit chain: what was done, and what left
    #[command(subcommand)]
    Audit(Box<audit::Audit>),
    /// Back up a node on this machine, while it runs or not
    Backup(Box<backup::Backup>),
    /// Restore a backup to an empty place
    Restore(Box<backup::Restore>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::Hunt(hunt) => hunt.run(),
            Self::Demo(demo) => demo.run(),
            Self::Serve(serve) => serve.run(),
            Self::Intel(intel) => intel.run(),
            Self::Collection(collection) => collection.run(),
            Self::Peer(peer) => peer.run(),
            Self::Source(source) => source.run(),
            Self::Org(org) => org.run(),
            Self::Group(group) => group.run(),
            Self::User(user) => user.run(),
            Self::Token(token) => token.run(),
            Self::Certificate(certificate) => certificate.run(),
            Self::Audit(audit) => audit.run(),
            Self::Backup(backup) => backup.run(),
            Self::Restore(restore) => restore.run(),
        }
    }
}

/// What people and programs may do.
const ROLES: [&str; 5] = ["admin", "analyst", "partner", "sensor", "viewer"];

/// A label of TLP.
fn tlp(text: &str) -> Result<Tlp, &'static str> {
    Tlp::from_label(text).ok_or("write clear, green, amber, amber+strict or red")
}

/// Writes what a node answers to a file, or to standard output, as it comes. What is secret only its owner may read.
async fn save(node: &Client, path: &str, file: Option<&Path>, is_secret: bool) -> anyhow::Result<Outcome> {
    let mut answer = node.send(node.request(Method::GET, path)?).await?;
    let output = Output::open(file.filter(|path| path.as_os_str() != "-"))?;
    let out = match is_secret {
        true => output.writer()?,
        false => output.harmless()?,
    };
    let mut out = io::BufWriter::new(out);
    while let Some(piece) = answer.chunk().await.map_err(|error| node.unreached(&error))? {
        out.write_all(&piece)?;
    }
    out.flush()?;
    drop(out);
    match is_secret {
        true => output.keep_secret()?,
        false => output.keep()?,
    }
    Ok(Outcome::Done)
}
