//! The few fields of MISP's objects that are read. All are optional, and of any shape.

use serde::Deserialize;

use crate::json::lenient::{flag, list, object, text};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tag {
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Galaxy {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: Option<String>,
    #[serde(rename = "GalaxyCluster", deserialize_with = "list")]
    pub(super) clusters: Vec<Cluster>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cluster {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) value: Option<String>,
    #[serde(deserialize_with = "object")]
    pub(super) meta: Option<Meta>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    #[serde(deserialize_with = "list")]
    pub(super) external_id: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Organisation {
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
}

/// The event as it stands inside an attribute of a search's answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventOf {
    #[serde(deserialize_with = "text")]
    pub(super) info: Option<String>,
    #[serde(rename = "Orgc", deserialize_with = "object")]
    pub(super) orgc: Option<Organisation>,
    #[serde(deserialize_with = "text")]
    pub(super) threat_level_id: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attribute {
    #[serde(rename = "type", deserialize_with = "text")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) value: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) category: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) uuid: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) comment: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) first_seen: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) to_ids: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub(super) deleted: Option<bool>,
    #[serde(rename = "Tag", deserialize_with = "list")]
    pub(super) tags: Vec<Tag>,
    #[serde(rename = "Galaxy", deserialize_with = "list")]
    pub(super) galaxies: Vec<Galaxy>,
    #[serde(rename = "Event", deserialize_with = "object")]
    pub(super) event: Option<EventOf>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Object {
    #[serde(deserialize_with = "text")]
    pub(super) comment: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) first_seen: Option<String>,
    #[serde(deserialize_with = "flag")]
    pub(super) deleted: Option<bool>,
    #[serde(rename = "Attribute", deserialize_with = "list")]
    pub(super) attributes: Vec<Attribute>,
}
