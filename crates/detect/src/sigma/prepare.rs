//! Detections put in a form that rsigma compiles to what Sigma means.
//!
//! Three things differ in rsigma 0.23: keywords of a list with `|all` are compared as whole texts, `base64offset` keeps
//! a last character that depends on what follows, and a placeholder is taken for a field of the event.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsigma_parser::{Detection, DetectionItem, FieldSpec, Modifier, SigmaString, SigmaValue};

/// Rewrites a detection in place.
pub(super) fn prepare(detection: &mut Detection) {
    match detection {
        Detection::AllOf(items) => {
            *items = std::mem::take(items).into_iter().flat_map(prepare_item).collect();
        }
        Detection::AnyOf(inner) | Detection::And(inner) => inner.iter_mut().for_each(prepare),
        Detection::Keywords(values) => {
            *detection = Detection::AllOf(vec![DetectionItem {
                field: FieldSpec::new(None, vec![Modifier::Contains]),
                values: std::mem::take(values),
            }]);
        }
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {}
    }
}

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
