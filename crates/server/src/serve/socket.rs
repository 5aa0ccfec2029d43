//! The socket in the data folder by which who runs the node reaches it without a token: only its owner can open it.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::Semaphore;

use super::connection::Admin;

/// A socket, which goes when it is dropped.
#[derive(Debug)]
pub(super) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl AdminSocket {
    /// Makes it. One that a node left behind when it was killed is replaced: the store's lock says that no other runs.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Ok(found) = fs::symlink_metadata(path)
            && !found.file_type().is_socket()
        {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "something else is there",
            ));
        }
        // Nobody may find it before it is only the owner's.
        let new = path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
        fs::rename(&new, path)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    pub(super) async fn accept(&self, free: &Arc<Semaphore>) -> Admin {
        let permit = Arc::clone(free).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return (stream, permit),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "accepting failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        // Where it is gone already, nothing is left to do.
        let _ = fs::remove_file(&self.path);
    }
}
