//! STIX objects as they are kept: the bytes that came in, and what is read of them in one pass. What the bytes say
//! beyond that is left alone.
//!
//! [`read_objects`] hands out the bytes of each object of a source; [`Object::parse`] reads one. Markings are in
//! [`Marking`]. Nothing here decides: whose an object is and who may have it is for others to say.

mod draft;
mod error;
mod field;
mod needs;
mod parse;
mod read;
mod scalar;
mod sound;
mod time;
mod values;

use std::borrow::Cow;

pub use self::error::ObjectError;
pub use self::read::{ObjectsRead, RawObject, read_objects};
pub use self::values::Content;
use crate::stix::marking::Marking;

/// A STIX 2.0 or 2.1 object: its bytes, and what a store needs to know of it. Texts are those of the JSON strings,
/// borrowed from the bytes where no escape stands in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Object<'a> {
    /// The bytes that it was read from, unchanged.
    pub raw: &'a [u8],
    /// Its `type`: 3 to 250 of `a-z 0-9 - _`. Never `bundle`.
    pub kind: Cow<'a, str>,
    /// Its `id`, which [`is_id`] accepts, and which begins with its type.
    pub id: Cow<'a, str>,
    /// The version of STIX that it says, or shows, to be of.
    pub spec_version: SpecVersion,
    /// When it was made.
    pub created: Option<Time<'a>>,
    /// When this version of it was made.
    pub modified: Option<Time<'a>>,
    /// It was taken back.
    pub revoked: bool,
    /// Who made it: an id.
    pub created_by_ref: Option<Cow<'a, str>>,
    /// The markings of the whole, as they stand there: they may be no ids, and mean RED then as any unknown one.
    pub object_marking_refs: Vec<Cow<'a, str>>,
    /// The markings of its parts, at any depth, as they stand there.
    pub granular_marking_refs: Vec<Cow<'a, str>>,
    /// All objects that it names otherwise, in the order of the text; the same one may come again.
    pub refs: Vec<Reference<'a>>,
    /// Of a relationship, what it says (`indicates`).
    pub relationship_type: Option<Cow<'a, str>>,
    /// Its `labels`, all of them: a marking may stand among them ([`Object::marking_of_labels`]).
    pub labels: Vec<Cow<'a, str>>,
    /// Its `indicator_types`.
    pub indicator_types: Vec<Cow<'a, str>>,
    /// Its `name`.
    pub name: Option<Cow<'a, str>>,
    /// From 0 to 100.
    pub confidence: Option<u8>,
    /// From when on it counts, in microseconds since 1970.
    pub valid_from: Option<i64>,
    /// Until when it counts, in microseconds since 1970.
    pub valid_until: Option<i64>,
    /// An indicator's pattern.
    pub pattern: Option<Cow<'a, str>>,
    /// The language of the pattern; STIX where an indicator says none.
    pub pattern_type: Option<Cow<'a, str>>,
    /// Its `external_references`.
    pub external_references: Vec<ExternalReference<'a>>,
    /// Words worth a search: names, descriptions (clipped), aliases, labels, ids and addresses of external references,
    /// values of observables. At most [`Object::MAX_TEXT`] bytes together.
    pub texts: Vec<Cow<'a, str>>,
}

impl<'a> Object<'a> {
    /// How deep objects and lists may be nested.
    pub const MAX_DEPTH: u32 = 100;
    /// How many objects one may name. `x-mitre-collection` of all of ATT&CK names 25,000.
    pub const MAX_REFS: usize = 100_000;
    /// How many entries any other list may have.
    pub const MAX_ENTRIES: usize = 10_000;
    /// How many bytes of words are kept of one object.
    pub const MAX_TEXT: usize = 16 * 1024;

    /// Reads an object.
    ///
    /// # Errors
    /// Where it is no STIX object, or says two things about who made it, which version it is or who may see it.
    ///
    /// # Example
    /// ```
    /// use perisai_intel::Object;
    ///
    /// let raw = br#"{"type": "identity", "spec_version": "2.1", "name": "CERT of the interior",
    ///     "id": "identity--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11",
    ///     "created": "2022-02-24T05:00:00.000Z", "modified": "2022-02-24T05:00:00.000Z"}"#;
    /// let object = Object::parse(raw)?;
    /// assert_eq!(object.kind, "identity");
    /// assert_eq!(object.version().map(|time| time.micros), Some(1_645_678_800_000_000));
    /// # Ok::<(), perisai_intel::ObjectError>(())
    /// ```
    pub fn parse(raw: &'a [u8]) -> Result<Self, ObjectError> {
        parse::parse(raw)
    }

    /// What tells its versions apart: `modified`, else `created`. An observable has neither.
    #[must_use]
    pub fn version(&self) -> Option<&Time<'a>> {
        self.modified.as_ref().or(self.created.as_ref())
    }

    /// All its markings, of the whole and of its parts.
    pub fn marking_refs(&self) -> impl Iterator<Item = &str> {
        self.object_marking_refs
            .iter()
            .chain(&self.granular_marking_refs)
            .map(|id| &**id)
    }

    /// What its labels say of TLP and PAP (`tlp:amber`), as some senders write instead of a marking. Its
    /// `indicator_types` count, too.
    #[must_use]
    pub fn marking_of_labels(&self) -> Marking {
        self.labels
            .iter()
            .chain(&self.indicator_types)
            .map(|label| Marking::of_label(label))
            .fold(Marking::default(), Marking::stricter)
    }
}

/// The version of STIX that an object is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpecVersion {
    /// STIX 2.0: it says so, or says nothing and has a `created`.
    V20,
    /// STIX 2.1 or later, or an observable that says nothing.
    V21,
}

impl SpecVersion {
    /// As STIX and TAXII write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V20 => "2.0",
            Self::V21 => "2.1",
        }
    }
}

/// A time as it stood, and when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time<'a> {
    /// The text, in whatever precision.
    pub text: Cow<'a, str>,
    /// Microseconds since 1970; what is finer is cut off.
    pub micros: i64,
}

/// Another object that an object names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The innermost property that names it (`source_ref`, `object_refs`); of a name of more than 250 bytes its start.
    pub property: Cow<'a, str>,
    /// Its id, which [`is_id`] accepts.
    pub id: Cow<'a, str>,
}

/// Where else something is described. Each part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalReference<'a> {
    /// `cve`, `mitre-attack`, a name.
    pub source_name: Option<Cow<'a, str>>,
    /// The id there.
    pub external_id: Option<Cow<'a, str>>,
    /// Its address.
    pub url: Option<Cow<'a, str>>,
}

/// True for the id of a STIX object: `type--something` of at most 512 printable ASCII characters without blanks. That
/// the part behind `--` is a UUID is not asked here, but of what comes in ([`Object::sound`]).
#[must_use]
pub fn is_id(text: &str) -> bool {
    id_type(text).is_some()
}

/// The type that an id begins with; `None` where it is no id.
#[must_use]
pub fn id_type(id: &str) -> Option<&str> {
    let (kind, rest) = id.split_once("--")?;
    let printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    (id.len() <= 512 && is_type(kind) && !rest.is_empty() && printable(rest)).then_some(kind)
}

/// True for the name of a type: STIX 2.1, section 3.1, and underscores, which others use.
fn is_type(text: &str) -> bool {
    (3..=250).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}
