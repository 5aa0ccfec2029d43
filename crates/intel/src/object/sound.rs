//! Whether an object is sound enough to be kept and given away: one that is not breaks the readers of others, which refuse
//! the whole page that it stands on. STIX 2.0 and 2.1 have rules of their own; a custom type is asked for its ids only, and
//! custom properties are welcome anywhere.
//!
//! Asked are the ids, the properties that a type must have, and the simple types of those that STIX knows. What only a
//! person can judge, and the order of times, is not.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::needs::{self, Needs};
use super::{Object, ObjectError, SpecVersion, is_type, time};

/// What the value of a property is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Bool,
    /// A number without a fraction.
    Whole,
    /// From 0 to 100.
    Percent,
    Time,
    /// The id of an object.
    Id,
    /// Ids, one at least.
    Ids,
    /// Texts, or none.
    Texts,
    /// Objects, or none.
    Objects,
    /// One object.
    Object,
    /// A version of STIX.
    Spec,
}

impl Object<'_> {
    /// Whether it may be kept.
    ///
    /// # Errors
    /// The first rule of STIX that it breaks, with the property.
    ///
    /// # Example
    /// ```
    /// use perisai_intel::Object;
    ///
    /// let raw = br#"{"type": "x-gate", "id": "x-gate--bad"}"#;
    /// let why = Object::parse(raw)?.sound().unwrap_err();
    /// assert_eq!(why.to_string(), "id: no UUID in lower case behind `--`");
    /// # Ok::<(), perisai_intel::ObjectError>(())
    /// ```
    pub fn sound(&self) -> Result<(), ObjectError> {
        const NO_UUID: &str = "no UUID in lower case behind `--`";
        let check = |property, id: &str| match is_sound_id(id) {
            true => Ok(()),
            false => Err(ObjectError::Invalid {
                property,
                why: NO_UUID,
            }),
        };
        check("id", &self.id)?;
        if let Some(creator) = &self.created_by_ref {
            check("created_by_ref", creator)?;
        }
        for marking in &self.object_marking_refs {
            check("object_marking_refs", marking)?;
        }
        let Some(needs) = needs::of(&self.kind, self.spec_version) else {
            return Ok(());
        };
        let seen = self.shapes(needs)?;
        for (at, name) in needs.all.iter().enumerate() {
            if seen & (1 << at) == 0 {
                return Err(self.missing(name));
            }
        }
        let one = needs.all.len();
        if !needs.one_of.is_empty() && seen >> one == 0 {
            return Err(ObjectError::MissingOneOf(needs.one_of));
        }
        Ok(())
    }

    /// Looks at the properties that STIX knows; a bit is set for each that the type needs and that is there.
    fn shapes(&self, needs: &Needs) -> Result<u32, ObjectError> {
        let mut look = Look {
            needs,
            seen: 0,
            wrong: None,
        };
        let text = std::str::from_utf8(self.raw).map_err(|error| ObjectError::Json(error.to_string()))?;
        let mut json = serde_json::Deserializer::from_str(text);
        match json.deserialize_map(&mut look) {
            Ok(()) => Ok(look.seen),
            Err(error) => Err(look.wrong.unwrap_or_else(|| ObjectError::json(&error))),
        }
    }

    fn missing(&self, name: &'static str) -> ObjectError {
        match self.spec_version {
            SpecVersion::V20 => ObjectError::MissingIn20(name),
            SpecVersion::V21 => ObjectError::Missing(name),
        }
    }
}

/// True for `type--uuid`, the UUID in lower case and of RFC 4122 (STIX 2.1, section 2.9): two ways to write one id would
/// be two objects.
fn is_sound_id(id: &str) -> bool {
    let Some((kind, uuid)) = id.split_once("--") else {
        return false;
    };
    let is_right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    is_type(kind) && uuid.len() == 36 && uuid.bytes().enumerate().all(is_right)
}

struct Look<'n> {
    needs: &'n Needs,
    seen: u32,
    wrong: Option<ObjectError>,
}

impl<'a> Visitor<'a> for &mut Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key::<Key<'a>>()? {
            let bit = self.needs.bit(&key);
            let shape = needs::shape(&key, bit.is_some());
            if shape.is_none() && bit.is_none() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&RawValue>()?.get();
            if value == "null" {
                continue;
            }
            let is_empty = || {
                value
                    .strip_prefix('[')
                    .is_some_and(|rest| rest.trim_start().starts_with(']'))
            };
            if let Some(bit) = bit
                && !is_empty()
            {
                self.seen |= bit;
            }
            if let Some((property, shape)) = shape
                && let Err(why) = shape.check(value)
            {
                self.wrong = Some(ObjectError::Invalid { property, why });
                return Err(serde::de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl Shape {
    /// Whether the text of a JSON value is of this shape.
    fn check(self, value: &str) -> Result<(), &'static str> {
        let text = || serde_json::from_str::<Cow<'_, str>>(value).ok();
        let list = || serde_json::from_str::<Vec<&RawValue>>(value).ok();
        let all = |begin: &str| {
            let is_all = |list: Vec<&RawValue>| list.iter().all(|one| one.get().starts_with(begin));
            list().is_some_and(is_all)
        };
        let (is_right, why) = match self {
            Self::Text => (value.starts_with('"'), "not a text"),
            Self::Bool => (matches!(value, "true" | "false"), "neither true nor false"),
            Self::Whole => (value.parse::<i64>().is_ok(), "not a whole number"),
            Self::Percent => (
                value.parse::<u8>().is_ok_and(|number| number <= 100),
                "not a number from 0 to 100",
            ),
            Self::Time => (
                text().is_some_and(|text| time::micros(&text).is_some()),
                "not a time",
            ),
            Self::Id => (
                text().is_some_and(|id| is_sound_id(&id)),
                "not an id of the form type--uuid",
            ),
            Self::Ids => (
                serde_json::from_str::<Vec<Key<'_>>>(value)
                    .is_ok_and(|ids| ids.iter().all(|id| is_sound_id(&id.0))),
                "not a list of ids of the form type--uuid",
            ),
            Self::Texts => (all("\""), "not a list of texts"),
            Self::Objects => (all("{"), "not a list of objects"),
            Self::Object => (value.starts_with('{'), "not an object"),
            Self::Spec => (
                text().is_some_and(|text| matches!(&*text, "2.0" | "2.1")),
                "neither 2.0 nor 2.1",
            ),
        };
        if is_right { Ok(()) } else { Err(why) }
    }
}
