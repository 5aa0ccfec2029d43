//! One line or record of a finding, cut to what a person needs to see, with the match in it marked.

use perisai_model::{Event, Finding, Place};

use crate::clean::{clean, clip};

/// Characters kept before the match.
const BEFORE: usize = 120;
/// Characters kept of the match.
const MATCH: usize = 200;
/// Characters kept after it.
const AFTER: usize = 240;

/// Fields that say most about an event, best first; shown where there is no line to show.
const TELLING: [&str; 16] = [
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
    "EventID",
];

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
        let text = match (&finding.line, &finding.event) {
            (Some(line), _) => line.clone(),
            (None, Some(event)) => told(event, &finding.matched),
            (None, None) => finding.matched.clone(),
        };
        let (before, matched, after) = cut(&text, &finding.matched);
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

    proptest! {
        #[test]
        fn cutting_never_panics(text in any::<String>(), matched in ".{0,3}") {
            cut(&text, &matched);
        }
    }
}
