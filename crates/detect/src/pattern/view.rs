//! An event as the values of each slot.

/// What one thread needs to match events; kept from event to event for its memory.
#[derive(Debug, Default)]
pub struct Scratch {}
