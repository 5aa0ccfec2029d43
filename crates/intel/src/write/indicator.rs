//! Indicators: plain values, and rules as they are.

use std::borrow::Cow;

use jiff::SignedDuration;
use perisai_model::{Context, Kind, Pap, RuleLanguage, Timestamp, stable_uuid};
use serde_json::{Value, json};

use super::json::{EARLIEST, Json, time};
use super::{Maker, WriteError, marking_refs, pattern};
use crate::Marking;
use crate::json::VALUE_LIMIT;
use crate::words::{NAME, PROSE, clip};

/// How many tags go along as labels.
const LABELS: usize = 50;

/// A plain value as an `indicator`; a CVE as a `vulnerability`, since no pattern speaks of one.
///
/// The source's name and id, and the severity stay behind: what the maker
/// vouches for goes out in the maker's name.
///
/// # Errors
/// Where the value is not canonical (design.md, invariant 9), or the maker has no valid id.
pub fn indicator(kind: Kind, value: &str, context: &Context, by: &Maker<'_>) -> Result<Vec<u8>, WriteError> {
    if perisai_values::canonical(kind, value).as_deref() != Ok(value) {
        return Err(WriteError::Value(kind));
    }
    let id = indicator_id(by.identity, by.source, kind, value);
    let name = context.name.as_deref().and_then(|name| clip(name, NAME));
    let Some(pattern) = pattern(kind, value) else {
        if kind != Kind::Cve {
            return Err(WriteError::Value(kind));
        }
        let mut json = Json::made("vulnerability", &id, by)?;
        json.set("name", value);
        let description = context.description.as_deref().and_then(|text| clip(text, PROSE));
        json.maybe("description", description.or(name));
        let cve = json!({"source_name": "cve", "external_id": value});
        return Ok(about(json, context, vec![cve]));
    };
    let mut json = Json::made("indicator", &id, by)?;
    json.set(
        "name",
        name.as_deref()
            .or(clip(value, NAME).as_deref())
            .unwrap_or_default(),
    );
    looks_for(&mut json, &pattern, "stix", context, by);
    Ok(about(json, context, Vec::new()))
}

/// A rule as an `indicator` whose pattern is its text, unchanged. What kind of pattern it is says its language.
///
/// # Errors
/// Where it is empty or longer than 16 MiB, holds a NUL character, is no STIX pattern although it should be one, or the
/// maker has no valid id.
pub fn rule(
    language: RuleLanguage,
    text: &str,
    context: &Context,
    by: &Maker<'_>,
) -> Result<Vec<u8>, WriteError> {
    let is_broken = language == RuleLanguage::StixPattern && perisai_pattern::parse(text).is_err();
    if text.trim().is_empty() || text.contains('\0') || is_broken {
        return Err(WriteError::Rule);
    }
    let pattern_type = pattern_type(language);
    let mut json = Json::made("indicator", &rule_id(by.identity, by.source, language, text), by)?;
    let name = context.name.as_deref().and_then(|name| clip(name, NAME));
    json.set("name", name.unwrap_or_else(|| format!("A {pattern_type} rule")));
    looks_for(&mut json, text, pattern_type, context, by);
    let id = context.id.as_deref().and_then(|id| clip(id, NAME));
    let own = id.map(|id| json!({"source_name": pattern_type, "external_id": id}));
    let raw = about(json, context, own.into_iter().collect());
    if raw.len() > VALUE_LIMIT {
        return Err(WriteError::TooLong(VALUE_LIMIT));
    }
    Ok(raw)
}

/// The id of the object that [`indicator`] writes: it follows from the maker, the source, the kind and the value.
#[must_use]
pub fn indicator_id(identity: Option<&str>, source: Option<&str>, kind: Kind, value: &str) -> String {
    let object = if kind == Kind::Cve {
        "vulnerability"
    } else {
        "indicator"
    };
    let mut parts = vec!["stix", object, identity.unwrap_or_default(), kind.as_str(), value];
    parts.extend(source);
    let uuid = stable_uuid(&parts);
    format!("{object}--{uuid}")
}

/// The id of the object that [`rule`] writes: it follows from the maker, the source, the language and the text.
#[must_use]
pub fn rule_id(identity: Option<&str>, source: Option<&str>, language: RuleLanguage, text: &str) -> String {
    let mut parts = vec![
        "stix",
        "rule",
        identity.unwrap_or_default(),
        pattern_type(language),
        text,
    ];
    parts.extend(source);
    let uuid = stable_uuid(&parts);
    format!("indicator--{uuid}")
}

/// The names of STIX 2.1, section 10.19.
fn pattern_type(language: RuleLanguage) -> &'static str {
    match language {
        RuleLanguage::StixPattern => "stix",
        RuleLanguage::Sigma => "sigma",
        RuleLanguage::Yara => "yara",
        RuleLanguage::Snort => "snort",
        RuleLanguage::Suricata => "suricata",
    }
}

fn looks_for(json: &mut Json, pattern: &str, pattern_type: &str, context: &Context, by: &Maker<'_>) {
    let description = context.description.as_deref().and_then(|text| clip(text, PROSE));
    json.maybe("description", description);
    json.set("indicator_types", ["malicious-activity"]);
    json.set("pattern", pattern);
    json.set("pattern_type", pattern_type);
    let (from, until) = validity(context, by.created);
    json.set("valid_from", time(from));
    json.maybe("valid_until", until.map(time));
}

/// STIX asks for a beginning, and that it comes before the end. Of two that do not, the end counts.
fn validity(context: &Context, created: Timestamp) -> (Timestamp, Option<Timestamp>) {
    let second = SignedDuration::from_secs(1);
    let from = context.valid_from.unwrap_or(created).max(EARLIEST);
    let Some(until) = context.valid_until else {
        return (from, None);
    };
    let until = until.max(EARLIEST + second);
    if from.as_microsecond() < until.as_microsecond() {
        (from, Some(until))
    } else {
        (until - second, Some(until))
    }
}

/// What all objects say of themselves at their end.
fn about(mut json: Json, context: &Context, mut references: Vec<Value>) -> Vec<u8> {
    json.maybe("confidence", context.confidence.map(|number| number.min(100)));
    let tags = context.tags.iter().filter_map(|tag| clip(tag, NAME));
    let tags = tags.filter(|tag| Marking::of_label(tag) == Marking::default());
    let mut labels: Vec<Cow<'_, str>> = tags.take(LABELS).map(Cow::Owned).collect();
    labels.extend(context.pap.map(|pap| Cow::Borrowed(pap_label(pap))));
    json.list("labels", &labels);
    let author = context.author.as_deref().and_then(|name| clip(name, NAME));
    if let Some(url) = context.reference.as_deref().filter(|url| is_web_address(url)) {
        let source = author.as_deref().unwrap_or("reference");
        references.push(json!({"source_name": source, "url": url}));
    } else if let Some(author) = author {
        references.push(json!({"source_name": author, "description": "Author"}));
    }
    json.list("external_references", &references);
    json.list(
        "object_marking_refs",
        &marking_refs(context.tlp).collect::<Vec<_>>(),
    );
    json.end()
}

/// PAP has no marking definitions of its own; a label is what other products read.
fn pap_label(pap: Pap) -> &'static str {
    match pap {
        Pap::Clear => "PAP:CLEAR",
        Pap::Green => "PAP:GREEN",
        Pap::Amber => "PAP:AMBER",
        Pap::Red => "PAP:RED",
    }
}

/// True for text that is an address on the web and nothing more.
fn is_web_address(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}[]".contains(&byte);
    host.is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric()) && host.bytes().all(plain))
}
