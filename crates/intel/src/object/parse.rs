//! One pass over the bytes of an object: what is read is borrowed from them, and no tree of values is built.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::field::{Field, is_words};
use super::{ExternalReference, Object, ObjectError, Reference, SpecVersion, Time, id_type, is_type, time};
use crate::json::lenient::truth;

/// How many bytes are kept of one text that is worth a search.
const WORDS: usize = 4096;

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

/// What a value is read for.
#[derive(Debug, Clone)]
enum Role<'a> {
    /// The object itself.
    Object,
    /// A property that is read.
    Field(Field),
    /// An entry of the list of such a property.
    Entry(Field),
    /// A part of an external reference.
    SourceName,
    ExternalId,
    Url,
    /// A marking of a part.
    Marking,
    /// The id of another object, or a list of ids.
    Ref(Cow<'a, str>),
    /// Words worth a search.
    Words,
    /// Nothing but what stands inside it.
    Nothing,
}

/// A scalar. A text that is not borrowed lives only during the call.
#[derive(Clone, Copy)]
enum Scalar<'a, 't> {
    Borrowed(&'a str),
    Brief(&'t str),
    Bool(bool),
    Number(Number),
}

#[derive(Clone, Copy)]
enum Number {
    Whole(u64),
    Other,
}

impl<'a, 't> Scalar<'a, 't> {
    fn text(self) -> Option<&'t str>
    where
        'a: 't,
    {
        match self {
            Self::Borrowed(text) => Some(text),
            Self::Brief(text) => Some(text),
            _ => None,
        }
    }

    fn kept(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Borrowed(text) => Some(Cow::Borrowed(text)),
            Self::Brief(text) => Some(Cow::Owned(text.to_owned())),
            _ => None,
        }
    }

    /// The text, or what begins it.
    fn clipped(self, limit: usize) -> Option<Cow<'a, str>> {
        let cut = |text: &str| text.floor_char_boundary(limit);
        match self {
            Self::Borrowed(text) => Some(Cow::Borrowed(&text[..cut(text)])),
            Self::Brief(text) => Some(Cow::Owned(text[..cut(text)].to_owned())),
            Self::Number(Number::Whole(number)) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }
}

/// The object as far as it is read.
struct Draft<'a> {
    object: Object<'a>,
    has_spec_version: bool,
    /// The fields that were there, a bit each.
    seen: u64,
    /// How many bytes of words there are.
    words: usize,
    refused: Option<ObjectError>,
}

impl<'a> Draft<'a> {
    fn new(raw: &'a [u8]) -> Self {
        let object = Object {
            raw,
            kind: Cow::Borrowed(""),
            id: Cow::Borrowed(""),
            spec_version: SpecVersion::V21,
            created: None,
            modified: None,
            revoked: false,
            created_by_ref: None,
            object_marking_refs: Vec::new(),
            granular_marking_refs: Vec::new(),
            refs: Vec::new(),
            relationship_type: None,
            labels: Vec::new(),
            indicator_types: Vec::new(),
            name: None,
            confidence: None,
            valid_from: None,
            valid_until: None,
            pattern: None,
            pattern_type: None,
            external_references: Vec::new(),
            texts: Vec::new(),
        };
        Self {
            object,
            has_spec_version: false,
            seen: 0,
            words: 0,
            refused: None,
        }
    }

    fn finish(mut self) -> Result<Object<'a>, ObjectError> {
        let object = &mut self.object;
        for (text, name) in [(&object.kind, "type"), (&object.id, "id")] {
            if text.is_empty() {
                return Err(ObjectError::Missing(name));
            }
        }
        if object.kind == "bundle" {
            return Err(ObjectError::Bundle);
        }
        if id_type(&object.id) != Some(&*object.kind) {
            return Err(ObjectError::Invalid {
                property: "id",
                why: "of another type than the object",
            });
        }
        if !self.has_spec_version && object.version().is_some() {
            object.spec_version = SpecVersion::V20;
        }
        Ok(self.object)
    }

    /// What the value of a key is read for.
    fn role(
        &mut self,
        parent: &Role<'a>,
        key: &str,
        kept: impl FnOnce() -> Cow<'a, str>,
    ) -> Result<Role<'a>, ObjectError> {
        if matches!(parent, Role::Object)
            && let Some(field) = Field::of(key)
        {
            let bit = 1 << field as u32;
            if self.seen & bit != 0 {
                return Err(ObjectError::Twice(field.name()));
            }
            self.seen |= bit;
            return Ok(Role::Field(field));
        }
        if let Role::Entry(Field::External) = parent {
            match key {
                "source_name" => return Ok(Role::SourceName),
                "external_id" => return Ok(Role::ExternalId),
                "url" => return Ok(Role::Url),
                _ => {}
            }
        }
        Ok(match key {
            "marking_ref" | "object_marking_refs" => Role::Marking,
            _ if key.ends_with("_ref") || key.ends_with("_refs") => Role::Ref(kept()),
            "hashes" if matches!(parent, Role::Object) => Role::Words,
            _ if matches!(parent, Role::Object) && is_words(key) => Role::Words,
            // Names of digests, of which the values are worth a search.
            _ if matches!(parent, Role::Words) => Role::Words,
            _ => Role::Nothing,
        })
    }

    /// What an entry of a list is read for.
    fn entry(role: &Role<'a>) -> Result<Role<'a>, ObjectError> {
        Ok(match role {
            Role::Object => return Err(ObjectError::NotAnObject),
            Role::Field(field) => match field {
                Field::Markings
                | Field::Granular
                | Field::Labels
                | Field::IndicatorTypes
                | Field::External => Role::Entry(*field),
                _ => {
                    refuse_shape(*field)?;
                    Role::Nothing
                }
            },
            // A list in a list.
            Role::Entry(field) => {
                refuse_shape(*field)?;
                Role::Nothing
            }
            Role::Ref(_) | Role::Words | Role::Marking => role.clone(),
            Role::SourceName | Role::ExternalId | Role::Url | Role::Nothing => Role::Nothing,
        })
    }

    /// Whether an object may stand where it does.
    fn enter(&mut self, role: &Role<'a>) -> Result<(), ObjectError> {
        match role {
            Role::Entry(Field::External) => {
                limit(&self.object.external_references, "external_references")?;
                self.object.external_references.push(ExternalReference::default());
                Ok(())
            }
            Role::Entry(Field::Granular) => Ok(()),
            Role::Field(field) | Role::Entry(field) => refuse_shape(*field),
            Role::Marking => refuse_shape(Field::Granular),
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, role: &Role<'a>, value: Scalar<'a, '_>) -> Result<(), ObjectError> {
        match role {
            Role::Object => return Err(ObjectError::NotAnObject),
            Role::Field(field) => return self.field(*field, value),
            Role::Entry(field) => return self.list_entry(*field, value),
            Role::Marking => {
                let id = marking(Field::Granular, value)?;
                limit(&self.object.granular_marking_refs, Field::Granular.name())?;
                self.object.granular_marking_refs.push(id);
            }
            Role::Ref(property) => {
                if value.text().is_some_and(super::is_id)
                    && let Some(id) = value.kept()
                {
                    if self.object.refs.len() >= Object::MAX_REFS {
                        return Err(ObjectError::TooMany {
                            property: "references",
                            limit: Object::MAX_REFS,
                        });
                    }
                    let property = property.clone();
                    self.object.refs.push(Reference { property, id });
                }
            }
            Role::Words => self.words(value),
            Role::SourceName | Role::ExternalId | Role::Url => {
                if !matches!(role, Role::SourceName) {
                    self.words(value);
                }
                if let (Some(last), Some(text)) =
                    (self.object.external_references.last_mut(), value.clipped(WORDS))
                {
                    match role {
                        Role::SourceName => last.source_name = Some(text),
                        Role::ExternalId => last.external_id = Some(text),
                        _ => last.url = Some(text),
                    }
                }
            }
            Role::Nothing => {}
        }
        Ok(())
    }

    fn field(&mut self, field: Field, value: Scalar<'a, '_>) -> Result<(), ObjectError> {
        let object = &mut self.object;
        match field {
            Field::Kind => {
                object.kind = text(field, value)?;
                if !is_type(&object.kind) {
                    return Err(invalid(field, "not 3 to 250 of a-z, 0-9, - and _"));
                }
            }
            Field::Id => {
                object.id = text(field, value)?;
                if !super::is_id(&object.id) {
                    return Err(invalid(field, "not an id of the form type--uuid"));
                }
            }
            Field::CreatedBy => {
                let id = text(field, value)?;
                if !super::is_id(&id) {
                    return Err(invalid(field, "not an id of the form type--uuid"));
                }
                object.created_by_ref = Some(id);
            }
            Field::SpecVersion => {
                self.has_spec_version = true;
                if value.text() == Some("2.0") {
                    object.spec_version = SpecVersion::V20;
                }
            }
            Field::Created => object.created = Some(moment(field, value)?),
            Field::Modified => object.modified = Some(moment(field, value)?),
            Field::ValidFrom => object.valid_from = Some(moment(field, value)?.micros),
            Field::ValidUntil => object.valid_until = Some(moment(field, value)?.micros),
            Field::Revoked => {
                object.revoked = match value {
                    Scalar::Bool(truth) => Some(truth),
                    Scalar::Number(Number::Whole(number @ 0..=1)) => Some(number == 1),
                    value => value.text().and_then(truth),
                }
                .ok_or_else(|| invalid(field, "neither true nor false"))?;
            }
            Field::Markings => {
                let id = marking(field, value)?;
                object.object_marking_refs.push(id);
            }
            Field::Granular => return Err(invalid(field, "not a list of objects")),
            Field::Confidence => {
                let number = match value {
                    Scalar::Number(Number::Whole(number)) => Some(number),
                    value => value.text().and_then(|text| text.parse().ok()),
                };
                object.confidence = number
                    .and_then(|number| u8::try_from(number).ok())
                    .filter(|&number| number <= 100);
            }
            Field::Name => {
                object.name = value.kept();
                self.words(value);
            }
            Field::Pattern => object.pattern = value.kept(),
            Field::PatternType => object.pattern_type = value.kept(),
            Field::RelationshipType => object.relationship_type = value.kept(),
            Field::Labels | Field::IndicatorTypes => return self.list_entry(field, value),
            Field::Definition | Field::DefinitionType | Field::Extensions | Field::External => {}
        }
        Ok(())
    }

    /// A scalar in the list of a property, or in its place.
    fn list_entry(&mut self, field: Field, value: Scalar<'a, '_>) -> Result<(), ObjectError> {
        let list = match field {
            Field::Markings => &mut self.object.object_marking_refs,
            Field::Labels => &mut self.object.labels,
            Field::IndicatorTypes => &mut self.object.indicator_types,
            _ => return refuse_shape(field),
        };
        limit(list, field.name())?;
        match field {
            Field::Markings => list.push(marking(field, value)?),
            _ => {
                list.extend(value.kept());
                self.words(value);
            }
        }
        Ok(())
    }

    fn words(&mut self, value: Scalar<'a, '_>) {
        let room = Object::MAX_TEXT - self.words;
        if let Some(text) = value
            .clipped(WORDS.min(room))
            .filter(|text| !text.trim().is_empty())
        {
            self.words += text.len();
            self.object.texts.push(text);
        }
    }

    /// Keeps why the object is refused; the parser's own error only ends the walk.
    fn refuse<E: serde::de::Error>(&mut self, why: ObjectError) -> E {
        self.refused = Some(why);
        E::custom("refused")
    }
}

fn invalid(field: Field, why: &'static str) -> ObjectError {
    ObjectError::Invalid {
        property: field.name(),
        why,
    }
}

/// Refuses a property of another shape, where it says whose an object is, which version, or who may see it. Of others,
/// what cannot be read counts as absent.
fn refuse_shape(field: Field) -> Result<(), ObjectError> {
    let why = match field {
        Field::Kind | Field::Id | Field::CreatedBy | Field::Created | Field::Modified => "not a text",
        Field::ValidFrom | Field::ValidUntil => "not a text",
        Field::Revoked => "neither true nor false",
        Field::Markings => "not a list of texts",
        Field::Granular => "not a list of objects with markings",
        _ => return Ok(()),
    };
    Err(invalid(field, why))
}

fn text<'a>(field: Field, value: Scalar<'a, '_>) -> Result<Cow<'a, str>, ObjectError> {
    value.kept().ok_or_else(|| invalid(field, "not a text"))
}

fn marking<'a>(field: Field, value: Scalar<'a, '_>) -> Result<Cow<'a, str>, ObjectError> {
    let id = text(field, value)?;
    if id.len() > 512 {
        return Err(invalid(field, "more than 512 bytes"));
    }
    Ok(id)
}

fn moment<'a>(field: Field, value: Scalar<'a, '_>) -> Result<Time<'a>, ObjectError> {
    let text = text(field, value)?;
    let micros = time::micros(&text).ok_or_else(|| invalid(field, "not a time"))?;
    Ok(Time { text, micros })
}

fn limit<T>(list: &[T], property: &'static str) -> Result<(), ObjectError> {
    if list.len() < Object::MAX_ENTRIES {
        return Ok(());
    }
    Err(ObjectError::TooMany {
        property,
        limit: Object::MAX_ENTRIES,
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
