//! Who connects to whom, in the sentences of Cisco's firewalls (ASA, Firepower, FWSM, PIX).

use std::net::{IpAddr, Ipv4Addr};

use perisai_model::Event;

/// How many words of a message are looked at: the ends of a connection stand near its start.
const WORDS: usize = 32;

/// Words that say what became of a connection.
const VERDICTS: [(&str, &str); 5] = [
    ("Deny ", "deny"),
    (" denied ", "deny"),
    ("Denied ", "deny"),
    ("Built ", "accept"),
    (" permitted ", "accept"),
];

/// One end of a connection.
struct End<'a> {
    address: &'a str,
    port: &'a str,
}

/// Whether a syslog tag, or the start of a message, is of such a firewall.
pub(super) fn is_firewall(tag: &str) -> bool {
    ["%ASA-", "%FTD-", "%FWSM-", "%PIX-"]
        .iter()
        .any(|start| tag.starts_with(start))
}

/// Adds the source and the destination that a message names: `for outside:192.0.2.1/443 (…) to inside:10.0.0.1/51234`,
/// `src inside:10.0.0.1/51234 dst outside:192.0.2.1/443`, `inside/10.0.0.1(51234) -> outside/192.0.2.1(443)`.
pub(super) fn push(message: &str, event: &mut Event) {
    let mut before = "";
    let mut ends = message.split(' ').take(WORDS).filter_map(|word| {
        // The address that a local one is translated to is nobody's.
        let end = end(word).filter(|_| before != "gaddr");
        before = word;
        end
    });
    let Some(first) = ends.next() else { return };
    let verdict = VERDICTS.iter().find(|(word, _)| message.contains(word));
    if let Some((_, action)) = verdict {
        event.push_str("action", action);
    }
    let second = ends.next();
    // The end with the lower security is named first, whichever began.
    let is_turned = second.as_ref().is_some_and(|second| {
        message.contains("Built outbound ")
            || message.contains("Teardown ") && number(second) > number(&first)
    });
    let (source, destination) = match second {
        Some(second) if is_turned => (second, Some(first)),
        second => (first, second),
    };
    let ends = [
        ("src_ip", "src_port", Some(source)),
        ("dst_ip", "dst_port", destination),
    ];
    for (address, port, end) in ends {
        let Some(end) = end else { continue };
        event.push_str(address, end.address);
        if !end.port.is_empty() {
            event.push_str(port, end.port);
        }
    }
}

fn number(end: &End<'_>) -> u16 {
    end.port.parse().unwrap_or(0)
}

/// `10.0.0.1`, `10.0.0.1/443`, with the interface before it (`inside:10.0.0.1/443`, `inside/10.0.0.1(443)`) or not.
fn end(word: &str) -> Option<End<'_>> {
    let at_start = |text| {
        address(text).map(|(address, behind)| End {
            address,
            port: port(behind),
        })
    };
    at_start(word).or_else(|| at_start(word.split_once([':', '/'])?.1))
}

/// The address at the start of a word, and what is behind it.
fn address(word: &str) -> Option<(&str, &str)> {
    let cut = |marks: &[char]| word.split_at(word.find(marks).unwrap_or(word.len()));
    let (v4, behind) = cut(&['/', '(', ':', ',', ';']);
    if v4.parse::<Ipv4Addr>().is_ok() {
        return Some((v4, behind));
    }
    let (v6, behind) = cut(&['/', '(', ',', ';']);
    v6.parse::<IpAddr>().is_ok().then_some((v6, behind))
}

/// `/443` or `(443)`; empty where there is none.
fn port(text: &str) -> &str {
    let digits = text.strip_prefix(['/', '(']).unwrap_or_default();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    &digits[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_of_a_connection() {
        let check = |message: &str, expected: &[(&str, &str)]| {
            let mut event = Event::default();
            push(message, &mut event);
            let seen: Vec<_> = event
                .iter()
                .map(|(name, value)| (name.to_owned(), value.text().unwrap().into_owned()))
                .collect();
            let seen: Vec<_> = seen
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(seen, expected, "{message}");
        };
        let ends = [
            ("src_ip", "10.0.0.1"),
            ("src_port", "51234"),
            ("dst_ip", "192.0.2.1"),
            ("dst_port", "443"),
        ];
        let with = |action| {
            let mut all = vec![("action", action)];
            all.extend(ends);
            all
        };
        check(
            "Built outbound TCP connection 5 for outside:192.0.2.1/443 (192.0.2.1/443) to inside:10.0.0.1/51234 (203.0.113.1/51234)",
            &with("accept"),
        );
        check(
            "Built inbound TCP connection 5 for outside:10.0.0.1/51234 (10.0.0.1/51234) to dmz:192.0.2.1/443 (192.0.2.1/443)",
            &with("accept"),
        );
        check(
            "Teardown TCP connection 5 for outside:192.0.2.1/443 to inside:10.0.0.1/51234 duration 0:00:30 bytes 5",
            &ends,
        );
        check(
            "Deny tcp src inside:10.0.0.1/51234 dst outside:192.0.2.1/443 by access-group \"x\"",
            &with("deny"),
        );
        check(
            "Deny TCP (no connection) from 10.0.0.1/51234 to 192.0.2.1/443 flags RST on interface inside",
            &with("deny"),
        );
        check(
            "access-list x permitted tcp inside/10.0.0.1(51234) -> outside/192.0.2.1(443) hit-cnt 1",
            &with("accept"),
        );
        check(
            "Built outbound ICMP connection for faddr 192.0.2.1/0 gaddr 203.0.113.1/0 laddr 10.0.0.1/0",
            &[
                ("action", "accept"),
                ("src_ip", "10.0.0.1"),
                ("src_port", "0"),
                ("dst_ip", "192.0.2.1"),
                ("dst_port", "0"),
            ],
        );
        check(
            "10.0.0.1 Accessed URL 192.0.2.1:http://site.example/x",
            &[("src_ip", "10.0.0.1"), ("dst_ip", "192.0.2.1")],
        );
        check(
            "Deny tcp src inside:2001:db8::1/5 dst outside:2001:db8::2/443",
            &[
                ("action", "deny"),
                ("src_ip", "2001:db8::1"),
                ("src_port", "5"),
                ("dst_ip", "2001:db8::2"),
                ("dst_port", "443"),
            ],
        );
        check(
            "Login permitted from 10.0.0.1/5 to inside",
            &[("action", "accept"), ("src_ip", "10.0.0.1"), ("src_port", "5")],
        );
        check("User 'x' executed the 'show' command", &[]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a1.:/() é,]{0,60}") {
            push(&text, &mut Event::default());
        }
    }
}
