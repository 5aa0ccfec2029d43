//! One line or record of a finding, cut to what a person needs to see, with the match in it marked.

use perisai_model::{Event, Finding, Place, RuleKind};

use crate::clean::{clean, clip};

/// Characters kept before the match.
const BEFORE: usize = 120;
/// Characters kept of the match.
const MATCH: usize = 200;
/// Characters kept after it.
const AFTER: usize = 320;

/// Fields that say most about an event, best first; shown where there is no line to show.
const TELLING: [&str; 15] = [
    "CommandLine",
    "ScriptBlockText",
    "process.command_line",
    "Image",
    "NewProcessName",
    "ParentImage",
    "TargetObject",
    "Details",
    "TargetFilename",
    "ServiceFileName",
    "ImagePath",
    "QueryName",
    "DestinationIp",
    "TargetUserName",
    "IpAddress",
];

/// Fields that say who did it, which event it is, and who logged it; the first that is there.
const USERS: [&str; 4] = ["User", "SubjectUserName", "user.name", "userIdentity.userName"];
const EVENTS: [&str; 4] = ["EventID", "event.code", "eventName", "event_type"];
const PROVIDERS: [&str; 4] = ["Provider_Name", "Channel", "event.provider", "eventSource"];

/// How many fields say what was done, beside those that a rule matched.
const ACTIONS: usize = 2;
/// Characters of each.
const VALUE: usize = 90;

/// How many fields are shown.
const FIELDS: usize = 4;

/// A cut of a line: three parts, all cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) place: Place,
    pub(crate) before: String,
    /// The match; empty where it does not stand in the line as it is.
    pub(crate) matched: String,
    pub(crate) after: String,
}

impl Sample {
    pub(crate) fn of(finding: &Finding) -> Self {
        let is_rule = matches!(finding.rule.kind, RuleKind::Sigma | RuleKind::StixPattern);
        let text = match (&finding.line, &finding.event) {
            (Some(line), _) => line.clone(),
            (None, Some(event)) if is_rule => told_by_rule(event, finding),
            (None, Some(event)) => told(event, &finding.matched),
            (None, None) => finding.matched.clone(),
        };
        let marked = if is_rule {
            standing(&text, &finding.matched)
        } else {
            &finding.matched
        };
        let (before, matched, after) = cut(&text, marked);
        Self {
            place: finding.place.clone(),
            before,
            matched,
            after,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.matched.is_empty() && self.after.is_empty()
    }
}

/// What a rule matched, and what else tells most of the event: what was run, by whom, which event it is, and when.
/// A sequence that came true matched no field of its last event, and is told by that event alone.
fn told_by_rule(event: &Event, finding: &Finding) -> String {
    let matched = &finding.matched;
    let field = |name: &str| event.get(name)?.text().filter(|value| !value.is_empty());
    let is_said = |name: &str| {
        matched
            .split("; ")
            .any(|part| part.strip_prefix(name).is_some_and(|rest| rest.starts_with(": ")))
    };
    let mut parts = Vec::new();
    let sequence = finding.rule.kind == RuleKind::StixPattern && !matched.contains(": ");
    if !sequence && !matched.is_empty() {
        parts.push(matched.clone());
    }
    let mut say = |names: &[&str], most: usize| {
        let known = names.iter().filter(|name| !is_said(name));
        let known = known.filter_map(|name| Some(format!("{name}: {}", clip(&field(name)?, VALUE))));
        parts.extend(known.take(most));
    };
    say(&TELLING, ACTIONS);
    for names in [&USERS[..], &EVENTS, &PROVIDERS] {
        say(names, 1);
    }
    if parts.is_empty() {
        return told(event, matched);
    }
    parts.extend(finding.time_text.as_ref().map(|time| format!("time: {time}")));
    parts.join("  ")
}

/// What of a rule's match (`Image: C:\\a.exe; CommandLine: a /x`) stands in a text: all of it, or the longest value.
fn standing<'a>(text: &str, matched: &'a str) -> &'a str {
    if text.contains(matched) {
        return matched;
    }
    let values = matched
        .split("; ")
        .map(|part| part.split_once(": ").map_or(part, |(_, value)| value));
    let values = values.filter(|value| !value.is_empty() && text.contains(value));
    values.max_by_key(|value| value.len()).unwrap_or_default()
}

/// A few fields as `Name: value`: the one with the match, then those that tell most; where there are neither, the
/// first few.
fn told(event: &Event, matched: &str) -> String {
    let fields: Vec<_> = event
        .iter()
        .filter_map(|(name, value)| Some((name, value.text()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let hit = fields
        .iter()
        .position(|(_, value)| !matched.is_empty() && value.contains(matched));
    let known = TELLING
        .iter()
        .chain(&EVENTS[..1])
        .filter_map(|name| fields.iter().position(|(other, _)| other == name));
    let mut places: Vec<_> = hit
        .into_iter()
        .chain(known.filter(|&at| Some(at) != hit))
        .collect();
    if places.is_empty() {
        places.extend(0..fields.len());
    }
    let say = |&at: &usize| format!("{}: {}", fields[at].0, fields[at].1);
    let parts: Vec<_> = places.iter().take(FIELDS).map(say).collect();
    parts.join("  ")
}

/// Cuts a text around the first place where the match stands.
fn cut(text: &str, matched: &str) -> (String, String, String) {
    let text = text.trim();
    let at = if matched.is_empty() {
        None
    } else {
        text.find(matched)
    };
    let Some(at) = at else {
        return (clip(text, BEFORE + MATCH + AFTER), String::new(), String::new());
    };
    let (before, after) = (&text[..at], &text[at + matched.len()..]);
    let start = before
        .char_indices()
        .rev()
        .nth(BEFORE - 1)
        .map_or(0, |(start, _)| start);
    let ellipsis = if start > 0 { "…" } else { "" };
    (
        format!("{ellipsis}{}", clean(&before[start..])),
        clip(matched, MATCH),
        clip(after, AFTER),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_match_stands_in_the_middle() {
        let check = |text: &str, matched: &str, expected: [&str; 3]| {
            let (before, hit, after) = cut(text, matched);
            assert_eq!([before.as_str(), &hit, &after], expected);
        };
        check(
            "GET http://evil.example/a",
            "evil.example",
            ["GET http://", "evil.example", "/a"],
        );
        check("nothing here", "evil.example", ["nothing here", "", ""]);
        check("  spaced  ", "", ["spaced", "", ""]);
        check("a\x1bX", "\x1b", ["a", "\\u{1b}", "X"]);
        let long = format!("{}X{}", "b".repeat(500), "a".repeat(500));
        let before = format!("…{}", "b".repeat(BEFORE));
        let after = format!("{}…", "a".repeat(AFTER));
        check(&long, "X", [&before, "X", &after]);
    }

    #[test]
    fn a_record_tells_its_best_fields() {
        let mut event = Event::default();
        for (name, value) in [
            ("Channel", "Security"),
            ("Empty", ""),
            ("Hashes", "SHA256=aa"),
            ("Image", "C:\\a.exe"),
            ("CommandLine", "a.exe /x"),
        ] {
            event.push_str(name, value);
        }
        assert_eq!(
            told(&event, "aa"),
            "Hashes: SHA256=aa  CommandLine: a.exe /x  Image: C:\\a.exe"
        );
        assert_eq!(told(&event, ""), "CommandLine: a.exe /x  Image: C:\\a.exe");
        event.clear();
        event.push_str("a", "1");
        assert_eq!(told(&event, ""), "a: 1");
    }

    #[test]
    fn a_rule_tells_the_event() {
        let check = |line: Option<&str>, kind, matched: &str, expected: [&str; 3]| {
            let mut event = Event::default();
            for (name, value) in [
                ("Provider_Name", "Microsoft-Windows-Sysmon"),
                ("Image", "C:\\a.exe"),
                ("CommandLine", "a.exe /x"),
                ("User", "MOI\\bob"),
            ] {
                event.push_str(name, value);
            }
            event.push("EventID", perisai_model::Value::Int(1));
            let finding = Finding {
                time: None,
                time_text: Some("2022-02-24 03:04:05".to_owned()),
                rule: std::sync::Arc::new(perisai_model::RuleInfo {
                    kind,
                    name: String::new(),
                    severity: perisai_model::Severity::High,
                    tags: Vec::new(),
                    author: None,
                    reference: None,
                    sources: Vec::new(),
                    text: None,
                    key: String::new(),
                    valid: perisai_model::Validity::default(),
                }),
                observable: None,
                matched: matched.to_owned(),
                place: Place::file("a"),
                flags: Vec::new(),
                host: None,
                client: None,
                line: line.map(str::to_owned),
                event: Some(event.into()),
            };
            let sample = Sample::of(&finding);
            assert_eq!(
                [sample.before.as_str(), &sample.matched, &sample.after],
                expected,
                "{matched}"
            );
        };
        let who = "  User: MOI\\bob  EventID: 1  Provider_Name: Microsoft-Windows-Sysmon  time: 2022-02-24 03:04:05";
        let with_command = format!("  CommandLine: a.exe /x{who}");
        check(
            None,
            RuleKind::Sigma,
            "Image: C:\\a.exe",
            ["", "Image: C:\\a.exe", &with_command],
        );
        let both = "Image: C:\\a.exe; CommandLine: a.exe /x";
        check(None, RuleKind::Sigma, both, ["", both, who]);
        let alone = format!("CommandLine: a.exe /x  Image: C:\\a.exe{who}");
        check(
            None,
            RuleKind::StixPattern,
            "e.jsonl:4; e.jsonl:5",
            [&alone, "", ""],
        );
        check(
            Some("sudo: bob : COMMAND=/bin/sh -i"),
            RuleKind::Sigma,
            "appname: sudo; message: COMMAND=/bin/sh",
            ["sudo: bob : ", "COMMAND=/bin/sh", " -i"],
        );
        check(Some("a b"), RuleKind::Sigma, "x: c", ["a b", "", ""]);
    }

    proptest! {
        #[test]
        fn cutting_never_panics(text in any::<String>(), matched in ".{0,3}") {
            cut(&text, &matched);
        }
    }
}
