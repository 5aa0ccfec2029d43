//! How long it takes to read objects: `cargo run --release -p perisai-intel --example parse_objects`.

#![allow(clippy::print_stdout)]

use std::ops::ControlFlow;
use std::time::Instant;

use perisai_intel::{Object, read_objects};
use perisai_model::Place;

fn main() {
    let indicator = r#"{"type":"indicator","spec_version":"2.1","id":"indicator--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11","created_by_ref":"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff","created":"2022-02-24T05:00:00.000Z","modified":"2022-02-24T05:00:01.123Z","name":"evil.example","description":"A server that wipers were sent from.","indicator_types":["malicious-activity"],"labels":["wiper"],"confidence":80,"pattern":"[domain-name:value = 'evil.example']","pattern_type":"stix","valid_from":"2022-02-24T05:00:00Z","object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]}"#;
    let rounds = 1_000_000;
    let started = Instant::now();
    let parsed = (0..rounds)
        .filter(|_| Object::parse(indicator.as_bytes()).is_ok())
        .count();
    let parse = started.elapsed() / rounds;
    let object = Object::parse(indicator.as_bytes()).expect("it is one");
    let started = Instant::now();
    let values: usize = (0..rounds).map(|_| object.values().len()).sum();
    let content = started.elapsed() / rounds;
    println!(
        "{} bytes: parse {parse:?}, values {content:?} ({parsed} read, {values} values)",
        indicator.len()
    );

    let bundle = format!(
        "{{\"type\":\"bundle\",\"objects\":[{}]}}",
        vec![indicator; 200_000].join(",")
    );
    let started = Instant::now();
    let mut parsed = 0;
    let mut each = |object: perisai_intel::RawObject<'_>| {
        parsed += u32::from(Object::parse(object.bytes).is_ok());
        ControlFlow::Continue(())
    };
    let read = read_objects(
        &Place::file("-"),
        &mut bundle.as_bytes(),
        &mut each,
        &mut Vec::new(),
    );
    let read = read.expect("a slice does not fail");
    println!(
        "a bundle of {} objects: {:?} an object, read and parsed",
        read.objects,
        started.elapsed() / parsed
    );
}
