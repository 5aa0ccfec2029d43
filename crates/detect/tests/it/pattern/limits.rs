//! Patterns that cost too much: given up, and told.

use perisai_detect::pattern::StixPatterns;
use perisai_detect::pattern::{Observation, Scratch, Seen};
use perisai_model::{Context, Timestamp};

use super::{compiled, event, rule};

#[test]
fn a_regular_expression_that_gives_up_is_told() {
    let patterns = compiled(&["[process:command_line MATCHES '(a+)+(?!b)b']"]);
    let mut scratch = Scratch::default();
    let mut seen = Seen::default();
    for line in ["CommandLine=aab", "CommandLine=x"] {
        patterns.match_event(&event(&[line]), &mut scratch, &mut Vec::new());
    }
    assert_eq!(patterns.gave_up(scratch.seen()), []);
    seen.merge(scratch.seen());
    let long = format!("CommandLine={}b", "a".repeat(3_000));
    let mut found = Vec::new();
    patterns.match_event(&event(&[&long]), &mut scratch, &mut found);
    patterns.match_event(&event(&[&long]), &mut scratch, &mut found);
    assert!(found.is_empty());
    seen.merge(scratch.seen());
    let told = patterns.gave_up(&seen);
    assert_eq!(told.len(), 1);
    assert!(told[0].to_string().contains("gave up on 2 events"), "{}", told[0]);
}

#[test]
fn a_regular_expression_that_costs_too_much_is_set_aside_and_told() {
    let patterns = compiled(&[
        "[url:value MATCHES '(?=(a+)+z0)[ab]']",
        "[url:value MATCHES '(?<!a)evil']",
    ]);
    let url = format!("url=http://evil.example/{}b", "a".repeat(3_000));
    let hunt = |threads: usize| {
        let (mut seen, mut found) = (Seen::default(), 0);
        for _ in 0..threads {
            let mut scratch = Scratch::default();
            for _ in 0..100 / threads {
                let mut out = Vec::new();
                patterns.match_event(&event(&[&url]), &mut scratch, &mut out);
                found += out.len();
            }
            seen.merge(scratch.seen());
        }
        let told: Vec<_> = patterns.gave_up(&seen).iter().map(ToString::to_string).collect();
        (found, told)
    };
    let (found, told) = hunt(1);
    assert_eq!(found, 100, "the other pattern goes on");
    assert!(
        told.len() == 1 && told[0].contains("it was set aside"),
        "{told:?}"
    );
    for threads in [2, 10] {
        assert_eq!(hunt(threads), (found, told.clone()), "{threads} threads");
    }
}

#[test]
fn a_long_sequence_over_many_events_is_given_up_and_told() {
    let links = vec!["[ipv4-addr:value LIKE '%']"; 200].join(" FOLLOWEDBY ");
    let patterns = compiled(&[&links]);
    let mut scratch = Scratch::default();
    let mut observations = Vec::new();
    for number in 0..20_000_u32 {
        let mut event = event(&["dst_ip=192.0.2.1"]);
        event.time = Some(Timestamp::from_second(i64::from(number)).unwrap());
        let mut found = Vec::new();
        patterns.match_event(&event, &mut scratch, &mut found);
        observations.extend(found.into_iter().map(|found| Observation {
            pattern: found.pattern,
            hit: found.hit,
            order: number.into(),
        }));
    }
    assert_eq!(observations.len(), 20_000);
    let start = std::time::Instant::now();
    let (matches, problems) = patterns.conclude(observations, &|| false);
    eprintln!("{} matches in {:?}: {problems:?}", matches.len(), start.elapsed());
    assert!(problems.len() == 1 || matches.len() == 100);
}

#[test]
fn a_pattern_of_too_many_comparisons_is_refused() {
    let check = |comparison: &str, count: usize, expected: bool| {
        let all = vec![comparison; count].join(" OR ");
        let (rule, context) = (rule(&format!("[{all}]")), Context::default());
        let (patterns, problems) = StixPatterns::compile([(&rule, &context)].into_iter());
        assert_eq!(
            (patterns.len(), problems.len()),
            (usize::from(expected), usize::from(!expected))
        );
    };
    check("process:pid > 7", 1_000, true);
    check("process:pid > 7", 1_001, false);
    check("process:name NOT LIKE '%a%'", 1_001, false);
    check("process:name = 'a'", 5_000, true);
}
