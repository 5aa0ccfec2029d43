//! Apache's and nginx's common and combined formats, with or without the virtual host in front.

use perisai_model::{Event, Value};

use super::push_target;
use crate::block::Stream;
use crate::format::{PLAIN, Spec};
use crate::kv::{quote_end, unescape};
use crate::time;

pub(crate) const WEB: Spec = Spec {
    name: "web",
    line: |line| split(line).is_some(),
    fields,
    ..PLAIN
};

struct Row<'a> {
    vhost: Option<&'a str>,
    client: &'a str,
    user: &'a str,
    time: &'a str,
    request: &'a str,
    status: &'a str,
    bytes: &'a str,
    rest: &'a str,
}

fn split(line: &str) -> Option<Row<'_>> {
    let (before, behind) = line.split_once(" [")?;
    let (time, behind) = behind.split_once(']')?;
    let behind = behind.trim_start().strip_prefix('"')?;
    let end = quote_end(behind)?;
    let request = &behind[..end];
    let mut words = behind[end + 1..].trim_start().splitn(3, ' ');
    let status = words
        .next()
        .filter(|status| status.len() == 3 && status.parse::<u16>().is_ok())?;
    let bytes = words.next().unwrap_or("-");
    let rest = words.next().unwrap_or_default();
    let mut words = before.split(' ');
    let mut client = words.next()?;
    let mut ident = words.next()?;
    let mut user = words.next()?;
    let mut vhost = None;
    if let Some(fourth) = words.next()
        && ident != "-"
    {
        vhost = Some(client);
        (client, ident, user) = (ident, user, fourth);
    }
    let _ = ident;
    Some(Row {
        vhost,
        client,
        user,
        time,
        request,
        status,
        bytes,
        rest,
    })
}

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(row) = split(item) else {
        return false;
    };
    event.push_str("c-ip", row.client);
    event.push_str("src_ip", row.client);
    if row.user != "-" {
        event.push_str("cs-username", row.user);
    }
    if let Some(vhost) = row.vhost {
        event.push_str("vhost", vhost);
    }
    event.time = time::parse(row.time, &stream.clock);
    event.time_text = Some(row.time.to_owned());
    let request = unescape(row.request);
    let mut words = request.splitn(2, ' ');
    let method = words.next().unwrap_or_default();
    let (target, version) = words
        .next()
        .map_or(("", ""), |rest| rest.rsplit_once(" HTTP/").unwrap_or((rest, "")));
    event.push_str("cs-method", method);
    push_target(event, target);
    if !version.is_empty() {
        event.push_str("cs-version", version);
    }
    for (name, number) in [("sc-status", row.status), ("sc-bytes", row.bytes)] {
        if let Ok(number) = number.parse() {
            event.push(name, Value::Int(number));
        }
    }
    let mut rest = row.rest;
    for names in [&["cs-referer", "cs-referrer"], &["cs-user-agent", "c-useragent"]] {
        let Some(inner) = rest.trim_start().strip_prefix('"') else {
            break;
        };
        let Some(end) = quote_end(inner) else { break };
        let value = unescape(&inner[..end]);
        if value != "-" {
            names.iter().for_each(|name| event.push_str(name, &value));
        }
        rest = &inner[end + 1..];
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
        let check = |line, expected| check_fields(&WEB, line, expected);
        check(
            r#"192.0.2.9 - jd [01/Jan/2026:00:00:05 +0000] "GET /a/b.php?x=1 HTTP/1.1" 404 12 "https://r.example/" "curl/8 \"x\"""#,
            Some(concat!(
                r#"{"c-ip":"192.0.2.9","src_ip":"192.0.2.9","cs-username":"jd","cs-method":"GET","c-uri":"/a/b.php?x=1","#,
                r#""cs-uri-stem":"/a/b.php","cs-uri-query":["x=1","/a/b.php?x=1"],"c-uri-query":"x=1","#,
                r#""c-uri-extension":"php","cs-version":"1.1","sc-status":404,"sc-bytes":12,"#,
                r#""cs-referer":"https://r.example/","cs-referrer":"https://r.example/","#,
                r#""cs-user-agent":"curl/8 \"x\"","c-useragent":"curl/8 \"x\""}"#
            )),
        );
        check(
            r#"www.x.example:443 192.0.2.9 - - [01/Jan/2026:00:00:05 +0000] "\x16\x03" 400 -"#,
            Some(concat!(
                r#"{"c-ip":"192.0.2.9","src_ip":"192.0.2.9","vhost":"www.x.example:443","cs-method":"\\x16\\x03","c-uri":"","#,
                r#""cs-uri-stem":"","cs-uri-query":"","sc-status":400}"#
            )),
        );
        check(r#"192.0.2.9 - - [01/Jan/2026:00:00:05 +0000] "GET / HT"#, None);
        check("", None);
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in r#"[a:/? \[\]"\\0-9-]{0,60}"#) {
            never_panics(&WEB, &line);
            never_panics(&WEB, text.as_bytes());
        }
    }
}
