//! Which patterns are told to have done no work.

use perisai_detect::pattern::{Scratch, Seen};

use super::{compiled, event, hits};

#[test]
fn patterns_that_no_log_can_match_are_told() {
    let patterns = compiled(&[
        "[file:name = 'a' AND file:ctime = t'2020-01-01T00:00:00Z']",
        "[file:name = 'a' OR file:ctime = t'2020-01-01T00:00:00Z']",
        "[file:name = 'a'] FOLLOWEDBY [grouping:context = 'x']",
        "[file:name = 'a'] OR [grouping:context = 'x']",
        "[file:name IN ()]",
        "[file:hashes[-1] = 'a']",
        "[NOT EXISTS grouping:context]",
        "[NOT EXISTS file:ctime]",
    ]);
    let told: Vec<(String, String)> = patterns
        .explain()
        .into_iter()
        .map(|idle| (idle.name, idle.why))
        .collect();
    let expected = [
        (
            "[file:name = 'a' AND file:ctime = t'2020-01-01T00:00:00Z']",
            "no log has `file:ctime`",
        ),
        (
            "[file:name = 'a'] FOLLOWEDBY [grouping:context = 'x']",
            "no log has `grouping:context`",
        ),
        ("[file:name IN ()]", "its comparisons can never hold"),
        ("[file:hashes[-1] = 'a']", "no log has `file:hashes[-1]`"),
        ("[NOT EXISTS grouping:context]", "no log has `grouping:context`"),
    ];
    let expected: Vec<_> = expected
        .map(|(name, why)| (name.to_owned(), why.to_owned()))
        .into();
    assert_eq!(told, expected);
    let found: Vec<_> = hits(&patterns, &event(&["file.name=a"]))
        .into_iter()
        .map(|hit| hit.pattern)
        .collect();
    assert_eq!(found.len(), 3);
}

#[test]
fn patterns_that_these_logs_cannot_match_are_told() {
    let patterns = compiled(&[
        "[file:name = 'a' AND file:ctime = t'2020-01-01T00:00:00Z']",
        "[file:name = 'b']",
        "[file:name = 'a' AND network-traffic:dst_port = 443]",
        "[file:name = 'a' OR network-traffic:dst_port = 443]",
        "[file:name = 'a'] FOLLOWEDBY [mutex:name = 'm']",
        "[file:name = 'a'] OR [mutex:name = 'm']",
        "[NOT EXISTS file:size]",
        "[NOT EXISTS mutex:name] REPEATS 2 TIMES",
        "[mutex:name != 'm' AND mutex:name != 'n' AND network-traffic:dst_port = 1]",
    ]);
    let check = |logs: &[&[&str]], expected: &[(&str, &str)]| {
        let mut seen = Seen::default();
        for fields in logs {
            // Of a thread of its own.
            let mut scratch = Scratch::default();
            patterns.match_event(&event(fields), &mut scratch, &mut Vec::new());
            seen.merge(scratch.seen());
        }
        let told = patterns.explain_seen(&seen);
        let told: Vec<_> = told
            .iter()
            .map(|idle| (idle.name.as_str(), idle.why.as_str()))
            .collect();
        assert_eq!(told[0].1, "no log has `file:ctime`");
        assert_eq!(told[1..], *expected, "{logs:?}");
    };
    let port = (
        "[file:name = 'a' AND network-traffic:dst_port = 443]",
        "no event in these logs has `network-traffic:dst_port`",
    );
    let mutex = (
        "[file:name = 'a'] FOLLOWEDBY [mutex:name = 'm']",
        "no event in these logs has `mutex:name`",
    );
    let both = (
        "[mutex:name != 'm' AND mutex:name != 'n' AND network-traffic:dst_port = 1]",
        "no event in these logs has `mutex:name`, `network-traffic:dst_port`",
    );
    let none = (
        "[NOT EXISTS mutex:name] REPEATS 2 TIMES",
        "no event in these logs has `mutex:name`",
    );
    check(&[&["file.name=x"]], &[port, mutex, none, both]);
    let mutex_only = (both.0, "no event in these logs has `mutex:name`");
    check(&[&["file.name=x"], &["dest_port=1"]], &[mutex, none, mutex_only]);
}
