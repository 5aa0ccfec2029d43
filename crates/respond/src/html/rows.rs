//! The findings that the report's table holds: as many as are asked for, the worst first, as JSON for the page's
//! script.

use std::io;

use perisai_model::{Finding, Severity, Timestamp};
use serde_json::json;

use crate::clean::clip;
use crate::json::{self, Target};
use crate::sample::Sample;
use crate::say;

/// Characters of a cell that someone else chose.
const LONGEST: usize = 300;

/// Keeps the first findings of the worst severities.
pub(super) struct Rows {
    limit: usize,
    kept: usize,
    by_severity: [Vec<(Option<Timestamp>, String)>; Severity::ALL.len()],
}

impl Rows {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: 0,
            by_severity: Default::default(),
        }
    }

    /// How many are kept.
    pub(super) const fn len(&self) -> usize {
        self.kept
    }

    pub(super) fn add(&mut self, finding: &Finding) -> io::Result<()> {
        let severity = finding.rule.severity as usize;
        if self.kept == self.limit {
            let Some(less) = self.by_severity[..severity]
                .iter_mut()
                .find(|rows| !rows.is_empty())
            else {
                return Ok(());
            };
            less.pop();
            self.kept -= 1;
        }
        self.by_severity[severity].push((finding.time, row(finding)?));
        self.kept += 1;
        Ok(())
    }

    /// A JSON array that is safe inside a script element: the worst first, then by time; what has none stands last.
    pub(super) fn into_json(mut self) -> String {
        for rows in &mut self.by_severity {
            rows.sort_by_key(|(time, _)| (time.is_none(), *time));
        }
        let all = self.by_severity.into_iter().rev().flatten();
        let rows: Vec<_> = all.map(|(_, row)| row).collect();
        format!("[{}]", rows.join(",\n"))
    }
}

/// Whose finding it is: the client's where a server tells of it.
fn machine(finding: &Finding) -> &str {
    let named = finding.client.as_deref().or(finding.host.as_deref());
    named.unwrap_or_default()
}

/// One finding as an array; `app.js` names the places.
fn row(finding: &Finding) -> io::Result<String> {
    let sample = Sample::of(finding);
    let (kind, value) = match &finding.observable {
        Some(observed) => (observed.kind.as_str(), clip(&observed.value, LONGEST)),
        None => (finding.rule.kind.as_str(), String::new()),
    };
    let row = json!([
        finding.time.map(say::moment).unwrap_or_default(),
        finding.rule.severity,
        clip(&finding.rule.name, LONGEST),
        kind,
        value,
        clip(machine(finding), LONGEST),
        clip(&finding.place.to_string(), LONGEST),
        clip(&say::flags(finding).join("; "), LONGEST),
        sample.before,
        sample.matched,
        sample.after,
    ]);
    let mut out = Vec::new();
    json::write(&mut out, &row, Target::Html)?;
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use perisai_model::{Place, RuleInfo, RuleKind, Validity};

    use super::*;

    #[test]
    fn the_worst_findings_stay() {
        let mut rows = Rows::new(3);
        let severities = [
            Severity::Low,
            Severity::Medium,
            Severity::Low,
            Severity::Critical,
            Severity::Low,
            Severity::Medium,
            Severity::Critical,
        ];
        for (line, severity) in (1..).zip(severities) {
            let rule = RuleInfo {
                kind: RuleKind::Sigma,
                name: String::new(),
                severity,
                tags: Vec::new(),
                author: None,
                reference: None,
                sources: Vec::new(),
                text: None,
                key: String::new(),
                valid: Validity::default(),
            };
            let finding = Finding {
                time: (line == 7).then_some(Timestamp::UNIX_EPOCH),
                time_text: None,
                rule: Arc::new(rule),
                observable: None,
                matched: String::new(),
                place: Place::file("a").line(line),
                flags: Vec::new(),
                host: None,
                client: None,
                line: None,
                event: None,
            };
            rows.add(&finding).unwrap();
        }
        assert_eq!(rows.len(), 3);
        let json: Vec<Vec<String>> = serde_json::from_str(&rows.into_json()).unwrap();
        let places: Vec<_> = json.iter().map(|row| row[6].as_str()).collect();
        assert_eq!(places, ["a:7", "a:4", "a:2"]);
    }
}
