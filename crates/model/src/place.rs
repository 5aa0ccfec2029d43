//! Where something stands, and what was wrong there.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::stable_uuid;

/// The longest name of a member that is kept whole, in bytes.
const LONGEST: usize = 1024;

/// A place in an input: a path, the member inside archives, and a line or a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The path as the user gave or would write it; `-` for standard input.
    pub path: Arc<str>,
    /// The path inside archives, joined by `!`.
    pub member: Option<Arc<str>>,
    /// The line or record, where the trouble has one.
    pub position: Option<Position>,
}

/// A position inside one text or record stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// A line, counted from 1.
    Line(u64),
    /// A record: its own number where the format has one (EVTX), else counted from 1.
    Record(u64),
}

impl Place {
    /// A whole file.
    pub fn file(path: impl Into<Arc<str>>) -> Self {
        Self {
            path: path.into(),
            member: None,
            position: None,
        }
    }

    /// The same input at a line, counted from 1.
    #[must_use]
    pub fn line(&self, line: u64) -> Self {
        Self {
            position: Some(Position::Line(line)),
            ..self.clone()
        }
    }

    /// The same input at a record.
    #[must_use]
    pub fn record(&self, record: u64) -> Self {
        Self {
            position: Some(Position::Record(record)),
            ..self.clone()
        }
    }

    /// A file beside this one, in the same folder of a disk or an archive.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        let sibling = |path: &str| {
            let folder = path.rfind(['/', '\\', '!']).map_or(0, |at| at + 1);
            Arc::from(format!("{}{name}", &path[..folder]))
        };
        match &self.member {
            Some(member) => Self {
                path: Arc::clone(&self.path),
                member: Some(sibling(member)),
                position: None,
            },
            None => Self::file(sibling(&self.path)),
        }
    }

    /// A member of this archive, or of the member that this already is. Each finding names it, so a long name is cut:
    /// it ends in what tells it from others with the same beginning.
    #[must_use]
    pub fn member(&self, name: &str) -> Self {
        let cut;
        let mut name = name;
        if name.len() > LONGEST {
            let start = &name[..name.floor_char_boundary(LONGEST)];
            cut = format!("{start}… ({} bytes, {})", name.len(), stable_uuid(&[name]));
            name = &cut;
        }
        let member = match &self.member {
            Some(outer) => format!("{outer}!{name}").into(),
            None => name.into(),
        };
        Self {
            member: Some(member),
            position: None,
            path: Arc::clone(&self.path),
        }
    }
}

/// `path!member:line`, or `path!member#record`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(member) = &self.member {
            write!(f, "!{member}")?;
        }
        match self.position {
            Some(Position::Line(line)) => write!(f, ":{line}"),
            Some(Position::Record(record)) => write!(f, "#{record}"),
            None => Ok(()),
        }
    }
}

/// Something in an input that could not be used, while all else was (design.md, invariant 6).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// Why, in words for an analyst; no full stop.
    pub why: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(place: Place, why: impl Into<String>) -> Self {
        Self {
            place,
            why: why.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_as_paths() {
        let zip = Place::file("logs.zip").member("a.tar").member("b.log");
        assert_eq!(zip.line(7).to_string(), "logs.zip!a.tar!b.log:7");
        let long = |end: &str| Place::file("a").member(&("ä".repeat(600) + end)).to_string();
        assert!(long("x").starts_with(&format!("a!{}… (1201 bytes, ", "ä".repeat(512))));
        assert!(long("x").len() < 1200 && long("x") != long("y"));
        assert_eq!(Place::file("x.evtx").record(9).to_string(), "x.evtx#9");
        assert_eq!(
            Problem::new(Place::file("-"), "not gzip").to_string(),
            "-: not gzip"
        );
    }
}
