//! Numbers, sizes, times and names in words for people.

use std::time::Duration;

use perisai_model::{Finding, Flag, Report, RuleInfo, Severity, Source, Timestamp, Tlp};

/// A number with separators: `1,402,311`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of something: `1 file`, `214 files`. The plural is made with an `s`.
pub(crate) fn count(many: u64, one: &str) -> String {
    let plural = if many == 1 { "" } else { "s" };
    format!("{} {one}{plural}", number(many))
}

/// A size in bytes: `12.3 GB` (powers of ten).
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return count(bytes, "byte");
    }
    let mut size = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        // 999.95 would be shown as 1000.0.
        if size < 999.95 {
            break;
        }
        size /= 1000.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

/// How far a hunt came that was ended early; `None` where it was not.
#[must_use]
pub fn interrupted(report: &Report) -> Option<String> {
    let how_far = report.interrupted?;
    let mut text = format!(
        "{} of {} searched to the end, {} read",
        number(how_far.inputs),
        count(how_far.of, "input"),
        bytes(how_far.read)
    );
    if let Some(total) = how_far.total {
        text += &format!(" of {}", bytes(total));
    }
    Some(text)
}

/// That YARA rules are not looked for by this program, and how to get one that does.
#[must_use]
pub fn yara_not_run(many: u64) -> String {
    let was = if many == 1 { "was" } else { "were" };
    format!(
        "{} {was} not looked for: YARA is not in this build; build with `--features yara`",
        count(many, "YARA rule")
    )
}

/// What a hunt did, in one line; `None` where nothing is to be said but how many findings there are.
#[must_use]
pub fn closing(report: &Report) -> Option<String> {
    let parts: Vec<_> = [
        (report.over_limit, "over --limit"),
        (report.below_severity, "below --min-severity"),
        (
            report.suppressed.values().sum(),
            "suppressed by warninglists (--no-suppress shows them)",
        ),
        (
            report.idle_rules.len() as u64,
            "of the rules idle (--explain-rules says why)",
        ),
        (report.untimed, "kept without a readable time"),
    ]
    .into_iter()
    .filter(|&(many, _)| many > 0)
    .map(|(many, what)| format!("{} {what}", number(many)))
    .collect();
    let failed = report.problems.len() as u64;
    if parts.is_empty() && failed == 0 && report.interrupted.is_none() {
        return None;
    }
    let mut text = format!(
        "{} in {}",
        count(report.findings, "finding"),
        count(report.files, "file")
    );
    for part in parts {
        text += "; ";
        text += &part;
    }
    if failed > 0 {
        text += &format!("; {}", count(failed, "problem"));
    }
    Some(text)
}

/// A length of time: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A moment, without its zone, which is UTC: `2022-02-23 14:02:11`.
pub(crate) fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The label of a marking: `TLP:AMBER+STRICT`.
pub(crate) fn tlp(tlp: Tlp) -> String {
    format!("TLP:{}", tlp.as_str().to_ascii_uppercase())
}

/// A source with its marking: `partner.json (TLP:AMBER)`.
pub(crate) fn source(source: &Source) -> String {
    match source.tlp {
        Some(marking) => format!("{} ({})", source.source, tlp(marking)),
        None => source.source.to_string(),
    }
}

/// `a, b and 3 more`; the hedge stands before the number.
pub(crate) fn and_more(shown: &[String], more: u64, hedge: &str) -> String {
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {hedge}{} more", shown.join(", "), number(more)),
    }
}

/// The findings that were not written on purpose: `1 over --limit, 3 below --min-severity, 4 suppressed by warninglists`;
/// `None` where there are none.
pub(crate) fn left_out(report: &Report) -> Option<String> {
    let parts = [
        (report.over_limit, "over --limit"),
        (report.below_severity, "below --min-severity"),
        (report.suppressed.values().sum(), "suppressed by warninglists"),
    ];
    let said: Vec<_> = parts
        .into_iter()
        .filter(|&(many, _)| many > 0)
        .map(|(many, why)| format!("{} {why}", number(many)))
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// The strictest marking among a rule's sources.
pub(crate) fn strictest(rule: &RuleInfo) -> Option<Tlp> {
    rule.sources.iter().filter_map(|source| source.tlp).max()
}

/// The level in at most eight letters.
pub(crate) const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        Severity::Low => "LOW",
        Severity::Informational => "INFO",
    }
}

/// The flags of a finding: `before_valid`, `known: NAME`.
pub(crate) fn flags(finding: &Finding) -> Vec<String> {
    let say = |flag: &Flag| match flag {
        Flag::BeforeValid => "before_valid".to_owned(),
        Flag::Expired => "expired".to_owned(),
        Flag::Known(list) => format!("known: {list}"),
        Flag::FalsePositive(list) => format!("false_positive: {list}"),
    };
    finding.flags.iter().map(say).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_hunt_came() {
        let check = |total, expected: &str| {
            let report = Report {
                interrupted: Some(perisai_model::Interrupted {
                    inputs: 3,
                    of: 27,
                    read: 1_200_000,
                    total,
                }),
                ..Report::default()
            };
            assert_eq!(interrupted(&report).as_deref(), Some(expected));
        };
        check(None, "3 of 27 inputs searched to the end, 1.2 MB read");
        check(
            Some(4_000_000),
            "3 of 27 inputs searched to the end, 1.2 MB read of 4.0 MB",
        );
        assert_eq!(interrupted(&Report::default()), None);
    }

    #[test]
    fn numbers_read_well() {
        let check = |many: u64, expected: &str| assert_eq!(number(many), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(1_402_311, "1,402,311");
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(2000, "file"), "2,000 files");
    }

    #[test]
    fn sizes_read_well() {
        let check = |size: u64, expected: &str| assert_eq!(bytes(size), expected);
        check(1, "1 byte");
        check(999, "999 bytes");
        check(1000, "1.0 kB");
        check(999_990, "1.0 MB");
        check(12_345_678_901, "12.3 GB");
        check(u64::MAX, "18446.7 PB");
    }

    #[test]
    fn what_was_left_out_is_counted() {
        let check = |over_limit, below_severity, expected: Option<&str>| {
            let report = Report {
                over_limit,
                below_severity,
                ..Report::default()
            };
            assert_eq!(left_out(&report).as_deref(), expected);
        };
        check(0, 0, None);
        check(1, 0, Some("1 over --limit"));
        check(0, 3000, Some("3,000 below --min-severity"));
        check(1, 3, Some("1 over --limit, 3 below --min-severity"));
    }

    #[test]
    fn lengths_of_time_read_well() {
        let check =
            |millis: u64, expected: &str| assert_eq!(duration(Duration::from_millis(millis)), expected);
        check(40, "0.0 s");
        check(440, "0.4 s");
        check(12_900, "12 s");
        check(200_000, "3 min 20 s");
        check(7_500_000, "2 h 5 min");
    }
}
