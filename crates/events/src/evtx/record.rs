//! A chunk → its events.

use std::collections::HashSet;
use std::sync::Arc;

use evtx::{EvtxChunk, EvtxChunkHeader, EvtxRecord, ParserSettings};
use perisai_model::{Event, Position, Problem, Timestamp, Value};

use super::repair::{self, Record};
use super::{CHUNK, EVTX, MAGIC};
use crate::block::Block;
use crate::json::flat;
use crate::time;

/// How many broken records of a chunk are told one by one.
const TOLD: usize = 3;

const UNFIT: &str = "its header does not fit its records (damaged, altered, or copied while it was written): all \
    records found in it are searched";

/// The size of a record's head, behind which its content stands.
const HEAD: u64 = 24;

/// Reads every record of a chunk. A broken record or chunk is told, and the rest read; of what cannot be read the texts
/// in it are given.
pub(crate) fn each_event(
    block: &Block,
    event: &mut Event,
    each: &mut dyn FnMut(Position, &Event),
    problem: &mut dyn FnMut(Problem),
) {
    let place = &block.stream.place;
    let mut tell = |why: String| {
        problem(Problem::new(
            place.clone(),
            format!("chunk {}: {why}", block.first),
        ))
    };
    let mut records = repair::records(&block.bytes);
    if !block.bytes.starts_with(MAGIC) && records.is_empty() {
        return texts(block.first, &block.bytes, event, each);
    }
    let with_magic = (!block.bytes.starts_with(MAGIC)).then(|| repair::with_magic(&block.bytes));
    let chunk = with_magic.as_deref().unwrap_or(&block.bytes);
    let header = EvtxChunkHeader::from_bytes(chunk).ok();
    let sound = header
        .as_ref()
        .is_some_and(|header| repair::fits(header, chunk, &records));
    // What lies behind the end of a sound chunk is no part of the log.
    let end = header
        .filter(|_| sound)
        .map_or(CHUNK as u32, |header| header.free_space_offset) as usize;
    if !sound {
        records = repair::hidden(chunk, &records);
        tell(UNFIT.to_owned());
    }
    let is_timeless = |record: &&Record| record.start < end && repair::has_no_time(chunk, record);
    let timeless = records.iter().filter(is_timeless).count();
    if timeless > 0 {
        tell(format!(
            "the head of {timeless} of its records states a time that cannot be"
        ));
    }
    let repairs = !sound || timeless > 0;
    let repaired = repairs.then(|| repair::repaired(chunk, &records));
    let mut bytes = repaired.as_deref().unwrap_or(chunk);
    let without_table;
    if let Err(why) = open(bytes) {
        tell(format!("{why}: read without it"));
        without_table = repair::without_table(bytes);
        bytes = &without_table;
    }
    let (mut read, mut broken) = (HashSet::new(), 0);
    each_record(bytes, !sound, &mut |record| {
        let start = record.as_ref().ok().map(|record| record.binxml_offset);
        let outcome = record.map_err(|error| error.to_string());
        match outcome.and_then(|record| fields(record, event)) {
            Ok(number) => {
                read.extend(start);
                block.stream.broken.look(event);
                each(Position::Record(number), event);
            }
            Err(why) => {
                broken += 1;
                if broken <= TOLD {
                    tell(why);
                }
            }
        }
    });
    if broken > TOLD {
        tell(format!("{} more records cannot be read", broken - TOLD));
    }
    let is_left = |record: &&Record| record.start < end && !read.contains(&(record.start as u64 + HEAD));
    let left: Vec<_> = records.iter().filter(is_left).collect();
    if broken < left.len() {
        let count = left.len();
        tell(format!(
            "{count} of its records cannot be read: the texts in them are searched"
        ));
    }
    for record in left {
        texts(record.id, &chunk[record.start..record.end], event, each);
    }
}

/// Gives the texts in bytes that are no record, or none that can be read.
fn texts(number: u64, bytes: &[u8], event: &mut Event, each: &mut dyn FnMut(Position, &Event)) {
    let texts = repair::strings(bytes);
    if !texts.is_empty() {
        event.clear();
        event.format = EVTX.name();
        event.push("Strings", Value::Str(&texts));
        each(Position::Record(number), event);
    }
}

/// Why a chunk cannot be read at all.
fn open(bytes: &[u8]) -> Result<(), String> {
    let header = EvtxChunkHeader::from_bytes(bytes).map_err(|error| error.to_string())?;
    let chunk = EvtxChunk::new(bytes, &header, Arc::new(ParserSettings::new()));
    chunk.map(|_| ()).map_err(|error| error.to_string())
}

/// Calls `each` with every record of a chunk; `all` where its header is not to be believed.
fn each_record(bytes: &[u8], all: bool, each: &mut dyn FnMut(Result<EvtxRecord<'_>, evtx::err::EvtxError>)) {
    let Ok(mut header) = EvtxChunkHeader::from_bytes(bytes) else {
        return;
    };
    if all {
        header.first_event_record_id = 0;
        header.last_event_record_id = u64::MAX;
        header.last_event_record_data_offset = CHUNK as u32;
        header.free_space_offset = CHUNK as u32;
    }
    let settings = Arc::new(ParserSettings::new().indent(false));
    if let Ok(mut chunk) = EvtxChunk::new(bytes, &header, settings) {
        chunk.iter().for_each(each);
    }
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
    // Every event has one: where it is missing, its content is not what it was.
    if event.get("EventID").is_none() {
        return Err(format!("record {} has no content", record.event_record_id));
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
