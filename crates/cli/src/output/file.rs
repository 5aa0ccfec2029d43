//! A file of findings: written beside its place, and put there only when it is whole, so that a hunt that fails leaves
//! what was there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// Where findings go.
pub(crate) enum Output {
    /// Standard output.
    Screen,
    /// A pipe or a device: written as it is.
    Special(File, PathBuf),
    /// A regular file, under another name until it is whole.
    Part(NamedTempFile, PathBuf),
}

impl Output {
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Screen) };
        let named = || path.display().to_string();
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Ok(Self::Special(
                File::create(path).with_context(named)?,
                path.to_owned(),
            ));
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let part = tempfile::Builder::new()
            .prefix(".perisai-")
            .tempfile_in(folder)
            .with_context(named)?;
        Ok(Self::Part(part, path.to_owned()))
    }

    /// A writer onto it.
    pub(crate) fn writer(&self) -> io::Result<Box<dyn Write>> {
        Ok(match self {
            Self::Screen => Box::new(io::stdout().lock()),
            Self::Special(file, _) => Box::new(file.try_clone()?),
            Self::Part(part, _) => Box::new(part.as_file().try_clone()?),
        })
    }

    /// The files that are written.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        match self {
            Self::Screen => Vec::new(),
            Self::Special(_, path) => vec![path.clone()],
            Self::Part(part, path) => vec![part.path().to_owned(), path.clone()],
        }
    }

    /// Puts a whole file in its place.
    pub(crate) fn keep(self) -> anyhow::Result<()> {
        let Self::Part(part, path) = self else {
            return Ok(());
        };
        let file = part
            .persist(&path)
            .map_err(|error| error.error)
            .with_context(|| path.display().to_string())?;
        readable_as_usual(&file).with_context(|| path.display().to_string())
    }
}

/// A temporary file is for its user only; what is kept is as readable as any new file of a report.
#[cfg(unix)]
fn readable_as_usual(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o640))
}

#[cfg(not(unix))]
fn readable_as_usual(_file: &File) -> io::Result<()> {
    Ok(())
}
