//! Files that are sent: kept in the data folder until they are read, since some can only be read once they are there whole.

use std::fs;
use std::io;
use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use perisai_store::make_folder;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::pump::{End, Pump};
use crate::{Problem, State};

/// How many pieces of a body wait to be written.
const PIECES: usize = 4;

/// Writes a body to a file, which goes when it is dropped.
pub(crate) async fn spool(state: &State, body: Body) -> Result<NamedTempFile, Problem> {
    let settings = state.node.settings();
    let folder = folder(&settings.data);
    make_folder(&folder).map_err(Problem::from)?;
    let file = NamedTempFile::new_in(&folder).map_err(|error| unwritten(&error))?;
    let (pieces, mut to_write) = mpsc::channel(PIECES);
    let pump = Pump {
        body,
        limit: settings.max_import,
        patience: settings.body_timeout,
    };
    let mut out = tokio::fs::File::from_std(file.reopen().map_err(|error| unwritten(&error))?);
    let write = async move {
        while let Some(piece) = to_write.recv().await {
            let piece: Bytes = piece?;
            out.write_all(&piece).await?;
        }
        out.flush().await
    };
    let (end, written) = tokio::join!(pump.run(pieces), write);
    match end {
        End::TooLarge { limit } => {
            let told = format!("a file has at most {limit} bytes (max_import)");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, told));
        }
        End::TooSlow => {
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body came too slowly",
            ));
        }
        End::Broken => return Err(Problem::bad_request("the body broke off")),
        End::Whole => {}
    }
    written.map_err(|error: io::Error| unwritten(&error))?;
    Ok(file)
}

/// Removes what a node left that was killed.
pub(crate) fn clean(settings: &perisai_app::NodeSettings) {
    match fs::remove_dir_all(folder(&settings.data)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "files of broken imports cannot be removed");
        }
        _ => {}
    }
}

fn folder(data: &std::path::Path) -> PathBuf {
    data.join("incoming")
}

fn unwritten(error: &io::Error) -> Problem {
    tracing::error!(%error, "a file that was sent cannot be kept");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Problem::new(StatusCode::INSUFFICIENT_STORAGE, "the disk is full")
        }
        _ => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "something failed here; it was logged",
        ),
    }
}
