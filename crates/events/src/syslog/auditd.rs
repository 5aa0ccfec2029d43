//! The Linux audit log: `type=EXECVE msg=audit(1364481363.243:24287): argc=2 a0="cat" a1=2F657463…`. Values that the
//! audit system wrote in hexadecimal are decoded. One record is one event, as Sigma's auditd rules expect.

use std::net::{Ipv4Addr, Ipv6Addr};

use perisai_model::Event;

use crate::block::Stream;
use crate::format::{PLAIN, Retell, Spec, Stood};
use crate::kv;
use crate::time;

pub(crate) const AUDITD: Spec = Spec {
    name: "auditd",
    line: |line| split(line).is_some(),
    fields,
    retell: Some(Retell {
        mark: "=",
        line: retell,
    }),
    ..PLAIN
};

/// Fields that are in hexadecimal where they are not in quotes. `a0` and the like are so only in EXECVE: in SYSCALL
/// they are numbers.
const ENCODED: [&str; 17] = [
    "acct",
    "cmd",
    "comm",
    "cwd",
    "data",
    "dir",
    "exe",
    "file",
    "key",
    "name",
    "new",
    "ocomm",
    "old",
    "path",
    "proctitle",
    "vm",
    "watch",
];

struct Record<'a> {
    node: Option<&'a str>,
    kind: &'a str,
    time: &'a str,
    serial: &'a str,
    pairs: &'a str,
}

fn split(line: &str) -> Option<Record<'_>> {
    let (node, rest) = match line.strip_prefix("node=") {
        Some(rest) => {
            let (node, rest) = rest.split_once(' ')?;
            (Some(node), rest)
        }
        None => (None, line),
    };
    let (kind, rest) = rest.trim_start().strip_prefix("type=")?.split_once(' ')?;
    let (stamp, rest) = rest.trim_start().strip_prefix("msg=audit(")?.split_once(')')?;
    let (time, serial) = stamp.rsplit_once(':')?;
    Some(Record {
        node,
        kind,
        time,
        serial,
        pairs: rest.trim_start_matches(':'),
    })
}

pub(super) fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(record) = split(item) else {
        return false;
    };
    if let Some(node) = record.node {
        event.push_str("node", node);
    }
    event.push_str("type", record.kind);
    event.push_str("serial", record.serial);
    event.time = time::parse(record.time, &stream.clock);
    event.time_text = Some(record.time.to_owned());
    // User-space messages hold their own pairs in single quotes.
    let (outer, inner) = record.pairs.split_once("msg='").unwrap_or((record.pairs, ""));
    let (inner, behind) = inner.rsplit_once('\'').unwrap_or((inner, ""));
    for part in [outer, inner, behind] {
        push_pairs(part, record.kind, event);
    }
    true
}

fn push_pairs(text: &str, kind: &str, event: &mut Event) {
    for kv::Word {
        key: name,
        value,
        quoted,
    } in kv::pairs(text)
    {
        let Some(value) = value else { continue };
        if name == "saddr" {
            push_address(&value, event);
        } else if !quoted
            && is_encoded(name, kind)
            && let Some(bytes) = unhex(&value)
        {
            event.push_str(name, &plain(&bytes));
            continue;
        }
        event.push_str(name, &value);
    }
}

/// Writes what a line has in hexadecimal as the text or the address that it is, a line each.
fn retell(line: &str, out: &mut Vec<u8>, stood: &mut Stood) {
    let Some(kind) = split(line).map(|record| record.kind) else {
        return;
    };
    let mut rest = 0;
    while let Some(found) = line[rest..].find('=') {
        let name = line[rest..rest + found]
            .rsplit([' ', '\''])
            .next()
            .unwrap_or_default();
        let start = rest + found + 1;
        let length = line[start..].find([' ', '\'']).unwrap_or(line.len() - start);
        let value = &line[start..start + length];
        rest = start + length;
        let plain = match name {
            "saddr" => unhex(value).and_then(|bytes| address(&bytes)),
            _ if is_encoded(name, kind) => unhex(value).map(|bytes| plain(&bytes)),
            _ => None,
        };
        if let Some(plain) = plain {
            stood.push((out.len(), start..rest));
            out.extend_from_slice(plain.replace('\n', " ").as_bytes());
            out.push(b'\n');
        }
    }
}

/// What the audit system wrote in hexadecimal; arguments are parted by NUL.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('\0', " ");
    text.trim_end().to_owned()
}

fn is_encoded(name: &str, kind: &str) -> bool {
    let argument = || {
        name.strip_prefix('a')
            .is_some_and(|at| at.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    ENCODED.contains(&name) || kind == "EXECVE" && argument()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let sound = text.len() >= 4 && text.len().is_multiple_of(2);
    let upper = || text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    if !sound || !upper() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

/// A `sockaddr` of the Internet: family (as the machine has it), port, address.
fn push_address(text: &str, event: &mut Event) {
    let Some(bytes) = unhex(text) else { return };
    if let Some(address) = address(&bytes) {
        event.push_str("dst_ip", &address);
        event.push_str("dst_port", &u16::from_be_bytes([bytes[2], bytes[3]]).to_string());
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    match *bytes {
        [2, 0, _, _, a, b, c, d, ..] => Some(Ipv4Addr::new(a, b, c, d).to_string()),
        [10, 0, _, _, _, _, _, _, ref rest @ ..] => {
            let address = rest.first_chunk::<16>()?;
            Some(Ipv6Addr::from(*address).to_canonical().to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, never_panics, retold};
    use proptest::prelude::*;

    #[test]
    fn what_stands_in_hexadecimal_is_told_again() {
        let check = |line: &str, expected: &[(&str, &str)]| {
            let got = retold(&AUDITD, line);
            let got: Vec<_> = got
                .iter()
                .map(|(stood, told)| (stood.as_str(), told.as_str()))
                .collect();
            assert_eq!(got, expected, "{line}");
        };
        check(
            "type=SOCKADDR msg=audit(1.0:1): saddr=02000050C00002010000000000000000",
            &[("02000050C00002010000000000000000", "192.0.2.1")],
        );
        check(
            "type=EXECVE msg=audit(1.0:1): argc=2 a0=\"sh\" a1=6375726C206576696C",
            &[("6375726C206576696C", "curl evil")],
        );
        check("type=SYSCALL msg=audit(1.0:1): a0=6375726C206576696C", &[]);
        check("==== type=PROCTITLE", &[]);
    }

    #[test]
    fn records_become_fields() {
        let check = |line, expected| check_fields(&AUDITD, line, expected);
        check(
            r#"type=EXECVE msg=audit(1767225600.243:24287): argc=3 a0="cat" a1=2F746D702F6120622E747874 a2="6162""#,
            Some(
                r#"{"type":"EXECVE","serial":"24287","argc":"3","a0":"cat","a1":"/tmp/a b.txt","a2":"6162"}"#,
            ),
        );
        check(
            r#"node=web1 type=SYSCALL msg=audit(1767225600.243:1): arch=c000003e a0=2F74 comm="sh" exe="/bin/sh""#,
            Some(
                r#"{"node":"web1","type":"SYSCALL","serial":"1","arch":"c000003e","a0":"2F74","comm":"sh","exe":"/bin/sh"}"#,
            ),
        );
        check(
            "type=PROCTITLE msg=audit(1767225600.243:1): proctitle=6C73002D6C",
            Some(r#"{"type":"PROCTITLE","serial":"1","proctitle":"ls -l"}"#),
        );
        check(
            "type=SOCKADDR msg=audit(1767225600.243:1): saddr=020001BBC00002010000000000000000",
            Some(concat!(
                r#"{"type":"SOCKADDR","serial":"1","dst_ip":"192.0.2.1","dst_port":"443","#,
                r#""saddr":"020001BBC00002010000000000000000"}"#
            )),
        );
        check(
            r#"type=USER_AUTH msg=audit(1767225600.243:1): pid=1 msg='op=PAM acct="root" res=failed'"#,
            Some(r#"{"type":"USER_AUTH","serial":"1","pid":"1","op":"PAM","acct":"root","res":"failed"}"#),
        );
        check("type=EXECVE no stamp", None);
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in r#"[a-z0-9A-F='" ]{0,60}"#) {
            never_panics(&AUDITD, &line);
            never_panics(&AUDITD, format!("type=EXECVE msg=audit(1.0:1): {text}").as_bytes());
        }
    }
}
