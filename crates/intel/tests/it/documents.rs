//! Small realistic documents of every format, and all that is taken of them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use perisai_intel::Options;
use perisai_model::{Context, ContextId, Intel};

use crate::load;

/// Everything that was read, as text.
fn render(format: perisai_intel::Format, intel: &Intel) -> String {
    let mut out = format!("format: {format}\n");
    for (at, context) in intel.contexts.iter().enumerate() {
        let id = ContextId(u32::try_from(at).unwrap());
        describe(&mut out, context);
        for one in intel.indicators.iter().filter(|one| one.context == id) {
            writeln!(out, "  {} {}", one.kind, one.value).unwrap();
        }
        for rule in intel.rules.iter().filter(|rule| rule.context == id) {
            writeln!(out, "  {:?} at {}: {:?}", rule.language, rule.place, rule.text).unwrap();
        }
    }
    let withheld = format!("{} {}", intel.withheld.total(), intel.withheld);
    writeln!(out, "withheld: {}", withheld.trim_end()).unwrap();
    for problem in &intel.problems {
        writeln!(out, "problem: {problem}").unwrap();
    }
    out
}

fn describe(out: &mut String, context: &Context) {
    writeln!(out, "from {}", context.source).unwrap();
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            writeln!(out, "    {name}: {value}").unwrap();
        }
    };
    field("id", context.id.clone());
    field("name", context.name.clone());
    field("description", context.description.clone());
    field("author", context.author.clone());
    field("reference", context.reference.clone());
    field("tlp", context.tlp.map(|tlp| tlp.to_string()));
    field("pap", context.pap.map(|pap| format!("{pap:?}")));
    field(
        "tags",
        (!context.tags.is_empty()).then(|| context.tags.join(", ")),
    );
    field("severity", context.severity.map(|severity| severity.to_string()));
    field("confidence", context.confidence.map(|number| number.to_string()));
    field("valid from", context.valid_from.map(|time| time.to_string()));
    field("valid until", context.valid_until.map(|time| time.to_string()));
}

fn check(name: &str, options: &Options) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    let (format, intel) = load(name, &fs::read(path).unwrap(), options);
    render(format, &intel)
}

macro_rules! documents {
    ($($test:ident $file:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            insta::assert_snapshot!(check($file, &Options::default()));
        })+
    };
}

documents! {
    list "list.txt",
    hosts "hosts.txt",
    strings "strings.json",
    urlhaus "urlhaus.csv",
    threatfox "threatfox.csv",
    feodo "feodo.csv",
    bazaar "bazaar.csv",
    misp_csv "misp.csv",
    otx "otx.csv",
    no_heading "no-heading.tsv",
    semicolons "semicolons.csv",
    stix_21 "stix21.json",
    stix_20 "stix20.json",
    stix_lines "stix.jsonl",
    taxii "taxii.json",
    misp_event "misp-event.json",
    misp_search "misp-search.json",
    manifest "manifest.json",
    hashes "hashes.csv",
    sigma "sigma.yml",
    yara "rules.yar",
    suricata "suricata.rules",
}

#[test]
fn observed_data_is_taken_where_asked() {
    let options = Options {
        observed: true,
        ..Options::default()
    };
    insta::assert_snapshot!("observed_21", check("observed21.json", &options));
    insta::assert_snapshot!("observed_20", check("observed20.json", &options));
    insta::assert_snapshot!("not_observed", check("observed21.json", &Options::default()));
}

#[test]
fn attributes_not_for_detection_are_taken_where_asked() {
    let options = Options {
        include_no_ids: true,
        ..Options::default()
    };
    insta::assert_snapshot!("all_attributes", check("misp-event.json", &options));
}

#[test]
fn notes_in_an_old_encoding_cost_no_row() {
    let table = b"domain;Bemerkung\nevil.example;\xfcber Nacht\nb\xfccher.example;x\n";
    let (format, intel) = load("latin1.csv", table, &Options::default());
    insta::assert_snapshot!(render(format, &intel));
}

#[test]
fn a_list_in_utf_16() {
    let text = "\u{feff}hxxp://evil[.]example/\r\n192.0.2.7\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (format, intel) = load("utf16.txt", &bytes, &Options::default());
    insta::assert_snapshot!(render(format, &intel));
}
