//! perisai-values.
