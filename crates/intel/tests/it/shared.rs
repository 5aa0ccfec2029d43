//! The shared real data: every file loads, and every refusal is explained. Skipped where the data is absent.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use perisai_intel::{Format, Options, read_warninglist};
use perisai_model::{Intel, Kind, Place, RuleLanguage, WarninglistType};

use crate::load;

/// A folder or file of the shared data.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no ../shared/data/{name}");
    None
}

/// All files below a folder, sorted.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Loads all files of a folder into one, and counts them by format.
fn load_all(folder: &Path, ending: &str) -> (BTreeMap<Format, usize>, Intel) {
    let mut intel = Intel::default();
    let mut formats = BTreeMap::new();
    for path in files(folder, ending) {
        let mut input = BufReader::new(fs::File::open(&path).unwrap());
        let name = path.strip_prefix(folder).unwrap().to_string_lossy();
        let format =
            perisai_intel::read(&Place::file(&*name), &mut input, &Options::default(), &mut intel).unwrap();
        *formats.entry(format).or_default() += 1;
    }
    for problem in &intel.problems {
        println!("{problem}");
    }
    (formats, intel)
}

fn by_kind(intel: &Intel) -> BTreeMap<Kind, usize> {
    let mut counts = BTreeMap::new();
    for one in intel.indicators.iter() {
        *counts.entry(one.kind).or_default() += 1;
    }
    counts
}

pub(crate) fn unpack(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[test]
fn the_large_list() {
    let Some(path) = shared("iocs/maltrail.txt.gz") else {
        return;
    };
    let bytes = unpack(&path);
    let started = std::time::Instant::now();
    let (format, intel) = load("maltrail.txt", &bytes, &Options::default());
    println!("{} lines in {:?}", intel.indicators.len(), started.elapsed());
    for problem in &intel.problems {
        println!("{problem}");
    }
    assert_eq!(format, Format::Text);
    assert_eq!(intel.problems, []);
    assert_eq!(intel.contexts.len(), 1);
    let counts = by_kind(&intel);
    assert_eq!(counts[&Kind::Domain], 1_160_703);
    assert_eq!(counts[&Kind::Ipv4], 230_574);
    assert_eq!(counts[&Kind::Url], 16_107);
    assert_eq!(counts[&Kind::Cidr], 1_095);
    let digests = [Kind::Md5, Kind::Sha1, Kind::Sha256];
    assert_eq!(
        digests
            .iter()
            .map(|kind| counts.get(kind).unwrap_or(&0))
            .sum::<usize>(),
        16_074
    );
}

#[test]
fn misp_events() {
    let Some(folder) = shared("misp") else { return };
    let (formats, intel) = load_all(&folder, ".json");
    println!(
        "{:?} withheld {} contexts {}",
        by_kind(&intel),
        intel.withheld,
        intel.contexts.len()
    );
    assert_eq!(formats, BTreeMap::from([(Format::Misp, 58)]));
    // Counted by another program, over the same rules; of its 142 URLs two have no path and mean their hosts.
    let expected = [
        (Kind::Ipv4, 128 + 1),
        (Kind::Domain, 367 + 1),
        (Kind::Url, 142 - 2),
        (Kind::EmailAddress, 1),
        (Kind::Md5, 342),
        (Kind::Sha1, 495),
        (Kind::Sha256, 342),
        (Kind::RegistryKey, 14),
    ];
    assert_eq!(by_kind(&intel), BTreeMap::from(expected));
    // 74 of them are meant for detection, and of type `text`.
    assert_eq!(
        intel.withheld.to_string(),
        "2156 not for detection, 74 of types that are not searched for (text 74)"
    );
    assert_eq!(intel.problems, []);
}

#[test]
fn attack_holds_no_indicators() {
    for name in ["enterprise-attack", "ics-attack"] {
        let Some(path) = shared(&format!("stix/{name}.json.gz")) else {
            return;
        };
        let bytes = unpack(&path);
        let started = std::time::Instant::now();
        let (format, intel) = load(name, &bytes, &Options::default());
        println!("{name}: {} bytes in {:?}", bytes.len(), started.elapsed());
        assert_eq!(format, Format::Stix);
        assert_eq!(
            (intel.indicators.len(), intel.rules.len(), intel.withheld.total()),
            (0, 0, 0)
        );
        assert_eq!(intel.problems, []);
    }
}

#[test]
fn sigma_rules() {
    let Some(folder) = shared("sigma") else { return };
    let (formats, intel) = load_all(&folder, ".yml");
    assert_eq!(formats, BTreeMap::from([(Format::Sigma, 3_754)]));
    assert!(
        intel
            .rules
            .iter()
            .all(|rule| rule.language == RuleLanguage::Sigma)
    );
    assert_eq!((intel.rules.len(), intel.problems.len()), (3_754, 0));
}

#[test]
fn prose_beside_rules_is_no_list() {
    let Some(folder) = shared("sigma") else { return };
    let (formats, intel) = load_all(&folder, ".md");
    assert_eq!(
        formats.keys().collect::<Vec<_>>(),
        [&Format::Empty, &Format::Unknown]
    );
    assert_eq!(intel.indicators.len(), 0);
    assert_eq!(intel.problems.len(), formats[&Format::Unknown]);
}

#[test]
fn yara_rules() {
    let Some(folder) = shared("yara") else { return };
    let (formats, intel) = load_all(&folder, ".yar");
    assert_eq!(formats.get(&Format::Unknown), None);
    assert_eq!(formats.get(&Format::Text), None);
    let kept = intel
        .rules
        .iter()
        .filter(|rule| rule.language == RuleLanguage::Yara)
        .count();
    assert_eq!(kept, formats[&Format::Yara]);
    assert_eq!(
        kept + formats.get(&Format::Empty).unwrap_or(&0),
        files(&folder, ".yar").len()
    );
    assert_eq!(intel.problems, []);
}

#[test]
fn warninglists() {
    let Some(folder) = shared("warninglists") else {
        return;
    };
    let mut counts = BTreeMap::new();
    let mut problems = Vec::new();
    for path in files(&folder, "list.json") {
        let mut input = BufReader::new(fs::File::open(&path).unwrap());
        let place = Place::file(&*path.to_string_lossy());
        let list = read_warninglist(&place, &mut input, &mut problems).unwrap();
        assert!(!list.entries.is_empty() && !list.name.is_empty(), "{place}");
        *counts.entry(format!("{:?}", list.kind)).or_insert(0) += 1;
    }
    assert_eq!(problems, []);
    assert_eq!(counts.values().sum::<i32>(), 128);
    assert_eq!(counts[&format!("{:?}", WarninglistType::Cidr)], 78);
    let (formats, intel) = load_all(&folder, "list.json");
    assert_eq!(formats, BTreeMap::from([(Format::Warninglist, 128)]));
    assert_eq!((intel.indicators.len(), intel.problems.len()), (0, 128));
}
