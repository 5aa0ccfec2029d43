//! The debug log of Microsoft's DNS server (`dns.log`): one packet a line, names in their form on the wire.

use perisai_model::Event;

use crate::block::Stream;
use crate::format::{Columns, PLAIN, Retell, Spec, Stood};
use crate::time;

/// The longest name that is read, in bytes; on the wire it may have 255.
const NAME: usize = 1024;

pub(crate) const WINDNS: Spec = Spec {
    name: "windns",
    line: |line| packet(line).is_some(),
    // Its own head is longer than many a log.
    header: |sample| {
        let head = b"DNS Server log file creation at ";
        sample.trim_ascii_start().starts_with(head).then(Columns::default)
    },
    fields,
    retell: Some(Retell {
        mark: "(",
        line: retell,
    }),
    ..PLAIN
};

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(packet) = packet(item) else {
        return false;
    };
    let received = packet.direction == "Rcv";
    let all = [
        ("protocol", packet.protocol),
        ("direction", packet.direction),
        (if received { "src_ip" } else { "dst_ip" }, packet.address),
        ("transaction_id", packet.transaction),
        ("flags", packet.flags),
        ("rcode", packet.rcode),
        ("record_type", packet.kind),
    ];
    for (name, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
        event.push_str(name, value);
    }
    event.push_str("response", if packet.response { "true" } else { "false" });
    if let Ok((name, _)) = name_at(packet.name) {
        event.push_str("query", &name);
    }
    if let Some((at, range)) = time::line_time(item.as_bytes(), &stream.clock) {
        event.time = at;
        event.time_text = Some(item[range].to_owned());
    }
    true
}

#[derive(Default)]
struct Packet<'a> {
    protocol: &'a str,
    direction: &'a str,
    address: &'a str,
    transaction: &'a str,
    response: bool,
    flags: &'a str,
    rcode: &'a str,
    kind: &'a str,
    name: &'a str,
}

/// `2/24/2022 1:02:03 AM 0E70 PACKET  000000000264F1D0 UDP Rcv 192.0.2.1 4a5b R Q [8081 DR NOERROR] A (3)www(0)`.
fn packet(line: &str) -> Option<Packet<'_>> {
    if !line.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let (_, rest) = line.split_once(" PACKET ")?;
    let (head, rest) = rest.split_once('[')?;
    let (flags, rest) = rest.split_once(']')?;
    let mut words = head.split_whitespace();
    let mut packet = Packet::default();
    let context = words.next()?;
    packet.protocol = words.next().filter(|word| matches!(*word, "UDP" | "TCP"))?;
    packet.direction = words.next().filter(|word| matches!(*word, "Rcv" | "Snd"))?;
    packet.address = words.next()?;
    packet.transaction = words.next()?;
    packet.response = words.next()? == "R";
    packet.flags = flags.trim();
    packet.rcode = flags.split_whitespace().next_back()?;
    let (kind, name) = rest.trim().split_once(char::is_whitespace)?;
    (packet.kind, packet.name) = (kind, name.trim());
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hex(context) && hex(packet.transaction)).then_some(packet)
}

/// Writes each name of a line with dots, a line each.
fn retell(line: &str, out: &mut Vec<u8>, stood: &mut Stood) {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'(', &line.as_bytes()[at..]) {
        at += found;
        match name_at(&line[at..]) {
            Ok((name, length)) => {
                stood.push((out.len(), at..at + length));
                out.extend_from_slice(name.as_bytes());
                out.push(b'\n');
                at += length;
            }
            Err(length) => at += length.max(1),
        }
    }
}

/// The name that a text begins with, `(3)www(7)example(0)`, with dots, and how long it is as it stands.
///
/// # Errors
/// Where it begins with none: how far it was read. No name begins in between.
fn name_at(text: &str) -> Result<(String, usize), usize> {
    let mut name = String::new();
    let mut at = 0;
    while name.len() <= NAME {
        let Some((label, length)) = label_at(&text[at..]) else {
            break;
        };
        at += length;
        if label.is_empty() {
            return if name.is_empty() { Err(at) } else { Ok((name, at)) };
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(label);
    }
    Err(at)
}

/// The label that a text begins with, which is empty at a name's end, and how long it is as it stands.
fn label_at(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix('(')?;
    let digits = inner.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let size: usize = inner[..digits].parse().ok()?;
    let label = inner[digits..].strip_prefix(')')?;
    let length = match label.as_bytes().get(size) {
        _ if size == 0 => 0,
        Some(b'(') => size,
        // What is not printable stands escaped, and is longer than it says.
        _ => memchr::memchr(b'(', &label.as_bytes()[..label.len().min(NAME)]).filter(|length| *length > 0)?,
    };
    Some((label.get(..length)?, digits + 2 + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::detect;
    use crate::format::tests::{check_fields, never_panics, retold};
    use proptest::prelude::*;

    #[test]
    fn packets_become_fields() {
        let check = |line, expected| check_fields(&WINDNS, line, expected);
        check(
            "2/24/2022 1:02:03 AM 0E70 PACKET  000000000264F1D0 UDP Rcv 192.0.2.1       4a5b   Q [0001   D   NOERROR] A      (3)www(4)evil(7)example(0)",
            Some(concat!(
                r#"{"protocol":"UDP","direction":"Rcv","src_ip":"192.0.2.1","transaction_id":"4a5b","#,
                r#""flags":"0001   D   NOERROR","rcode":"NOERROR","record_type":"A","response":"false","#,
                r#""query":"www.evil.example"}"#
            )),
        );
        check(
            "24.02.2022 01:02:03 0E70 PACKET  000000000264F1D0 TCP Snd 2001:db8::7 4a5b R Q [8385 A DR NXDOMAIN] AAAA (4)evil(0)",
            Some(concat!(
                r#"{"protocol":"TCP","direction":"Snd","dst_ip":"2001:db8::7","transaction_id":"4a5b","#,
                r#""flags":"8385 A DR NXDOMAIN","rcode":"NXDOMAIN","record_type":"AAAA","response":"true","query":"evil"}"#
            )),
        );
        check(
            "2/24/2022 1:02:03 AM 0E70 EVENT   The DNS server has started.",
            None,
        );
        check("2/24/2022 1:02:03 AM 0E70 PACKET  x UDP Rcv", None);
        check("a PACKET  1 UDP Rcv 192.0.2.1 4a5b Q [] A (1)a(0)", None);
    }

    #[test]
    fn names_are_told_with_dots() {
        let check = |line: &str, expected: &[(&str, &str)]| {
            let found = retold(&WINDNS, line);
            let found: Vec<_> = found
                .iter()
                .map(|(stood, told)| (told.as_str(), stood.as_str()))
                .collect();
            assert_eq!(found, expected, "{line}");
        };
        check("A (3)www(1)x(0)", &[("www.x", "(3)www(1)x(0)")]);
        check(
            "Name \"[C00C](1)a(0)\" and (2)é(1)b(0)",
            &[("a", "(1)a(0)"), ("é.b", "(2)é(1)b(0)")],
        );
        check("(3)a(b(1)c(0)", &[("a(b.c", "(3)a(b(1)c(0)")]);
        check(
            "(1)\\303\\251(1)c(0)",
            &[("\\303\\251.c", "(1)\\303\\251(1)c(0)")],
        );
        check("(0) (9) () (3)www (1)a", &[]);
    }

    #[test]
    fn the_head_tells() {
        let head = "\r\nDNS Server log file creation at 2/24/2022 1:00:00 AM\r\nMessage logging key\r\n";
        assert_eq!(detect(head.as_bytes()).0.name(), "windns");
        let line =
            "2/24/2022 1:02:03 AM 0E70 PACKET  01 UDP Rcv 192.0.2.1 4a5b Q [0001 D NOERROR] A (1)a(0)\n";
        assert_eq!(detect(line.as_bytes()).0.name(), "windns");
    }

    proptest! {
        #[test]
        fn hostile_lines(text in r"1?( PACKET |UDP |Rcv |\[|\]|\([0-9]{0,4}\)|[aé\\(). ]){0,24}") {
            never_panics(&WINDNS, text.as_bytes());
            let (mut out, mut stood) = (Vec::new(), Vec::new());
            retell(&text, &mut out, &mut stood);
            for (at, range) in stood {
                prop_assert!(at < out.len() && text.get(range).is_some());
            }
        }
    }
}
