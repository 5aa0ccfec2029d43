//! perisai-events.
