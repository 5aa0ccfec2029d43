//! `perisai serve`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use perisai_app::{LogFormat, NodeSettings};
use perisai_server::{Ready, start};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::Outcome;

/// Run a node: keep intelligence, and exchange it with partners
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// A file of settings (docs/configuration.md); the environment and these flags win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder in which the node keeps its keys and all that it knows
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// A database of PostgreSQL in place of files: postgres://…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Speak plain HTTP, to this machine only unless --insecure is given, too
    #[arg(long)]
    plain: bool,
    /// Speak plain HTTP to whoever can reach it
    #[arg(long, requires = "plain")]
    insecure: bool,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let settings = NodeSettings::load(self.config.as_deref(), std::env::vars(), &self.flags())?;
        log_to_stderr(&settings)?;
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no threads can be started")?;
        runtime.block_on(serve(settings))?;
        Ok(Outcome::Done)
    }

    /// Those flags that were given, by their names in the file.
    fn flags(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("data", &self.data),
            ("database", &self.database),
            ("listen", &self.listen),
        ];
        let mut flags: Vec<_> = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect();
        for (name, is_given) in [("plain", self.plain), ("insecure", self.insecure)] {
            if is_given {
                flags.push((name, "true".to_owned()));
            }
        }
        flags
    }
}

async fn serve(settings: NodeSettings) -> anyhow::Result<()> {
    let mut end = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let ready = start(settings).await?;
    if let Err(error) = io::stdout().write_all(told(&ready).as_bytes()) {
        // Who started it looks away; its partners do not.
        tracing::warn!(%error, "what is said at the start was not read; `perisai token add` makes another token");
    }
    let reload = ready.server.reload();
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            if let Err(error) = reload.now() {
                tracing::error!(%error, "the certificate stays as it was");
            }
        }
    });
    ready
        .serve(async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = end.recv() => {}
            }
            tracing::info!("stopping");
        })
        .await;
    Ok(())
}

/// Where it is, and what is said only once.
fn told(ready: &Ready) -> String {
    let mut told = String::new();
    let fingerprint = ready.server.fingerprint();
    if let Some(address) = ready.server.address() {
        let scheme = if fingerprint.is_some() { "https" } else { "http" };
        told += &format!("Listening on {scheme}://{address}/taxii2/\n");
    }
    if let Some(fingerprint) = fingerprint {
        told += &format!("Certificate's SHA-256, for partners to pin: {fingerprint}\n");
    }
    if let Some(token) = &ready.first_token {
        told += &format!("Token of who runs this node, shown this once: {token}\n");
    }
    told
}

/// Logs go to standard error.
fn log_to_stderr(settings: &NodeSettings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).with_context(|| format!("log = {:?}", settings.log))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match settings.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
