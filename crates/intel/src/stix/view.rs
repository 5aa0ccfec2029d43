//! The few properties of STIX objects that are read, for 2.0 and 2.1 alike. All are optional, and of any shape; the
//! objects themselves stay JSON.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::lenient::{flag, list, object, text};

/// What every object is told by.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Head {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Indicator {
    #[serde(deserialize_with = "text")]
    pub(super) id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) created: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) modified: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) created_by_ref: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) description: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) pattern: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) pattern_type: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) valid_from: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) valid_until: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) confidence: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) revoked: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(super) labels: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(super) indicator_types: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(super) kill_chain_phases: Vec<Phase>,
    #[serde(deserialize_with = "list")]
    pub(super) external_references: Vec<Reference>,
    #[serde(deserialize_with = "list")]
    pub(super) object_marking_refs: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(super) granular_markings: Vec<Granular>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Phase {
    #[serde(deserialize_with = "text")]
    pub(super) kill_chain_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) phase_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reference {
    #[serde(deserialize_with = "text")]
    pub(super) source_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) external_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Granular {
    #[serde(deserialize_with = "text")]
    pub(super) marking_ref: Option<String>,
}

/// What an indicator may point at: malware, actors, campaigns, techniques; and who made it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "list")]
    pub(super) external_references: Vec<Reference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Relationship {
    #[serde(deserialize_with = "text")]
    pub(super) relationship_type: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) source_ref: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) target_ref: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) revoked: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MarkingDefinition {
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) definition_type: Option<String>,
    #[serde(deserialize_with = "object")]
    pub(super) definition: Option<Definition>,
    #[serde(deserialize_with = "object")]
    pub(super) extensions: Option<HashMap<String, Box<RawValue>>>,
    /// OpenCTI's own property, where it sends markings as statements.
    #[serde(deserialize_with = "text")]
    pub(super) x_opencti_definition: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Definition {
    #[serde(deserialize_with = "text")]
    pub(super) tlp: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) pap: Option<String>,
}

/// The property of the OASIS TLP 2.0 extension.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TlpExtension {
    #[serde(deserialize_with = "text")]
    pub(super) tlp_2_0: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ObservedData {
    #[serde(deserialize_with = "text")]
    pub(super) created_by_ref: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) revoked: Option<bool>,
    #[serde(deserialize_with = "list")]
    pub(super) object_marking_refs: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(super) granular_markings: Vec<Granular>,
    #[serde(deserialize_with = "list")]
    pub(super) object_refs: Vec<String>,
    /// STIX 2.0: the objects themselves.
    #[serde(deserialize_with = "object")]
    pub(super) objects: Option<HashMap<String, Box<RawValue>>>,
}

/// A cyber-observable object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Observable {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) value: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) key: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) number: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) address: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) serial_number: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) command_line: Option<String>,
    #[serde(deserialize_with = "object")]
    pub(super) hashes: Option<HashMap<String, String>>,
    #[serde(deserialize_with = "list")]
    pub(super) object_marking_refs: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(super) granular_markings: Vec<Granular>,
}
