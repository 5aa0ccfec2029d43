//! How many events a second STIX patterns go through: `pattern_speed [PATTERNS]`.

use std::time::Instant;

use perisai_detect::pattern::{Scratch, StixPatterns};
use perisai_model::{Context, ContextId, Event, Place, Rule, RuleLanguage, Value};

const EVENTS: usize = 200_000;

fn main() {
    let count = std::env::args()
        .nth(1)
        .map_or(4_000, |count| count.parse().expect("a number of patterns"));
    let context = Context::default();
    let rules: Vec<Rule> = (0..count).map(rule).collect();
    let start = Instant::now();
    let (patterns, problems) = StixPatterns::compile(rules.iter().map(|rule| (rule, &context)));
    assert!(problems.is_empty(), "{problems:?}");
    report(&format!(
        "{} patterns compiled in {:.2?}",
        patterns.len(),
        start.elapsed()
    ));
    let events: Vec<Event> = (0..1_000).map(event).collect();
    let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
    let start = Instant::now();
    let mut found = 0;
    for at in 0..EVENTS {
        hits.clear();
        patterns.match_event(&events[at % events.len()], &mut scratch, &mut hits);
        found += hits.len();
    }
    let rate = EVENTS as f64 / start.elapsed().as_secs_f64();
    report(&format!(
        "{EVENTS} events, {found} hits, {rate:.0} events a second"
    ));
}

#[expect(clippy::print_stdout, reason = "a measurement is for people")]
fn report(text: &str) {
    println!("{text}");
}

/// Equality, `LIKE`, addresses with ports, and a few regular expressions.
fn rule(number: usize) -> Rule {
    let text = match number % 8 {
        0 | 1 => format!("[domain-name:value = 'c2-{number}.example' AND network-traffic:dst_port = 443]"),
        2 | 3 => format!(
            "[ipv4-addr:value = '198.51.{}.{}' AND network-traffic:protocols[*] = 'tcp']",
            number / 256 % 256,
            number % 256
        ),
        4 => format!("[process:command_line LIKE '%payload-{number}%' AND process:name = 'powershell.exe']"),
        5 => format!("[process:command_line LIKE '%-option{number} %']"),
        6 => format!(
            "[file:name = 'dropper{number}.exe'] FOLLOWEDBY [domain-name:value = 'x{number}.example']"
        ),
        _ if number % 64 == 7 => format!("[process:command_line MATCHES 'run[0-9]{{2,4}}-{number}$']"),
        _ => format!("[file:hashes.MD5 = '{number:032x}' AND file:size > 100]"),
    };
    Rule {
        language: RuleLanguage::StixPattern,
        text,
        context: ContextId(0),
        place: Place::file("generated"),
    }
}

/// A connection, a query or a new process.
fn event(number: usize) -> Event {
    let mut event = Event::default();
    event.push_str("ts", "2022-02-24T00:00:00Z");
    event.push_str("uid", "C495f747cb07e");
    let address = |last: usize| format!("198.51.{}.{}", number % 7, last % 256);
    match number % 3 {
        0 => {
            event.push_str("id.orig_h", &address(number));
            event.push("id.orig_p", Value::Int(50_000));
            event.push_str("id.resp_h", &address(number + 1));
            event.push("id.resp_p", Value::Int(443));
            event.push_str("proto", "tcp");
            event.push_str("server_name", &format!("c2-{number}.example"));
        }
        1 => {
            event.push_str("src_ip", &address(number));
            event.push_str("query", &format!("www{number}.example.org"));
            event.push_str("answers", "192.0.2.1");
        }
        _ => {
            event.push_str(
                "Image",
                r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
            );
            event.push_str(
                "CommandLine",
                &format!("powershell.exe -nop -w hidden -option{number} -c payload"),
            );
            event.push_str("ParentImage", r"C:\Windows\explorer.exe");
            event.push_str("User", r"CORP\bob");
            event.push_str(
                "Hashes",
                "MD5=D41D8CD98F00B204E9800998ECF8427E,IMPHASH=00000000000000000000000000000000",
            );
        }
    }
    event
}
