//! A log event as flat fields.
//!
//! An [`Event`] is made to be cleared and filled again for each record: all names and values stand in one text arena.
//! Nested objects are flattened with dots (`process.hash.md5`), and the elements of a list are fields of the same
//! name, so a name may stand several times.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Text, unescaped.
    Str(&'a str),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Present, without a value.
    Null,
}

impl<'a> Value<'a> {
    /// The value as text: a number in decimal, `true` or `false`; `None` for null.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Str(text) => Some(Cow::Borrowed(text)),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::Float(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(truth) => Some(Cow::Borrowed(if truth { "true" } else { "false" })),
            Self::Null => None,
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Str(text) => serializer.serialize_str(text),
            Self::Int(number) => serializer.serialize_i64(number),
            Self::Float(number) => serializer.serialize_f64(number),
            Self::Bool(truth) => serializer.serialize_bool(truth),
            Self::Null => serializer.serialize_unit(),
        }
    }
}

/// One event's fields, its time, and the format that they were read from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// The name of the format (`evtx`, `zeek`, `eve`, `json`, …): with the fields, this tells its log source.
    pub format: &'static str,
    /// When it happened, in UTC, where that could be read.
    pub time: Option<Timestamp>,
    /// Another time that the record's wrapper states (the header of syslog, a container's runtime), where the record
    /// has one of its own: what a program writes must not choose alone when it happened.
    pub other_time: Option<Timestamp>,
    /// The time as it stood in the log.
    pub time_text: Option<String>,
    text: String,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    name: Range<u32>,
    value: Held,
}

#[derive(Debug, Clone, PartialEq)]
enum Held {
    Str(Range<u32>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Null,
}

impl Event {
    /// Empties it for the next record; keeps the memory.
    pub fn clear(&mut self) {
        self.time = None;
        self.other_time = None;
        self.time_text = None;
        self.text.clear();
        self.fields.clear();
    }

    /// Adds a field. A name that stands already makes a list.
    pub fn push(&mut self, name: &str, value: Value<'_>) {
        let name = self.keep(name);
        let value = match value {
            Value::Str(text) => Held::Str(self.keep(text)),
            Value::Int(number) => Held::Int(number),
            Value::Float(number) => Held::Float(number),
            Value::Bool(truth) => Held::Bool(truth),
            Value::Null => Held::Null,
        };
        self.fields.push(Field { name, value });
    }

    /// Adds a field of text.
    pub fn push_str(&mut self, name: &str, value: &str) {
        self.push(name, Value::Str(value));
    }

    /// The first value of a name, compared exactly.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// The first value of a name where it is text.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// All values of a name, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Value<'a>> {
        self.fields
            .iter()
            .filter(move |field| self.slice(&field.name) == name)
            .map(|field| self.value(field))
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Value<'_>)> {
        self.fields
            .iter()
            .map(|field| (self.slice(&field.name), self.value(field)))
    }

    /// A copy that holds no more than about `most` bytes of names and values: the first fields, long values cut with
    /// `…`, and, where fields are missing, their number as the field `…`.
    #[must_use]
    pub fn limited(&self, most: usize) -> Self {
        let mut copy = Self {
            format: self.format,
            time: self.time,
            other_time: self.other_time,
            time_text: self.time_text.clone(),
            ..Self::default()
        };
        for (at, (name, value)) in self.iter().enumerate() {
            let cut;
            let value = match value {
                Value::Str(text) if text.len() > most / 4 => {
                    let end = (0..=most / 4)
                        .rev()
                        .find(|&end| text.is_char_boundary(end))
                        .unwrap_or(0);
                    cut = format!("{}…", &text[..end]);
                    Value::Str(&cut)
                }
                value => value,
            };
            // A field without text still costs its own record.
            if copy.text.len() + 32 * copy.fields.len() + name.len() > most {
                copy.push(
                    "…",
                    Value::Int(i64::try_from(self.fields.len() - at).unwrap_or(i64::MAX)),
                );
                break;
            }
            copy.push(name, value);
        }
        copy
    }

    /// True without any field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn keep(&mut self, text: &str) -> Range<u32> {
        let start = self.text.len();
        self.text.push_str(text);
        let end = u32::try_from(self.text.len()).expect("a record is under 4 GiB");
        start as u32..end
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        &self.text[range.start as usize..range.end as usize]
    }

    fn value(&self, field: &Field) -> Value<'_> {
        match &field.value {
            Held::Str(range) => Value::Str(self.slice(range)),
            Held::Int(number) => Value::Int(*number),
            Held::Float(number) => Value::Float(*number),
            Held::Bool(truth) => Value::Bool(*truth),
            Held::Null => Value::Null,
        }
    }
}

/// A flat map in the order of first appearance; a name that stands several times is a list.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // By position, not by searching for each name: a hostile record may have very many fields.
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(self.fields.len());
        let mut entries: Vec<(&str, Vec<Value<'_>>)> = Vec::with_capacity(self.fields.len());
        for (name, value) in self.iter() {
            let place = *places.entry(name).or_insert(entries.len());
            match entries.get_mut(place) {
                Some((_, values)) => values.push(value),
                None => entries.push((name, vec![value])),
            }
        }
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for (name, values) in &entries {
            match values.as_slice() {
                [value] => map.serialize_entry(name, value)?,
                _ => map.serialize_entry(name, values)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_copy_is_small() {
        let mut event = Event::default();
        event.push_str("long", &"ä".repeat(1000));
        (0..1000).for_each(|n| event.push(&format!("f{n}"), Value::Int(n)));
        let copy = event.limited(1024);
        assert!(
            copy.text.len() < 1200 && copy.iter().len() < 40,
            "{}",
            copy.iter().len()
        );
        assert!(copy.get_str("long").unwrap().ends_with("ä…"));
        assert_eq!(
            copy.get("…"),
            Some(Value::Int(1001 - copy.iter().len() as i64 + 1))
        );
        assert_eq!(event.limited(1 << 20), event);
    }

    #[test]
    fn repeated_names_are_lists() {
        let mut event = Event::default();
        event.push_str("a.b", "x");
        event.push("n", Value::Int(7));
        event.push_str("a.b", "y");
        assert_eq!(event.get_str("a.b"), Some("x"));
        assert_eq!(event.get_all("a.b").count(), 2);
        assert_eq!(event.get("A.b"), None);
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"a.b":["x","y"],"n":7}"#
        );
        event.push("n", Value::Null);
        event.push_str("z", "");
        event.push_str("a.b", "x");
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"a.b":["x","y","x"],"n":[7,null],"z":""}"#
        );
        event.clear();
        assert!(event.is_empty());
    }
}
