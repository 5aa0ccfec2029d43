//! A node on this machine: that which runs, or else the one in its folder, opened for as long as a command lasts.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use perisai_app::NodeSettings;
use perisai_server::start_quietly;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What is in the folder of every node.
const KEY: &str = "node.key";

/// A node on this machine.
pub(super) struct Local {
    socket: PathBuf,
    /// What ends it, where it was opened here.
    opened: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Local {
    pub(super) async fn open(settings: NodeSettings, make: bool) -> anyhow::Result<Self> {
        let socket = settings.data.join("admin.sock");
        if UnixStream::connect(&socket).await.is_ok() {
            let opened = None;
            return Ok(Self { socket, opened });
        }
        let folder = settings.data.display().to_string();
        let found = settings.data.join(KEY).try_exists();
        let is_new = !found.map_err(|error| anyhow!("{folder}: it cannot be looked into: {error}"))?;
        if is_new && !make {
            bail!(
                "there is no node in {folder}: --data names its folder, --node one elsewhere; `perisai serve` makes one"
            );
        }
        let ready = start_quietly(settings).await.with_context(|| folder.clone())?;
        if is_new {
            writeln!(io::stderr(), "perisai: made a new node in {folder}")?;
        }
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(ready.serve(async move {
            // Where its sender is gone, the command has ended, too.
            let _ = ended.await;
        }));
        Ok(Self {
            socket,
            opened: Some((end, task)),
        })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Lets what is under way end, and closes what was opened here.
    pub(super) async fn close(self) {
        if let Some((end, task)) = self.opened {
            drop(end);
            // It has told what went wrong in it.
            let _ = task.await;
        }
    }
}
