//! `stix`: one STIX 2.1 bundle (OASIS) of what was seen of the intelligence: sightings with their counts and times,
//! the observables, and the TLP 2.0 markings, each object as strict as the strictest source of what it tells.

mod object;
mod observable;
mod sighting;
mod uri;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, BufWriter, Write};

use perisai_model::{Finding, Flag, Report, Timestamp, Tlp, stable_uuid};

use self::object::Object;
use self::sighting::Maker;
pub(crate) use self::sighting::{FOUND, is_web_address};
use crate::json::{self, Target};
use crate::summary::{Group, Summary};
use crate::{Options, Writer, say};

pub(crate) struct Stix<'a> {
    out: BufWriter<Box<dyn Write + 'a>>,
    options: Options,
    summary: Summary,
}

impl<'a> Stix<'a> {
    pub(crate) fn new(options: Options, out: Box<dyn Write + 'a>) -> Self {
        Self {
            out: BufWriter::new(out),
            options,
            summary: Summary::default(),
        }
    }
}

impl Writer for Stix<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        // Shown here because somebody asked; a partner must not be told that it is malicious.
        let harmless = |flag: &Flag| matches!(flag, Flag::FalsePositive(_));
        if !finding.flags.iter().any(harmless) {
            self.summary.add(finding);
        }
        Ok(())
    }

    fn finish(&mut self, _report: &Report) -> io::Result<()> {
        let last = self.summary.span.ends().map(|(_, last)| last);
        let created = self.options.created.or(last).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut bundle = Bundle::start(&mut self.out)?;
        let identity = self.options.identity.as_deref().map(identity);
        let maker = Maker {
            created,
            identity: identity.as_ref().map(|identity| identity.id.clone()),
        };
        let groups = self.summary.worst_first();
        let labels: BTreeSet<_> = groups
            .iter()
            .filter_map(|group| say::strictest(&group.rule))
            .collect();
        for tlp in labels {
            bundle.add(&Object::marking(tlp))?;
        }
        if let Some(identity) = identity.as_ref().filter(|_| !groups.is_empty()) {
            bundle.add(identity)?;
        }
        let markings = marked_observables(&groups);
        for group in groups {
            let seen = observables_of(group);
            for mut object in seen.iter().cloned() {
                if let Some(tlp) = markings.get(&object.id).copied().flatten() {
                    object.set("object_marking_refs", sighting::marking_refs(tlp));
                }
                bundle.add(&object)?;
            }
            for object in maker.objects(group, &seen) {
                bundle.add(&object)?;
            }
        }
        bundle.end()?;
        self.out.flush()
    }
}

/// What a group's observed-data refers to, which only says something with a time.
fn observables_of(group: &Group) -> Vec<Object> {
    if group.span.ends().is_none() {
        return Vec::new();
    }
    group
        .observable
        .as_ref()
        .map(observable::objects)
        .unwrap_or_default()
}

/// The ids of all observables, with the strictest marking of the groups that hold each.
fn marked_observables(groups: &[&Group]) -> HashMap<String, Option<Tlp>> {
    let mut all = HashMap::new();
    for group in groups {
        let tlp = say::strictest(&group.rule);
        for object in observables_of(group) {
            let marking = all.entry(object.id).or_insert(None);
            *marking = Tlp::stricter(*marking, tlp);
        }
    }
    all
}

/// The organisation that saw it. Its times are fixed, since its id follows from its name alone.
fn identity(name: &str) -> Object {
    let created = "1970-01-01T00:00:00.000Z";
    let properties = vec![
        ("created", created.into()),
        ("modified", created.into()),
        ("name", name.into()),
        ("identity_class", "organization".into()),
    ];
    Object::new("identity", properties)
}

/// A bundle that is written object by object, one a line. Its id comes last, as it follows from those of its objects.
struct Bundle<W> {
    out: W,
    id: String,
    written: HashSet<String>,
}

impl<W: Write> Bundle<W> {
    fn start(mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"type\":\"bundle\"")?;
        Ok(Self {
            out,
            id: stable_uuid(&["stix", "bundle"]).to_string(),
            written: HashSet::new(),
        })
    }

    /// Adds an object, once: groups may share observables.
    fn add(&mut self, object: &Object) -> io::Result<()> {
        let first = self.written.is_empty();
        if !self.written.insert(object.id.clone()) {
            return Ok(());
        }
        let before: &[u8] = if first { b",\"objects\":[\n" } else { b",\n" };
        self.out.write_all(before)?;
        json::write(&mut self.out, object, Target::File)?;
        self.id = stable_uuid(&[&self.id, &object.id]).to_string();
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        // A bundle without objects has no list of them either.
        let after = if self.written.is_empty() { "" } else { "\n]" };
        writeln!(self.out, "{after},\"id\":\"bundle--{}\"}}", self.id)
    }
}
