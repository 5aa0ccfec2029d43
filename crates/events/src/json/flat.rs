//! A JSON object → flat fields, without a tree in between.

use std::fmt;

use perisai_model::{Event, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::split::JsonSplitter;
use super::{lenient, windows};
use crate::format::{FIELDS, ROOM};
use crate::text::records::Splitter;

/// The most objects of one line that are read.
const OBJECTS: usize = 16;

/// Reads the fields of one JSON object into an event that has none; of several, which programs that do not wait for
/// each other write into one line, the fields of all. False, with some of the fields added, where the text is none or
/// not only that, even when its odd letters are mended. Nesting deeper than 128 (serde_json's guard) is an error too.
pub(crate) fn flatten(text: &str, event: &mut Event) -> bool {
    if one(text, event, (ROOM, FIELDS)).is_some() {
        return true;
    }
    let mut ranges = Vec::new();
    JsonSplitter::objects().scan(text.as_bytes(), &mut ranges);
    event.clear();
    let mut left = (ROOM, FIELDS);
    for range in ranges.iter().take(OBJECTS).filter(|_| ranges.len() > 1) {
        let mut found = Event::default();
        if let Some(still) = one(&text[range.clone()], &mut found, left) {
            found.iter().for_each(|(name, value)| event.push(name, value));
            left = still;
        }
    }
    !event.is_empty()
}

/// One object, and how many bytes and fields may be added behind it.
fn one(text: &str, event: &mut Event, left: (usize, usize)) -> Option<(usize, usize)> {
    if let Ok(left) = read_some(text, event, left) {
        return Some(left);
    }
    event.clear();
    read_some(&lenient::mend(text), event, left).ok()
}

/// As [`flatten`], strictly and of one object, with what is wrong and where.
pub(crate) fn read(text: &str, event: &mut Event) -> Result<(), serde_json::Error> {
    read_some(text, event, (ROOM, FIELDS)).map(drop)
}

fn read_some(
    text: &str,
    event: &mut Event,
    (room, fields): (usize, usize),
) -> Result<(usize, usize), serde_json::Error> {
    let mut flat = Flat {
        event,
        path: String::new(),
        room,
        fields,
    };
    let mut parser = serde_json::Deserializer::from_str(text);
    Node(&mut flat).deserialize(&mut parser)?;
    parser.end()?;
    Ok((flat.room, flat.fields))
}

struct Flat<'e> {
    event: &'e mut Event,
    path: String,
    /// Bytes and fields that may still be added.
    room: usize,
    fields: usize,
}

impl Flat<'_> {
    fn push(&mut self, value: Value<'_>) {
        let size = self.path.len()
            + if let Value::Str(text) = value {
                text.len()
            } else {
                8
            };
        if size > self.room || self.fields == 0 {
            self.fields = 0;
            return;
        }
        self.room -= size;
        self.fields -= 1;
        windows::push(self.event, &self.path, value);
    }
}

/// One value under the current path.
struct Node<'f, 'e>(&'f mut Flat<'e>);

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.push(Value::Bool(value));
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.0.push(Value::Int(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.0.push(Value::Int(value)),
            Err(_) => self.0.push(Value::Str(&value.to_string())),
        }
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.0.push(Value::Float(value));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.0.push(Value::Str(value));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.push(Value::Null);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Node(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let outer = self.0.path.len();
        while map.next_key_seed(Key(self.0))?.is_some() {
            map.next_value_seed(Node(self.0))?;
            self.0.path.truncate(outer);
        }
        Ok(())
    }
}

/// A member's name, added to the path.
struct Key<'f, 'e>(&'f mut Flat<'e>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        if !self.0.path.is_empty() {
            self.0.path.push('.');
        }
        self.0.path.push_str(name);
        Ok(())
    }
}
