//! Indicators, the context they came with, and rules kept as text.
//!
//! Lists of millions of plain values are the common case, so [`Indicators`] holds them in one text arena with a
//! few bytes beside each, and what they share (source, marking, validity) stands once as a [`Context`].

use std::sync::Arc;

use jiff::Timestamp;

use crate::{Kind, Pap, Place, Problem, Severity, Tlp, Validity, Warninglist, Withheld};

/// What came with an indicator or rule: from whom, under which marking, for how long, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Context {
    /// The source, as a user would name it: the file's path, or the feed's name.
    pub source: Arc<str>,
    /// The id in that source: a STIX id, a MISP attribute's uuid, a Sigma rule's id.
    pub id: Option<String>,
    /// A short name: the STIX indicator's name, the MISP event's info, a malware family.
    pub name: Option<String>,
    /// A longer text.
    pub description: Option<String>,
    /// Who made it (`created_by_ref` resolved, MISP `Orgc`, a rule's author).
    pub author: Option<String>,
    /// Where to read more.
    pub reference: Option<String>,
    /// Its TLP marking; `None` where it carries none.
    pub tlp: Option<Tlp>,
    /// Its PAP marking.
    pub pap: Option<Pap>,
    /// Tags: labels, `attack.t1059`, names of malware, actors and campaigns, galaxy clusters.
    pub tags: Vec<String>,
    /// How bad a match is, where the source says it.
    pub severity: Option<Severity>,
    /// Confidence of 0 to 100, where the source says it.
    pub confidence: Option<u8>,
    /// Events before this are flagged `before_valid`.
    pub valid_from: Option<Timestamp>,
    /// Events from this on are flagged `expired`.
    pub valid_until: Option<Timestamp>,
}

impl Context {
    /// For which events it counts.
    #[must_use]
    pub fn validity(&self) -> Validity {
        Validity {
            from: self.valid_from,
            until: self.valid_until,
        }
    }
}

/// Names a [`Context`] in the [`Indicators`] or [`Intel`] that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContextId(pub u32);

/// One plain indicator: a value in its kind's canonical form, and where its context stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indicator<'a> {
    /// What the value is.
    pub kind: Kind,
    /// The value, in the canonical form that `values` gives its kind.
    pub value: &'a str,
    /// Its context.
    pub context: ContextId,
}

/// Many indicators, kept compactly: about 10 bytes beside each value.
#[derive(Debug, Clone, Default)]
pub struct Indicators {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    end: u32,
    context: ContextId,
    kind: Kind,
}

impl Indicators {
    /// Adds one. The value must already be canonical.
    ///
    /// # Panics
    /// Where the values together exceed 4 GiB: some hundred million indicators.
    pub fn push(&mut self, kind: Kind, value: &str, context: ContextId) {
        self.text.push_str(value);
        let end = u32::try_from(self.text.len()).expect("under 4 GiB of indicator text");
        self.entries.push(Entry { end, context, kind });
    }

    /// How many there are, double ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True where there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes the values take together.
    #[must_use]
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    /// The indicator at a position.
    ///
    /// # Panics
    /// Where `at` is not below [`len`](Self::len).
    #[must_use]
    pub fn get(&self, at: usize) -> Indicator<'_> {
        let start = if at == 0 {
            0
        } else {
            self.entries[at - 1].end as usize
        };
        let Entry { end, context, kind } = self.entries[at];
        Indicator {
            kind,
            value: &self.text[start..end as usize],
            context,
        }
    }

    /// All, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Indicator<'_>> {
        (0..self.len()).map(|at| self.get(at))
    }
}

/// The languages in which rules arrive. They are recognised by `intel` and compiled elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleLanguage {
    /// A Sigma rule, correlation or filter: one YAML document or several.
    Sigma,
    /// A file of YARA rules.
    Yara,
    /// A STIX pattern that is more than plain values.
    StixPattern,
    /// A Snort rule: kept, not run.
    Snort,
    /// A Suricata rule: kept, not run.
    Suricata,
}

/// A rule as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its language.
    pub language: RuleLanguage,
    /// Its text, which the rules that are made of it share.
    pub text: Arc<str>,
    /// What came with it.
    pub context: ContextId,
    /// Where it stands, for messages.
    pub place: Place,
}

impl Rule {
    /// Where a line of its text stands, counted from 1. The lines of a rule that is a value in another document are not
    /// those of the file: it has one place.
    #[must_use]
    pub fn line(&self, line: u64) -> Place {
        match self.place.position {
            None => self.place.line(line),
            Some(_) => self.place.clone(),
        }
    }
}

/// A source that another one names: an event that a MISP feed's manifest lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Where it is named.
    pub by: Place,
    /// Where it should be.
    pub source: Place,
}

/// Everything read from intelligence sources, and everything that could not be read.
#[derive(Debug, Clone, Default)]
pub struct Intel {
    /// The contexts that indicators and rules name.
    pub contexts: Vec<Context>,
    /// Plain values.
    pub indicators: Indicators,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Warninglists that stand among the intelligence, where they are to be checked.
    pub warninglists: Vec<Warninglist>,
    /// Entries that were skipped, and why.
    pub problems: Vec<Problem>,
    /// Sources that other sources say there are.
    pub announced: Vec<Announced>,
    /// Entries that were left out on purpose: revoked, deleted, not for detection (`to_ids: false`).
    pub withheld: Withheld,
}

impl Intel {
    /// Keeps a context and gives the id under which entries name it.
    ///
    /// # Panics
    /// Where there are more than 2³² contexts.
    pub fn add_context(&mut self, context: Context) -> ContextId {
        let id = u32::try_from(self.contexts.len()).expect("under 2^32 contexts");
        self.contexts.push(context);
        ContextId(id)
    }

    /// The context that an id names.
    ///
    /// # Panics
    /// Where the id is of another `Intel`.
    #[must_use]
    pub fn context(&self, id: ContextId) -> &Context {
        &self.contexts[id.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_come_back_as_they_went_in() {
        let mut all = Indicators::default();
        all.push(Kind::Domain, "evil.example", ContextId(0));
        all.push(Kind::Ipv4, "192.0.2.1", ContextId(3));
        assert_eq!(
            all.get(1),
            Indicator {
                kind: Kind::Ipv4,
                value: "192.0.2.1",
                context: ContextId(3)
            }
        );
        assert_eq!(
            all.iter().map(|one| one.value).collect::<Vec<_>>(),
            ["evil.example", "192.0.2.1"]
        );
    }
}
