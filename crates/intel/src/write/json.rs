//! An object as text, property by property.

use perisai_model::Timestamp;
use serde::Serialize;

use super::{Maker, WriteError, checked};

/// The beginning of the year 1: before it, RFC 3339 has no way to write a time.
pub(super) const EARLIEST: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// An object that is being written.
pub(super) struct Json(Vec<u8>);

impl Json {
    /// An object of a type and id.
    pub(super) fn new(kind: &str, id: &str) -> Self {
        let mut json = Self(Vec::with_capacity(768));
        json.0.extend_from_slice(b"{\"type\":");
        json.append(&kind);
        json.set("spec_version", "2.1");
        json.set("id", id);
        json
    }

    /// The same, with who made it and when.
    pub(super) fn made(kind: &str, id: &str, by: &Maker<'_>) -> Result<Self, WriteError> {
        let mut json = Self::new(kind, id);
        json.maybe("created_by_ref", checked(by.identity, "created_by_ref")?);
        json.set("created", time(by.created));
        json.set("modified", time(by.modified.max(by.created)));
        Ok(json)
    }

    /// Adds a property. The names that are given here need no escape.
    pub(super) fn set(&mut self, name: &'static str, value: impl Serialize) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        self.append(&value);
    }

    /// Adds a property, where there is a value.
    pub(super) fn maybe(&mut self, name: &'static str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds a list, which STIX leaves out where it is empty.
    pub(super) fn list(&mut self, name: &'static str, values: &[impl Serialize]) {
        if !values.is_empty() {
            self.set(name, values);
        }
    }

    fn append(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut self.0, value).expect("texts, numbers and lists of them can be written");
    }

    /// The whole.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// A time as STIX writes it: to the millisecond, or to the microsecond where it has any. One before the year 1 is that
/// year's beginning.
pub(super) fn time(time: Timestamp) -> String {
    let time = time.max(EARLIEST);
    let format = if time.as_microsecond() % 1000 == 0 {
        "%Y-%m-%dT%H:%M:%S%.3fZ"
    } else {
        "%Y-%m-%dT%H:%M:%S%.6fZ"
    };
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |text: &str, expected: &str| assert_eq!(time(text.parse().unwrap()), expected);
        check("2022-02-23T14:02:11Z", "2022-02-23T14:02:11.000Z");
        check("2022-02-23T14:02:11.123Z", "2022-02-23T14:02:11.123Z");
        check("2022-02-23T14:02:11.1234567Z", "2022-02-23T14:02:11.123456Z");
        check("-000001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z");
    }
}
