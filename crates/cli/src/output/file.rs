//! A file of findings: written beside its place, and put there only when it is whole, so that a hunt that fails leaves
//! what was there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use super::harmless;

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
        let target = target(path).with_context(named)?;
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::metadata(folder).with_context(named)?;
        let part = tempfile::Builder::new()
            .prefix(".perisai-")
            .tempfile_in(folder)
            .map_err(|error| without_path(&error))
            .with_context(named)?;
        Ok(Self::Part(part, target))
    }

    /// A writer onto it, for bytes of others: a terminal gets none that could steer it.
    pub(crate) fn harmless(&self) -> io::Result<Box<dyn Write>> {
        match self {
            Self::Screen => Ok(harmless::stdout()),
            Self::Special(..) | Self::Part(..) => self.writer(),
        }
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
        if let Self::Part(part, path) = &self {
            readable_as_before(part.as_file(), path).with_context(|| path.display().to_string())?;
        }
        self.keep_secret()
    }

    /// The same, for its owner only.
    pub(crate) fn keep_secret(self) -> anyhow::Result<()> {
        let Self::Part(part, path) = self else {
            return Ok(());
        };
        let named = || path.display().to_string();
        part.persist(&path)
            .map_err(|error| without_path(&error.error))
            .with_context(named)?;
        Ok(())
    }
}

/// Where a path leads in the end: a link stays a link, and what it names is written.
fn target(path: &Path) -> io::Result<PathBuf> {
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            // Not a link, or not there yet.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links, one behind the other"))
}

/// An error of the system, without the temporary name that says nothing to the user.
fn without_path(error: &io::Error) -> io::Error {
    error
        .raw_os_error()
        .map_or(error.kind().into(), io::Error::from_raw_os_error)
}

/// A temporary file is for its user only; what is kept is as readable as the file that it replaces, or as any new file of
/// a report.
#[cfg(unix)]
fn readable_as_before(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_or(0o640, |metadata| metadata.permissions().mode() & 0o777);
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn readable_as_before(_file: &File, _path: &Path) -> io::Result<()> {
    Ok(())
}
