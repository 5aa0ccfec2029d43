//! The few properties of STIX objects that are read, for 2.0 and 2.1 alike. All are optional, and of any shape; the
//! objects themselves stay JSON.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::lenient::{entries, flag, list, object, text};

/// What every object is told by.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Head {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Indicator {
    #[serde(deserialize_with = "text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) created: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) modified: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) created_by_ref: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) description: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) pattern: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) pattern_type: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) valid_from: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) valid_until: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) confidence: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) revoked: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(crate) labels: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) indicator_types: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) kill_chain_phases: Vec<Phase>,
    #[serde(deserialize_with = "list")]
    pub(crate) external_references: Vec<Reference>,
    #[serde(deserialize_with = "list")]
    pub(crate) object_marking_refs: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) granular_markings: Vec<Granular>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Phase {
    #[serde(deserialize_with = "text")]
    pub(crate) kill_chain_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) phase_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reference {
    #[serde(deserialize_with = "text")]
    pub(crate) source_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) external_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Granular {
    #[serde(deserialize_with = "text")]
    pub(crate) marking_ref: Option<String>,
}

/// What an indicator may point at: malware, actors, campaigns, techniques; and who made it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Named {
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) external_references: Vec<Reference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Relationship {
    #[serde(deserialize_with = "text")]
    pub(crate) relationship_type: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) source_ref: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) target_ref: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) revoked: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MarkingDefinition {
    #[serde(deserialize_with = "text")]
    pub(crate) id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) definition_type: Option<String>,
    #[serde(deserialize_with = "object")]
    pub(crate) definition: Option<Definition>,
    /// Each as often as it stands there.
    #[serde(deserialize_with = "entries")]
    pub(crate) extensions: Vec<(String, Box<RawValue>)>,
    /// OpenCTI's own property, where it sends markings as statements.
    #[serde(deserialize_with = "text")]
    pub(crate) x_opencti_definition: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Definition {
    #[serde(deserialize_with = "text")]
    pub(crate) tlp: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) pap: Option<String>,
}

/// The property of the OASIS TLP 2.0 extension.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TlpExtension {
    #[serde(deserialize_with = "text")]
    pub(crate) tlp_2_0: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ObservedData {
    #[serde(deserialize_with = "text")]
    pub(crate) created_by_ref: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(crate) revoked: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(crate) object_marking_refs: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) granular_markings: Vec<Granular>,
    #[serde(deserialize_with = "list")]
    pub(crate) object_refs: Vec<String>,
    /// STIX 2.0: the objects themselves.
    #[serde(deserialize_with = "object")]
    pub(crate) objects: Option<HashMap<String, Box<RawValue>>>,
}

/// A cyber-observable object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Observable {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) value: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) key: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) number: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) address: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) serial_number: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) command_line: Option<String>,
    #[serde(deserialize_with = "object")]
    pub(crate) hashes: Option<HashMap<String, String>>,
    #[serde(deserialize_with = "list")]
    pub(crate) object_marking_refs: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) granular_markings: Vec<Granular>,
}
