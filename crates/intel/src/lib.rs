//! perisai-intel.
