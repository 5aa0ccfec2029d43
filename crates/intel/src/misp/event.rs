//! One MISP event: what it says of all its attributes, and the attributes that wait for it.

use perisai_model::{Context, ContextId, Kind, Reason, RuleLanguage, Tlp};

use super::view::{Attribute, Galaxy, Object, Organisation, Tag};
use super::{Walk, tags, types};
use crate::json::{self, lenient};
use crate::pattern::{Meaning, meaning};
use crate::sink::Sink;
use crate::time;
use crate::typed::of_misp_type;
use crate::words::{NAME, PROSE, TAGS, clip, quoted, tidy_tags};

/// How many bytes the contexts of one event may take together: this much, or so many times its own length. Beyond
/// it, as when thousands of attributes meet thousands of tags, the attributes share the event's context.
const CONTEXTS: u64 = 1024 * 1024;
const CONTEXTS_PER_BYTE: u64 = 16;

/// An event on its way.
#[derive(Debug, Default)]
pub(super) struct Event {
    base: Context,
    waiting: Vec<Waiting>,
}

/// An attribute that waits for the end of its event.
#[derive(Debug)]
struct Waiting {
    line: u64,
    own: Context,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Values(Vec<(Kind, String)>),
    Rule(RuleLanguage, String),
}

impl Event {
    /// Takes a field that is no list of parts.
    pub(super) fn field(&mut self, key: &str, raw: &[u8]) {
        let text = |limit| {
            let text: Option<String> = lenient::text(&mut serde_json::Deserializer::from_slice(raw)).ok()?;
            clip(&text?, limit)
        };
        match key {
            "uuid" => self.base.id = text(NAME),
            "info" => self.base.name = text(NAME),
            "threat_level_id" => self.base.severity = text(NAME).and_then(|id| tags::threat_level(&id)),
            "Orgc" => {
                let name = json::parse::<Organisation>(raw, 1).ok().and_then(|org| org.name);
                self.base.author = name.and_then(|name| clip(&name, NAME));
            }
            _ => {}
        }
    }

    /// Takes a tag of the event.
    pub(super) fn tag(&mut self, tag: &Tag) {
        add_tag(tag, &mut self.base);
    }

    /// Takes a galaxy of the event.
    pub(super) fn galaxy(&mut self, galaxy: &Galaxy) {
        add_galaxy(galaxy, &mut self.base);
    }

    /// Takes an object: its attributes, each with what the object says.
    pub(super) fn object(&mut self, line: u64, mut object: Object, walk: &mut Walk<'_, '_>) {
        for attribute in std::mem::take(&mut object.attributes) {
            self.attribute(line, attribute, Some(&object), walk);
        }
    }

    /// Takes an attribute.
    pub(super) fn attribute(
        &mut self,
        line: u64,
        attribute: Attribute,
        object: Option<&Object>,
        walk: &mut Walk<'_, '_>,
    ) {
        let sink = &mut *walk.sink;
        let (Some(name), Some(value)) = (&attribute.kind, &attribute.value) else {
            return sink.problem(Some(line), format_args!("an attribute without a type or a value"));
        };
        let deleted =
            attribute.deleted == Some(true) || object.is_some_and(|object| object.deleted == Some(true));
        if !is_covered(name) {
            self.refer(name, &attribute);
            if attribute.to_ids == Some(true) && !deleted {
                sink.withhold_type(name);
            }
            return;
        }
        if deleted {
            return sink.withhold(Reason::Deleted);
        }
        if attribute.to_ids == Some(false) && !walk.options.include_no_ids {
            return sink.withhold(Reason::NotForDetection);
        }
        let (content, wrong) = content(name, value);
        for why in wrong {
            sink.problem(Some(line), format_args!("{name} {}: {why}", quoted(value)));
        }
        self.waiting.extend(content.map(|content| Waiting {
            line,
            own: own_context(&attribute, object),
            content,
        }));
    }

    /// The first link to an analysis is the event's reference.
    fn refer(&mut self, name: &str, attribute: &Attribute) {
        let is_report = name == "link" && attribute.category.as_deref() == Some("External analysis");
        if is_report && self.base.reference.is_none() {
            self.base.reference = attribute.value.as_deref().and_then(|link| clip(link, PROSE));
        }
    }

    /// Hands all that waits to the sink; `length` is that of the event's text, in bytes.
    pub(super) fn finish(mut self, length: u64, sink: &mut Sink<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        self.base.source = sink.bare_context().source;
        tidy_tags(&mut self.base.tags);
        let copied = size(&self.base) as u64 * self.waiting.len() as u64;
        let shared = (copied > CONTEXTS.max(length * CONTEXTS_PER_BYTE)).then(|| {
            let mut all = self.base.clone();
            for waiting in &self.waiting {
                all.tlp = Tlp::stricter(all.tlp, waiting.own.tlp);
                all.pap = all.pap.max(waiting.own.pap);
            }
            sink.add_context(all)
        });
        for waiting in self.waiting {
            let context = shared.unwrap_or_else(|| {
                let context = merged(&self.base, waiting.own);
                sink.share_context(context)
            });
            emit(waiting.content, waiting.line, context, sink);
        }
    }
}

fn emit(content: Content, line: u64, context: ContextId, sink: &mut Sink<'_>) {
    match content {
        Content::Rule(language, text) => sink.rule(language, text, context, Some(line)),
        Content::Values(values) => {
            for (kind, value) in values {
                sink.indicator(kind, &value, context);
            }
        }
    }
}

fn is_covered(name: &str) -> bool {
    types::rule(name).is_some() || types::parts(name).is_some()
}

/// What an attribute holds, if anything, and what of it could not be read.
fn content(name: &str, value: &str) -> (Option<Content>, Vec<String>) {
    let some = |values: Vec<_>| (!values.is_empty()).then_some(Content::Values(values));
    match types::rule(name) {
        Some(RuleLanguage::StixPattern) => match meaning(value) {
            Ok(Meaning::Values { good, wrong }) => (some(good), wrong),
            Ok(Meaning::Pattern) => (
                Some(Content::Rule(RuleLanguage::StixPattern, value.to_owned())),
                Vec::new(),
            ),
            Err(why) => (None, vec![why]),
        },
        Some(language) => (Some(Content::Rule(language, value.to_owned())), Vec::new()),
        None => {
            let (found, wrong) = of_misp_type(name, value).unwrap_or_default();
            let values = found.into_iter().map(|(kind, value)| (kind, value.into_owned()));
            (some(values.collect()), wrong)
        }
    }
}

/// What an attribute and its object say themselves.
fn own_context(attribute: &Attribute, object: Option<&Object>) -> Context {
    let mut own = Context {
        id: attribute.uuid.as_deref().and_then(|uuid| clip(uuid, NAME)),
        description: description(attribute, object),
        ..Context::default()
    };
    let seen = attribute
        .first_seen
        .as_deref()
        .or_else(|| object.and_then(|object| object.first_seen.as_deref()));
    own.valid_from = seen.and_then(time::parse);
    for tag in &attribute.tags {
        add_tag(tag, &mut own);
    }
    for galaxy in &attribute.galaxies {
        add_galaxy(galaxy, &mut own);
    }
    if let Some(event) = &attribute.event {
        own.name = event.info.as_deref().and_then(|info| clip(info, NAME));
        let author = event.orgc.as_ref().and_then(|org| org.name.as_deref());
        own.author = author.and_then(|name| clip(name, NAME));
        own.severity = event.threat_level_id.as_deref().and_then(tags::threat_level);
    }
    own
}

/// The comments, and the name of the file whose digest is the value.
fn description(attribute: &Attribute, object: Option<&Object>) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    parts.extend(
        attribute
            .comment
            .as_deref()
            .filter(|text| !text.trim().is_empty()),
    );
    parts.extend(
        object
            .and_then(|object| object.comment.as_deref())
            .filter(|text| !text.trim().is_empty()),
    );
    let kind = attribute.kind.as_deref().unwrap_or_default();
    if kind.starts_with("filename|") || kind == "malware-sample" {
        parts.extend(
            attribute
                .value
                .as_deref()
                .and_then(|value| value.rsplit_once('|'))
                .map(|(name, _)| name),
        );
    }
    clip(&parts.join("; "), PROSE)
}

fn add_tag(tag: &Tag, context: &mut Context) {
    if let Some(name) = &tag.name {
        tags::apply(name, context);
    }
    bound(context);
}

fn add_galaxy(galaxy: &Galaxy, context: &mut Context) {
    for cluster in &galaxy.clusters {
        let kind = cluster
            .kind
            .as_ref()
            .or(galaxy.kind.as_ref())
            .map_or("", String::as_str);
        if let Some(name) = &cluster.value {
            tags::apply_cluster(kind, name, context);
        }
        if kind.ends_with("attack-pattern") {
            let ids = cluster.meta.iter().flat_map(|meta| &meta.external_id);
            context
                .tags
                .extend(ids.filter_map(|id| crate::words::technique_tag(id)));
        }
        bound(context);
    }
}

/// Keeps a hostile list of tags from growing without end.
fn bound(context: &mut Context) {
    if context.tags.len() > 2 * TAGS {
        tidy_tags(&mut context.tags);
    }
}

/// What the event says, and over it what the attribute says; of two markings the stricter.
fn merged(base: &Context, own: Context) -> Context {
    let mut tags = base.tags.clone();
    tags.extend(own.tags);
    tidy_tags(&mut tags);
    Context {
        source: base.source.clone(),
        id: own.id.or_else(|| base.id.clone()),
        name: own.name.or_else(|| base.name.clone()),
        description: own.description,
        author: own.author.or_else(|| base.author.clone()),
        reference: own.reference.or_else(|| base.reference.clone()),
        tlp: Tlp::stricter(base.tlp, own.tlp),
        pap: base.pap.max(own.pap),
        tags,
        severity: own.severity.or(base.severity),
        confidence: None,
        valid_from: own.valid_from,
        valid_until: None,
    }
}

/// About how many bytes a context takes.
fn size(context: &Context) -> usize {
    let texts = [&context.id, &context.name, &context.author, &context.reference];
    let texts: usize = texts
        .iter()
        .filter_map(|text| text.as_ref().map(String::len))
        .sum();
    let tags: usize = context
        .tags
        .iter()
        .map(|tag| tag.len() + size_of::<String>())
        .sum();
    size_of::<Context>() + texts + tags
}
