//! Detections put in a form that rsigma compiles to what Sigma means.
//!
//! Four things differ in rsigma 0.23: keywords of a list with `|all` are compared as whole texts, `base64offset` keeps
//! a last character that depends on what follows, a placeholder is taken for a field of the event, and wildcards stop
//! at a line feed (and anchor the wrong end under `startswith` and `endswith`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsigma_parser::value::{SpecialChar, StringPart};
use rsigma_parser::{Detection, DetectionItem, FieldSpec, Modifier, SigmaString, SigmaValue};

/// Rewrites a detection in place.
pub(super) fn prepare(detection: &mut Detection) {
    match detection {
        Detection::AllOf(items) => *detection = prepare_items(std::mem::take(items)),
        Detection::AnyOf(inner) | Detection::And(inner) => inner.iter_mut().for_each(prepare),
        Detection::Keywords(values) => {
            *detection = prepare_items(vec![DetectionItem {
                field: FieldSpec::new(None, vec![Modifier::Contains]),
                values: std::mem::take(values),
            }]);
        }
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {}
    }
}

/// All of these items. One whose values run in two ways becomes a detection of its own.
fn prepare_items(items: Vec<DetectionItem>) -> Detection {
    let mut parts: Vec<Vec<DetectionItem>> = Vec::new();
    let mut joined = Vec::new();
    for item in items.into_iter().flat_map(prepare_item) {
        // Of `|all` both parts must hold, and of `|neq`, which denies the whole, the other way round.
        let has = |modifier| item.field.modifiers.contains(&modifier);
        joined.push(has(Modifier::All) != has(Modifier::Neq));
        parts.push(write_wildcards(item));
    }
    if parts.iter().all(|part| part.len() == 1) {
        return Detection::AllOf(parts.into_iter().flatten().collect());
    }
    let each = |item| Detection::AllOf(vec![item]);
    let parts = parts.into_iter().zip(joined).map(|(part, joined)| {
        let inner = part.into_iter().map(each).collect();
        if joined {
            Detection::And(inner)
        } else {
            Detection::AnyOf(inner)
        }
    });
    Detection::And(parts.collect())
}

/// Writes texts with wildcards as expressions, apart from values without.
fn write_wildcards(mut item: DetectionItem) -> Vec<DetectionItem> {
    const TEXT: [Modifier; 6] = [
        Modifier::Contains,
        Modifier::StartsWith,
        Modifier::EndsWith,
        Modifier::Cased,
        Modifier::All,
        Modifier::Neq,
    ];
    let modifiers = item.field.modifiers.clone();
    if !modifiers.iter().all(|one| TEXT.contains(one)) {
        return vec![item];
    }
    let (mut expressions, mut plain) = (Vec::new(), Vec::new());
    for value in std::mem::take(&mut item.values) {
        match value {
            SigmaValue::String(text) if !text.is_plain() => {
                let regex = expression(&text.parts, &modifiers);
                expressions.push(SigmaValue::String(SigmaString::from_raw(&regex)));
            }
            other => plain.push(other),
        }
    }
    let kept = modifiers.iter().copied();
    let kept = kept.filter(|one| matches!(one, Modifier::All | Modifier::Neq));
    let folded = (!modifiers.contains(&Modifier::Cased)).then_some(Modifier::IgnoreCase);
    let exact = kept
        .chain([Modifier::Re, Modifier::DotAll])
        .chain(folded)
        .collect();
    let mut parts = vec![(modifiers, plain), (exact, expressions)];
    // An item of no values stays as it is.
    parts.retain(|(_, values)| !values.is_empty());
    if parts.is_empty() {
        return vec![item];
    }
    let parted = parts.len() > 1;
    let part = |(mut modifiers, values): (Vec<Modifier>, Vec<SigmaValue>)| {
        // A rule that asks for all of one value is refused; the parts of a list are not.
        if parted && values.len() < 2 {
            modifiers.retain(|one| *one != Modifier::All);
        }
        DetectionItem {
            field: FieldSpec::new(item.field.name.clone(), modifiers),
            values,
        }
    };
    parts.into_iter().map(part).collect()
}

/// A text with wildcards as an expression, of which `.` means any character.
fn expression(mut parts: &[StringPart], modifiers: &[Modifier]) -> String {
    const ANY: StringPart = StringPart::Special(SpecialChar::WildcardMulti);
    let has = |modifier| modifiers.contains(&modifier);
    let mut start = !has(Modifier::Contains) && !has(Modifier::EndsWith);
    let mut end = !has(Modifier::Contains) && !has(Modifier::StartsWith);
    // A `*` at an end is the same as no anchor there, which is faster.
    while let [ANY, rest @ ..] = parts {
        (parts, start) = (rest, false);
    }
    while let [rest @ .., ANY] = parts {
        (parts, end) = (rest, false);
    }
    let inner = parts.iter().map(|part| match part {
        StringPart::Plain(text) => regex::escape(text),
        StringPart::Special(SpecialChar::WildcardMulti) => ".*".to_owned(),
        StringPart::Special(SpecialChar::WildcardSingle) => ".".to_owned(),
    });
    let (start, end) = (if start { "^" } else { "" }, if end { "$" } else { "" });
    format!("{start}{}{end}", inner.collect::<String>())
}

/// What is not about wildcards.
fn prepare_item(mut item: DetectionItem) -> Vec<DetectionItem> {
    const OPERATORS: [Modifier; 6] = [
        Modifier::Contains,
        Modifier::StartsWith,
        Modifier::EndsWith,
        Modifier::Re,
        Modifier::Cidr,
        Modifier::Exists,
    ];
    let modifiers = &mut item.field.modifiers;
    if item.field.name.is_none() && !modifiers.iter().any(|one| OPERATORS.contains(one)) {
        modifiers.push(Modifier::Contains);
    }
    if modifiers.contains(&Modifier::Expand) {
        drop_placeholders(&mut item);
    }
    let modifiers = &item.field.modifiers;
    let texts = item
        .values
        .iter()
        .all(|value| matches!(value, SigmaValue::String(text) if text.is_plain()));
    if !modifiers.contains(&Modifier::Base64Offset) || !texts || modifiers.contains(&Modifier::WindAsh) {
        return vec![item];
    }
    encode(item)
}

/// The values of a placeholder are its user's to give, and none are given here: a test of one holds for nothing.
fn drop_placeholders(item: &mut DetectionItem) {
    let placeholder = |value: &SigmaValue| value.to_string().split('%').skip(1).any(|part| !part.is_empty());
    let modifiers = &mut item.field.modifiers;
    if modifiers.contains(&Modifier::All) && item.values.iter().any(placeholder) {
        item.values.clear();
    }
    item.values.retain(|value| !placeholder(value));
    modifiers.retain(|one| *one != Modifier::Expand);
    if item.values.len() < 2 {
        modifiers.retain(|one| *one != Modifier::All);
    }
}

/// Writes `base64offset` out: a value is one of three texts.
fn encode(item: DetectionItem) -> Vec<DetectionItem> {
    let old = &item.field.modifiers;
    let all = old.contains(&Modifier::All);
    let modifiers: Vec<Modifier> = old
        .iter()
        .copied()
        .filter(|one| matches!(one, Modifier::Cased | Modifier::Neq))
        .chain([Modifier::Contains])
        .collect();
    let values: Vec<Vec<SigmaValue>> = item
        .values
        .iter()
        .map(|value| offsets(&bytes(value, old)))
        .collect();
    let make = |values| DetectionItem {
        field: FieldSpec::new(item.field.name.clone(), modifiers.clone()),
        values,
    };
    if all {
        values.into_iter().map(make).collect()
    } else {
        vec![make(values.into_iter().flatten().collect())]
    }
}

fn bytes(value: &SigmaValue, modifiers: &[Modifier]) -> Vec<u8> {
    let text = match value {
        SigmaValue::String(text) => text.as_plain().unwrap_or_default(),
        other => other.to_string(),
    };
    let units = || text.encode_utf16();
    if modifiers.contains(&Modifier::Wide) {
        units().flat_map(u16::to_le_bytes).collect()
    } else if modifiers.contains(&Modifier::Utf16be) {
        units().flat_map(u16::to_be_bytes).collect()
    } else if modifiers.contains(&Modifier::Utf16) {
        [0xff, 0xfe]
            .into_iter()
            .chain(units().flat_map(u16::to_le_bytes))
            .collect()
    } else {
        text.into_bytes()
    }
}

/// The part of each of the three encodings that does not depend on what stands before and after.
fn offsets(bytes: &[u8]) -> Vec<SigmaValue> {
    (0..3_usize)
        .filter_map(|offset| {
            let mut padded = vec![0; offset];
            padded.extend_from_slice(bytes);
            let encoded = STANDARD.encode(&padded);
            let start = [0, 2, 3][offset];
            let end = encoded.len() - [0, 3, 2][padded.len() % 3];
            let text = encoded.get(start..end).filter(|text| !text.is_empty())?;
            Some(SigmaValue::String(SigmaString::from_raw(text)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_hold_whatever_stands_around() {
        for text in ["foobar", "foob", "fooba", "IEX"] {
            for before in ["", "x", "xy", "xyz"] {
                for after in ["", "q", "qr"] {
                    let whole = STANDARD.encode(format!("{before}{text}{after}"));
                    let found = offsets(text.as_bytes())
                        .iter()
                        .any(|value| whole.contains(&value.to_string()));
                    assert!(found, "{before}{text}{after}: {whole}");
                }
            }
        }
    }
}
