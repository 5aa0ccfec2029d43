//! What is kept of the objects of one source until all are read: indicators, and what they refer to.

use std::collections::HashMap;

use jiff::Timestamp;
use perisai_model::{Context, Kind, Reason, RuleLanguage, Severity, Tlp};
use serde::de::DeserializeOwned;

use super::marking::{self, Marking};
use super::{observed, view};
use crate::json;
use crate::misp::tags;
use crate::pattern::{self, Meaning};
use crate::sink::Sink;
use crate::words::{NAME, PROSE, TAGS, clip, quoted, technique_tag, tidy_tags};
use crate::{Options, time};

/// From this confidence on (of 100), an indicator of an attack that its source names is of high severity.
const SURE: u8 = 70;

/// An object on its way in.
pub(super) struct Object<'a> {
    pub(super) kind: &'a str,
    pub(super) id: Option<String>,
    pub(super) raw: &'a [u8],
    pub(super) line: u64,
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Graph {
    held: Vec<Held>,
    /// Where the latest version of an id stands in `held`.
    latest: HashMap<String, usize>,
    /// Names of identities, malware, actors, campaigns; tags of techniques.
    names: HashMap<String, String>,
    markings: HashMap<String, Marking>,
    /// `indicates`: from an indicator's id to what it indicates.
    indicates: Vec<(String, String)>,
    /// What observations say of the objects that they refer to.
    observations: Vec<Observation>,
}

/// An indicator, or an observable object, that waits for what it refers to.
#[derive(Debug)]
struct Held {
    line: u64,
    modified: Option<Timestamp>,
    context: Context,
    /// Its source says what attack it belongs to: malware, intruders, a campaign, a phase of a kill chain.
    of_attack: bool,
    created_by: Option<String>,
    marking_refs: Vec<String>,
    /// The observations that it stands in.
    observed_in: Vec<usize>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Values(Vec<(Kind, String)>),
    Rule(RuleLanguage, String),
    /// Revoked, or benign by its own words.
    Withheld(Reason),
}

#[derive(Debug)]
struct Observation {
    refs: Vec<String>,
    created_by: Option<String>,
    marking_refs: Vec<String>,
}

impl Graph {
    /// Takes an object, or the part of it that indicators may need.
    pub(super) fn add(&mut self, object: Object<'_>, options: &Options, sink: &mut Sink<'_>) {
        match object.kind {
            "indicator" => self.indicator(&object, sink),
            "relationship" => self.relationship(&object, sink),
            "marking-definition" => {
                if let (Some(view), Some(id)) = (view_of(&object, sink), &object.id) {
                    let marking = Marking::of_definition(&view).stricter(self.known_marking(id));
                    self.markings.insert(id.clone(), marking);
                }
            }
            "identity" | "malware" | "intrusion-set" | "threat-actor" | "campaign" | "attack-pattern"
            | "tool" | "infrastructure" | "vulnerability" => self.named(&object, sink),
            "observed-data" if options.observed => self.observation(&object, sink),
            kind if options.observed && observed::is_observable(kind) => self.observable(&object, None, sink),
            _ => {}
        }
    }

    fn known_marking(&self, id: &str) -> Marking {
        self.markings.get(id).copied().unwrap_or_default()
    }

    fn named(&mut self, object: &Object<'_>, sink: &mut Sink<'_>) {
        let Some(view) = view_of::<view::Named>(object, sink) else {
            return;
        };
        let technique = view
            .external_references
            .iter()
            .filter(|reference| {
                reference
                    .source_name
                    .as_deref()
                    .is_some_and(|name| name.starts_with("mitre"))
            })
            .find_map(|reference| technique_tag(reference.external_id.as_deref()?))
            .filter(|_| object.kind == "attack-pattern");
        let name = technique.or_else(|| clip(view.name.as_deref()?, NAME));
        if let (Some(id), Some(name)) = (&object.id, name) {
            self.names.insert(id.clone(), name);
        }
    }

    fn relationship(&mut self, object: &Object<'_>, sink: &mut Sink<'_>) {
        let Some(view) = view_of::<view::Relationship>(object, sink) else {
            return;
        };
        if view.relationship_type.as_deref() != Some("indicates") || view.revoked == Some(true) {
            return;
        }
        if let (Some(source), Some(target)) = (view.source_ref, view.target_ref) {
            self.indicates.push((source, target));
        }
    }

    fn indicator(&mut self, object: &Object<'_>, sink: &mut Sink<'_>) {
        let Some(view) = view_of::<view::Indicator>(object, sink) else {
            return;
        };
        let content = if view.revoked == Some(true) {
            Ok(Content::Withheld(Reason::Revoked))
        } else if is_harmless(&view) {
            Ok(Content::Withheld(Reason::Harmless))
        } else {
            content(object, &view, sink)
        };
        let content = match content {
            Ok(content) => content,
            Err(why) => return sink.problem(Some(object.line), format_args!("{}: {why}", name_of(object))),
        };
        let modified = view.modified.as_deref().or(view.created.as_deref());
        let held = Held {
            line: object.line,
            modified: modified.and_then(time::parse),
            context: context(&view, sink),
            of_attack: view
                .kill_chain_phases
                .iter()
                .any(|phase| phase_tag(phase).is_some()),
            created_by: view.created_by_ref,
            marking_refs: marking::refs(view.object_marking_refs, view.granular_markings),
            observed_in: Vec::new(),
            content,
        };
        self.hold(view.id, held);
    }

    /// Of several versions of an id the latest counts. The same version twice is one, under the stricter marking, and
    /// revoked where either is.
    fn hold(&mut self, id: Option<String>, mut held: Held) {
        let Some(id) = id else {
            self.held.push(held);
            return;
        };
        let Some(&at) = self.latest.get(&id) else {
            self.latest.insert(id, self.held.len());
            self.held.push(held);
            return;
        };
        let known = &mut self.held[at];
        if held.modified == known.modified {
            known.marking_refs.append(&mut held.marking_refs);
            known.context.tlp = Tlp::stricter(known.context.tlp, held.context.tlp);
            known.context.pap = known.context.pap.max(held.context.pap);
            if let Content::Withheld(reason) = held.content {
                known.content = Content::Withheld(reason);
            }
        } else if held.modified > known.modified {
            *known = held;
        }
    }

    fn observation(&mut self, object: &Object<'_>, sink: &mut Sink<'_>) {
        let Some(view) = view_of::<view::ObservedData>(object, sink) else {
            return;
        };
        if view.revoked == Some(true) {
            return sink.withhold(Reason::Revoked);
        }
        let observation = Observation {
            refs: view.object_refs,
            created_by: view.created_by_ref,
            marking_refs: marking::refs(view.object_marking_refs, view.granular_markings),
        };
        let at = self.observations.len();
        self.observations.push(observation);
        let mut inner: Vec<_> = view.objects.into_iter().flatten().collect();
        inner.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for (_, raw) in inner {
            let object = Object {
                kind: object.kind,
                id: None,
                raw: raw.get().as_bytes(),
                line: object.line,
            };
            self.observable(&object, Some(at), sink);
        }
    }

    fn observable(&mut self, object: &Object<'_>, within: Option<usize>, sink: &mut Sink<'_>) {
        let Some(view) = view_of::<view::Observable>(object, sink) else {
            return;
        };
        let (good, wrong) = observed::values(&view);
        for why in wrong {
            sink.problem(Some(object.line), format_args!("{}: {why}", name_of(object)));
        }
        if good.is_empty() {
            return;
        }
        let mut context = sink.bare_context();
        context.id = object.id.as_deref().and_then(|id| clip(id, NAME));
        let held = Held {
            line: object.line,
            modified: None,
            context,
            of_attack: false,
            created_by: None,
            marking_refs: marking::refs(view.object_marking_refs, view.granular_markings),
            observed_in: within.into_iter().collect(),
            content: Content::Values(good),
        };
        self.hold(object.id.clone(), held);
    }

    /// Hands all that is held to the sink.
    pub(super) fn finish(mut self, sink: &mut Sink<'_>) {
        for (source, target) in std::mem::take(&mut self.indicates) {
            let Some(&at) = self.latest.get(&source) else {
                continue;
            };
            let held = &mut self.held[at];
            held.of_attack |= is_attack(&target);
            if let Some(name) = self.names.get(&target) {
                let tags = &mut held.context.tags;
                tags.push(name.clone());
                if tags.len() > 2 * TAGS {
                    tidy_tags(tags);
                }
            }
        }
        for (observation, seen) in self.observations.iter().enumerate() {
            for at in seen.refs.iter().filter_map(|id| self.latest.get(id)) {
                self.held[*at].observed_in.push(observation);
            }
        }
        let markings = self
            .observations
            .iter()
            .map(|observation| Marking::of_refs(&observation.marking_refs, &self.markings))
            .collect::<Vec<_>>();
        self.tell_unknown_markings(sink);
        for held in std::mem::take(&mut self.held) {
            self.emit(held, &markings, sink);
        }
    }

    /// Tells once of markings whose definitions are not in this source.
    fn tell_unknown_markings(&self, sink: &mut Sink<'_>) {
        let of_held = self
            .held
            .iter()
            .filter(|held| !matches!(held.content, Content::Withheld(_)))
            .map(|held| (Some(held.line), &held.marking_refs));
        let of_observations = self.observations.iter().map(|seen| (None, &seen.marking_refs));
        let mut unknown = of_held.chain(of_observations).filter_map(|(line, refs)| {
            let id = refs.iter().find(|id| !Marking::is_known(id, &self.markings));
            id.map(|id| (line, id))
        });
        if let Some((line, id)) = unknown.next() {
            let objects = 1 + unknown.count();
            let id = quoted(id);
            sink.problem(
                line,
                format_args!(
                    "objects with a marking whose definition is not here, taken as TLP:RED: {objects}, the first has {id}"
                ),
            );
        }
    }

    fn emit(&self, held: Held, observations: &[Marking], sink: &mut Sink<'_>) {
        let mut context = held.context;
        let marking = held.observed_in.iter().map(|&at| observations[at]).fold(
            Marking::of_refs(&held.marking_refs, &self.markings),
            Marking::stricter,
        );
        context.tlp = Tlp::stricter(context.tlp, marking.tlp);
        context.pap = context.pap.max(marking.pap);
        let observers = held
            .observed_in
            .iter()
            .map(|&at| &self.observations[at].created_by);
        let creator = std::iter::once(&held.created_by)
            .chain(observers)
            .flatten()
            .next();
        context.author = creator.and_then(|id| self.names.get(id).cloned());
        tidy_tags(&mut context.tags);
        if held.of_attack && context.confidence >= Some(SURE) {
            context.severity.get_or_insert(Severity::High);
        }
        match held.content {
            Content::Withheld(reason) => sink.withhold(reason),
            Content::Rule(language, text) => {
                let context = sink.add_context(context);
                sink.rule(language, text, context, Some(held.line));
            }
            Content::Values(values) if values.is_empty() => {}
            Content::Values(values) => {
                let context = sink.share_context(context);
                for (kind, value) in values {
                    sink.indicator(kind, &value, context);
                }
            }
        }
    }
}

/// The view of an object; `None` where it cannot be read, which is then told.
fn view_of<T: DeserializeOwned>(object: &Object<'_>, sink: &mut Sink<'_>) -> Option<T> {
    match json::parse(object.raw, object.line) {
        Ok(view) => Some(view),
        Err(refused) => {
            sink.problem(
                Some(refused.line),
                format_args!("{}: {}", name_of(object), refused.why),
            );
            None
        }
    }
}

fn name_of(object: &Object<'_>) -> String {
    match &object.id {
        Some(id) => clip(id, NAME).unwrap_or_default(),
        None => format!("{} without an id", object.kind),
    }
}

/// True where an indicator's own types say that it stands for something harmless, and none that it is hostile.
fn is_harmless(view: &view::Indicator) -> bool {
    let mut types = view
        .indicator_types
        .iter()
        .chain(&view.labels)
        .map(|name| name.to_ascii_lowercase());
    let mut harmless = false;
    let hostile = types.any(|name| {
        harmless |= matches!(name.as_str(), "benign" | "anonymization");
        matches!(name.as_str(), "malicious-activity" | "compromised")
    });
    harmless && !hostile
}

/// True for the id of malware, intruders or a campaign. An id says the type of its object, which need not be at hand.
fn is_attack(id: &str) -> bool {
    let kind = id.split_once("--").map(|(kind, _)| kind);
    matches!(kind, Some("malware" | "intrusion-set" | "campaign"))
}

/// What an indicator looks for.
fn content(object: &Object<'_>, view: &view::Indicator, sink: &mut Sink<'_>) -> Result<Content, String> {
    let Some(pattern) = &view.pattern else {
        return Err("an indicator without a pattern".to_owned());
    };
    let language = pattern::language(view.pattern_type.as_deref())?;
    match pattern::of_indicator(language, pattern)? {
        Meaning::Pattern => Ok(Content::Rule(language, pattern.clone())),
        Meaning::Values { good, wrong } => {
            for why in wrong {
                sink.problem(Some(object.line), format_args!("{}: {why}", name_of(object)));
            }
            Ok(Content::Values(good))
        }
    }
}

fn context(view: &view::Indicator, sink: &Sink<'_>) -> Context {
    let keep = |text: &Option<String>, limit| text.as_deref().and_then(|text| clip(text, limit));
    let confidence: Option<u8> = view.confidence.as_deref().and_then(|number| number.parse().ok());
    let mut context = Context {
        id: keep(&view.id, NAME),
        name: keep(&view.name, NAME),
        description: keep(&view.description, PROSE),
        reference: view.external_references.iter().find_map(|reference| {
            let url = reference.url.as_deref()?;
            url.starts_with("http").then(|| clip(url, PROSE)).flatten()
        }),
        confidence: confidence.filter(|number| *number <= 100),
        valid_from: view.valid_from.as_deref().and_then(time::parse),
        valid_until: view.valid_until.as_deref().and_then(time::parse),
        ..sink.bare_context()
    };
    for label in view.labels.iter().chain(&view.indicator_types) {
        tags::apply(label, &mut context);
    }
    context
        .tags
        .extend(view.kill_chain_phases.iter().filter_map(phase_tag));
    context
}

/// `attack.<phase>` for the chains of ATT&CK, `<chain>:<phase>` for others.
fn phase_tag(phase: &view::Phase) -> Option<String> {
    let name = phase.phase_name.as_deref()?.trim().to_ascii_lowercase();
    if name.is_empty() {
        return None;
    }
    match phase.kill_chain_name.as_deref()? {
        "mitre-attack" | "mitre-ics-attack" | "mitre-mobile-attack" => clip(&format!("attack.{name}"), NAME),
        chain => clip(&format!("{chain}:{name}"), NAME),
    }
}
