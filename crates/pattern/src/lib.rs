//! perisai-pattern.
