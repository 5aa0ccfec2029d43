//! A chunk → its events.

use std::sync::Arc;

use evtx::{EvtxChunk, EvtxChunkHeader, EvtxRecord, ParserSettings};
use perisai_model::{Event, Position, Problem, Timestamp, Value};

use super::EVTX;
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
    let header = match EvtxChunkHeader::from_bytes(&block.bytes) {
        Ok(header) => header,
        Err(error) => return problem(of_chunk(error.to_string())),
    };
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
            Ok(number) => each(Position::Record(number), event),
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

/// Reads one record into `event`; gives its number, or why it cannot be read. The number and the time are those that
/// the event itself states: of an exported or damaged log, those in the record's head may be others.
fn fields(record: EvtxRecord<'_>, event: &mut Event) -> Result<u64, String> {
    let record = record.into_json().map_err(|error| error.to_string())?;
    event.clear();
    event.format = EVTX.name();
    if !flat::flatten(&record.data, "", event) {
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
