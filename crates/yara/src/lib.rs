//! perisai-yara.
