//! `perisai intel delete`.

use std::io::{self, Write};

use clap::Args;
use reqwest::Method;

use crate::Outcome;
use crate::client::{Which, encoded};
use crate::output::report::clean;

/// Delete an object with all its versions
///
/// It leaves all collections and searches, and its bytes are gone. Partners who have what is ours are told by a tombstone.
/// Who runs the node may delete any.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its id
    id: String,
    #[command(flatten)]
    node: Which,
}

impl Delete {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        self.node.with(async |node| {
            let path = format!("/api/objects/{}", encoded(&self.id));
            node.ask(Method::DELETE, &path, None).await?;
            writeln!(io::stdout(), "deleted: {}", clean(&self.id))?;
            Ok(Outcome::Done)
        })
    }
}
