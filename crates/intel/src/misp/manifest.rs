//! The `manifest.json` of a MISP feed: an index by the uuids of its events, each of which is a file beside it. The
//! files are read by themselves; what the index is good for is to tell of those that are missing.

use std::io::{self, BufRead};

use crate::json;
use crate::sink::Sink;

use super::tags::is_uuid;

/// Reads a manifest.
pub(crate) fn read(input: &mut dyn BufRead, sink: &mut Sink<'_>) -> io::Result<()> {
    json::documents(input, false, sink, |reader, sink| {
        let mut raw = Vec::new();
        reader.enter()?;
        while let Some(key) = reader.key()? {
            let value = reader.raw(&mut raw)?;
            if is_uuid(&key) {
                sink.announce(value.line, &format!("{key}.json"));
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use perisai_model::{Intel, Place};

    use super::*;

    #[test]
    fn events_stand_beside_the_manifest() {
        let check = |place: &Place, expected: &str| {
            let text = "{\n\"5b0a9b32-75a0-4b8e-8a3b-1c3f0a0a0b01\": {\"info\": \"x\"},\n\"no\": {}}";
            let mut intel = Intel::default();
            let mut sink = Sink::new(place, &mut intel);
            read(&mut text.as_bytes(), &mut sink).unwrap();
            let named: Vec<_> = intel
                .announced
                .iter()
                .map(|named| format!("{} {}", named.by, named.source))
                .collect();
            assert_eq!(named, [expected]);
            assert_eq!(intel.problems, []);
        };
        let event = "5b0a9b32-75a0-4b8e-8a3b-1c3f0a0a0b01.json";
        check(
            &Place::file("feed/manifest.json"),
            &format!("feed/manifest.json:2 feed/{event}"),
        );
        check(&Place::file("manifest.json"), &format!("manifest.json:2 {event}"));
        check(
            &Place::file("feed.zip").member("a/manifest.json"),
            &format!("feed.zip!a/manifest.json:2 feed.zip!a/{event}"),
        );
        check(
            &Place::file("feed.tgz").member("feed.tar").member("manifest.json"),
            &format!("feed.tgz!feed.tar!manifest.json:2 feed.tgz!feed.tar!{event}"),
        );
    }
}
