//! Fields that senders write in several ways: a number or its text, `true` or `"1"`, a list or nothing. A field of
//! another shape counts as absent, so that one odd field never costs its object.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A scalar as text: a string as it stands, a number or truth value as JSON writes it.
pub(crate) fn text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    input.deserialize_any(TextVisitor)
}

/// A truth value: `true`, `1`, `"1"`, `"true"` and their opposites.
pub(crate) fn flag<'de, D: Deserializer<'de>>(input: D) -> Result<Option<bool>, D::Error> {
    Ok(text(input)?.and_then(|text| truth(&text)))
}

/// Reads a truth value as MISP and its exports write it.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

/// A list; elements that cannot be read are left out.
pub(crate) fn list<'de, D, T>(input: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    input.deserialize_any(ListVisitor(std::marker::PhantomData))
}

/// An object of its own view; `None` where it cannot be read.
pub(crate) fn object<'de, D, T>(input: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw: Box<RawValue> = serde::Deserialize::deserialize(input)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// The members of an object, those that stand twice included; none where it is no object.
pub(crate) fn entries<'de, D>(input: D) -> Result<Vec<(String, Box<RawValue>)>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Members(Vec<(String, Box<RawValue>)>);

    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            input.deserialize_map(MembersVisitor).map(Self)
        }
    }

    struct MembersVisitor;

    impl<'de> Visitor<'de> for MembersVisitor {
        type Value = Vec<(String, Box<RawValue>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(entry) = map.next_entry()? {
                all.push(entry);
            }
            Ok(all)
        }
    }

    let members: Option<Members> = object(input)?;
    Ok(members.map(|members| members.0).unwrap_or_default())
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Some(truth.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

struct ListVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(raw) = seq.next_element::<Box<RawValue>>()? {
            list.extend(serde_json::from_str(raw.get()));
        }
        Ok(list)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct View {
        #[serde(deserialize_with = "text")]
        a: Option<String>,
        #[serde(deserialize_with = "flag")]
        b: Option<bool>,
        #[serde(deserialize_with = "list")]
        c: Vec<String>,
        #[serde(deserialize_with = "object")]
        d: Option<Vec<u8>>,
    }

    fn check(json: &str, a: Option<&str>, b: Option<bool>, c: &[&str]) {
        let view: View = serde_json::from_str(json).unwrap();
        assert_eq!((view.a.as_deref(), view.b), (a, b), "{json}");
        assert_eq!(view.c, c, "{json}");
        assert_eq!(view.d, None, "{json}");
    }

    #[test]
    fn many_shapes() {
        check(r#"{"a":"x","b":true,"c":["y"]}"#, Some("x"), Some(true), &["y"]);
        check(
            r#"{"a":7,"b":"0","c":["y",3,"z"]}"#,
            Some("7"),
            Some(false),
            &["y", "z"],
        );
        check(r#"{"a":{"q":[1]},"b":1,"c":{"q":1}}"#, None, Some(true), &[]);
        check(r#"{"a":null,"b":[],"c":null,"d":"no"}"#, None, None, &[]);
        check(r#"{"a":1.5,"b":"maybe","c":"y"}"#, Some("1.5"), None, &[]);
        check("{}", None, None, &[]);
    }
}
