//! STIX `observed-data` as observations: version 2.0, with the objects inside, and 2.1, with references to them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::Value;

use crate::ast::{ObjectPath, Step};
use crate::binary::{from_base64, from_hex};
use crate::observation::{DataError, Observation, Operand, RootId};
use crate::time::{Interval, Micros};

/// The object types of STIX 2.1 that are not cyber-observable: no path can start at them.
const DOMAIN_TYPES: &[&str] = &[
    "attack-pattern",
    "bundle",
    "campaign",
    "course-of-action",
    "extension-definition",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "language-content",
    "location",
    "malware",
    "malware-analysis",
    "marking-definition",
    "note",
    "observed-data",
    "opinion",
    "relationship",
    "report",
    "threat-actor",
    "tool",
    "sighting",
    "vulnerability",
];

/// Why an `observed-data` object cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadObservation {
    /// `first_observed` or `last_observed` is missing or no timestamp.
    #[error("`first_observed` or `last_observed` is missing or no timestamp")]
    Time,
    /// `number_observed` is missing or not at least 1.
    #[error("`number_observed` is missing or below 1")]
    Number,
    /// Neither `objects` (2.0) nor `object_refs` (2.1) is there.
    #[error("the observation has no objects")]
    Objects,
}

/// One `observed-data` object with the cyber-observable objects that it holds or names.
#[derive(Debug, Clone)]
pub struct ObservedData<'a> {
    interval: Interval,
    number_observed: u64,
    /// Where paths can start.
    roots: Vec<&'a Value>,
    /// What references can name. In 2.1 an object that is named twice stands here twice.
    by_id: HashMap<&'a str, Vec<&'a Value>>,
}

impl<'a> ObservedData<'a> {
    /// An object of STIX 2.0, with its objects in `objects`.
    ///
    /// # Errors
    /// Where a property that matching needs is missing or wrong.
    pub fn v20(observed: &'a Value) -> Result<Self, BadObservation> {
        let mut one = Self::without_objects(observed)?;
        match observed.get("objects") {
            None => {}
            Some(Value::Object(objects)) => objects.iter().for_each(|(id, object)| one.add(id, object)),
            Some(_) => return Err(BadObservation::Objects),
        }
        Ok(one)
    }

    /// Every `observed-data` object of STIX 2.1 among the objects of one or several bundles, with what its
    /// `object_refs` name among them.
    pub fn v21(objects: impl IntoIterator<Item = &'a Value>) -> Vec<Result<Self, BadObservation>> {
        let mut by_id = HashMap::new();
        let mut observed = Vec::new();
        for object in objects {
            if object.get("type").and_then(Value::as_str) == Some("observed-data") {
                observed.push(object);
            } else if let Some(id) = object.get("id").and_then(Value::as_str) {
                by_id.insert(id, object);
            }
        }
        observed
            .into_iter()
            .map(|one| Self::resolve(one, &by_id))
            .collect()
    }

    fn resolve(observed: &'a Value, by_id: &HashMap<&'a str, &'a Value>) -> Result<Self, BadObservation> {
        let mut one = Self::without_objects(observed)?;
        let references = observed
            .get("object_refs")
            .and_then(Value::as_array)
            .ok_or(BadObservation::Objects)?;
        if let Some(id) = observed.get("id").and_then(Value::as_str) {
            one.add(id, observed);
        }
        for (&id, &object) in references
            .iter()
            .filter_map(|id| by_id.get_key_value(id.as_str()?))
        {
            one.add(id, object);
        }
        one.roots
            .retain(|object| type_of(object).is_some_and(|name| !DOMAIN_TYPES.contains(&name)));
        Ok(one)
    }

    fn without_objects(observed: &Value) -> Result<Self, BadObservation> {
        let time = |name| observed.get(name).and_then(Value::as_str).and_then(Micros::parse);
        let interval = time("first_observed")
            .zip(time("last_observed"))
            .ok_or(BadObservation::Time)?;
        let number = observed.get("number_observed").and_then(Value::as_u64);
        let number_observed = number
            .filter(|&number| number >= 1)
            .ok_or(BadObservation::Number)?;
        Ok(Self {
            interval,
            number_observed,
            roots: Vec::new(),
            by_id: HashMap::new(),
        })
    }

    fn add(&mut self, id: &'a str, object: &'a Value) {
        let same = self.by_id.entry(id).or_default();
        if same.is_empty() {
            self.roots.push(object);
        }
        same.push(object);
    }

    fn of_type(&self, object_type: &str) -> impl Iterator<Item = (RootId, &'a Value)> {
        let objects = self
            .roots
            .iter()
            .enumerate()
            .map(|(at, &object)| (at as RootId, object));
        objects.filter(move |(_, object)| type_of(object) == Some(object_type))
    }

    fn named(&self, id: &str) -> impl Iterator<Item = &'a Value> {
        self.by_id.get(id).into_iter().flatten().copied()
    }
}

fn type_of(object: &Value) -> Option<&str> {
    object.get("type").and_then(Value::as_str)
}

/// What a path has selected so far.
enum Selected<'a> {
    Json(&'a Value),
    Bytes(Vec<u8>),
    /// What a list of references names.
    Named(Vec<&'a Value>),
    Invalid(DataError),
}

impl<'a> ObservedData<'a> {
    fn step(&self, from: Selected<'a>, step: &Step, into: &mut Vec<Selected<'a>>) {
        match (from, step) {
            (Selected::Invalid(error), _) => into.push(Selected::Invalid(error)),
            (Selected::Json(Value::Object(object)), Step::Key(name)) => {
                if let Some(value) = object.get(name) {
                    self.property(name, value, into);
                }
            }
            (Selected::Json(Value::Array(list)), Step::Index(index)) => {
                let element = usize::try_from(*index).ok().and_then(|index| list.get(index));
                into.extend(element.map(Selected::Json));
            }
            (Selected::Named(list), Step::Index(index)) => {
                let element = usize::try_from(*index).ok().and_then(|index| list.get(index));
                into.extend(element.map(|value| Selected::Json(value)));
            }
            (Selected::Json(Value::Array(list)), Step::Every) => into.extend(list.iter().map(Selected::Json)),
            (Selected::Named(list), Step::Every) => into.extend(list.into_iter().map(Selected::Json)),
            _ => {}
        }
    }

    /// A property's value; what its name says of it decides how it is read.
    fn property(&self, name: &str, value: &'a Value, into: &mut Vec<Selected<'a>>) {
        let decoded = |decode: fn(&str) -> Option<Vec<u8>>| {
            let bytes = value.as_str().and_then(decode);
            bytes.map_or(Selected::Invalid(DataError::Binary), Selected::Bytes)
        };
        if name.ends_with("_hex") {
            into.push(decoded(from_hex));
        } else if name.ends_with("_bin") {
            into.push(decoded(from_base64));
        } else if name.ends_with("_ref") {
            match value.as_str() {
                Some(id) => into.extend(self.named(id).map(Selected::Json)),
                None => into.push(Selected::Invalid(DataError::Reference)),
            }
        } else if name.ends_with("_refs") {
            let ids: Option<Vec<&str>> = value
                .as_array()
                .and_then(|list| list.iter().map(Value::as_str).collect());
            match ids.map(|ids| ids.iter().flat_map(|id| self.named(id)).collect::<Vec<_>>()) {
                None => into.push(Selected::Invalid(DataError::Reference)),
                Some(named) if named.is_empty() => {}
                Some(named) => into.push(Selected::Named(named)),
            }
        } else {
            into.push(Selected::Json(value));
        }
    }
}

impl Observation for ObservedData<'_> {
    fn values(&self, path: &ObjectPath, each: &mut dyn FnMut(RootId, Operand<'_>) -> ControlFlow<()>) {
        for (root, object) in self.of_type(&path.object_type) {
            let mut selected = vec![Selected::Json(object)];
            for step in &path.steps {
                let mut next = Vec::new();
                for value in selected {
                    self.step(value, step, &mut next);
                }
                selected = next;
            }
            for value in &selected {
                if each(root, operand(value)).is_break() {
                    return;
                }
            }
        }
    }

    fn interval(&self) -> Option<Interval> {
        Some(self.interval)
    }

    fn number_observed(&self) -> u64 {
        self.number_observed
    }

    fn roots(&self, object_type: &str, each: &mut dyn FnMut(RootId)) {
        self.of_type(object_type).for_each(|(root, _)| each(root));
    }
}

fn operand<'a>(value: &'a Selected<'_>) -> Operand<'a> {
    match value {
        Selected::Json(Value::Null) => Operand::Null,
        Selected::Json(Value::Bool(truth)) => Operand::Bool(*truth),
        Selected::Json(Value::String(text)) => Operand::Str(text),
        Selected::Json(Value::Number(number)) => number
            .as_i128()
            .map(Operand::Int)
            .or_else(|| number.as_f64().map(Operand::Float))
            .unwrap_or(Operand::Compound),
        Selected::Json(Value::Array(_) | Value::Object(_)) | Selected::Named(_) => Operand::Compound,
        Selected::Bytes(bytes) => Operand::Bytes(Cow::Borrowed(bytes)),
        Selected::Invalid(error) => Operand::Invalid(*error),
    }
}
