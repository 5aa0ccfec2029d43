//! Squid's own access log: `time elapsed client result/status bytes method URL user hierarchy/peer type`.

use perisai_model::{Event, Value};

use super::push_target;
use crate::block::Stream;
use crate::format::{PLAIN, Spec};
use crate::time;

pub(crate) const SQUID: Spec = Spec {
    name: "squid",
    line: |line| split(line).is_some(),
    fields,
    ..PLAIN
};

fn split(line: &str) -> Option<[&str; 10]> {
    let mut words = line.split_ascii_whitespace();
    let mut row = [""; 10];
    for cell in &mut row[..9] {
        *cell = words.next()?;
    }
    row[9] = words.next().unwrap_or("-");
    let seconds = row[0].split_once('.')?;
    let sound = seconds.0.len() >= 9
        && seconds
            .0
            .bytes()
            .chain(seconds.1.bytes())
            .all(|byte| byte.is_ascii_digit())
        && row[3].contains('/')
        && row[8].contains('/');
    sound.then_some(row)
}

pub(crate) fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(
        [
            at,
            elapsed,
            client,
            result,
            bytes,
            method,
            target,
            user,
            peer,
            kind,
        ],
    ) = split(item)
    else {
        return false;
    };
    event.time = time::parse(at, &stream.clock);
    event.time_text = Some(at.to_owned());
    event.push_str("c-ip", client);
    event.push_str("src_ip", client);
    let (action, status) = result.split_once('/').unwrap_or((result, ""));
    event.push_str("s-action", action);
    for (name, number) in [
        ("sc-status", status),
        ("sc-bytes", bytes),
        ("time-taken", elapsed),
    ] {
        if let Ok(number) = number.parse() {
            event.push(name, Value::Int(number));
        }
    }
    event.push_str("cs-method", method);
    push_target(event, target);
    let (hierarchy, peer) = peer.split_once('/').unwrap_or((peer, "-"));
    event.push_str("s-hierarchy", hierarchy);
    for (name, value) in [("cs-username", user), ("dst_ip", peer), ("rs-content-type", kind)] {
        if value != "-" {
            event.push_str(name, value);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, never_panics};
    use proptest::prelude::*;

    #[test]
    fn rows_become_fields() {
        let check = |line, expected| check_fields(&SQUID, line, expected);
        check(
            "1767225600.020    120 10.20.1.2 TCP_MISS/200 512 GET http://x.example:8080/a.js?v=1 - HIER_DIRECT/192.0.2.1 text/html",
            Some(concat!(
                r#"{"c-ip":"10.20.1.2","src_ip":"10.20.1.2","s-action":"TCP_MISS","sc-status":200,"sc-bytes":512,"#,
                r#""time-taken":120,"cs-method":"GET","c-uri":"http://x.example:8080/a.js?v=1","cs-host":"x.example","#,
                r#""r-dns":"x.example","cs-uri-stem":"/a.js","cs-uri-query":["v=1","/a.js?v=1"],"c-uri-query":"v=1","#,
                r#""c-uri-extension":"js","s-hierarchy":"HIER_DIRECT","dst_ip":"192.0.2.1","rs-content-type":"text/html"}"#
            )),
        );
        check("1767225600.020 120 10.20.1.2", None);
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in "1767225600.0 [a:/? 0-9-]{0,60}") {
            never_panics(&SQUID, &line);
            never_panics(&SQUID, text.as_bytes());
        }
    }
}
