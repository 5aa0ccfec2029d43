//! Real logs, where they are there.

use std::path::{Path, PathBuf};

use perisai_events::ReadOptions;
use perisai_model::Position;

use crate::{Found, file};

fn shared(folder: &str) -> Option<Vec<PathBuf>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(folder);
    if !root.is_dir() {
        eprintln!("skipped: {folder}: no shared data");
        return None;
    }
    let mut left = vec![root];
    let mut files = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    Some(files)
}

fn read(path: &Path) -> Found {
    file(&std::fs::read(path).unwrap(), &ReadOptions::default())
}

#[test]
fn all_event_logs_are_read_whole() {
    let Some(files) = shared("evtx") else { return };
    let (mut records, mut channels) = (0, 0);
    for path in &files {
        let found = read(path);
        assert_eq!(found.problems, Vec::<String>::new(), "{}", path.display());
        for (position, event) in &found.events {
            let place = format!("{} {position:?}", path.display());
            assert!(matches!(position, Position::Record(_)), "{place}");
            assert!(event.time.is_some() && event.time_text.is_some(), "{place}");
            for name in ["EventID", "Provider_Name", "Computer", "EventRecordID"] {
                assert!(event.get(name).is_some(), "{place}: no {name}: {event:?}");
            }
            channels += usize::from(event.get_str("Channel").is_some());
            assert!(perisai_events::host(event).is_some(), "{place}");
            for (name, _) in event.iter() {
                assert!(
                    !name.contains("#attributes") && !name.starts_with("Event."),
                    "{place}: {name}"
                );
            }
        }
        records += found.events.len();
    }
    assert_eq!((files.len(), records), (277, 8255));
    // Some traces were never in a channel.
    assert!(channels > 7800, "{channels}");
}

#[test]
fn damaged_event_logs_give_what_is_left() {
    let Some(files) = shared("evtx") else { return };
    let largest = files
        .iter()
        .max_by_key(|path| std::fs::metadata(path).unwrap().len())
        .unwrap();
    let bytes = std::fs::read(largest).unwrap();
    let whole = file(&bytes, &ReadOptions::default()).events.len();

    let mut headless = bytes.clone();
    headless[..4096].fill(0xaa);
    let found = file(&headless, &ReadOptions::default());
    assert_eq!(found.events.len(), whole);
    assert_eq!(found.problems.len(), 2, "{:?}", found.problems);

    let mut broken = bytes.clone();
    broken[4096 + 65_536..4096 + 65_536 + 8].fill(b'x');
    let found = file(&broken, &ReadOptions::default());
    assert_eq!(found.events.len(), whole);
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);

    let found = file(&bytes[..4096 + 65_536 + 30_000], &ReadOptions::default());
    assert!(!found.events.is_empty());
    assert!(found.problems[0].contains("truncated"), "{:?}", found.problems);
}

#[test]
fn flipped_bits_never_panic() {
    let Some(files) = shared("evtx") else { return };
    let mut seed = 7_u64;
    for path in files.iter().step_by(4) {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.truncate(4096 + 2 * 65_536);
        for _ in 0..200 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] ^= 1 << (seed >> 30 & 7);
        }
        let _ = file(&bytes, &ReadOptions::default());
    }
}

#[test]
fn zeek_logs_have_fields_and_times() {
    let Some(files) = shared("zeek") else { return };
    for path in &files {
        let found = read(path);
        assert_eq!(found.events.len(), found.items.len(), "{}", path.display());
        for (position, event) in &found.events {
            assert_eq!(event.format, "zeek", "{position:?}: {event:?}");
            assert_eq!(
                event.time.is_some(),
                event.get("ts").is_some(),
                "{position:?}: {event:?}"
            );
        }
    }
}

#[test]
fn logs_of_many_systems_keep_every_line() {
    let Some(files) = shared("logs") else { return };
    for path in &files {
        let found = read(path);
        assert_eq!(found.problems, Vec::<String>::new(), "{}", path.display());
        let bytes = std::fs::read(path).unwrap();
        let expected = String::from_utf8_lossy(&bytes);
        assert_eq!(
            found.texts(),
            expected.lines().collect::<Vec<_>>(),
            "{}",
            path.display()
        );
    }
    let formats = |name: &str| {
        let path = files.iter().find(|path| path.ends_with(name)).unwrap();
        let found = read(path);
        let syslog = found
            .events
            .iter()
            .filter(|(_, event)| event.format == "syslog")
            .count();
        (syslog, found.items.len())
    };
    assert_eq!(formats("OpenSSH_2k.log"), (2000, 2000));
    assert_eq!(formats("Hadoop_2k.log"), (0, 2000));
}
