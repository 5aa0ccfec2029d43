//! EVTX records as events, in the way of the `events` crate, which this one must not depend on.

use std::path::{Path, PathBuf};

use perisai_model::{Event, Timestamp, Value};

/// A part of the sample data beside the repository; `None` where it is absent.
pub(crate) fn shared(part: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(part);
    path.exists().then_some(path)
}

/// All files below a folder with an extension, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|other| other == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// All records of an EVTX file.
pub(crate) fn events(path: &Path) -> Vec<Event> {
    let mut parser = evtx::EvtxParser::from_path(path).unwrap();
    parser
        .records_json_value()
        .filter_map(Result::ok)
        .map(|record| {
            let mut event = Event::default();
            event.format = "evtx";
            event.time = Timestamp::from_microsecond(record.timestamp.as_microsecond()).ok();
            system(&record.data["Event"]["System"], &mut event);
            leaves(&record.data["Event"]["EventData"], None, &mut event);
            leaves(&record.data["Event"]["UserData"], None, &mut event);
            event
        })
        .collect()
}

fn system(system: &serde_json::Value, event: &mut Event) {
    for (name, value) in system.as_object().into_iter().flatten() {
        match name.as_str() {
            "Provider" => {
                leaf("Provider_Name", &value["#attributes"]["Name"], event);
            }
            "EventID" if value.is_object() => leaf("EventID", &value["#text"], event),
            "TimeCreated" | "Execution" | "Security" | "Correlation" => {}
            name => leaf(name, value, event),
        }
    }
}

fn leaves(value: &serde_json::Value, name: Option<&str>, event: &mut Event) {
    match (value, name) {
        (serde_json::Value::Object(map), _) => {
            for (inner, value) in map.iter().filter(|(inner, _)| *inner != "#attributes") {
                let inner = if inner == "#text" {
                    name.unwrap_or("Data")
                } else {
                    inner
                };
                leaves(value, Some(inner), event);
            }
        }
        (serde_json::Value::Array(list), name) => list.iter().for_each(|one| leaves(one, name, event)),
        (value, Some(name)) => leaf(name, value, event),
        _ => {}
    }
}

fn leaf(name: &str, value: &serde_json::Value, event: &mut Event) {
    match value {
        serde_json::Value::String(text) => event.push_str(name, text),
        serde_json::Value::Bool(truth) => event.push(name, Value::Bool(*truth)),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => event.push(name, Value::Int(number)),
            None => event.push(name, Value::Float(number.as_f64().unwrap_or_default())),
        },
        _ => {}
    }
}
