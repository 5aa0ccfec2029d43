//! What load balancers write of requests: HAProxy's HTTP log, the access logs of AWS' balancers.

use std::net::{IpAddr, SocketAddr};

use crate::kv::quote_end;

/// A request as such a log has it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) client: &'a str,
    pub(super) time: &'a str,
    /// Still escaped.
    pub(super) request: &'a str,
    pub(super) status: &'a str,
    pub(super) bytes: &'a str,
    pub(super) agent: &'a str,
}

/// How many words stand between two places at most.
const WORDS: usize = 16;

pub(super) fn split(line: &str) -> Option<Row<'_>> {
    haproxy(line).or_else(|| aws(line))
}

/// `10.0.0.1:51234 [01/Jan/2026:00:00:05.123] front back/server 0/0/1/2/3 200 512 - - ---- 1/1/0/0/0 0/0 {agent} "GET
/// / HTTP/1.1"`.
fn haproxy(line: &str) -> Option<Row<'_>> {
    let (client, rest) = line.split_once(" [")?;
    let client = address(client)?;
    let (time, rest) = rest.split_once("] ")?;
    let mut words = rest.splitn(7, ' ');
    let (_front, server, timers) = (words.next()?, words.next()?, words.next()?);
    let (status, bytes) = (words.next()?, words.next()?);
    let sound = server.contains('/') && timers.matches('/').count() >= 3 && is_status(status);
    // What clients sent stands in braces, and has no quotes of its own.
    let (_, request) = rest.split_once(" \"").filter(|_| sound)?;
    // A request that is too long is cut, and its quote with it.
    let end = quote_end(request).unwrap_or(request.len());
    Some(Row {
        client,
        time,
        request: &request[..end],
        status,
        bytes,
        agent: "",
    })
}

/// `https 2026-01-01T00:00:05.123456Z app/x/1 10.0.0.1:2817 10.0.0.2:80 0.1 0.2 0.3 200 200 0 57 "GET https://…
/// HTTP/1.1" "agent" …`; the classic balancers' without the first word.
fn aws(line: &str) -> Option<Row<'_>> {
    let (head, rest) = line.split_once(" \"")?;
    let mut words = head.split(' ').take(WORDS);
    let first = words.next()?;
    let time = if matches!(first, "http" | "https" | "h2" | "grpcs" | "ws" | "wss") {
        words.next()?
    } else {
        first
    };
    let _balancer = words.next().filter(|_| time.len() >= 20 && time.ends_with('Z'))?;
    let client = address(words.next()?)?;
    let status = words.nth(4)?;
    let bytes = words.nth(2)?;
    let sound = words.next().is_none() && (is_status(status) || status == "-");
    let end = quote_end(rest).filter(|_| sound)?;
    let behind = rest[end + 1..].strip_prefix(" \"").unwrap_or_default();
    Some(Row {
        client,
        time,
        request: &rest[..end],
        status,
        bytes,
        agent: quote_end(behind).map_or("", |end| &behind[..end]),
    })
}

fn is_status(word: &str) -> bool {
    word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The address with a port behind it, without that.
fn address(text: &str) -> Option<&str> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let sound =
        text.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok() && port.parse::<u16>().is_ok();
    sound.then_some(host)
}

#[cfg(test)]
mod tests {
    use crate::format::tests::{check_fields, never_panics};
    use crate::web::combined::WEB;
    use proptest::prelude::*;

    #[test]
    fn rows_become_fields() {
        let check = |line, expected| check_fields(&WEB, line, expected);
        check(
            r#"10.0.0.1:51234 [01/Jan/2026:00:00:05.123] fe~ be/s1 0/0/1/2/3 200 512 - - ---- 1/1/0/0/0 0/0 {www.x.example|a b} {} "GET /a?b=${jndi:x} HTTP/1.1""#,
            Some(concat!(
                r#"{"c-ip":"10.0.0.1","src_ip":"10.0.0.1","cs-method":"GET","c-uri":"/a?b=${jndi:x}","cs-uri-stem":"/a","#,
                r#""cs-uri-query":["b=${jndi:x}","/a?b=${jndi:x}"],"c-uri-query":"b=${jndi:x}","cs-version":"1.1","#,
                r#""sc-status":200,"sc-bytes":512}"#
            )),
        );
        check(
            r#"https 2026-01-01T00:00:05.123456Z app/lb/5 [2001:db8::1]:2817 10.0.0.2:80 0.0 0.0 0.0 200 200 0 57 "GET https://x.example:443/ HTTP/1.1" "Bot/1.0 (x)" ECDHE TLSv1.2 "-""#,
            Some(concat!(
                r#"{"c-ip":"2001:db8::1","src_ip":"2001:db8::1","cs-method":"GET","c-uri":"https://x.example:443/","#,
                r#""cs-host":"x.example","r-dns":"x.example","cs-uri-stem":"/","cs-uri-query":"/","cs-version":"1.1","#,
                r#""sc-status":200,"sc-bytes":57,"cs-user-agent":"Bot/1.0 (x)","c-useragent":"Bot/1.0 (x)"}"#
            )),
        );
        check(
            r#"10.0.0.1:5 [01/Jan/2026:00:00:05.123] fe be/s1 0/0/1 512 -- 1/1/0/0/0 0/0"#,
            None,
        );
        check(
            r#"https 2026-01-01T00:00:05.123456Z app/lb/5 10.0.0.1 "GET / HTTP/1.1""#,
            None,
        );
    }

    #[test]
    fn times_are_read() {
        for line in [
            r#"10.0.0.1:5 [01/Jan/2026:00:00:05] fe be/s1 0/0/1/2/3 200 512 - - ---- 1/1/0/0/0 0/0 "GET /"#,
            r#"2026-01-01T00:00:05Z lb 10.0.0.1:2817 10.0.0.2:80 0.0 0.0 0.0 200 200 0 57 "GET http://x.example:80/ HTTP/1.1" "a" - -"#,
        ] {
            let event = crate::format::tests::first_event(line);
            assert_eq!(event.time.unwrap().to_string(), "2026-01-01T00:00:05Z", "{line}");
        }
    }

    proptest! {
        #[test]
        fn hostile_lines(text in r#"(10\.0\.0\.1:5| \[|\] | "|200|[a"/{}\\ ]){0,40}"#) {
            never_panics(&WEB, text.as_bytes());
            never_panics(&WEB, format!("10.0.0.1:5 [x] a b/c 0/0/0/0 200 5 {text}").as_bytes());
            never_panics(&WEB, format!("2026-01-01T00:00:05.123456Z lb 10.0.0.1:5 {text}").as_bytes());
        }
    }
}
