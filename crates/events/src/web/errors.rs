//! The error logs of Apache and nginx, as far as they name a client: who it was, and what was asked for.

use std::net::IpAddr;

use memchr::memmem;

use crate::kv::quote_end;

/// An error that a client met.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) time: &'a str,
    pub(super) level: &'a str,
    /// None where the line names two.
    pub(super) client: Option<&'a str>,
    /// Still escaped; empty where the line has none.
    pub(super) request: &'a str,
    pub(super) host: &'a str,
    pub(super) message: &'a str,
}

/// How many parts in brackets stand before the message at most, and how often a client is looked for.
const PARTS: usize = 6;
const CLIENTS: usize = 16;

pub(super) fn split(line: &str) -> Option<Row<'_>> {
    match line.as_bytes().first()? {
        b'[' => apache(line),
        b'0'..=b'9' => nginx(line),
        _ => None,
    }
}

/// `[Thu Jan 01 00:00:05.123456 2026] [core:error] [pid 7:tid 8] [client 10.0.0.1:51234] AH00128: …`.
fn apache(line: &str) -> Option<Row<'_>> {
    let mut row = Row::default();
    let mut rest = line;
    for at in 0..PARTS {
        let Some((part, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            break;
        };
        match part.strip_prefix("client ") {
            Some(client) => row.client = Some(address(client)?),
            None if at == 0 => row.time = part,
            None if at == 1 => row.level = part.rsplit(':').next().unwrap_or(part),
            None => {}
        }
        rest = behind.trim_start();
        if row.client.is_some() {
            break;
        }
    }
    row.message = rest;
    (row.client.is_some() && !row.level.is_empty()).then_some(row)
}

/// `2026/01/01 00:00:05 [error] 7#7: *8 open() "/x" failed, client: 10.0.0.1, server: x.example, request: "GET /x
/// HTTP/1.1", host: "x.example"`.
fn nginx(line: &str) -> Option<Row<'_>> {
    let time = line.get(..19).filter(|time| time.as_bytes()[4] == b'/')?;
    let (level, message) = line[19..].strip_prefix(" [")?.split_once("] ")?;
    let (process, _) = message.split_once(": ")?;
    let is_process = process.bytes().all(|byte| byte.is_ascii_digit() || byte == b'#');
    let word = b", client: ";
    let named = |at: usize| {
        let rest = &message[at + word.len()..];
        let client = rest.split([',', ' ']).next().unwrap_or(rest);
        client.parse::<IpAddr>().is_ok().then_some((client, rest))
    };
    let mut found = memmem::find_iter(message.as_bytes(), word)
        .take(CLIENTS)
        .filter_map(named);
    let (client, rest) = found.next().filter(|_| is_process)?;
    Some(Row {
        time,
        level,
        // What a client sends may name another.
        client: found.all(|(other, _)| other == client).then_some(client),
        request: quoted(rest, ", request: \""),
        host: quoted(rest, ", host: \""),
        message,
    })
}

fn quoted<'a>(text: &'a str, name: &str) -> &'a str {
    let behind = text.split_once(name).map(|(_, behind)| behind);
    let end = behind.and_then(quote_end);
    behind.zip(end).map_or("", |(behind, end)| &behind[..end])
}

/// The address, with a port behind it or not.
fn address(text: &str) -> Option<&str> {
    let bare = text.trim_matches(['[', ']']);
    if bare.parse::<IpAddr>().is_ok() {
        return Some(bare);
    }
    let (host, _) = text.rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    host.parse::<IpAddr>().is_ok().then_some(host)
}

#[cfg(test)]
mod tests {
    use crate::format::tests::{check_fields, first_event, never_panics};
    use crate::web::combined::WEB;
    use proptest::prelude::*;

    #[test]
    fn errors_become_fields() {
        let check = |line, expected| check_fields(&WEB, line, expected);
        check(
            "[Thu Jan 01 00:00:05.123456 2026] [core:error] [pid 7:tid 8] [client 10.0.0.1:51234] AH00128: x",
            Some(r#"{"c-ip":"10.0.0.1","src_ip":"10.0.0.1","level":"error","message":"AH00128: x"}"#),
        );
        check(
            "[Thu Jan 01 00:00:05 2026] [error] [client 2001:db8::1] x",
            Some(r#"{"c-ip":"2001:db8::1","src_ip":"2001:db8::1","level":"error","message":"x"}"#),
        );
        check(
            r#"2026/01/01 00:00:05 [error] 7#7: *8 failed, client: 10.0.0.1, server: x, request: "GET /x HTTP/1.1", host: "x.example""#,
            Some(concat!(
                r#"{"c-ip":"10.0.0.1","src_ip":"10.0.0.1","cs-method":"GET","c-uri":"/x","cs-uri-stem":"/x","#,
                r#""cs-uri-query":"/x","cs-version":"1.1","cs-host":"x.example","level":"error","#,
                r#""message":"7#7: *8 failed, client: 10.0.0.1, server: x, request: \"GET /x HTTP/1.1\", host: \"x.example\""}"#
            )),
        );
        check(
            r#"2026/01/01 00:00:05 [error] 7#7: *8 "/, client: 10.9.9.9, server" failed, client: 10.0.0.1, server: x"#,
            Some(concat!(
                r#"{"level":"error","message":"7#7: *8 \"/, client: 10.9.9.9, server\" failed, client: 10.0.0.1, "#,
                r#"server: x"}"#
            )),
        );
        check("[Thu Jan 01 00:00:05 2026] [notice] started", None);
        check("2026/01/01 00:00:05 [notice] 7#7: started", None);
        check("2026/01/01 00:00:05 [client] x, client: 10.0.0.1", None);
    }

    #[test]
    fn times_are_read() {
        for line in [
            "[Thu Jan 01 00:00:05.0 2026] [core:error] [client 10.0.0.1:5] x",
            "2026/01/01 00:00:05 [error] 7#7: x, client: 10.0.0.1, server: x",
        ] {
            let event = first_event(line);
            assert_eq!(event.time.unwrap().to_string(), "2026-01-01T00:00:05Z", "{line}");
        }
    }

    proptest! {
        #[test]
        fn hostile_lines(text in r#"(, client: |10\.0\.0\.1|request: "|\[|\] |[a:#"é]){0,40}"#) {
            never_panics(&WEB, text.as_bytes());
            never_panics(&WEB, format!("2026/01/01 00:00:05 [{text}").as_bytes());
            never_panics(&WEB, format!("[Thu Jan 01 00:00:05 2026] [{text}").as_bytes());
        }
    }
}
