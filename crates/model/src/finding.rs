//! A finding: one rule or indicator value that matched in one line or record, and why (design.md, invariant 5).

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use uuid::Uuid;

use crate::{Event, Kind, Place, Position, RuleText, Severity, Tlp, Validity, stable_uuid};

/// What kind of rule matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// A plain value.
    Indicator,
    /// A STIX pattern.
    StixPattern,
    /// A Sigma rule or correlation.
    Sigma,
    /// A YARA rule.
    Yara,
}

impl RuleKind {
    /// The name used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Indicator => "indicator",
            Self::StixPattern => "stix-pattern",
            Self::Sigma => "sigma",
            Self::Yara => "yara",
        }
    }
}

/// From whom an indicator or rule came, under which id and marking.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Source {
    /// The source's name: a path or a feed.
    pub source: Arc<str>,
    /// The id there.
    pub id: Option<String>,
    /// The marking, if it carries one.
    pub tlp: Option<Tlp>,
}

/// So many sources, and so many tags, are named of one rule or indicator: each finding repeats them, and hostile
/// intelligence may have any number.
const MOST_NAMED: usize = 128;

impl Source {
    /// The sources of one rule or indicator, sorted, each once. Of more than 128 the first, and one of those with the
    /// strictest marking.
    #[must_use]
    pub fn merged(all: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let all: BTreeSet<Self> = all.into_iter().collect();
        let strictest = all.iter().max_by_key(|source| source.tlp);
        let first = all.iter().take(MOST_NAMED);
        let named: BTreeSet<&Self> = first.chain(strictest).collect();
        named.into_iter().cloned().collect()
    }
}

/// The tags of one rule or indicator, sorted, each once; of more than 128 the first.
#[must_use]
pub fn merged_tags<'a>(all: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let all: BTreeSet<&String> = all.into_iter().collect();
    all.into_iter().take(MOST_NAMED).cloned().collect()
}

/// What a finding says of the rule or indicator; shared by all its findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    /// What kind of rule.
    pub kind: RuleKind,
    /// Its name; for an indicator without one, its value.
    pub name: String,
    /// How bad.
    pub severity: Severity,
    /// Tags of all sources, sorted, each once.
    pub tags: Vec<String>,
    /// Its author, where known.
    pub author: Option<String>,
    /// Where to read more.
    pub reference: Option<String>,
    /// Everyone it came from, sorted.
    pub sources: Vec<Source>,
    /// A rule's own text, for those to whom the rule itself goes; not part of a finding's JSON.
    #[serde(skip)]
    pub text: Option<RuleText>,
    /// What tells a rule from all others of its kind, whatever else is loaded: see [`rule_key`]. An indicator's value.
    #[serde(skip)]
    pub key: String,
    /// For which events it counts.
    #[serde(skip)]
    pub valid: Validity,
}

/// What tells a rule from all others of its kind: its own id, else what its text comes to. Not its name, which two may
/// have, nor where it stands.
#[must_use]
pub fn rule_key(own_id: Option<&str>, text: &str) -> String {
    match own_id {
        Some(id) => id.to_owned(),
        None => stable_uuid(&[text]).to_string(),
    }
}

/// The value of an indicator, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Observed {
    /// Its kind.
    pub kind: Kind,
    /// The canonical value of the indicator that matched, not of the text.
    pub value: String,
}

/// What else is to be said of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The event is older than the indicator's `valid_from`.
    BeforeValid,
    /// The event is younger than the indicator's `valid_until`.
    Expired,
    /// On a warninglist of known infrastructure; severity was lowered. Holds the list's name.
    Known(String),
    /// On a warninglist of false positives, and shown because it was asked for. Holds the list's name.
    FalsePositive(String),
}

/// A match.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// When the event happened; `None` where that could not be read.
    pub time: Option<Timestamp>,
    /// The time as it stood in the log.
    pub time_text: Option<String>,
    /// What matched.
    pub rule: Arc<RuleInfo>,
    /// The indicator's value; `None` for rules.
    pub observable: Option<Observed>,
    /// The text as it stood (lossy UTF-8).
    pub matched: String,
    /// Where.
    pub place: Place,
    /// What else is to be said.
    pub flags: Vec<Flag>,
    /// The host that the event names as its own, where the format has one; for summaries.
    pub host: Option<String>,
    /// The address of the client, where the event is about traffic of others than the host itself; for summaries.
    pub client: Option<String>,
    /// The raw line (lossy UTF-8, cut to a limit), for people to read; not part of machine output.
    pub line: Option<String>,
    /// The event's fields, where the format has them; shared by all findings in it, and cut to a limit.
    pub event: Option<Arc<Event>>,
}

impl Finding {
    /// The id: the same for the same rule or value at the same place, on every run and with any other intelligence
    /// beside. A value is known by its kind and itself, a rule by its kind and [`RuleInfo::key`].
    #[must_use]
    pub fn id(&self) -> Uuid {
        let (kind, value) = match &self.observable {
            Some(observed) => (observed.kind.as_str(), observed.value.as_str()),
            None => (self.rule.kind.as_str(), self.rule.key.as_str()),
        };
        let position = match self.place.position {
            Some(Position::Line(line)) => format!("l{line}"),
            Some(Position::Record(record)) => format!("r{record}"),
            None => String::new(),
        };
        stable_uuid(&[
            kind,
            value,
            &self.place.path,
            self.place.member.as_deref().unwrap_or_default(),
            &position,
        ])
    }
}

/// The JSON of `hunt --format jsonl` (design.md, *The command line*), with `flags` beside where there are any.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 11 + usize::from(!self.flags.is_empty());
        let mut out = serializer.serialize_struct("Finding", fields)?;
        out.serialize_field("v", &1)?;
        out.serialize_field("id", &self.id().to_string())?;
        out.serialize_field("time", &self.time)?;
        out.serialize_field("time_text", &self.time_text)?;
        out.serialize_field("rule", &*self.rule)?;
        out.serialize_field("observable", &self.observable)?;
        out.serialize_field("matched", &self.matched)?;
        out.serialize_field("path", &self.place.path)?;
        out.serialize_field("member", &self.place.member)?;
        match self.place.position {
            Some(Position::Line(line)) => out.serialize_field("line", &line)?,
            Some(Position::Record(record)) => out.serialize_field("record", &record)?,
            None => out.serialize_field("line", &None::<u64>)?,
        }
        if !self.flags.is_empty() {
            out.serialize_field("flags", &self.flags)?;
        }
        out.serialize_field("event", &self.event)?;
        out.end()
    }
}
