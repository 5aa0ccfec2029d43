//! All of SigmaHQ's rules over all of the sample logs.

use std::collections::BTreeMap;
use std::path::Path;

use perisai_detect::sigma::{Scratch, SigmaRules};
use perisai_model::{Context, ContextId, Place, Rule, RuleLanguage};

use crate::flatten;

fn sigmahq(folder: &Path) -> SigmaRules {
    let context = Context::default();
    let rules: Vec<Rule> = flatten::files(folder, "yml")
        .into_iter()
        .map(|path| Rule {
            language: RuleLanguage::Sigma,
            text: std::fs::read_to_string(&path).unwrap().into(),
            context: ContextId(0),
            place: Place::file(path.display().to_string()),
        })
        .collect();
    let (compiled, problems) = SigmaRules::compile(rules.iter().map(|rule| (rule, &context)));
    assert_eq!(problems, []);
    assert_eq!(compiled.len(), rules.len());
    compiled
}

#[test]
fn sigmahq_finds_the_attacks_in_the_samples() {
    let (Some(rules), Some(logs)) = (flatten::shared("sigma"), flatten::shared("evtx")) else {
        eprintln!("skipped: ../shared/data is not here");
        return;
    };
    let rules = sigmahq(&rules);
    let mut scratch = Scratch::default();
    let mut by_file: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in flatten::files(&logs, "evtx") {
        let mut hits = Vec::new();
        for event in flatten::events(&path) {
            rules.match_event(&event, &mut scratch, &mut hits);
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let names = hits.iter().map(|hit| rules.info(hit.rule).name.clone());
        by_file.entry(name).or_default().extend(names);
        for hit in &hits {
            let info = rules.info(hit.rule);
            assert!(
                info.author.is_some(),
                "{}: the Detection Rule License asks for the author",
                info.name
            );
            assert!(!hit.text().is_empty(), "{}", info.name);
        }
    }
    let with = by_file.values().filter(|names| !names.is_empty()).count();
    assert!(with >= 210, "{with} of {} files have a finding", by_file.len());
    let check = |file: &str, rule: &str| {
        let names = &by_file[file];
        assert!(names.iter().any(|name| name == rule), "{file}: {names:?}");
    };
    check(
        "DE_104_system_log_cleared.evtx",
        "Important Windows Eventlog Cleared",
    );
    check(
        "CA_Mimikatz_Memssp_Default_Logs_Sysmon_11.evtx",
        "HackTool - Mimikatz Kirbi File Creation",
    );
}

#[test]
fn rules_without_their_logs_are_explained() {
    let Some(rules) = flatten::shared("sigma") else {
        eprintln!("skipped: ../shared/data is not here");
        return;
    };
    let rules = sigmahq(&rules);
    let idle = rules.explain(&Scratch::default().seen());
    assert_eq!(idle.len(), rules.len(), "without an event no rule did work");
    let unknown: Vec<_> = idle
        .iter()
        .filter(|idle| idle.why.contains("not known here"))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
