//! A backup of a node: its keys and all that it keeps, as lines of JSON in one file of Zstandard. It can be restored to
//! either database.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use perisai_store::{Error, Restore, make_folder, write_secret};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{AUDIT_HEAD, Node, NodeSettings};

/// The files beside the databases that make a node what it is. Without the first one, its audit chain cannot go on.
const FILES: [&str; 3] = ["node.key", "tls.key", "tls.crt"];

/// How many pieces wait to be taken.
const WAITING: usize = 2;

/// How hard is compressed: this costs less than to read the rows does.
const LEVEL: i32 = 3;

/// The longest line, in bytes: an object and what stands around it.
const LINE: u64 = 512 << 20;

/// The first line of a backup.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct First {
    perisai_backup: u32,
}

/// A file beside the databases.
#[derive(Debug, Serialize, Deserialize)]
struct File {
    file: String,
    base64: String,
}

/// Why a backup cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// It ends before it is whole.
    #[error("it is cut off after {rows} rows: it is not whole")]
    CutOff {
        /// How many rows can be read.
        rows: u64,
    },
    /// It is none, or one of another version.
    #[error("it is no backup that this version of Perisai made")]
    Unknown,
    /// What it holds cannot be kept.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Node {
    /// Sends a backup, piece by piece, as everything stands at one moment. It holds all secrets of the node.
    ///
    /// # Errors
    /// Where a file or the database cannot be read, or whoever receives it is gone.
    pub async fn backup(&self, pieces: mpsc::Sender<Vec<u8>>) -> Result<(), Error> {
        let (lines, mut dumped) = mpsc::channel(WAITING);
        let dump = async {
            lines.send(self.files()?).await.map_err(|_| gone())?;
            let done = self.store.dump(&lines).await;
            drop(lines);
            done
        };
        let compress = async {
            let wrong = |error: io::Error| Error::Backup(error.to_string());
            let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL).map_err(wrong)?;
            while let Some(piece) = dumped.recv().await {
                encoder.write_all(&piece).map_err(wrong)?;
                let done = std::mem::take(encoder.get_mut());
                if !done.is_empty() {
                    pieces.send(done).await.map_err(|_| gone())?;
                }
            }
            Ok::<_, Error>(encoder)
        };
        let (dumped, encoder) = tokio::join!(dump, compress);
        // Where the one failed, the other did because of it.
        let encoder = encoder?;
        dumped?;
        let rest = encoder
            .finish()
            .map_err(|error| Error::Backup(error.to_string()))?;
        pieces.send(rest).await.map_err(|_| gone())
    }

    /// The first lines: what it is, and the files.
    fn files(&self) -> Result<Vec<u8>, Error> {
        let mut lines = json_line(&First { perisai_backup: 1 });
        for name in FILES {
            let path = self.settings.data.join(name);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(Error::File { path, source }),
            };
            lines.extend(json_line(&File {
                file: name.to_owned(),
                base64: STANDARD.encode(bytes),
            }));
        }
        Ok(lines)
    }
}

fn gone() -> Error {
    Error::Backup("nobody takes it any more".to_owned())
}

fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("it is plain data");
    line.push(b'\n');
    line
}

/// Restores a backup to where the settings say, which has to be empty. Gives how many rows there were. Blocks while it
/// reads.
///
/// # Errors
/// Where it is no whole backup, or the place cannot be used. What was restored until then is of no use.
pub async fn restore(settings: &NodeSettings, backup: impl Read + Send) -> Result<u64, BackupError> {
    let reader = zstd::Decoder::new(backup).map_err(|_| BackupError::Unknown)?;
    let mut reader = BufReader::with_capacity(1 << 20, reader);
    let mut line = String::new();
    let first = read_line(&mut reader, &mut line).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::CutOff { rows: 0 },
        _ => BackupError::Unknown,
    })?;
    if !first || serde_json::from_str::<First>(&line).ok() != Some(First { perisai_backup: 1 }) {
        return Err(BackupError::Unknown);
    }
    if settings.data.join("node.key").exists() {
        let told = "there is a node in that place already: name an empty one";
        return Err(Error::Backup(told.to_owned()).into());
    }
    make_folder(&settings.data)?;
    let mut restore = Restore::into(&settings.location()).await?;
    let mut rows = 0;
    while read_line(&mut reader, &mut line).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::CutOff { rows },
        _ => BackupError::Unreadable(error),
    })? {
        if line.starts_with("{\"file\":") {
            let file = serde_json::from_str(&line).map_err(|_| BackupError::Unknown)?;
            keep(&settings.data, &file)?;
        } else {
            restore.line(&line).await?;
            rows += 1;
        }
    }
    Ok(restore.end(&settings.data.join(AUDIT_HEAD)).await?)
}

/// Reads the next line; false at the end.
fn read_line(reader: &mut impl BufRead, line: &mut String) -> io::Result<bool> {
    line.clear();
    let read = Read::take(&mut *reader, LINE).read_line(line)?;
    if read > 0 && !line.ends_with('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(read > 0)
}

fn keep(folder: &Path, file: &File) -> Result<(), BackupError> {
    // Nothing else, whatever path it says.
    let name = FILES
        .iter()
        .find(|name| **name == file.file)
        .ok_or(BackupError::Unknown)?;
    let bytes = STANDARD.decode(&file.base64).map_err(|_| BackupError::Unknown)?;
    let path = folder.join(name);
    write_secret(&path, &bytes).map_err(|source| Error::File { path, source })?;
    Ok(())
}
