//! Patterns over several events.

use perisai_detect::pattern::Observation;
use perisai_model::Timestamp;

use super::{compiled, event, hits};

/// Runs events, each with the second at which it happened (`-`: unknown) before its fields, and gives the matches by
/// the numbers of their events.
#[track_caller]
fn sequence(pattern: &str, events: &[&str], expected: &[&[u64]]) {
    let patterns = compiled(&[pattern]);
    let mut observations = Vec::new();
    for (order, text) in events.iter().enumerate() {
        let mut words = text.split(' ');
        let second = words.next().unwrap();
        let mut event = event(&words.collect::<Vec<_>>());
        event.time = second
            .parse()
            .ok()
            .map(|second| Timestamp::from_second(second).unwrap());
        for hit in hits(&patterns, &event) {
            assert!(!hit.single, "{pattern}");
            observations.push(Observation {
                pattern: hit.pattern,
                hit: hit.hit,
                order: order as u64,
            });
        }
    }
    let run = |observations: Vec<Observation>| {
        let (matches, problems) = patterns.conclude(observations, &|| false);
        assert_eq!(problems, []);
        matches
    };
    let matches = run(observations.clone());
    let orders: Vec<_> = matches.iter().map(|one| one.orders.as_slice()).collect();
    assert_eq!(orders, expected, "{pattern}");
    observations.reverse();
    assert_eq!(
        run(observations),
        matches,
        "the order of the observations says nothing"
    );
}

#[test]
fn sequences_are_found_as_often_as_they_happened() {
    let ab = "[file:name = 'a'] FOLLOWEDBY [file:name = 'b']";
    sequence(ab, &["1 file.name=a", "2 file.name=b"], &[&[0, 1]]);
    sequence(ab, &["2 file.name=a", "1 file.name=b"], &[]);
    sequence(ab, &["1 file.name=a", "- file.name=b"], &[]);
    sequence(
        ab,
        &["1 file.name=a", "2 file.name=b", "3 file.name=b"],
        &[&[0, 1]],
    );
    sequence(
        ab,
        &["1 file.name=a", "2 file.name=b", "3 file.name=a", "4 file.name=b"],
        &[&[0, 1], &[2, 3]],
    );
    let ten: Vec<String> = (0..20)
        .map(|at| format!("{at} file.name={}", if at % 2 == 0 { "a" } else { "b" }))
        .collect();
    let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
    let expected: Vec<[u64; 2]> = (0..10).map(|at| [2 * at, 2 * at + 1]).collect();
    sequence(
        ab,
        &ten,
        &expected.iter().map(<[u64; 2]>::as_slice).collect::<Vec<_>>(),
    );

    let within = "([file:name = 'a'] AND [file:name = 'b']) WITHIN 10 SECONDS";
    sequence(
        within,
        &["1 file.name=a", "20 file.name=b", "25 file.name=a"],
        &[&[1, 2]],
    );
    sequence(within, &["1 file.name=a", "12 file.name=b"], &[]);
    sequence(
        "[file:name = 'a'] AND [file:name = 'b']",
        &["- file.name=a", "- file.name=b"],
        &[&[0, 1]],
    );

    let thrice = "[user-account:account_login = 'x'] REPEATS 3 TIMES WITHIN 60 SECONDS";
    let logins = [
        "0 user=x",
        "10 user=x",
        "100 user=x",
        "110 user=x",
        "120 user=x",
        "130 user=x",
    ];
    sequence(thrice, &logins, &[&[2, 3, 4]]);
    sequence(thrice, &logins[..4], &[]);
    // An event is not used for two brackets.
    sequence(
        "[file:name = 'a'] AND [file:size = 1]",
        &["1 file.name=a file.size=1"],
        &[],
    );
}

#[test]
fn one_event_can_be_a_finding_under_a_qualifier() {
    let times = "[file:name = 'a'] START t'2022-02-24T00:00:00Z' STOP t'2022-02-25T00:00:00Z'";
    let check = |time: Option<&str>, expected: usize| {
        let mut event = event(&["file.name=a"]);
        event.time = time.map(|time| time.parse().unwrap());
        let found = hits(
            &compiled(&[times, "[file:name = 'a'] OR [file:name = 'b']"]),
            &event,
        );
        assert!(found.iter().all(|hit| hit.single));
        assert_eq!(found.len(), expected, "{time:?}");
    };
    check(Some("2022-02-24T12:00:00Z"), 2);
    check(Some("2022-02-25T00:00:00Z"), 1);
    check(None, 1);
}

#[test]
fn endless_repetition_is_bounded_and_told() {
    let patterns = compiled(&["[file:name = 'a'] AND [file:name = 'a']"]);
    let hit = hits(&patterns, &event(&["file.name=a"])).remove(0);
    let all = (0..30_000).map(|order| Observation {
        pattern: hit.pattern,
        hit: hit.hit.clone(),
        order,
    });
    let (matches, problems) = patterns.conclude(all.collect(), &|| false);
    assert_eq!(matches.len(), 10_000);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].to_string().contains("more than 10000 matches"),
        "{}",
        problems[0]
    );
}

#[test]
fn many_events_are_concluded_in_time() {
    let patterns = compiled(&["([file:name = 'a'] FOLLOWEDBY [file:name = 'b']) WITHIN 5 SECONDS"]);
    let of = |name: &str| hits(&patterns, &event(&[name])).remove(0);
    let (a, b) = (of("file.name=a"), of("file.name=b"));
    let at = |order: u64| {
        // Every hundredth is the second event; only then is there a match.
        let one = if order % 100 == 99 { &b } else { &a };
        let mut hit = one.hit.clone();
        let moment = perisai_pattern::Micros(order as i64 * 100_000);
        hit.interval = Some((moment, moment));
        Observation {
            pattern: one.pattern,
            hit,
            order,
        }
    };
    let start = std::time::Instant::now();
    let (matches, problems) = patterns.conclude((0..300_000).map(at).collect(), &|| false);
    eprintln!("{} matches in {:.2?}", matches.len(), start.elapsed());
    assert_eq!((matches.len(), problems), (3_000, Vec::new()));
}
