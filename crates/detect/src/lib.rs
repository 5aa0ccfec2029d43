//! perisai-detect.
