//! Findings put together by rule and indicator, in bounded memory: what the terminal summary, the STIX bundle, the
//! HTML report and the Navigator layer are made from.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use perisai_model::{Finding, Flag, Observed, Place, RuleInfo, RuleKind, Severity, Timestamp};

use crate::clean::clip;
use crate::sample::Sample;
use crate::say;

/// How many indicators of one severity are told apart. Rules are not limited: they are as many as were loaded.
const INDICATORS: usize = 10_000;
/// How many hosts of a group are named at most.
const HOSTS_NAMED: usize = 8;
/// How many hosts of a group are told apart.
const HOSTS: usize = 256;
/// How many warninglists of a group are named.
const LISTS: usize = 4;

/// All findings of a hunt, by rule and indicator.
#[derive(Default)]
pub(crate) struct Summary {
    groups: Vec<Group>,
    by_value: HashMap<Observed, usize>,
    by_rule: HashMap<(RuleKind, String, String), usize>,
    indicators: [usize; Severity::ALL.len()],
    /// Findings by severity, from informational to critical.
    pub(crate) counts: [u64; Severity::ALL.len()],
    /// Findings of indicators beyond the limit, which stand in no group.
    pub(crate) untold: u64,
    /// The times of all findings.
    pub(crate) span: Span,
    /// The inputs with findings, their hosts, and the clients of those that tell of others.
    pub(crate) inputs: Inputs,
    pub(crate) hosts: Hosts,
    pub(crate) clients: Hosts,
}

/// The findings of one rule or indicator.
pub(crate) struct Group {
    /// The rule as the first finding of the worst severity had it.
    pub(crate) rule: Arc<RuleInfo>,
    pub(crate) observable: Option<Observed>,
    pub(crate) count: u64,
    pub(crate) span: Span,
    pub(crate) inputs: Inputs,
    pub(crate) hosts: Hosts,
    pub(crate) clients: Hosts,
    /// The first finding's line or record.
    pub(crate) sample: Sample,
    pub(crate) before_valid: u64,
    pub(crate) expired: u64,
    /// Warninglists that the value stands on.
    pub(crate) lists: Vec<String>,
}

impl Summary {
    pub(crate) fn add(&mut self, finding: &Finding) {
        let severity = finding.rule.severity as usize;
        self.counts[severity] += 1;
        self.span.add(finding.time);
        self.inputs.add(&finding.place);
        self.hosts.add(finding.host.as_deref());
        self.clients.add(finding.client.as_deref());
        match self.group(finding) {
            Some(group) => group.add(finding),
            None => self.untold += 1,
        }
    }

    /// The findings' number.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The groups: worst first, then the most frequent, then by name. The order is total, so that it is the same on
    /// every run.
    pub(crate) fn worst_first(&self) -> Vec<&Group> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by(|one, other| {
            let key = |group: &Group| Reverse((group.rule.severity, group.count));
            key(one)
                .cmp(&key(other))
                .then_with(|| one.rule.name.cmp(&other.rule.name))
                .then_with(|| one.rule.kind.cmp(&other.rule.kind))
                .then_with(|| one.observable.cmp(&other.observable))
                .then_with(|| one.rule.sources.cmp(&other.rule.sources))
        });
        groups
    }

    fn group(&mut self, finding: &Finding) -> Option<&mut Group> {
        let next = self.groups.len();
        let at = match &finding.observable {
            Some(observed) => match self.by_value.get(observed) {
                Some(&at) => at,
                None => {
                    let of_severity = &mut self.indicators[finding.rule.severity as usize];
                    if *of_severity == INDICATORS {
                        return None;
                    }
                    *of_severity += 1;
                    self.by_value.insert(observed.clone(), next);
                    next
                }
            },
            None => {
                let rule = &finding.rule;
                let key = (rule.kind, rule.name.clone(), rule.key.clone());
                *self.by_rule.entry(key).or_insert(next)
            }
        };
        if at == next {
            self.groups.push(Group::new(finding));
        }
        Some(&mut self.groups[at])
    }
}

impl Group {
    fn new(first: &Finding) -> Self {
        Self {
            rule: Arc::clone(&first.rule),
            observable: first.observable.clone(),
            count: 0,
            span: Span::default(),
            inputs: Inputs::default(),
            hosts: Hosts::default(),
            clients: Hosts::default(),
            sample: Sample::of(first),
            before_valid: 0,
            expired: 0,
            lists: Vec::new(),
        }
    }

    fn add(&mut self, finding: &Finding) {
        self.count += 1;
        self.span.add(finding.time);
        self.inputs.add(&finding.place);
        self.hosts.add(finding.host.as_deref());
        self.clients.add(finding.client.as_deref());
        if finding.rule.severity > self.rule.severity {
            self.rule = Arc::clone(&finding.rule);
        }
        for flag in &finding.flags {
            match flag {
                Flag::BeforeValid => self.before_valid += 1,
                Flag::Expired => self.expired += 1,
                Flag::Known(list) | Flag::FalsePositive(list) => {
                    if self.lists.len() < LISTS && !self.lists.contains(list) {
                        self.lists.push(list.clone());
                    }
                }
            }
        }
    }
}

impl Group {
    /// What speaks against it.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.before_valid > 0 {
            notes.push(format!(
                "{} before the indicator was valid",
                say::number(self.before_valid)
            ));
        }
        if self.expired > 0 {
            notes.push(format!("{} after it had expired", say::number(self.expired)));
        }
        notes.extend(
            self.lists
                .iter()
                .map(|list| format!("on warninglist {}", clip(list, 200))),
        );
        notes
    }
}

/// The first and last of some times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    ends: Option<(Timestamp, Timestamp)>,
}

impl Span {
    pub(crate) fn add(&mut self, time: Option<Timestamp>) {
        let Some(time) = time else { return };
        self.ends = Some(match self.ends {
            Some((first, last)) => (first.min(time), last.max(time)),
            None => (time, time),
        });
    }

    /// First and last; `None` where no time was known.
    pub(crate) const fn ends(self) -> Option<(Timestamp, Timestamp)> {
        self.ends
    }
}

/// Counts inputs that come one after the other, as findings do.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// How many.
    pub(crate) count: u64,
    last: Option<(Arc<str>, Option<Arc<str>>)>,
}

impl Inputs {
    fn add(&mut self, place: &Place) {
        let same =
            |(path, member): &(Arc<str>, Option<Arc<str>>)| *path == place.path && *member == place.member;
        if !self.last.as_ref().is_some_and(same) {
            self.count += 1;
            self.last = Some((Arc::clone(&place.path), place.member.clone()));
        }
    }
}

/// Tells hosts apart up to a limit, and names the first few.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    named: Vec<String>,
    seen: Vec<u64>,
    overflown: bool,
}

impl Hosts {
    fn add(&mut self, host: Option<&str>) {
        let Some(host) = host.filter(|host| !host.is_empty()) else {
            return;
        };
        let mut hasher = DefaultHasher::new();
        host.hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.contains(&hash) {
            return;
        }
        if self.seen.len() == HOSTS {
            self.overflown = true;
            return;
        }
        self.seen.push(hash);
        if self.named.len() < HOSTS_NAMED {
            self.named.push(host.to_owned());
        }
    }

    /// How many there are, at least.
    pub(crate) fn count(&self) -> u64 {
        self.seen.len() as u64
    }

    /// The first few names, and how many more there are.
    pub(crate) fn words(&self, named: usize) -> String {
        let shown: Vec<_> = self.named.iter().take(named).map(|host| clip(host, 80)).collect();
        let hedge = if self.overflown { "at least " } else { "" };
        say::and_more(&shown, self.count() - shown.len() as u64, hedge)
    }

    /// True where there are more than could be told apart.
    pub(crate) const fn overflown(&self) -> bool {
        self.overflown
    }
}

#[cfg(test)]
mod tests {
    use perisai_model::{Kind, Validity};

    use super::*;

    fn finding(severity: Severity, value: &str, host: &str, line: u64) -> Finding {
        Finding {
            time: Timestamp::from_second(line as i64).ok(),
            time_text: None,
            rule: Arc::new(RuleInfo {
                kind: RuleKind::Indicator,
                name: value.to_owned(),
                severity,
                tags: Vec::new(),
                author: None,
                reference: None,
                sources: Vec::new(),
                text: None,
                key: value.to_owned(),
                valid: Validity::default(),
            }),
            observable: Some(Observed {
                kind: Kind::Domain,
                value: value.to_owned(),
            }),
            matched: value.to_owned(),
            place: Place::file(format!("{}.log", line / 10)).line(line),
            flags: Vec::new(),
            host: Some(host.to_owned()),
            client: None,
            line: None,
            event: None,
        }
    }

    #[test]
    fn findings_of_a_value_are_one_group() {
        let mut summary = Summary::default();
        for line in [5, 3, 14] {
            summary.add(&finding(Severity::Low, "evil.example", "a", line));
        }
        summary.add(&finding(Severity::High, "evil.example", "b", 15));
        summary.add(&finding(Severity::High, "worse.example", "b", 16));
        let groups = summary.worst_first();
        let shown: Vec<_> = groups
            .iter()
            .map(|group| (group.rule.name.as_str(), group.count))
            .collect();
        assert_eq!(shown, [("evil.example", 4), ("worse.example", 1)]);
        let first = groups[0];
        assert_eq!(first.rule.severity, Severity::High);
        assert_eq!(first.inputs.count, 2);
        assert_eq!(first.hosts.words(1), "a and 1 more");
        let seconds = first
            .span
            .ends()
            .map(|(first, last)| (first.as_second(), last.as_second()));
        assert_eq!(seconds, Some((3, 15)));
        assert_eq!(summary.counts, [0, 3, 0, 2, 0]);
    }

    #[test]
    fn a_flood_of_indicators_hides_no_worse_one() {
        let mut summary = Summary::default();
        for at in 0..INDICATORS as u64 + 7 {
            summary.add(&finding(Severity::Low, &format!("{at}.example"), "a", 1));
        }
        summary.add(&finding(Severity::Critical, "worst.example", "a", 1));
        assert_eq!(summary.untold, 7);
        assert_eq!(summary.total(), INDICATORS as u64 + 8);
        let groups = summary.worst_first();
        assert_eq!(groups.len(), INDICATORS + 1);
        assert_eq!(groups[0].rule.name, "worst.example");
    }

    #[test]
    fn hosts_are_told_apart_up_to_a_limit() {
        let mut hosts = Hosts::default();
        for at in 0..=HOSTS {
            hosts.add(Some(&format!("h{at}")));
            hosts.add(Some("h0"));
        }
        hosts.add(None);
        assert!(hosts.overflown());
        assert_eq!(hosts.words(2), "h0, h1 and at least 254 more");
    }
}
