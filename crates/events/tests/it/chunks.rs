//! Event logs that were tampered with: no record is lost in silence, whatever the sums say.

use std::io::Read;

use perisai_events::ReadOptions;

use crate::file;

/// A log of one chunk, and where its records stand in the chunk, with their sizes.
fn log() -> (Vec<u8>, Vec<(usize, usize)>) {
    let packed = include_bytes!("../../../../examples/logs/web01-forwarded.evtx.gz");
    let mut log = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_end(&mut log)
        .unwrap();
    let mut records = Vec::new();
    let mut at = 512;
    while log[CHUNK + at..].starts_with(b"**\0\0") {
        let size = u32::from_le_bytes(*log[CHUNK + at + 4..].first_chunk().unwrap()) as usize;
        records.push((at, size));
        at += size;
    }
    (log, records)
}

/// Where the first chunk stands.
const CHUNK: usize = 4096;

/// Makes the sums of the chunk right again.
fn sum(log: &mut [u8]) {
    let crc = |parts: &[&[u8]]| {
        let mut crc = flate2::Crc::new();
        parts.iter().for_each(|part| crc.update(part));
        crc.sum().to_le_bytes()
    };
    let chunk = &mut log[CHUNK..][..65_536];
    let free = u32::from_le_bytes(*chunk[48..].first_chunk().unwrap()) as usize;
    let records = crc(&[&chunk[512..free.clamp(512, 65_536)]]);
    chunk[52..56].copy_from_slice(&records);
    let header = crc(&[&chunk[..120], &chunk[128..512]]);
    chunk[124..128].copy_from_slice(&header);
}

#[test]
fn a_lying_chunk_header_hides_no_record() {
    let (log, records) = log();
    let whole = file(&log, &ReadOptions::default());
    assert_eq!(whole.problems, [""; 0]);
    assert!(records.len() > 3 && whole.events.len() == records.len());
    let told = |log: &[u8], why: &str| {
        let found = file(log, &ReadOptions::default());
        assert_eq!(found.events, whole.events, "{:?}", found.problems);
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(found.problems[0].contains(why), "{:?}", found.problems);
    };
    const UNFIT: &str = "chunk 1: its header does not fit its records";
    let with = |parts: &[(usize, &[u8])]| {
        let mut log = log.clone();
        for (at, bytes) in parts {
            log[CHUNK + at..][..bytes.len()].copy_from_slice(bytes);
        }
        log
    };
    let check = |parts: &[(usize, &[u8])]| {
        let mut log = with(parts);
        told(&log, UNFIT);
        sum(&mut log);
        told(&log, UNFIT);
    };
    // Where the free space begins, the last record's id, how many there are.
    for free in [512_u32, 536, 0, 70_000] {
        check(&[(48, &free.to_le_bytes())]);
    }
    check(&[(32, &0_u64.to_le_bytes())]);
    check(&[(16, &77_u64.to_le_bytes())]);
    told(&with(&[(52, &7_u32.to_le_bytes())]), UNFIT);
    // A header that tells of the first two records alone, and is right in all of that.
    let id = |record: usize| -> [u8; 8] { *log[CHUNK + records[record].0 + 8..].first_chunk().unwrap() };
    let number = u64::from_le_bytes(*log[CHUNK + 8..].first_chunk().unwrap());
    let free = u32::try_from(records[2].0).unwrap().to_le_bytes();
    let last = u32::try_from(records[1].0).unwrap().to_le_bytes();
    check(&[
        (16, &(number + 1).to_le_bytes()),
        (32, &id(1)),
        (44, &last),
        (48, &free),
    ]);
    // A record that holds the one behind it.
    let (at, size) = records[1];
    let both = u32::try_from(size + records[2].1).unwrap();
    let swallowed = [
        (at + 4, &both.to_le_bytes()[..]),
        (records[2].0 + records[2].1 - 4, &both.to_le_bytes()),
    ];
    let mut log = with(&swallowed);
    sum(&mut log);
    let found = file(&log, &ReadOptions::default());
    assert!(found.problems[0].contains(UNFIT), "{:?}", found.problems);
    assert!(found.events.len() >= records.len() - 1);
}

#[test]
fn what_cannot_be_read_is_searched_for_texts() {
    let (log, records) = log();
    let whole = file(&log, &ReadOptions::default());
    let check = |at: usize, bytes: &[u8], sums: bool, read: usize, why: &str| {
        let mut log = log.clone();
        log[CHUNK + at..][..bytes.len()].copy_from_slice(bytes);
        if sums {
            sum(&mut log);
        }
        let found = file(&log, &ReadOptions::default());
        let same = found.events.iter().filter(|event| whole.events.contains(event));
        assert_eq!(same.count(), read, "{:?}", found.problems);
        assert!(
            found.problems.iter().any(|problem| problem.contains(why)),
            "{:?}",
            found.problems
        );
        let texts = found
            .events
            .iter()
            .filter(|(_, event)| event.get_str("Strings").is_some());
        assert_eq!(texts.count(), records.len() - read, "{:?}", found.problems);
    };
    let all = records.len();
    let (at, _) = records[1];
    check(
        128,
        &[0xf0, 0xff, 0xff, 0xff].repeat(64),
        true,
        all,
        "string cache",
    );
    check(
        0,
        b"ElfChnX",
        true,
        all,
        "are no chunk: searched for records and texts",
    );
    check(at + 24, &[0; 4], true, all - 1, "has no content");
    check(at + 24, &[0xee; 40], true, all - 1, "record");
    // No date.
    check(at + 16, &[0xff; 8], true, all, "states a time that cannot be");
}
