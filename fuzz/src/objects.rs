//! STIX objects as a store keeps them: bytes come out as they went in, and what is read of them holds.

use std::ops::ControlFlow;

use perisai_intel::{Object, is_id, marking_of_definition, read_objects};
use perisai_model::Place;

/// Reads bytes as one object.
pub fn parse(data: &[u8]) {
    let _ = marking_of_definition(data);
    let Ok(object) = Object::parse(data) else {
        return;
    };
    assert_eq!(object.raw, data);
    let tree: serde_json::Value = serde_json::from_slice(data).expect("it is JSON");
    assert_eq!(tree["id"], *object.id);
    assert_eq!(tree["type"], *object.kind);
    assert!(is_id(&object.id) && object.created_by_ref.as_deref().is_none_or(is_id));
    assert!(object.refs.len() <= Object::MAX_REFS && object.refs.iter().all(|one| is_id(&one.id)));
    assert!(object.texts.iter().map(|text| text.len()).sum::<usize>() <= Object::MAX_TEXT);
    let _ = object.marking_of_labels();
    for (kind, value) in object.values() {
        let canonical = perisai_values::canonical(kind, &value);
        assert_eq!(canonical.as_deref(), Ok(&*value), "{kind}");
    }
}

/// Reads bytes as a source of objects.
pub fn read(data: &[u8]) {
    let mut rest = std::str::from_utf8(data).ok().filter(|text| !text.contains('\0'));
    let mut many = 0;
    let mut each = |object: perisai_intel::RawObject<'_>| {
        many += 1;
        if let (Some(text), Ok(bytes)) = (&mut rest, std::str::from_utf8(object.bytes)) {
            let at = text
                .find(bytes)
                .expect("its bytes stand in the source, behind those before");
            *text = &text[at + bytes.len()..];
        }
        parse(object.bytes);
        ControlFlow::Continue(())
    };
    let mut problems = Vec::new();
    let read = read_objects(&Place::file("fuzz"), &mut &data[..], &mut each, &mut problems);
    let read = read.expect("a slice does not fail");
    assert_eq!(read.objects, many);
    assert!(problems.len() <= 101);
}
