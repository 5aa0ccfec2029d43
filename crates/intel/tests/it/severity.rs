//! How bad a match of a STIX indicator is: high where its source is sure, and names the attack that it belongs to.

use perisai_intel::Options;
use perisai_model::Severity;
use serde_json::json;

use crate::load;

/// Checks an indicator with a confidence, with phases of kill chains, and what it is said to indicate.
fn check(confidence: Option<u8>, phases: &[&str], indicates: &[&str], expected: Option<Severity>) {
    let phases: Vec<_> = phases
        .iter()
        .map(|phase| json!({"kill_chain_name": "mitre-attack", "phase_name": phase}))
        .collect();
    let mut objects = vec![json!({
        "type": "indicator", "id": "indicator--1", "pattern_type": "stix", "kill_chain_phases": phases,
        "pattern": "[domain-name:value = 'evil.example']", "confidence": confidence,
    })];
    objects.extend(indicates.iter().map(|target| {
        json!({
            "type": "relationship", "id": "relationship--1", "relationship_type": "indicates",
            "source_ref": "indicator--1", "target_ref": target,
        })
    }));
    let bundle = json!({"type": "bundle", "objects": objects}).to_string();
    let (_, intel) = load("severity.json", bundle.as_bytes(), &Options::default());
    let severities: Vec<_> = intel.contexts.iter().map(|context| context.severity).collect();
    assert_eq!(severities, [expected], "{bundle}");
}

#[test]
fn sure_indicators_of_an_attack_are_of_high_severity() {
    let high = Some(Severity::High);
    check(Some(85), &[], &["malware--1"], high);
    check(Some(70), &[], &["intrusion-set--1"], high);
    check(Some(100), &[], &["attack-pattern--1", "campaign--1"], high);
    check(Some(70), &["impact"], &[], high);
    check(Some(69), &["impact"], &["malware--1"], None);
    check(None, &["impact"], &["malware--1"], None);
    check(Some(100), &[], &[], None);
    check(Some(100), &[""], &["tool--1", "malware", "malwares--1"], None);
}
