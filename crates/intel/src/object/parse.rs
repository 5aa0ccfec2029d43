//! One pass over the bytes of an object: what is read is borrowed from them, and no tree of values is built.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::draft::{Draft, Role, invalid};
use super::field::Field;
use super::scalar::{Number, Scalar};
use super::{Object, ObjectError};

pub(super) fn parse(raw: &[u8]) -> Result<Object<'_>, ObjectError> {
    let text = std::str::from_utf8(raw).map_err(|error| {
        let line = 1 + memchr::memchr_iter(b'\n', &raw[..error.valid_up_to()]).count();
        ObjectError::Json(format!("line {line}: not valid UTF-8"))
    })?;
    if names_nul(raw) {
        return Err(ObjectError::Nul);
    }
    let mut draft = Draft::new(raw);
    let mut json = serde_json::Deserializer::from_str(text);
    let outcome = Walk::new(&mut draft, Role::Object)
        .deserialize(&mut json)
        .and_then(|()| json.end());
    match outcome {
        Ok(()) => draft.finish(),
        Err(error) => Err(draft.refused.take().unwrap_or_else(|| ObjectError::json(&error))),
    }
}

/// True where a string holds the escape of NUL. The byte itself is refused by the grammar.
fn names_nul(raw: &[u8]) -> bool {
    memchr::memmem::find_iter(raw, b"\\u0000").any(|at| {
        let before = raw[..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
        before % 2 == 0
    })
}

/// One value, and all inside it.
struct Walk<'w, 'a> {
    draft: &'w mut Draft<'a>,
    role: Role<'a>,
    depth: u32,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(draft: &'w mut Draft<'a>, role: Role<'a>) -> Self {
        Self {
            draft,
            role,
            depth: 0,
        }
    }

    fn take<E: serde::de::Error>(self, value: Scalar<'a, '_>) -> Result<(), E> {
        match self.draft.scalar(&self.role, value) {
            Ok(()) => Ok(()),
            Err(why) => Err(self.draft.refuse(why)),
        }
    }

    fn deeper<E: serde::de::Error>(&mut self) -> Result<u32, E> {
        if self.depth >= Object::MAX_DEPTH {
            return Err(self.draft.refuse(ObjectError::TooDeep));
        }
        Ok(self.depth + 1)
    }
}

impl<'a> DeserializeSeed<'a> for Walk<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'a str) -> Result<(), E> {
        self.take(Scalar::Borrowed(text))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.take(Scalar::Brief(text))
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<(), E> {
        self.take(Scalar::Bool(truth))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.take(Scalar::Number(Number::Whole(number)))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.take(Scalar::Number(Number::Other))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.take(Scalar::Number(Number::Other))
    }

    /// `null` counts as absent.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        match self.role {
            Role::Object => Err(self.draft.refuse(ObjectError::NotAnObject)),
            Role::Entry(Field::Markings | Field::Granular) => {
                Err(self.draft.refuse(invalid(Field::Markings, "null among them")))
            }
            _ => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        let role = match Draft::entry(&self.role) {
            Ok(role) => role,
            Err(why) => return Err(self.draft.refuse(why)),
        };
        loop {
            let walk = Walk {
                draft: &mut *self.draft,
                role: role.clone(),
                depth,
            };
            if list.next_element_seed(walk)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        if let Err(why) = self.draft.enter(&self.role) {
            return Err(self.draft.refuse(why));
        }
        loop {
            let key = Key {
                draft: &mut *self.draft,
                parent: &self.role,
            };
            let Some(role) = map.next_key_seed(key)? else {
                return Ok(());
            };
            map.next_value_seed(Walk {
                draft: &mut *self.draft,
                role,
                depth,
            })?;
        }
    }
}

/// A key, which says what its value is read for.
struct Key<'w, 'a> {
    draft: &'w mut Draft<'a>,
    parent: &'w Role<'a>,
}

impl<'a> DeserializeSeed<'a> for Key<'_, 'a> {
    type Value = Role<'a>;

    fn deserialize<D: Deserializer<'a>>(self, input: D) -> Result<Role<'a>, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key<'_, 'a> {
    type Value = Role<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, key: &'a str) -> Result<Role<'a>, E> {
        match self.draft.role(self.parent, key, || Cow::Borrowed(key)) {
            Ok(role) => Ok(role),
            Err(why) => Err(self.draft.refuse(why)),
        }
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Role<'a>, E> {
        match self.draft.role(self.parent, key, || Cow::Owned(key.to_owned())) {
            Ok(role) => Ok(role),
            Err(why) => Err(self.draft.refuse(why)),
        }
    }
}
