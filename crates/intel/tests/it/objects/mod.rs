//! Objects as a store keeps them: the bytes as they came, and what is read of them.

mod parse;
mod refusals;
mod sound;
mod stream;
mod tree;

use std::io::BufRead;
use std::ops::ControlFlow;

use perisai_intel::{ObjectsRead, RawObject, read_objects};
use perisai_model::{Place, Problem};

/// An object's line, its number and its text.
type Seen = (u64, Option<u64>, String);

/// The objects of a text.
fn objects(mut input: impl BufRead) -> (Vec<Seen>, ObjectsRead, Vec<Problem>) {
    let (mut seen, mut problems) = (Vec::new(), Vec::new());
    let mut each = |object: RawObject<'_>| {
        let text = String::from_utf8_lossy(object.bytes).into_owned();
        seen.push((object.line, object.index, text));
        ControlFlow::Continue(())
    };
    let read = read_objects(&Place::file("x"), &mut input, &mut each, &mut problems).unwrap();
    (seen, read, problems)
}

/// An object of a type and id, with more properties.
fn with(more: &str) -> String {
    format!("{{\"type\": \"indicator\", \"id\": \"indicator--1\"{more}}}")
}
