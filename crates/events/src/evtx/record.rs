//! A chunk → its events.

use std::sync::Arc;

use evtx::{EvtxChunkData, ParserSettings};
use perisai_model::{Event, Position, Problem};

use super::EVTX;
use crate::block::Block;
use crate::json::flat;

/// Reads every record of a chunk. A broken record or chunk is told, and the rest read.
pub(crate) fn each_event(
    block: &Block,
    event: &mut Event,
    each: &mut dyn FnMut(Position, &Event),
    problem: &mut dyn FnMut(Problem),
) {
    let place = &block.stream.place;
    let chunk_problem = |why: String| Problem::new(place.clone(), format!("chunk {}: {why}", block.first));
    let mut data = match EvtxChunkData::new(block.bytes.clone(), false) {
        Ok(data) => data,
        Err(error) => return problem(chunk_problem(error.to_string())),
    };
    let settings = Arc::new(ParserSettings::new().indent(false));
    let mut chunk = match data.parse(settings) {
        Ok(chunk) => chunk,
        Err(error) => return problem(chunk_problem(error.to_string())),
    };
    for record in chunk.iter() {
        let record = match record.and_then(evtx::EvtxRecord::into_json) {
            Ok(record) => record,
            Err(error) => {
                problem(chunk_problem(error.to_string()));
                continue;
            }
        };
        event.clear();
        event.format = EVTX.name();
        if !flat::flatten(&record.data, "", event) {
            problem(Problem::new(
                place.record(record.event_record_id),
                "the record cannot be read",
            ));
            continue;
        }
        event.time = Some(record.timestamp);
        event.time_text = event.get_str("TimeCreated").map(str::to_owned);
        each(Position::Record(record.event_record_id), event);
    }
}
