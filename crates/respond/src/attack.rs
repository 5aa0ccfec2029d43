//! What MITRE ATT&CK calls things: the tactics in order, the techniques with their names and tactics, and how tags
//! name them. The table beside, `attack.tsv`, holds id, name and tactics of the Enterprise techniques of version 18,
//! and those that version 19 split off Defense Evasion (in Stealth and Defense Impairment).
//!
//! ATT&CK is a trademark of The MITRE Corporation; ids and names are used as its terms of use allow.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::summary::Group;

/// A tactic's short name and the name that people read, in the order of the matrix.
pub(crate) const TACTICS: [(&str, &str); 16] = [
    ("reconnaissance", "Reconnaissance"),
    ("resource-development", "Resource Development"),
    ("initial-access", "Initial Access"),
    ("execution", "Execution"),
    ("persistence", "Persistence"),
    ("privilege-escalation", "Privilege Escalation"),
    ("defense-evasion", "Defense Evasion"),
    ("stealth", "Stealth"),
    ("defense-impairment", "Defense Impairment"),
    ("credential-access", "Credential Access"),
    ("discovery", "Discovery"),
    ("lateral-movement", "Lateral Movement"),
    ("collection", "Collection"),
    ("command-and-control", "Command and Control"),
    ("exfiltration", "Exfiltration"),
    ("impact", "Impact"),
];

/// Version 19 took Defense Evasion apart into these two.
const FROM_DEFENSE_EVASION: [&str; 2] = ["stealth", "defense-impairment"];

struct Technique {
    name: &'static str,
    tactics: Vec<&'static str>,
}

static TECHNIQUES: LazyLock<HashMap<&str, Technique>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut cells = line.split('\t');
        let id = cells.next()?;
        let name = cells.next()?;
        let tactics = cells.next()?.split(',').collect();
        Some((id, Technique { name, tactics }))
    };
    include_str!("attack.tsv").lines().filter_map(row).collect()
});

/// A technique's name, a sub-technique's after its parent's; `None` where the id is not in the table.
pub(crate) fn name(id: &str) -> Option<String> {
    let name = TECHNIQUES.get(id)?.name;
    match id.split_once('.').and_then(|(parent, _)| TECHNIQUES.get(parent)) {
        Some(parent) => Some(format!("{}: {name}", parent.name)),
        None => Some(name.to_owned()),
    }
}

/// What a rule's tags say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tagged {
    /// Ids such as `T1059.001`.
    pub(crate) techniques: BTreeSet<String>,
    /// Short names such as `execution`.
    pub(crate) tactics: BTreeSet<&'static str>,
}

/// Reads Sigma's tags (`attack.t1059.001`, `attack.execution`) and MISP's galaxy tags
/// (`misp-galaxy:mitre-attack-pattern="PowerShell - T1059.001"`).
pub(crate) fn tagged(tags: &[String]) -> Tagged {
    let mut out = Tagged::default();
    for tag in tags {
        let tag = tag.to_ascii_lowercase();
        if let Some(word) = tag
            .strip_prefix("attack.")
            .or_else(|| tag.strip_prefix("mitre-attack."))
        {
            let word = word.replace('_', "-");
            if let Some(id) = technique_id(&word) {
                out.techniques.insert(id);
            } else if let Some((tactic, _)) = TACTICS.iter().find(|(tactic, _)| *tactic == word) {
                out.tactics.insert(tactic);
            }
        } else if tag.contains("attack-pattern=") {
            let last = tag.trim_end_matches('"').rsplit(' ').next();
            out.techniques.extend(last.and_then(technique_id));
        }
    }
    out
}

/// `t1059` or `t1059.001`, in upper case.
fn technique_id(text: &str) -> Option<String> {
    let digits = |text: &str, many| text.len() == many && text.bytes().all(|byte| byte.is_ascii_digit());
    let rest = text.strip_prefix('t')?;
    let valid = match rest.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(rest, 4),
    };
    valid.then(|| text.to_ascii_uppercase())
}

/// The tactics under which a technique is shown: those of the table that the rule names too; where it names none of
/// them, all of the table; for an unknown technique, those that the rule names.
fn placed(id: &str, named: &BTreeSet<&'static str>) -> Vec<&'static str> {
    let Some(known) = TECHNIQUES.get(id) else {
        return named.iter().copied().collect();
    };
    let split = known.tactics.contains(&"defense-evasion");
    let both: Vec<_> = named
        .iter()
        .copied()
        .filter(|tactic| known.tactics.contains(tactic) || (split && FROM_DEFENSE_EVASION.contains(tactic)))
        .collect();
    if both.is_empty() {
        known.tactics.clone()
    } else {
        both
    }
}

/// A technique that was hit.
#[derive(Debug, Default)]
pub(crate) struct Hit {
    /// Its findings.
    pub(crate) count: u64,
    /// The rules that hit, most findings first as they come from the summary.
    pub(crate) rules: Vec<(String, u64)>,
    /// The tactics under which it is shown; empty where neither the table nor a rule knows one.
    pub(crate) tactics: BTreeSet<&'static str>,
}

/// The techniques that were hit, by id.
pub(crate) fn hits(groups: &[&Group]) -> BTreeMap<String, Hit> {
    let mut hits: BTreeMap<String, Hit> = BTreeMap::new();
    for group in groups {
        let tagged = tagged(&group.rule.tags);
        for id in tagged.techniques {
            let tactics = placed(&id, &tagged.tactics);
            let hit = hits.entry(id).or_default();
            hit.count += group.count;
            hit.rules.push((group.rule.name.clone(), group.count));
            hit.tactics.extend(tactics);
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let rows = include_str!("attack.tsv").lines().count();
        assert_eq!(TECHNIQUES.len(), rows);
        for (id, technique) in &*TECHNIQUES {
            assert_eq!(technique_id(&id.to_ascii_lowercase()).as_deref(), Some(*id));
            assert!(!technique.tactics.is_empty());
            for tactic in &technique.tactics {
                assert!(TACTICS.iter().any(|(name, _)| name == tactic), "{id} {tactic}");
            }
        }
        assert_eq!(
            name("T1059.001").as_deref(),
            Some("Command and Scripting Interpreter: PowerShell")
        );
        assert_eq!(name("T1485").as_deref(), Some("Data Destruction"));
        assert_eq!(name("T9999"), None);
    }

    #[test]
    fn tags_are_read() {
        let check = |tag: &str, techniques: &[&str], tactics: &[&str]| {
            let read = tagged(&[tag.to_owned()]);
            assert_eq!(read.techniques.iter().collect::<Vec<_>>(), techniques, "{tag}");
            assert_eq!(read.tactics.iter().copied().collect::<Vec<_>>(), tactics, "{tag}");
        };
        check("attack.t1059.001", &["T1059.001"], &[]);
        check("attack.T1485", &["T1485"], &[]);
        check("attack.defense_evasion", &[], &["defense-evasion"]);
        check("attack.g0034", &[], &[]);
        check("attack.t10591", &[], &[]);
        check("attack.t1059.1é", &[], &[]);
        check(
            "misp-galaxy:mitre-attack-pattern=\"Data Destruction - T1485\"",
            &["T1485"],
            &[],
        );
        check("t1059", &[], &[]);
    }

    #[test]
    fn techniques_find_their_tactics() {
        let check = |id: &str, named: &[&'static str], expected: &[&str]| {
            assert_eq!(placed(id, &named.iter().copied().collect()), expected, "{id}");
        };
        check("T1059", &["execution"], &["execution"]);
        check("T1059", &["impact"], &["execution"]);
        check("T1027", &["stealth"], &["stealth"]);
        check("T1078", &["persistence"], &["persistence"]);
        check("T9999", &["impact"], &["impact"]);
        check("T9999", &[], &[]);
    }
}
