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

/// The shape of a property, and its name; `None` for one that is custom, of which nothing is asked, or which was looked at
/// when the object was read. Where a type does not need it, a common word may be custom.
pub(super) fn shape(property: &str, is_needed: bool) -> Option<(&'static str, Shape)> {
    let at = SHAPES.binary_search_by_key(&property, |(name, _)| name).ok()?;
    (is_needed || COMMON_WORDS.binary_search(&property).is_err()).then_some(SHAPES[at])
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

/// By name, so that it is found fast: each property of each object that comes is looked up.
const SHAPES: &[(&str, Shape)] = &[
    ("aliases", Shape::Texts),
    ("analysis_sco_refs", Shape::Ids),
    ("bcc_refs", Shape::Ids),
    ("belongs_to_ref", Shape::Id),
    ("belongs_to_refs", Shape::Ids),
    ("cc_refs", Shape::Ids),
    ("child_refs", Shape::Ids),
    ("confidence", Shape::Percent),
    ("contains_refs", Shape::Ids),
    ("content", Shape::Text),
    ("content_ref", Shape::Id),
    ("contents", Shape::Object),
    ("context", Shape::Text),
    ("count", Shape::Whole),
    ("country", Shape::Text),
    ("creator_user_ref", Shape::Id),
    ("defanged", Shape::Bool),
    ("definition", Shape::Object),
    ("definition_type", Shape::Text),
    ("description", Shape::Text),
    ("dst_payload_ref", Shape::Id),
    ("dst_ref", Shape::Id),
    ("encapsulated_by_ref", Shape::Id),
    ("encapsulates_refs", Shape::Ids),
    ("extension_types", Shape::Texts),
    ("extensions", Shape::Object),
    ("external_references", Shape::Objects),
    ("first_observed", Shape::Time),
    ("first_seen", Shape::Time),
    ("from_ref", Shape::Id),
    ("granular_markings", Shape::Objects),
    ("hashes", Shape::Object),
    ("host_vm_ref", Shape::Id),
    ("identity_class", Shape::Text),
    ("image_ref", Shape::Id),
    ("indicator_types", Shape::Texts),
    ("installed_software_refs", Shape::Ids),
    ("is_family", Shape::Bool),
    ("is_multipart", Shape::Bool),
    ("key", Shape::Text),
    ("kill_chain_phases", Shape::Objects),
    ("labels", Shape::Texts),
    ("lang", Shape::Text),
    ("last_observed", Shape::Time),
    ("last_seen", Shape::Time),
    ("malware_types", Shape::Texts),
    ("name", Shape::Text),
    ("number", Shape::Whole),
    ("number_observed", Shape::Whole),
    ("object_ref", Shape::Id),
    ("object_refs", Shape::Ids),
    ("objects", Shape::Object),
    ("observed_data_refs", Shape::Ids),
    ("opened_connection_refs", Shape::Ids),
    ("operating_system_ref", Shape::Id),
    ("operating_system_refs", Shape::Ids),
    ("opinion", Shape::Text),
    ("parent_directory_ref", Shape::Id),
    ("parent_ref", Shape::Id),
    ("path", Shape::Text),
    ("pattern", Shape::Text),
    ("pattern_type", Shape::Text),
    ("product", Shape::Text),
    ("protocols", Shape::Texts),
    ("published", Shape::Time),
    ("raw_email_ref", Shape::Id),
    ("region", Shape::Text),
    ("relationship_type", Shape::Text),
    ("resolves_to_refs", Shape::Ids),
    ("revoked", Shape::Bool),
    ("sample_ref", Shape::Id),
    ("sample_refs", Shape::Ids),
    ("schema", Shape::Text),
    ("sender_ref", Shape::Id),
    ("sighting_of_ref", Shape::Id),
    ("source_ref", Shape::Id),
    ("spec_version", Shape::Spec),
    ("src_payload_ref", Shape::Id),
    ("src_ref", Shape::Id),
    ("target_ref", Shape::Id),
    ("to_refs", Shape::Ids),
    ("value", Shape::Text),
    ("version", Shape::Text),
    ("where_sighted_refs", Shape::Ids),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(SHAPES.is_sorted_by(|one, other| one.0 < other.0));
        assert!(COMMON_WORDS.is_sorted());
    }
}
