//! What STIX asks of its types (STIX 2.1, sections 4 to 7; STIX 2.0, parts 2 and 4), as a table.

use super::SpecVersion;
use super::sound::Shape;

/// The properties that an object of a type must have.
#[derive(Debug)]
pub(super) struct Needs {
    /// Each of these.
    pub(super) all: &'static [&'static str],
    /// And one of these, if there are any.
    pub(super) one_of: &'static [&'static str],
}

impl Needs {
    /// The bit of a property: those of `all`, then those of `one_of`.
    pub(super) fn bit(&self, property: &str) -> Option<u32> {
        let mut names = self.all.iter().chain(self.one_of);
        names.position(|name| *name == property).map(|at| 1 << at)
    }
}

macro_rules! needs {
    ($kind:expr, $($($name:literal)|+ => [$($all:literal),*] $(or [$($one:literal),+])?),+ $(,)?) => {
        match $kind {
            $($($name)|+ => Some(const { &Needs { all: &[$($all),*], one_of: &[$($($one),+)?] } }),)+
            _ => None,
        }
    };
}

/// What a type must have; `None` for a custom one.
pub(super) fn of(kind: &str, spec: SpecVersion) -> Option<&'static Needs> {
    match spec {
        SpecVersion::V20 => of_20(kind),
        SpecVersion::V21 => of_21(kind).or_else(|| of_observable(kind)),
    }
}

/// STIX 2.0 has observables inside `observed-data` only.
fn of_20(kind: &str) -> Option<&'static Needs> {
    needs!(kind,
        "attack-pattern" | "campaign" | "course-of-action" | "intrusion-set" | "vulnerability"
            => ["created", "modified", "name"],
        "identity" => ["created", "modified", "name", "identity_class"],
        "indicator" => ["created", "modified", "labels", "pattern", "valid_from"],
        "malware" | "threat-actor" | "tool" => ["created", "modified", "labels", "name"],
        "observed-data" =>
            ["created", "modified", "first_observed", "last_observed", "number_observed", "objects"],
        "report" => ["created", "modified", "labels", "name", "published", "object_refs"],
        "relationship" => ["created", "modified", "relationship_type", "source_ref", "target_ref"],
        "sighting" => ["created", "modified", "sighting_of_ref"],
        "marking-definition" => ["created", "definition_type", "definition"],
    )
}

fn of_21(kind: &str) -> Option<&'static Needs> {
    needs!(kind,
        "attack-pattern" | "campaign" | "course-of-action" | "identity" | "incident" | "infrastructure"
            | "intrusion-set" | "threat-actor" | "tool" | "vulnerability"
            => ["created", "modified", "name"],
        "grouping" => ["created", "modified", "context", "object_refs"],
        "indicator" => ["created", "modified", "pattern", "pattern_type", "valid_from"],
        "location" => ["created", "modified"] or ["region", "country", "latitude"],
        "malware" => ["created", "modified", "is_family"],
        "malware-analysis" => ["created", "modified", "product"] or ["result", "analysis_sco_refs"],
        "note" => ["created", "modified", "content", "object_refs"],
        "observed-data" => ["created", "modified", "first_observed", "last_observed", "number_observed"]
            or ["object_refs", "objects"],
        "opinion" => ["created", "modified", "opinion", "object_refs"],
        "report" => ["created", "modified", "name", "published", "object_refs"],
        "relationship" => ["created", "modified", "relationship_type", "source_ref", "target_ref"],
        "sighting" => ["created", "modified", "sighting_of_ref"],
        "marking-definition" => ["created"] or ["definition", "extensions"],
        "language-content" => ["created", "modified", "object_ref", "contents"],
        "extension-definition" =>
            ["created", "modified", "created_by_ref", "name", "schema", "version", "extension_types"],
    )
}

/// Of an observable of which STIX asks nothing by name, something must be there all the same.
fn of_observable(kind: &str) -> Option<&'static Needs> {
    needs!(kind,
        "artifact" => [] or ["payload_bin", "url"],
        "autonomous-system" => ["number"],
        "directory" => ["path"],
        "domain-name" | "email-addr" | "ipv4-addr" | "ipv6-addr" | "mac-addr" | "url" => ["value"],
        "email-message" => ["is_multipart"],
        "file" => [] or ["hashes", "name"],
        "mutex" | "software" => ["name"],
        "network-traffic" => ["protocols"] or ["src_ref", "dst_ref"],
        "process" | "user-account" | "windows-registry-key" | "x509-certificate" => [],
    )
}

/// The shape of a property, and its name; `None` for one that is custom, or of which nothing is asked. Where a type does not
/// need it, a common word may be custom.
pub(super) fn shape(property: &str, is_needed: bool) -> Option<(&'static str, Shape)> {
    if !is_needed && COMMON_WORDS.contains(&property) {
        return None;
    }
    let of = |names: &[&'static str]| names.iter().copied().find(|name| *name == property);
    SHAPES
        .iter()
        .find_map(|(shape, names)| Some((of(names)?, *shape)))
}

const COMMON_WORDS: &[&str] = &[
    "content",
    "contents",
    "context",
    "definition",
    "hashes",
    "key",
    "number",
    "objects",
    "opinion",
    "path",
    "product",
    "schema",
    "value",
    "version",
];

const SHAPES: &[(Shape, &[&str])] = &[
    (
        Shape::Text,
        &[
            "name",
            "description",
            "pattern",
            "pattern_type",
            "value",
            "relationship_type",
            "identity_class",
            "definition_type",
            "content",
            "context",
            "opinion",
            "product",
            "path",
            "key",
            "region",
            "country",
            "lang",
            "schema",
            "version",
        ],
    ),
    (Shape::Bool, &["revoked", "is_family", "is_multipart", "defanged"]),
    (Shape::Whole, &["number", "number_observed", "count"]),
    (Shape::Percent, &["confidence"]),
    (
        Shape::Time,
        &[
            "created",
            "modified",
            "valid_from",
            "valid_until",
            "published",
            "first_observed",
            "last_observed",
            "first_seen",
            "last_seen",
        ],
    ),
    (
        Shape::Id,
        &[
            "source_ref",
            "target_ref",
            "sighting_of_ref",
            "object_ref",
            "sample_ref",
            "host_vm_ref",
            "operating_system_ref",
            "content_ref",
            "parent_directory_ref",
            "from_ref",
            "sender_ref",
            "raw_email_ref",
            "src_ref",
            "dst_ref",
            "src_payload_ref",
            "dst_payload_ref",
            "encapsulated_by_ref",
            "creator_user_ref",
            "image_ref",
            "parent_ref",
            "belongs_to_ref",
        ],
    ),
    (
        Shape::Ids,
        &[
            "object_refs",
            "where_sighted_refs",
            "observed_data_refs",
            "sample_refs",
            "operating_system_refs",
            "installed_software_refs",
            "analysis_sco_refs",
            "contains_refs",
            "resolves_to_refs",
            "belongs_to_refs",
            "to_refs",
            "cc_refs",
            "bcc_refs",
            "encapsulates_refs",
            "opened_connection_refs",
            "child_refs",
        ],
    ),
    (
        Shape::Texts,
        &[
            "labels",
            "aliases",
            "indicator_types",
            "malware_types",
            "protocols",
            "extension_types",
        ],
    ),
    (
        Shape::Objects,
        &["external_references", "granular_markings", "kill_chain_phases"],
    ),
    (
        Shape::Object,
        &["definition", "extensions", "hashes", "objects", "contents"],
    ),
    (Shape::Spec, &["spec_version"]),
];
