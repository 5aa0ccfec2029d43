//! Intelligence: whatever comes in, what comes out is canonical and names a context that there is.

use perisai_detect::Detector;
use perisai_intel::{Options, read, read_warninglist};
use perisai_model::{Context, Intel, Kind, Place};

/// What makes the reader take the rest for a format, and what closes it.
const FORMATS: &[(&str, &str, &str)] = &[
    (
        "text",
        "# list\nevil.example\n192.0.2.1\n198.51.100.0/24\nb.example\nc.example\nd.example\n",
        "",
    ),
    (
        "csv",
        "value,type,comment\nevil.example,domain,a\n192.0.2.1,ip-dst,b\n",
        "",
    ),
    (
        "stix",
        r#"{"type":"bundle","id":"bundle--0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11","objects":["#,
        "]}",
    ),
    (
        "misp",
        r#"{"Event":{"uuid":"0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11","info":"x","date":"2022-02-24","Attribute":["#,
        "]}}",
    ),
    (
        "sigma",
        "title: a\nlogsource:\n  product: windows\ndetection:\n  selection:\n    EventID: 1\n  condition: selection\n",
        "",
    ),
    (
        "network",
        "alert tcp any any -> any any (msg:\"a\"; sid:1;)\n",
        "",
    ),
];

/// Reads bytes as a file.
pub fn any(data: &[u8]) {
    take(data);
}

/// Reads bytes as the rest of a file of a format.
///
/// # Panics
/// Where no such format stands in the table.
pub fn after(format: &str, data: &[u8]) {
    let (_, head, tail) = FORMATS
        .iter()
        .find(|(name, _, _)| *name == format)
        .expect("a format of the table");
    take(&[head.as_bytes(), data, tail.as_bytes()].concat());
}

fn take(bytes: &[u8]) {
    let mut intel = Intel::default();
    let options = Options {
        observed: true,
        include_no_ids: true,
        ..Options::default()
    };
    read(&Place::file("fuzz"), &mut &bytes[..], &options, &mut intel).expect("a slice does not fail");
    for indicator in intel.indicators.iter() {
        let canonical = perisai_values::canonical(indicator.kind, indicator.value);
        assert_eq!(
            canonical.as_deref().ok(),
            Some(indicator.value),
            "{}",
            indicator.kind
        );
        let _ = intel.context(indicator.context);
    }
    for rule in &intel.rules {
        let _ = intel.context(rule.context);
    }
}

/// Reads a warninglist and asks it about a few values.
pub fn warninglist(data: &[u8]) {
    let mut problems = Vec::new();
    let Ok(list) = read_warninglist(&Place::file("list.json"), &mut &data[..], &mut problems) else {
        return;
    };
    let mut intel = Intel::default();
    let context = intel.add_context(Context::default());
    for (kind, value) in [
        (Kind::Domain, "a.example"),
        (Kind::Ipv4, "192.0.2.1"),
        (Kind::Url, "http://a.example/b"),
    ] {
        intel.indicators.push(kind, value, context);
    }
    let (detector, _) = Detector::compile(intel, vec![list]);
    for indicator in 0..3 {
        drop(detector.matched(indicator));
    }
}
