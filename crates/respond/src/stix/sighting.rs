//! One group of findings as STIX: the observables, how often and when they were seen, and a sighting of what says
//! that they are bad. Asset names stay home (design.md, invariant 8): no host, user, path or log line goes in, and no
//! name of a local file that the intelligence came from.

use perisai_model::{RuleKind, Timestamp, Tlp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::object::{Object, time};
use super::observable;
use crate::summary::Group;
use crate::{attack, say};

/// How each indicator that was found is described.
pub(crate) const FOUND: &str = "Found in logs by a hunt.";

/// The largest count that STIX 2.1 allows (sections 4.14 and 5.2).
const MOST: u64 = 999_999_999;
/// How many tags go along as labels.
const LABELS: usize = 50;

/// What all objects of a bundle share.
pub(super) struct Maker {
    pub(super) created: Timestamp,
    /// The id of the identity that saw it all.
    pub(super) identity: Option<String>,
}

type Properties = Vec<(&'static str, Value)>;

impl Maker {
    /// Everything but the observables, which a bundle holds once for several groups.
    pub(super) fn objects(&self, group: &Group, observables: &[Object]) -> Vec<Object> {
        let mut objects = Vec::new();
        let known = stix_ids(group);
        let targets = if known.is_empty() {
            let target = self.target(group);
            let ids = vec![target.id.clone()];
            objects.push(target);
            ids
        } else {
            known
        };
        let observed = self.observed_data(group, observables);
        for target in targets {
            objects.push(self.sighting(group, &target, observed.as_ref()));
        }
        objects.extend(observed);
        objects
    }

    /// A domain or relationship object with what they all have. Nothing may be added later: its id follows from what
    /// it holds.
    fn object(&self, kind: &'static str, group: &Group, properties: Properties) -> Object {
        let created = self.created();
        let mut all = vec![("created", created.clone()), ("modified", created)];
        if let Some(identity) = &self.identity {
            all.push(("created_by_ref", identity.as_str().into()));
        }
        all.extend(properties);
        if let Some(tlp) = say::strictest(&group.rule) {
            all.push(("object_marking_refs", marking_refs(tlp)));
        }
        Object::new(kind, all)
    }

    fn created(&self) -> Value {
        time(self.created).unwrap_or_else(|| "1970-01-01T00:00:00.000Z".into())
    }

    /// What was sighted, where no source gave it a STIX id.
    fn target(&self, group: &Group) -> Object {
        let rule = &*group.rule;
        if let Some(observed) = &group.observable {
            if let Some(pattern) = observable::pattern(observed) {
                return self.indicator(group, "stix", pattern);
            }
            let name = observed.value.to_ascii_uppercase();
            // Members in the order of the alphabet, here and below: the order in which a JSON map writes them must not
            // depend on how it is built.
            let references = json!([{ "external_id": name, "source_name": "cve" }]);
            let properties = vec![("name", name.into()), ("external_references", references)];
            return self.object("vulnerability", group, properties);
        }
        let language = match rule.kind {
            RuleKind::Indicator | RuleKind::StixPattern => "stix",
            RuleKind::Sigma => "sigma",
            RuleKind::Yara => "yara",
        };
        match &rule.text {
            Some(text) => self.indicator(group, language, text.to_string()),
            None => self.behaviour(group),
        }
    }

    fn indicator(&self, group: &Group, language: &str, pattern: String) -> Object {
        let rule = &*group.rule;
        let seen = group.span.ends().and_then(|(first, _)| time(first));
        let mut properties = vec![
            ("name", rule.name.as_str().into()),
            ("description", FOUND.into()),
            ("indicator_types", json!(["malicious-activity"])),
            ("pattern", pattern.into()),
            ("pattern_type", language.into()),
            ("valid_from", seen.unwrap_or_else(|| self.created())),
        ];
        properties.extend(context(group));
        self.object("indicator", group, properties)
    }

    /// A rule whose text is not at hand: what it detects is named after it.
    fn behaviour(&self, group: &Group) -> Object {
        let rule = &*group.rule;
        let about = format!("What the {} rule of this name detects.", rule.kind.as_str());
        let mut properties = vec![("name", rule.name.as_str().into()), ("description", about.into())];
        properties.extend(context(group));
        self.object("attack-pattern", group, properties)
    }

    /// How often and when the observables were seen; nothing where there are none or no time is known.
    fn observed_data(&self, group: &Group, observables: &[Object]) -> Option<Object> {
        let (first, last) = group.span.ends()?;
        let refs: Vec<_> = observables.iter().map(|object| object.id.as_str()).collect();
        if refs.is_empty() {
            return None;
        }
        let properties = vec![
            ("first_observed", time(first)?),
            ("last_observed", time(last)?),
            ("number_observed", group.count.min(MOST).into()),
            ("object_refs", json!(refs)),
        ];
        Some(self.object("observed-data", group, properties))
    }

    fn sighting(&self, group: &Group, target: &str, observed: Option<&Object>) -> Object {
        let mut properties = Vec::new();
        let ends = group.span.ends();
        if let Some((first, last)) = ends.and_then(|(first, last)| Some((time(first)?, time(last)?))) {
            properties.push(("first_seen", first));
            properties.push(("last_seen", last));
        }
        properties.push(("count", group.count.min(MOST).into()));
        properties.push(("sighting_of_ref", target.into()));
        if let Some(observed) = observed {
            properties.push(("observed_data_refs", json!([observed.id])));
        }
        if let Some(identity) = &self.identity {
            properties.push(("where_sighted_refs", json!([identity])));
        }
        properties.push(("summary", true.into()));
        self.object("sighting", group, properties)
    }
}

/// The ids of the STIX indicators that it came from: who made them knows the sighting by them.
fn stix_ids(group: &Group) -> Vec<String> {
    let valid = |id: &&str| {
        id.strip_prefix("indicator--")
            .is_some_and(|uuid| uuid.len() == 36 && Uuid::try_parse(uuid).is_ok())
    };
    let ids = group
        .rule
        .sources
        .iter()
        .filter_map(|source| source.id.as_deref());
    let mut ids: Vec<_> = ids.filter(valid).map(str::to_ascii_lowercase).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// What the intelligence says about it: ATT&CK tactics and techniques, other tags, and where to read more.
fn context(group: &Group) -> Properties {
    let rule = &*group.rule;
    let tagged = attack::tagged(&rule.tags);
    let mut properties = Vec::new();
    let phases: Vec<_> = tagged
        .tactics
        .iter()
        .map(|tactic| json!({ "kill_chain_name": "mitre-attack", "phase_name": tactic }))
        .collect();
    if !phases.is_empty() {
        properties.push(("kill_chain_phases", json!(phases)));
    }
    let labels: Vec<_> = rule
        .tags
        .iter()
        .filter(|tag| !tag.to_ascii_lowercase().starts_with("attack."))
        .filter(|tag| Tlp::from_tag(tag).is_none())
        .take(LABELS)
        .collect();
    if !labels.is_empty() {
        properties.push(("labels", json!(labels)));
    }
    let mut references: Vec<_> = tagged
        .techniques
        .iter()
        .map(|id| json!({ "external_id": id, "source_name": "mitre-attack", "url": technique_url(id) }))
        .collect();
    let id = rule.sources.iter().find_map(|source| source.id.as_deref());
    if let Some(id) = id.filter(|_| group.observable.is_none()) {
        references.push(json!({ "external_id": id, "source_name": rule.kind.as_str() }));
    }
    if let Some(url) = rule.reference.as_deref().filter(|url| is_web_address(url)) {
        let name = rule.author.as_deref().unwrap_or("reference");
        references.push(json!({ "source_name": name, "url": url }));
    } else if let Some(author) = &rule.author {
        references.push(json!({ "description": "Author", "source_name": author }));
    }
    if !references.is_empty() {
        properties.push(("external_references", json!(references)));
    }
    properties
}

fn technique_url(id: &str) -> String {
    format!("https://attack.mitre.org/techniques/{}", id.replace('.', "/"))
}

/// True for text that is an address on the web and nothing more.
pub(crate) fn is_web_address(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}[]".contains(&byte);
    host.is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric()) && host.bytes().all(plain))
}

/// The marking of an object.
pub(super) fn marking_refs(tlp: Tlp) -> Value {
    json!([tlp.stix_id()])
}
