//! perisai-respond.
