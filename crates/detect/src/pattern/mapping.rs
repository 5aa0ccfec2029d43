//! Object paths as numbered slots, and the slots that an event's fields fill.
//!
//! Paths that mean the same share a slot, so the fields of an event are looked up once for all patterns.

use std::collections::HashMap;

use perisai_model::Event;
use perisai_pattern::{ObjectPath, Step};
use rapidhash::fast::RandomState;

use super::derive::{Fold, Take};
use super::table::{ALIASES, TABLE};

/// Beginnings of field names that only say how a record was wrapped.
const ENVELOPES: &[&str] = &[
    "_source.",
    "winlog.event_data.",
    "winlog.user_data.",
    "data.win.eventdata.",
    "event_data.",
    "eventdata.",
    "suricata.eve.",
    "data.",
    "fields.",
];

/// The fields in which the host and the path of a request stand apart.
const REQUEST_HOSTS: &[&str] = &[
    "http.hostname",
    "host",
    "cs-host",
    "cs(Host)",
    "url.domain",
    "vhost",
    "http_host",
];
const REQUEST_PATHS: &[&str] = &[
    "http.url",
    "uri",
    "c-uri",
    "cs-uri",
    "request_uri",
    "url.original",
];
const STEMS: &[&str] = &["cs-uri-stem", "url.path"];
const QUERIES: &[&str] = &["c-uri-query", "cs-uri-query", "url.query"];
const PORTS: &[&str] = &["dst_port", "dest_port", "s-port", "id.resp_p", "destination.port"];

const HEADERS: &str = "network-traffic:extensions.http-request-ext.request_header.";

/// The slots of all patterns.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    folds: Vec<Fold>,
    /// By field name in lower case.
    fields: HashMap<Box<str>, Vec<Use>, RandomState>,
    /// The slot of whole URLs, which some logs hold in parts.
    pub(super) url: Option<u32>,
}

/// A field fills a slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) slot: u32,
    pub(super) take: Take,
}

impl Mapping {
    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.folds.len()
    }

    /// When two values of a slot are the same.
    pub(super) fn fold(&self, slot: u32) -> Fold {
        self.folds[slot as usize]
    }

    /// The slots that a field fills. `name` is in lower case.
    pub(super) fn uses(&self, mut name: &str) -> &[Use] {
        loop {
            if let Some(uses) = self.fields.get(name) {
                return uses;
            }
            match unwrapped(name) {
                Some(inner) => name = inner,
                None => return &[],
            }
        }
    }
}

/// A name without one envelope. The parameters of a syslog line have the id of their element before them:
/// `auth@32473.user`.
fn unwrapped(name: &str) -> Option<&str> {
    let inner = ENVELOPES.iter().find_map(|envelope| name.strip_prefix(envelope));
    inner.or_else(|| name.split_once('@')?.1.split_once('.').map(|(_, inner)| inner))
}

/// Numbers slots while patterns are compiled.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) mapping: Mapping,
    /// By path in its normal form, and whether numbers are asked for.
    ids: HashMap<(String, bool), Option<u32>>,
}

impl Builder {
    /// The slot of a path; `None` where no log has it. Where the path is of no known type, `numeric` says what the
    /// pattern compares it with.
    pub(super) fn slot(&mut self, path: &ObjectPath, numeric: bool) -> Option<u32> {
        let nothing = |step: &Step| matches!(step, Step::Index(index) if *index < 0);
        if path.steps.iter().any(nothing) {
            return None;
        }
        self.slot_of(normal(path), numeric)
    }

    /// The slots of all known paths of an object type.
    pub(super) fn slots_of_type(&mut self, object_type: &str) -> Vec<u32> {
        let of_type = |path: &&&str| path.split_once(':').is_some_and(|(name, _)| name == object_type);
        let paths = TABLE.iter().flat_map(|row| row.paths).filter(of_type);
        let mut slots: Vec<u32> = paths
            .filter_map(|path| self.slot_of((*path).to_owned(), false))
            .collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    fn slot_of(&mut self, path: String, numeric: bool) -> Option<u32> {
        let rows: Vec<_> = TABLE
            .iter()
            .filter(|row| row.paths.contains(&path.as_str()))
            .collect();
        let id = (path, numeric && rows.is_empty());
        if let Some(&known) = self.ids.get(&id) {
            return known;
        }
        let slot = match rows.first() {
            Some(first) => {
                let slot = self.add(first.take.fold());
                for row in &rows {
                    let names = row.fields.iter().copied().flatten();
                    names.for_each(|name| self.fill(name, Use { slot, take: row.take }));
                }
                if rows.iter().any(|row| row.take == Take::Url) {
                    self.mapping.url = Some(slot);
                }
                Some(slot)
            }
            None => {
                let names = own_names(&id.0);
                let take = if id.1 { Take::Number } else { Take::Any };
                (!names.is_empty()).then(|| {
                    let slot = self.add(take.fold());
                    names.iter().for_each(|name| self.fill(name, Use { slot, take }));
                    slot
                })
            }
        };
        self.ids.insert(id, slot);
        slot
    }

    fn add(&mut self, fold: Fold) -> u32 {
        self.mapping.folds.push(fold);
        u32::try_from(self.mapping.folds.len() - 1).expect("patterns have under 2^32 paths")
    }

    fn fill(&mut self, name: &str, by: Use) {
        let uses = self
            .mapping
            .fields
            .entry(name.to_ascii_lowercase().into())
            .or_default();
        if !uses
            .iter()
            .any(|other| other.slot == by.slot && other.take == by.take)
        {
            uses.push(by);
        }
    }
}

/// A path as the table writes it: lower case, no list steps, hashes without hyphens, aliases resolved.
fn normal(path: &ObjectPath) -> String {
    let mut text = format!("{}:", path.object_type.to_ascii_lowercase());
    let mut before = None;
    for step in &path.steps {
        let Step::Key(key) = step else { continue };
        let mut key = key.to_ascii_lowercase();
        if before.as_deref() == Some("hashes") {
            key.retain(|letter| letter.is_ascii_alphanumeric());
        }
        if before.is_some() {
            text.push('.');
        }
        text.push_str(&key);
        before = Some(key);
    }
    // One alias may lead to another, but no further than there are aliases.
    for _ in ALIASES {
        let alias = ALIASES
            .iter()
            .find_map(|(from, to)| Some((to, text.strip_prefix(from)?)));
        match alias {
            Some((to, rest)) => text = format!("{to}{rest}"),
            None => break,
        }
    }
    text
}

/// The fields that a path outside the table stands for: those of the same name, where it is a property that someone
/// made up, and a request's headers.
fn own_names(path: &str) -> Vec<String> {
    if let Some(header) = path.strip_prefix(HEADERS) {
        return vec![
            format!("http.request.headers.{header}"),
            format!("http.request_headers.{header}"),
        ];
    }
    let Some((object_type, steps)) = path.split_once(':') else {
        return Vec::new();
    };
    let dotted = format!("{object_type}.{steps}");
    if object_type.starts_with("x-") || object_type.starts_with("x_") {
        return vec![steps.to_owned(), dotted];
    }
    let mut rest = steps;
    loop {
        if rest.starts_with("x_") {
            return vec![rest.to_owned(), dotted];
        }
        let Some((first, behind)) = rest.split_once('.') else {
            return Vec::new();
        };
        if first.starts_with("x-") {
            return vec![behind.to_owned(), dotted];
        }
        rest = behind;
    }
}

/// The URL of a request whose log has host and path in fields of their own.
pub(super) fn composed_url(event: &Event) -> Option<String> {
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| event.get_str(name))
            .filter(|text| !text.is_empty())
    };
    let host = first(REQUEST_HOSTS)?;
    let path = match first(REQUEST_PATHS) {
        Some(whole) if whole.contains("://") => return None,
        Some(path) => path.to_owned(),
        None => match (first(STEMS)?, first(QUERIES).filter(|query| *query != "-")) {
            (stem, Some(query)) => format!("{stem}?{}", query.trim_start_matches('?')),
            (stem, None) => stem.to_owned(),
        },
    };
    if !path.starts_with('/') {
        return None;
    }
    let port = PORTS
        .iter()
        .find_map(|name| event.get(name))
        .and_then(|port| port.text());
    let scheme = if port.as_deref() == Some("443") {
        "https"
    } else {
        "http"
    };
    Some(format!("{scheme}://{host}{path}"))
}

#[cfg(test)]
mod tests {
    use perisai_pattern::parse;

    use super::*;

    fn first_path(path: &str) -> ObjectPath {
        parse(&format!("[{path} = 'x']")).unwrap().paths()[0].clone()
    }

    #[test]
    fn paths_have_one_normal_form() {
        let check = |path: &str, expected: &str| assert_eq!(normal(&first_path(path)), expected);
        check("file:hashes.'SHA-256'", "file:hashes.sha256");
        check("file:hashes.sha_256", "file:hashes.sha256");
        check("process:binary_ref.hashes.MD5", "process:image_ref.hashes.md5");
        check(
            "process:opened_connection_refs[*].dst_ref.value",
            "network-traffic:dst_ref.value",
        );
        check("email-message:to_refs[0].value", "email-message:to_refs.value");
        check(
            "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
            "network-traffic:extensions.http-request-ext.request_header.user-agent",
        );
    }

    #[test]
    fn made_up_properties_are_fields_of_their_name() {
        let check =
            |path: &str, expected: &[&str]| assert_eq!(own_names(&normal(&first_path(path))), expected);
        check("process:x_score", &["x_score", "process.x_score"]);
        check(
            "file:extensions.'x-acme-ext'.score",
            &["score", "file.extensions.x-acme-ext.score"],
        );
        check("x-acme:rule.id", &["rule.id", "x-acme.rule.id"]);
        check("file:ctime", &[]);
    }

    #[test]
    fn the_table_is_sound() {
        for row in TABLE {
            for path in row.paths {
                let (object_type, steps) = path.split_once(':').unwrap();
                assert_eq!(path.to_ascii_lowercase(), **path);
                assert!(!object_type.is_empty() && !steps.is_empty(), "{path}");
                assert!(
                    ALIASES.iter().all(|(from, _)| !path.starts_with(from)),
                    "{path} is never reached"
                );
            }
            for names in row.fields {
                for (at, name) in names.iter().enumerate() {
                    assert!(
                        !names[..at].iter().any(|other| other == name),
                        "{name} stands twice"
                    );
                }
            }
        }
        for (_, to) in ALIASES {
            let reached = TABLE
                .iter()
                .flat_map(|row| row.paths)
                .any(|path| path.starts_with(to));
            assert!(reached, "{to} leads nowhere");
        }
    }

    #[test]
    fn the_documents_name_every_path_and_field() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/stix-patterns.md");
        let text = std::fs::read_to_string(file).unwrap();
        let fields = TABLE.iter().flat_map(|row| row.fields).copied().flatten();
        for name in TABLE.iter().flat_map(|row| row.paths).chain(fields) {
            assert!(
                text.contains(&format!("`{name}`")),
                "docs/stix-patterns.md does not name {name}"
            );
        }
    }
}
