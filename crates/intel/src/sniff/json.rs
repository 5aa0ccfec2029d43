//! What a JSON text is, by the keys of its first object.

use std::io::BufRead;

use serde::de::IgnoredAny;

use crate::json::{Error, Reader};
use crate::misp::tags::is_uuid;

/// What a JSON text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Empty,
    Stix,
    Misp,
    Manifest,
    Warninglist,
    /// A list of strings.
    Strings,
    /// Indicators, in a form of some platform's own.
    Foreign,
    /// JSON of another kind.
    Other,
    /// Not JSON.
    NotJson,
}

/// A key of the first object, the first byte of its value, and the value where it is a string.
struct Key {
    name: String,
    first: u8,
    text: Option<String>,
}

/// Looks at the start of a text, which may be cut.
pub(super) fn look(head: &[u8]) -> Look {
    match head.trim_ascii() {
        [] => return Look::NotJson,
        b"{}" | b"[]" => return Look::Empty,
        _ => {}
    }
    let mut input = head;
    let mut reader = Reader::new(&mut input);
    let mut keys = Vec::new();
    let is_list = matches!(reader.peek(), Ok(Some(b'[')));
    match first_keys(&mut reader, &mut keys) {
        Ok(Some(look)) => look,
        _ if keys.is_empty() => Look::NotJson,
        _ => by_keys(&keys, is_list),
    }
}

/// True where the first line is a JSON object by itself and the next one starts another.
pub(crate) fn is_by_line(head: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b'\n', head) else {
        return false;
    };
    head[end..].trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<IgnoredAny>(&head[..end]).is_ok()
}

fn first_keys(reader: &mut Reader<'_>, keys: &mut Vec<Key>) -> Result<Option<Look>, Error> {
    let first = reader.peek()?;
    if first == Some(b'[') {
        reader.enter()?;
        match reader.peek()? {
            Some(b'{') => {}
            Some(b'"') => return Ok(Some(Look::Strings)),
            Some(b'[') => return Ok(Some(Look::Other)),
            _ => return Ok(Some(Look::NotJson)),
        }
    } else if first != Some(b'{') {
        return Ok(Some(Look::NotJson));
    }
    reader.enter()?;
    let mut raw = Vec::new();
    while let Some(name) = reader.key()? {
        keys.push(Key {
            name,
            first: reader.peek()?.unwrap_or_default(),
            text: None,
        });
        reader.raw(&mut raw)?;
        if let Some(key) = keys.last_mut() {
            key.text = serde_json::from_slice(&raw).ok();
        }
    }
    Ok(None)
}

fn by_keys(keys: &[Key], is_list: bool) -> Look {
    let find = |name: &str| keys.iter().find(|key| key.name == name);
    let has = |name: &str| find(name).is_some();
    let list = |name: &str| find(name).is_some_and(|key| key.first == b'[');
    let text = |name: &str| find(name).and_then(|key| key.text.as_deref()).unwrap_or_default();
    let is_stix_id = text("id").contains("--");
    if has("Event") || has("response") || list("Attribute") {
        return Look::Misp;
    }
    if text("type") == "bundle" || has("type") && is_stix_id || text("id").starts_with("bundle--") {
        return Look::Stix;
    }
    if list("list")
        && ["description", "matching_attributes", "name", "type"]
            .iter()
            .any(|name| has(name))
    {
        return Look::Warninglist;
    }
    if has("info")
        && ["Orgc", "Object", "threat_level_id", "analysis"]
            .iter()
            .any(|name| has(name))
    {
        return Look::Misp;
    }
    if list("objects") || has("more") {
        return Look::Stix;
    }
    if !is_list && keys.iter().all(|key| is_uuid(&key.name) && key.first == b'{') {
        return Look::Manifest;
    }
    if ["indicators", "iocs", "observables"]
        .iter()
        .any(|name| list(name))
    {
        return Look::Foreign;
    }
    Look::Other
}

/// Reads a list of strings: each a value, as a line of a plain list is.
pub(crate) fn strings(
    input: &mut dyn BufRead,
    mut each: impl FnMut(u64, Result<String, String>),
) -> Result<(), Error> {
    let mut reader = Reader::new(input);
    let mut raw = Vec::new();
    reader.enter()?;
    while reader.more()? {
        let value = reader.raw(&mut raw)?;
        let text = serde_json::from_slice(&raw).map_err(|_| "not a string".to_owned());
        each(value.line, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        let check = |text: &str, expected| assert_eq!(look(text.as_bytes()), expected, "{text}");
        check(r#"{"type": "bundle", "id": "x", "obj"#, Look::Stix);
        check(r#"{"objects": [{"type""#, Look::Stix);
        check(r#"{"more": false}"#, Look::Stix);
        check(r#"[{"type": "indicator", "id": "indicator--1"}]"#, Look::Stix);
        check(r#"{"created": 1, "id": "bundle--1"}"#, Look::Stix);
        check(r#"{"Event": {"info""#, Look::Misp);
        check(r#"{"response": [{"Event""#, Look::Misp);
        check(r#"[{"Event": {}}]"#, Look::Misp);
        check(r#"{"uuid": "x", "info": "y", "analysis": 2}"#, Look::Misp);
        check(
            r#"{"5bad262f-c810-4775-9e84-4a7d0a016219": {"info": "x"}}"#,
            Look::Manifest,
        );
        check(r#"{"name": "x", "list": ["a"]}"#, Look::Warninglist);
        check(r#"["evil.example"]"#, Look::Strings);
        check(
            r#"{"name": "a pulse", "indicators": [{"indicator": "x"}]}"#,
            Look::Foreign,
        );
        check(r#"{"a": 1}"#, Look::Other);
        check("[[[[", Look::Other);
        check("{}", Look::Empty);
        check("[2001:db8::1]:443", Look::NotJson);
        check("{evil.example}", Look::NotJson);
    }

    #[test]
    fn lines() {
        assert!(is_by_line(b"{\"a\": 1}\n{\"a\": 2"));
        assert!(!is_by_line(b"{\n\"a\": 1}\n"));
        assert!(!is_by_line(b"{\"a\": 1}\n"));
    }
}
