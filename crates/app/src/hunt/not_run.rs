//! Rules that are kept, but that this program does not run.

use perisai_intel::{RuleName, rule_names};
use perisai_model::{IdleRule, Intel, Rule, RuleLanguage};

/// The rules that are not run, and why.
pub(crate) fn not_run_here(intel: &Intel) -> Vec<IdleRule> {
    intel.rules.iter().flat_map(idle).collect()
}

/// How many YARA rules there are that this program was built without the means to run.
pub(super) fn yara(intel: &Intel) -> u64 {
    if cfg!(feature = "yara") {
        return 0;
    }
    let rules = intel
        .rules
        .iter()
        .filter(|rule| rule.language == RuleLanguage::Yara);
    rules.map(|rule| rule_names(rule).len().max(1) as u64).sum()
}

fn why(language: RuleLanguage) -> Option<&'static str> {
    match language {
        RuleLanguage::Snort | RuleLanguage::Suricata => Some("kept for network sensors, not run on logs"),
        RuleLanguage::Yara if !cfg!(feature = "yara") => {
            Some("YARA is not in this build: build with `--features yara`")
        }
        _ => None,
    }
}

fn idle(rule: &Rule) -> Vec<IdleRule> {
    let Some(why) = why(rule.language) else {
        return Vec::new();
    };
    let place = &rule.place;
    let named = |RuleName { name, id }| IdleRule {
        name,
        id,
        why: format!("{why} ({place})"),
        loaded: false,
    };
    let mut idle: Vec<_> = rule_names(rule).into_iter().map(named).collect();
    if idle.is_empty() {
        idle.push(IdleRule {
            name: place.to_string(),
            id: None,
            why: why.to_owned(),
            loaded: false,
        });
    }
    idle
}
