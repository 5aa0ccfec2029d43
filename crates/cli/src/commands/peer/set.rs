//! `perisai peer set`: what is otherwise of a peer from now on.

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;
use reqwest::Method;
use serde_json::json;

use super::Wanted;
use crate::Outcome;
use crate::client::{Which, encoded};

/// What is not said stays as it is, and so does how far the peer was read and sent to
#[derive(Debug, Args)]
#[command(after_help = "--into '', --push '' and --push-to '' take back what was said.")]
pub(crate) struct Set {
    /// Its name
    name: String,
    /// Its address; on another server, what it knows us by is to be said anew
    #[arg(long)]
    url: Option<String>,
    /// It does not know us any more
    #[arg(long, conflicts_with_all = ["token", "token_file", "user"])]
    anonymous: bool,
    /// Pull all that may be read
    #[arg(long, conflicts_with = "collection")]
    all_collections: bool,
    /// Believe any certificate that an authority vouches for
    #[arg(long, conflicts_with = "fingerprint")]
    any_fingerprint: bool,
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    node: Which,
}

impl Set {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        // Standard input is read once, before anything else.
        let secret = self.wanted.known(false)?;
        self.node.with(async |node| {
            let path = format!("/api/peers/{}", encoded(&self.name));
            let mut body = json!({});
            self.wanted.write(secret, &mut body);
            if let Some(url) = &self.url {
                body["url"] = json!(url);
            }
            if self.anonymous {
                body["anonymous"] = json!(true);
            }
            if self.all_collections {
                body["collections"] = json!([]);
            }
            if self.any_fingerprint {
                body["fingerprints"] = json!([]);
            }
            if body.as_object().is_none_or(|body| body.is_empty()) {
                bail!("say what is to be otherwise of {}: see --help", self.name);
            }
            // MISP calls a token a key.
            let token = body.as_object_mut().and_then(|body| body.remove("token"));
            if let Some(token) = token {
                let is_misp = node.get(&path).await?["kind"] == "misp";
                body[if is_misp { "key" } else { "token" }] = token;
            }
            node.ask(Method::PATCH, &path, Some(body)).await?;
            writeln!(io::stdout(), "{} is changed", self.name)?;
            Ok(Outcome::Done)
        })
    }
}
