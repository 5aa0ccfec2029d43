//! The file beside the database that says where the chain ends: who cuts the end off the table does not cut it there.
//!
//! It has two lines of one length, which are written in turn, in place: whatever is lost when the power goes, one of them
//! says where the chain stood a moment before.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::End;

/// How long a line is: a number of 20 places, a blank, a digest in hexadecimal, a line feed.
const LINE: u64 = 20 + 1 + 64 + 1;

/// Where it is.
pub(super) struct Head(PathBuf);

impl Head {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, end: End) -> io::Result<()> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.0)?;
        let turn = u64::from(end.number % 2 != 0);
        file.seek(SeekFrom::Start(turn * LINE))?;
        file.write_all(format!("{:020} {}\n", end.number, end.digest).as_bytes())
    }

    /// Forgets what it says: of a chain that was cut, one of its lines would lead further than what comes next.
    pub(super) fn clear(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where it says that the chain ends; `None` where it says nothing.
    pub(super) fn read(&self) -> Option<End> {
        let bytes = std::fs::read(&self.0).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let ends = text.lines().filter_map(|line| {
            let (number, digest) = line.trim_start_matches('\0').split_once(' ')?;
            Some(End {
                number: number.parse().ok()?,
                digest: digest.parse().ok()?,
            })
        });
        ends.max_by_key(|end| end.number)
    }
}
