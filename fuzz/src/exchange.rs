//! What other servers answer.

use perisai_exchange::{Shape, Split, Splitter};

const SHAPE: Shape = Shape {
    list: "objects",
    max_items: 1_000,
};

/// Cuts bytes into elements, whole and in pieces of the length that the first byte says: the same comes out, and all of
/// it is JSON. What is an envelope as a whole loses nothing.
pub fn split(data: &[u8]) {
    let [piece, data @ ..] = data else {
        return;
    };
    for head in ["", "{\"objects\":["] {
        let bytes = [head.as_bytes(), data].concat();
        let whole = read(&bytes, bytes.len().max(1));
        let pieces = read(&bytes, usize::from(*piece).max(1));
        assert_eq!(texts(&whole), texts(&pieces));
        assert_eq!((&whole.broken, &whole.cut), (&pieces.broken, &pieces.cut));
        assert_eq!((whole.more, &whole.next), (pieces.more, &pieces.next));
        let document: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
        let Some(list) = document
            .as_ref()
            .and_then(|document| document.get("objects")?.as_array())
        else {
            continue;
        };
        // A name that stands twice, or is written with escapes, is read in another way.
        let is_plain = bytes
            .windows(9)
            .filter(|window| *window == b"\"objects\"")
            .count()
            == 1
            && !bytes.contains(&b'\\');
        if is_plain && list.len() < SHAPE.max_items {
            let elements: Vec<serde_json::Value> = texts(&whole)
                .iter()
                .map(|text| serde_json::from_str(text).expect("an element is JSON"))
                .collect();
            assert_eq!(&elements, list);
            assert!(whole.cut.is_none() && whole.broken.is_empty());
        }
    }
}

fn read(bytes: &[u8], piece: usize) -> Split {
    let mut splitter = Splitter::new(SHAPE);
    for part in bytes.chunks(piece) {
        splitter.feed(part);
    }
    splitter.finish(None)
}

fn texts(split: &Split) -> Vec<&str> {
    split.items.iter().map(|item| item.get()).collect()
}
