//! Query logs of name servers: BIND's `named`, dnsmasq and Unbound, bare or as a syslog message.

use std::net::IpAddr;

use memchr::memmem;
use perisai_model::Event;

use crate::block::Stream;
use crate::format::{PLAIN, Spec};
use crate::time;

/// BIND's own log files, which begin with its own time.
pub(crate) const NAMED: Spec = Spec {
    name: "named",
    line: |line| query(line).is_some(),
    fields: |item, stream, event| {
        if !fields(item, stream, event) {
            return false;
        }
        if let Some((at, range)) = time::line_time(item.as_bytes(), &stream.clock) {
            event.time = at;
            event.time_text = Some(item[range].to_owned());
        }
        true
    },
    ..PLAIN
};

pub(super) fn fields(message: &str, _: &Stream, event: &mut Event) -> bool {
    let Some(query) = query(message) else {
        return false;
    };
    let all = [
        ("src_ip", query.client),
        ("src_port", query.port),
        ("query", query.name),
        ("class", query.class),
        ("record_type", query.kind),
        ("flags", query.flags),
        ("answer", query.answer),
    ];
    for (name, value) in all {
        if !value.is_empty() {
            event.push_str(name, value);
        }
    }
    true
}

#[derive(Default)]
struct Query<'a> {
    client: &'a str,
    port: &'a str,
    name: &'a str,
    class: &'a str,
    kind: &'a str,
    flags: &'a str,
    answer: &'a str,
}

fn query(text: &str) -> Option<Query<'_>> {
    bind(text).or_else(|| dnsmasq(text)).or_else(|| unbound(text))
}

/// `unbound[7:0] info: 10.0.0.1 x.example. A IN`, and with how it was answered behind it.
fn unbound(text: &str) -> Option<Query<'_>> {
    let (_, behind) = ["info: ", "reply: ", "query: "]
        .iter()
        .find_map(|word| text.split_once(word))?;
    let mut words = behind.split(' ');
    let (client, name, kind, class) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let client = client.split('@').next().unwrap_or(client);
    let is_type = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_uppercase())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let sound = client.parse::<IpAddr>().is_ok()
        && name.ends_with('.')
        && is_type(kind)
        && (matches!(class, "IN" | "CH" | "HS" | "ANY") || class.starts_with("CLASS"));
    sound.then(|| Query {
        client,
        name: name
            .strip_suffix('.')
            .filter(|bare| !bare.is_empty())
            .unwrap_or(name),
        class,
        kind,
        flags: words.next().unwrap_or_default(),
        ..Query::default()
    })
}

/// `client @0x7f… 10.0.0.1#5353 (x.example): query: x.example IN A +E(0)K (10.0.0.2)`.
fn bind(text: &str) -> Option<Query<'_>> {
    let at = memmem::find(text.as_bytes(), b" query: ")?;
    let (before, behind) = (&text[..at], &text[at + 8..]);
    let client = before.rsplit_once("client ")?.1;
    let socket = client.split(' ').find(|word| word.contains('#'))?;
    let (client, port) = socket.split_once('#')?;
    let mut words = behind.split(' ');
    Some(Query {
        client,
        port: port.trim_end_matches(':'),
        name: words.next()?,
        class: words.next()?,
        kind: words.next()?,
        flags: words.next().unwrap_or_default(),
        answer: "",
    })
}

/// `query[A] x.example from 10.0.0.1`, `reply x.example is 192.0.2.1`.
fn dnsmasq(text: &str) -> Option<Query<'_>> {
    let at = ["query[", "reply ", "cached "]
        .iter()
        .find_map(|word| memmem::find(text.as_bytes(), word.as_bytes()))?;
    let mut words = text[at..].split(' ');
    let verb = words.next()?;
    let name = words.next()?;
    let joint = words.next()?;
    let last = words.next()?;
    match (verb.strip_prefix("query["), joint) {
        (Some(kind), "from") => Some(Query {
            client: last,
            name,
            kind: kind.trim_end_matches(']'),
            ..Query::default()
        }),
        (None, "is") => Some(Query {
            name,
            answer: last,
            ..Query::default()
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, never_panics};
    use proptest::prelude::*;

    #[test]
    fn queries_become_fields() {
        let check = |line, expected| check_fields(&NAMED, line, expected);
        check(
            "01-Jan-2026 00:00:05.123 queries: info: client @0x7f 10.0.0.1#53 (x.example): query: x.example IN A +E(0)K (10.0.0.2)",
            Some(concat!(
                r#"{"src_ip":"10.0.0.1","src_port":"53","query":"x.example","class":"IN","record_type":"A","#,
                r#""flags":"+E(0)K"}"#
            )),
        );
        check(
            "dnsmasq: query[AAAA] x.example from 10.0.0.1",
            Some(r#"{"src_ip":"10.0.0.1","query":"x.example","record_type":"AAAA"}"#),
        );
        check(
            "dnsmasq: reply x.example is 192.0.2.1",
            Some(r#"{"query":"x.example","answer":"192.0.2.1"}"#),
        );
        check(
            "[1767225600] unbound[7:0] info: 10.0.0.1 x.example. A IN",
            Some(r#"{"src_ip":"10.0.0.1","query":"x.example","class":"IN","record_type":"A"}"#),
        );
        check(
            "[1767225600] unbound[7:0] reply: 2001:db8::1@53 . NS IN NOERROR 0.0 1 50",
            Some(r#"{"src_ip":"2001:db8::1","query":".","class":"IN","record_type":"NS","flags":"NOERROR"}"#),
        );
        check(
            "[1767225600] unbound[7:0] info: service stopped (unbound 1.9).",
            None,
        );
        check("client 10.0.0.1 query: ", None);
    }

    proptest! {
        #[test]
        fn hostile_lines(text in r"(client|query\[|reply| query: |info: |10.0.0.1|A IN|[a#:. ]){0,20}") {
            never_panics(&NAMED, text.as_bytes());
        }
    }
}
