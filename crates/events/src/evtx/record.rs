//! A chunk → its events.

use std::sync::Arc;

use evtx::{ChunkFlags, EvtxChunk, EvtxChunkHeader, EvtxRecord, ParserSettings, checksum_ieee};
use perisai_model::{Event, Position, Problem, Timestamp, Value};

use super::{CHUNK, EVTX, RECORDS};
use crate::block::Block;
use crate::json::flat;
use crate::time;

/// How many broken records of a chunk are told one by one.
const TOLD: usize = 3;

/// Reads every record of a chunk. A broken record or chunk is told, and the rest read.
pub(crate) fn each_event(
    block: &Block,
    event: &mut Event,
    each: &mut dyn FnMut(Position, &Event),
    problem: &mut dyn FnMut(Problem),
) {
    let place = &block.stream.place;
    let of_chunk = |why: String| Problem::new(place.clone(), format!("chunk {}: {why}", block.first));
    let settings = Arc::new(ParserSettings::new().indent(false));
    let mut header = match EvtxChunkHeader::from_bytes(&block.bytes) {
        Ok(header) => header,
        Err(error) => return problem(of_chunk(error.to_string())),
    };
    if !fits(&header, &block.bytes) {
        problem(of_chunk(
            "its header does not fit its records (damaged, altered, or copied while it was written): all records found in it are searched".to_owned(),
        ));
        header.first_event_record_id = 0;
        header.last_event_record_id = u64::MAX;
        header.last_event_record_data_offset = CHUNK as u32;
        header.free_space_offset = CHUNK as u32;
    }
    let mut chunk = match EvtxChunk::new(&block.bytes, &header, settings) {
        Ok(chunk) => chunk,
        Err(error) => return problem(of_chunk(error.to_string())),
    };
    let mut broken = 0;
    for record in chunk.iter() {
        match record
            .map_err(|error| error.to_string())
            .and_then(|record| fields(record, event))
        {
            Ok(number) => {
                block.stream.broken.look(event);
                each(Position::Record(number), event);
            }
            Err(why) => {
                broken += 1;
                if broken <= TOLD {
                    problem(of_chunk(why));
                }
            }
        }
    }
    if broken > TOLD {
        problem(of_chunk(format!("{} more records cannot be read", broken - TOLD)));
    }
}

/// Whether what a chunk's header says of its records is so: their sum, where they end, and which is the last. Behind
/// their end there may be records of an earlier use of the chunk, which are no part of the log.
fn fits(header: &EvtxChunkHeader, bytes: &[u8]) -> bool {
    let free = usize::try_from(header.free_space_offset).unwrap_or(usize::MAX);
    let Some(records) = bytes.get(RECORDS..free) else {
        return false;
    };
    let summed = header.flags.contains(ChunkFlags::NO_CRC32)
        || checksum_ieee(records) == header.events_checksum
            && checksum_ieee(&[&bytes[..120], &bytes[128..RECORDS]].concat()) == header.header_chunk_checksum;
    let (mut rest, mut last) = (records, None);
    while let Some((id, behind)) = record(rest) {
        (rest, last) = (behind, Some(id));
    }
    summed && rest.is_empty() && last.is_none_or(|id| id == header.last_event_record_id)
}

/// The id of the record that these bytes begin with, and what is behind it: `**\0\0`, its size, its id, …, its size
/// again.
fn record(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let head = bytes.strip_prefix(b"**\0\0")?;
    let (size, head) = head.split_first_chunk::<4>()?;
    let id = u64::from_le_bytes(*head.first_chunk()?);
    let length = usize::try_from(u32::from_le_bytes(*size)).ok()?;
    let whole = bytes.get(..length).filter(|whole| whole.len() >= 28)?;
    whole.ends_with(size).then_some((id, &bytes[length..]))
}

/// Reads one record into `event`; gives its number, or why it cannot be read. The number and the time are those that
/// the event itself states: of an exported or damaged log, those in the record's head may be others.
fn fields(record: EvtxRecord<'_>, event: &mut Event) -> Result<u64, String> {
    let record = record.into_json().map_err(|error| error.to_string())?;
    event.clear();
    event.format = EVTX.name();
    if !flat::flatten(&record.data, event) {
        return Err(format!("record {} cannot be read", record.event_record_id));
    }
    let stated = event.get_str("TimeCreated").map(str::to_owned);
    event.time = match &stated {
        Some(text) => time::parse(text, &crate::Clock::default()),
        None => Some(record.timestamp).filter(|at| *at > Timestamp::UNIX_EPOCH),
    };
    event.time_text = stated.or_else(|| event.time.map(|at| at.to_string()));
    Ok(match event.get("EventRecordID") {
        Some(Value::Int(number)) => number.cast_unsigned(),
        _ => record.event_record_id,
    })
}
