//! The times in fields, for tests of their minute, hour, and so on.

use std::borrow::Cow;

use perisai_model::Timestamp;
use rsigma_eval::EventValue;

use super::scratch::FieldValue;

/// Longer texts are no times.
const MAX_TEXT: usize = 64;

/// A field's value in a form of which rsigma reads the time; null where it is none.
pub(super) fn value(value: &FieldValue<'_>) -> EventValue<'static> {
    // Seconds or milliseconds since 1970, whether written as a number or as text.
    if let Some(number) = value.number() {
        return EventValue::Float(number);
    }
    match value.text.and_then(read) {
        Some(time) => EventValue::Str(Cow::Owned(time.to_string())),
        None => EventValue::Null,
    }
}

/// A date and time as products write them; in UTC where no offset is given, as Sysmon's `UtcTime`.
fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return None;
    }
    let mut text = Cow::Borrowed(text);
    if matches!(text.as_bytes(), [_, _, _, _, b'/', _, _, b'/', ..]) {
        text = Cow::Owned(text.replacen('/', "-", 2));
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let zone = ["UTC", "GMT", "Z"]
        .iter()
        .find_map(|zone| text.strip_suffix(zone));
    let bare = zone.unwrap_or(&text).trim_end();
    let with_offset = match bare.rsplit_once(' ') {
        Some((time, offset)) if offset.starts_with(['+', '-']) => format!("{time}{offset}"),
        _ => format!("{bare}Z"),
    };
    with_offset.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_products_write_them() {
        let check = |text: &str, expected: &str| {
            let found = read(text).map(|time| time.to_string());
            assert_eq!(found.as_deref().unwrap_or("none"), expected, "{text}");
        };
        for text in [
            "2024-01-01 00:05:00.000",
            "2024-01-01 00:05:00",
            "2024-01-01 00:05:00Z",
            "2024-01-01 00:05:00.000000 UTC",
            "2024-01-01T00:05:00",
            "2024-01-01T00:05:00.0000000Z",
            "2024-01-01T02:05:00+02:00",
            "2024-01-01T02:05:00.000+0200",
            "2024-01-01 02:05:00 +0200",
            "2024/01/01 00:05:00",
        ] {
            check(text, "2024-01-01T00:05:00Z");
        }
        for text in [
            "",
            "Z",
            "none",
            "4624",
            "2024-13-01 00:00:00",
            "é/é",
            &"1".repeat(200),
        ] {
            check(text, "none");
        }
    }
}
