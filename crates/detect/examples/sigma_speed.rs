//! Measures Sigma matching alone: `cargo run --release -p perisai-detect --example sigma_speed -- RULES EVTX`.
//!
//! Events are read beforehand. Prints how long loading took, events per CPU-second, and the rules with most hits.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for developers"
)]

#[path = "../tests/it/flatten.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod flatten;

use std::collections::BTreeMap;
use std::path::Path;

use perisai_detect::sigma::{Scratch, SigmaRules};
use perisai_model::{Context, ContextId, Place, Rule, RuleLanguage};

/// Nanoseconds that this thread ran.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().unwrap();
    let logs = args.next().unwrap();
    let rounds: usize = args.next().map_or(20, |text| text.parse().unwrap());
    let context = Context::default();
    let texts: Vec<Rule> = flatten::files(Path::new(&folder), "yml")
        .into_iter()
        .map(|path| Rule {
            language: RuleLanguage::Sigma,
            text: std::fs::read_to_string(&path).unwrap().into(),
            context: ContextId(0),
            place: Place::file(path.display().to_string()),
        })
        .collect();
    let start = cpu();
    let (rules, problems) = SigmaRules::compile(texts.iter().map(|rule| (rule, &context)));
    println!(
        "{} rules, {} problems, loaded in {:.3} s of CPU",
        rules.len(),
        problems.len(),
        (cpu() - start) / 1e9
    );
    for problem in problems.iter().take(10) {
        println!("  {problem}");
    }
    let files: Vec<_> = flatten::files(Path::new(&logs), "evtx")
        .into_iter()
        .map(|path| (path.clone(), flatten::events(&path)))
        .collect();
    let events: usize = files.iter().map(|(_, events)| events.len()).sum();
    let mut scratch = Scratch::default();
    let mut hits = Vec::new();
    let start = cpu();
    for _ in 0..rounds {
        for event in files.iter().flat_map(|(_, events)| events) {
            hits.clear();
            rules.match_event(event, &mut scratch, &mut hits);
        }
    }
    let each = (cpu() - start) / (events * rounds) as f64;
    println!(
        "{events} events, {each:.0} ns an event, {:.0} events per CPU-second",
        1e9 / each
    );

    let mut by_rule: BTreeMap<String, usize> = BTreeMap::new();
    let (mut with, mut without) = (0, Vec::new());
    for (path, events) in &files {
        hits.clear();
        for event in events {
            rules.match_event(event, &mut scratch, &mut hits);
        }
        if hits.is_empty() {
            without.push(path)
        } else {
            with += 1
        }
        for hit in &hits {
            let info = rules.info(hit.rule);
            *by_rule
                .entry(format!("{} [{}]", info.name, info.severity))
                .or_default() += 1;
        }
    }
    println!(
        "{with} of {} files have a hit; {} hits",
        files.len(),
        by_rule.values().sum::<usize>()
    );
    let mut top: Vec<_> = by_rule.into_iter().collect();
    top.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (name, count) in top.iter().take(40) {
        println!("{count:6} {name}");
    }
    println!("{} rules with hits; without any:", top.len());
    for path in without {
        println!("       {}", path.display());
    }
}
