//! Intelligence as it really arrives: small documents with snapshots, hostile bytes, and the shared data.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod documents;
mod hostile;
mod objects;
mod severity;
mod shared;
mod tables;
mod write;

use perisai_intel::{Format, Options};
use perisai_model::{Intel, Place};

/// Reads bytes as a file of a name.
fn load(name: &str, bytes: &[u8], options: &Options) -> (Format, Intel) {
    let mut intel = Intel::default();
    let mut input = bytes;
    let format = perisai_intel::read(&Place::file(name), &mut input, options, &mut intel).unwrap();
    (format, intel)
}
