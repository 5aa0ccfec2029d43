//! All published rules of the shared data set.

use std::fs;
use std::path::Path;

use perisai_model::Context;
use perisai_yara::{FileFacts, Limits, Rules, Scanner};

use crate::rules::{CALM, rule};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/yara");

#[test]
fn every_published_file_compiles() {
    let folder = Path::new(RULES);
    if !folder.is_dir() {
        eprintln!("skipped: {RULES} is absent");
        return;
    }
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yar" || extension == "yara")
        })
        .collect();
    files.sort();
    assert_eq!(files.len(), 741);
    let rules: Vec<_> = files
        .iter()
        .map(|path| rule(&path.to_string_lossy(), &fs::read_to_string(path).unwrap()))
        .collect();
    let context = Context::default();
    let pairs: Vec<_> = rules.iter().map(|rule| (rule, &context)).collect();
    let start = std::time::Instant::now();
    let (compiled, problems, bytes) = Rules::compile_for_cache(&pairs);
    let bytes = bytes.unwrap();
    eprintln!(
        "{} rules compiled in {:?}, {} bytes",
        compiled.len(),
        start.elapsed(),
        bytes.len()
    );
    assert_eq!(problems, []);
    assert!(compiled.len() > 5000, "{}", compiled.len());

    let start = std::time::Instant::now();
    let (cached, _) = Rules::from_cache(&bytes, &pairs).unwrap();
    eprintln!("loaded in {:?}", start.elapsed());
    assert_eq!(cached.len(), compiled.len());

    let script = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/logs/sysvol/startup.cmd"
    ))
    .unwrap();
    let facts = FileFacts {
        path: "startup.cmd",
        owner: None,
    };
    let of = |rules: &Rules| Scanner::new(rules, Limits::DEFAULT, CALM).scan(&script, &facts);
    assert_eq!(of(&cached), of(&compiled));
}
