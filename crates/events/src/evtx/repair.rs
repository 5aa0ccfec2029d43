//! Which records a chunk has, whatever its header says of them, and a copy of a damaged chunk that can be read.

use evtx::{ChunkFlags, EvtxChunkHeader, checksum_ieee};

use super::{CHUNK, MAGIC, RECORDS};

/// How a record begins.
const RECORD: &[u8] = b"**\0\0";

/// The size of a record's head and of its size behind it.
const LEAST: usize = 28;

/// Where a record has its time, and the first that no date stands for (the year 10,000).
const TIME: std::ops::Range<usize> = 16..24;
const NEVER: u64 = 2_650_467_744_000_000_000;

/// Where a chunk has the table of its strings, which only spares a search for them.
const STRINGS: std::ops::Range<usize> = 128..384;

/// So many letters are a string.
const LETTERS: usize = 4;

/// A record: where it stands, and its id.
pub(super) struct Record {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) id: u64,
}

/// All records: `**\0\0`, the size, the id, …, the size again.
pub(super) fn records(bytes: &[u8]) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for record in candidates(bytes) {
        if records.last().is_none_or(|before| before.end <= record.start) {
            records.push(record);
        }
    }
    records
}

/// The records of a chunk that is not sound, those among them that stand inside of another: that one ends where they
/// begin. What is found inside of an event by chance has some other id.
pub(super) fn hidden(bytes: &[u8], records: &[Record]) -> Vec<Record> {
    let near = |id: u64| {
        records
            .iter()
            .any(|record| record.id.abs_diff(id) <= CHUNK as u64)
    };
    let mut found: Vec<_> = candidates(bytes).filter(|record| near(record.id)).collect();
    for at in 1..found.len() {
        found[at - 1].end = found[at - 1].end.min(found[at].start);
    }
    found
}

fn candidates(bytes: &[u8]) -> impl Iterator<Item = Record> + '_ {
    let rest = bytes.get(RECORDS..).unwrap_or_default();
    let starts = memchr::memmem::find_iter(rest, RECORD).map(|at| RECORDS + at);
    starts.filter_map(|start| {
        let (length, id) = record(&bytes[start..])?;
        let end = start + length;
        Some(Record { start, end, id })
    })
}

/// The size and the id of the record that these bytes begin with.
fn record(bytes: &[u8]) -> Option<(usize, u64)> {
    let head = bytes.strip_prefix(RECORD)?;
    let (size, head) = head.split_first_chunk::<4>()?;
    let id = u64::from_le_bytes(*head.first_chunk()?);
    let length = usize::try_from(u32::from_le_bytes(*size)).ok()?;
    let whole = bytes.get(..length).filter(|whole| whole.len() >= LEAST)?;
    whole.ends_with(size).then_some((length, id))
}

/// Whether what a chunk's header says of its records is so: their sum, where they end, how many they are and which is
/// the last. Behind their end there may be records of an earlier use of the chunk, as in most exported logs: they are
/// no part of the log, unless one stands right there that could be its next.
pub(super) fn fits(header: &EvtxChunkHeader, bytes: &[u8], records: &[Record]) -> bool {
    let free = usize::try_from(header.free_space_offset).unwrap_or(usize::MAX);
    let Some(live) = bytes.get(RECORDS..free) else {
        return false;
    };
    let summed = header.flags.contains(ChunkFlags::NO_CRC32)
        || checksum_ieee(live) == header.events_checksum
            && checksum_ieee(&[&bytes[..120], &bytes[128..RECORDS]].concat()) == header.header_chunk_checksum;
    let (live, behind) = records.split_at(records.partition_point(|record| record.start < free));
    let (mut end, mut next) = (RECORDS, None);
    for record in live {
        if record.start != end || next.is_some_and(|next| next != record.id) {
            return false;
        }
        (end, next) = (record.end, Some(record.id.wrapping_add(1)));
    }
    let counted = header
        .last_event_record_number
        .wrapping_sub(header.first_event_record_number)
        .wrapping_add(1);
    let last = header.last_event_record_id;
    let is_last = live.last().is_none_or(|record| record.id == last);
    summed
        && end == free
        && is_last
        && counted == live.len() as u64
        && behind
            .first()
            .is_none_or(|record| record.start != free || record.id != last.wrapping_add(1))
}

/// Whether a record states a time that none can have.
pub(super) fn has_no_time(bytes: &[u8], record: &Record) -> bool {
    let time = bytes[record.start..]
        .get(TIME)
        .and_then(|time| time.first_chunk());
    time.is_some_and(|time| u64::from_le_bytes(*time) >= NEVER)
}

/// A copy that begins as a chunk does.
pub(super) fn with_magic(bytes: &[u8]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    copy.resize(CHUNK, 0);
    copy[..MAGIC.len()].copy_from_slice(MAGIC);
    copy
}

/// A copy in which every record has the size that it is found with, and a time that can be read.
pub(super) fn repaired(bytes: &[u8], records: &[Record]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for record in records {
        if record.end - record.start < LEAST {
            continue;
        }
        if has_no_time(bytes, record) {
            copy[record.start..][TIME].fill(0);
        }
        let size = u32::try_from(record.end - record.start).unwrap_or_default();
        copy[record.start + 4..][..4].copy_from_slice(&size.to_le_bytes());
        copy[record.end - 4..record.end].copy_from_slice(&size.to_le_bytes());
    }
    copy
}

/// The same without the table of its strings.
pub(super) fn without_table(bytes: &[u8]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    copy[STRINGS].fill(0);
    copy
}

/// The texts in bytes that cannot be read otherwise: letters of ASCII, and of UTF-16 in the order of Windows.
pub(super) fn strings(bytes: &[u8]) -> String {
    let is_text = |byte: u8| matches!(byte, b'\t' | 32..=126);
    let mut found = String::new();
    let mut add = |text: &mut dyn Iterator<Item = char>| {
        found.extend(text);
        found.push('\n');
    };
    for run in bytes.split(|byte| !is_text(*byte)) {
        if run.len() >= LETTERS {
            add(&mut run.iter().map(|byte| char::from(*byte)));
        }
    }
    let letter = |unit: &[u8]| match *unit {
        [low, 0] if is_text(low) => Some(char::from(low)),
        [low, high @ 1..=6] => char::from_u32(u32::from(high) << 8 | u32::from(low)),
        _ => None,
    };
    let mut at = 0;
    while at + 1 < bytes.len() {
        let run = bytes[at..]
            .chunks_exact(2)
            .take_while(|unit| letter(unit).is_some());
        let count = run.clone().count();
        if count >= LETTERS {
            add(&mut run.filter_map(letter));
            at += 2 * count;
        } else {
            at += 1;
        }
    }
    found
}
