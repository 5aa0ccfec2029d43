//! To which database a data folder belongs. A node whose data are in PostgreSQL notes that in its folder, so that no command
//! that was not told makes a second node there and goes on with the audit chain of the first in another database.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::audit::write_secret;
use crate::{Error, Location};

/// The file that names the database of PostgreSQL, and whose node is in it.
const NOTE: &str = "database";

/// What is in the folder of every node, whichever database it has.
const KEY: &str = "node.key";

/// What is in the folder of one whose data are in SQLite.
const SQLITE: &str = "perisai.db";

/// What a folder says of its database.
#[derive(Debug)]
pub(crate) struct Place {
    note: PathBuf,
    /// The organisation whose node it is, and the database's name as it was noted; `None` where nothing is.
    noted: Option<(String, String)>,
    /// The database's name, without what is secret of it; `None` for SQLite.
    name: Option<String>,
}

impl Place {
    /// Looks whether a folder's node may be in a database; makes nothing.
    pub(crate) fn of(folder: &Path, location: &Location) -> Result<Self, Error> {
        let elsewhere = |told: String| Error::Elsewhere {
            folder: folder.to_owned(),
            told,
        };
        let note = folder.join(NOTE);
        let noted = noted(&note)?;
        let (has_key, has_sqlite) = (folder.join(KEY).exists(), folder.join(SQLITE).exists());
        let name = match location {
            Location::Folder(_) => {
                if let Some((_, name)) = &noted {
                    return Err(elsewhere(format!(
                        "the node there keeps its data in {name}: name that with --database, or in its settings"
                    )));
                }
                if has_key && !has_sqlite {
                    return Err(elsewhere(format!(
                        "the node there has no {SQLITE}: where it keeps its data in PostgreSQL, name that with \
                         --database, or in its settings"
                    )));
                }
                None
            }
            Location::Postgres(_) if noted.is_none() && has_sqlite => {
                return Err(elsewhere(format!(
                    "the node there keeps its data in {SQLITE}, not in PostgreSQL: name another folder; a backup of the \
                     one can be restored to the other"
                )));
            }
            Location::Postgres(url) => Some(name(url)?),
        };
        Ok(Self { note, noted, name })
    }

    /// Looks whether a database holds the node of the folder. `found` is the organisation whose node it holds.
    pub(crate) fn check(&self, found: Option<&str>) -> Result<(), Error> {
        let (Some((noted, noted_name)), Some(name)) = (&self.noted, &self.name) else {
            return Ok(());
        };
        if found == Some(noted) {
            return Ok(());
        }
        let holds = match found {
            Some(_) => "holds another node",
            None => "holds no node",
        };
        Err(Error::Elsewhere {
            folder: self.note.parent().unwrap_or(&self.note).to_owned(),
            told: format!(
                "the node there keeps its data in {noted_name}, but {name} {holds}: name the right one, or another folder"
            ),
        })
    }

    /// Notes which database it is.
    pub(crate) fn note(&self, organisation: &str) -> Result<(), Error> {
        let Some(name) = &self.name else { return Ok(()) };
        let new = (organisation.to_owned(), name.clone());
        if self.noted.as_ref() == Some(&new) {
            return Ok(());
        }
        let line = format!("{organisation} {name}\n");
        write_secret(&self.note, line.as_bytes()).map_err(|source| Error::File {
            path: self.note.clone(),
            source,
        })
    }
}

fn noted(path: &Path) -> Result<Option<(String, String)>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(Error::File {
                path: path.to_owned(),
                source,
            });
        }
    };
    let parts = text.trim().split_once(' ');
    let parts = parts.map(|(organisation, name)| (organisation.to_owned(), name.to_owned()));
    let damaged = || Error::Damaged(format!("{} does not name a database", path.display()));
    parts.map(Some).ok_or_else(damaged)
}

/// The name of a database for people and for the note: neither who logs in nor their password is in it.
fn name(url: &str) -> Result<String, Error> {
    let options = PgConnectOptions::from_str(url)?;
    let database = options.get_database().unwrap_or(options.get_username());
    let port = options.get_port();
    Ok(match options.get_socket() {
        Some(socket) => format!("PostgreSQL's {database} at {}, {port}", socket.display()),
        None => format!("PostgreSQL's {database} at {}, {port}", options.get_host()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_no_secret() {
        let check = |url: &str, expected: &str| assert_eq!(name(url).unwrap(), expected, "{url}");
        check(
            "postgres://me:secret@db.example/perisai",
            "PostgreSQL's perisai at db.example, 5432",
        );
        check(
            "postgres:///perisai?host=/run/pg&user=me&password=secret&port=5433",
            "PostgreSQL's perisai at /run/pg, 5433",
        );
    }

    #[test]
    fn a_folder_belongs_to_one_database() {
        let url = |name: &str| Location::Postgres(format!("postgres://me:secret@db.example/{name}"));
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Location::Folder(folder.path().to_owned());
        let of = |location: &Location| Place::of(folder.path(), location);
        let refused = |refused: Result<Place, Error>, why: &str| {
            let told = refused.unwrap_err().to_string();
            assert!(told.contains(why) && !told.contains("secret"), "{told}");
        };
        of(&sqlite).unwrap();
        let place = of(&url("one")).unwrap();
        place.check(None).unwrap();
        fs::write(folder.path().join(KEY), "").unwrap();
        // A node of an earlier version, which noted nothing.
        refused(of(&sqlite), "has no perisai.db");
        place.note("ours").unwrap();
        refused(of(&sqlite), "PostgreSQL's one at db.example");
        // It may be reached by another name, but is the same node.
        let moved = of(&url("two")).unwrap();
        moved.check(Some("ours")).unwrap();
        for other in [Some("theirs"), None] {
            assert!(moved.check(other).is_err(), "{other:?}");
        }
        moved.note("ours").unwrap();
        refused(of(&sqlite), "PostgreSQL's two at db.example");
        fs::remove_file(folder.path().join(NOTE)).unwrap();
        fs::write(folder.path().join(SQLITE), "").unwrap();
        of(&sqlite).unwrap();
        refused(of(&url("one")), "in perisai.db, not in PostgreSQL");
    }
}
