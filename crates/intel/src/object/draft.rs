//! An object as far as it is read, and what each of its values is read for.

use std::borrow::Cow;

use super::field::{Field, is_words};
use super::scalar::{Number, Scalar};
use super::{ExternalReference, Object, ObjectError, Reference, SpecVersion, Time, id_type, is_type, time};
use crate::json::lenient::truth;

/// The longest name of a property (STIX 2.1, section 3.1). What is behind it is not kept: there may be many references
/// under one name.
const PROPERTY: usize = 250;

/// How many bytes are kept of one text that is worth a search.
const WORDS: usize = 4096;

/// What a value is read for.
#[derive(Debug, Clone)]
pub(super) enum Role<'a> {
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

/// The object as far as it is read.
pub(super) struct Draft<'a> {
    object: Object<'a>,
    has_spec_version: bool,
    /// The fields that were there, a bit each.
    seen: u64,
    /// How many bytes of words there are.
    words: usize,
    pub(super) refused: Option<ObjectError>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
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

    pub(super) fn finish(mut self) -> Result<Object<'a>, ObjectError> {
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
    pub(super) fn role(
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
            _ if key.ends_with("_ref") || key.ends_with("_refs") => Role::Ref(clipped(kept())),
            "hashes" if matches!(parent, Role::Object) => Role::Words,
            _ if matches!(parent, Role::Object) && is_words(key) => Role::Words,
            // Names of digests, of which the values are worth a search.
            _ if matches!(parent, Role::Words) => Role::Words,
            _ => Role::Nothing,
        })
    }

    /// What an entry of a list is read for.
    pub(super) fn entry(role: &Role<'a>) -> Result<Role<'a>, ObjectError> {
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
    pub(super) fn enter(&mut self, role: &Role<'a>) -> Result<(), ObjectError> {
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

    pub(super) fn scalar(&mut self, role: &Role<'a>, value: Scalar<'a, '_>) -> Result<(), ObjectError> {
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
    pub(super) fn refuse<E: serde::de::Error>(&mut self, why: ObjectError) -> E {
        self.refused = Some(why);
        E::custom("refused")
    }
}

fn clipped(name: Cow<'_, str>) -> Cow<'_, str> {
    let cut = |name: &str| name.floor_char_boundary(PROPERTY);
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[..cut(name)]),
        Cow::Owned(mut name) => {
            name.truncate(cut(&name));
            name.shrink_to_fit();
            Cow::Owned(name)
        }
    }
}

pub(super) fn invalid(field: Field, why: &'static str) -> ObjectError {
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
