//! Apache's and nginx's common and combined formats, with or without the virtual host in front.

use std::ops::Range;

use jiff::Timestamp;
use perisai_model::{Event, Value};

use super::{balancer, errors, push_target};
use crate::block::Stream;
use crate::format::{Clock, PLAIN, Spec};
use crate::kv::{quote_end, unescape};
use crate::time;

pub(crate) const WEB: Spec = Spec {
    name: "web",
    line: |line| split(line).is_some() || balancer::split(line).is_some() || errors::split(line).is_some(),
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

/// How far before its end the date of a row is looked for.
const DATE: usize = 64;

fn split(line: &str) -> Option<Row<'_>> {
    Some(row_of(line)?.0)
}

/// The first row, and what it stands around.
fn row_of(line: &str) -> Option<(Row<'_>, Core<'_>)> {
    let mut at = 0;
    loop {
        let core = core_from(line, at)?;
        at = core.request.end;
        if let Some(row) = row(line, &core) {
            return Some((row, core));
        }
    }
}

/// What makes a row: a date in brackets, a request in quotes, a status.
struct Core<'a> {
    date: Range<usize>,
    request: Range<usize>,
    status: &'a str,
    /// What follows the status.
    behind: &'a str,
}

/// The first one behind a place. A user name may hold blanks, brackets and dates, but no bare quote: the first quote
/// with a bracket before it opens the request, and the last bracket before that the date.
fn core_from(line: &str, from: usize) -> Option<Core<'_>> {
    let mut at = from;
    loop {
        let quote = at + memchr::memchr(b'"', &line.as_bytes()[at..])?;
        at = quote + 1;
        let Some(date) = date_before(line, quote) else {
            continue;
        };
        let request = at..at + quote_end(&line[at..])?;
        // What ends no request may open the next.
        at = request.end;
        let rest = line[at + 1..].trim_start();
        let (status, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        if status.len() == 3 && status.parse::<u16>().is_ok() {
            return Some(Core {
                date,
                request,
                status,
                behind,
            });
        }
    }
}

/// Where the text in the brackets stands that a quote follows.
fn date_before(line: &str, quote: usize) -> Option<Range<usize>> {
    let end = line[..quote].trim_end_matches(' ').strip_suffix(']')?.len();
    let near = end.saturating_sub(DATE);
    let start = near + memchr::memrchr(b'[', &line.as_bytes()[near..end])? + 1;
    line[..start].ends_with(" [").then_some(start..end)
}

fn row<'a>(line: &'a str, core: &Core<'a>) -> Option<Row<'a>> {
    let mut words = line[..core.date.start - 2].splitn(3, ' ');
    let mut client = words.next()?;
    let ident = words.next()?;
    let mut user = words.next()?;
    let mut vhost = None;
    if let Some((_, fourth)) = user.split_once(' ')
        && ident != "-"
    {
        vhost = Some(client);
        (client, user) = (ident, fourth);
    }
    let (bytes, rest) = core.behind.split_once(' ').unwrap_or((core.behind, ""));
    Some(Row {
        vhost,
        client,
        user,
        time: &line[core.date.clone()],
        request: &line[core.request.clone()],
        status: core.status,
        bytes,
        rest,
    })
}

/// Whether the rest of the line would do as a row too, with another time: some servers write quotes as clients send
/// them, and then no one can tell which of the two times is the server's.
fn is_contested(line: &str, core: &Core<'_>, clock: &Clock) -> bool {
    let parse = |core: &Core<'_>| time::parse(&line[core.date.clone()], clock);
    let time = parse(core);
    let next = |core: &Core<'_>| core_from(line, core.request.end + 1);
    std::iter::successors(next(core), next)
        .filter_map(|other| parse(&other))
        .any(|other| Some(other) != time)
}

/// The time of a line of text that is no row. Where it may be the text of a client, and not the server's, there is
/// none: dates in brackets that differ, another date before the one in brackets, and in a log of rows a date that no
/// quote follows. What stands behind no more than a word or a number is not a client's: its address has a dot or a
/// colon.
pub(crate) fn stray_time(
    item: &[u8],
    is_web: bool,
    clock: &Clock,
) -> Option<(Option<Timestamp>, Range<usize>)> {
    let found = time::line_time(item, clock)?;
    let leads = |byte: &u8| byte.is_ascii_alphanumeric() || b" \t<>[]()\"'|=".contains(byte);
    if item[..found.1.start].iter().all(leads) {
        return Some(found);
    }
    let mut dates = memchr::memchr_iter(b'[', item).filter_map(|at| bracketed(&item[at + 1..], at + 1));
    let Some(first) = dates.next() else {
        return (!is_web).then_some(found);
    };
    let sure = found.1.start == first.start && dates.all(|other| item[other] == item[first.clone()]);
    let behind = item.get(first.end + 1..).unwrap_or_default();
    (sure && (!is_web || behind.trim_ascii_start().starts_with(b"\""))).then_some(found)
}

/// Where the date in brackets is that a text begins with, `24/Feb/2022:01:02:03 +0000`.
fn bracketed(text: &[u8], at: usize) -> Option<Range<usize>> {
    let shape = matches!(text, [a, b, b'/', _, _, _, b'/', _, _, _, _, b':', ..]
        if a.is_ascii_digit() && b.is_ascii_digit());
    let near = &text[..text.len().min(DATE)];
    let end = memchr::memchr(b']', near).filter(|_| shape)?;
    Some(at..at + end)
}

pub(crate) fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    if let Some(row) = balancer::split(item) {
        push_client(row.client, event);
        timed(row.time, stream, event);
        push_request(row.request, row.status, row.bytes, event);
        push_header(&["cs-user-agent", "c-useragent"], row.agent, event);
        return true;
    }
    if let Some(row) = errors::split(item) {
        push_error(&row, stream, event);
        return true;
    }
    let Some((row, core)) = row_of(item) else {
        return false;
    };
    push_client(row.client, event);
    if row.user != "-" {
        event.push_str("cs-username", row.user);
    }
    if let Some(vhost) = row.vhost {
        event.push_str("vhost", vhost);
    }
    if !is_contested(item, &core, &stream.clock) {
        timed(row.time, stream, event);
    }
    push_request(row.request, row.status, row.bytes, event);
    let mut rest = row.rest;
    for names in [&["cs-referer", "cs-referrer"], &["cs-user-agent", "c-useragent"]] {
        let Some(inner) = rest.trim_start().strip_prefix('"') else {
            break;
        };
        let Some(end) = quote_end(inner) else { break };
        push_header(names, &inner[..end], event);
        rest = &inner[end + 1..];
    }
    true
}

fn push_error(row: &errors::Row<'_>, stream: &Stream, event: &mut Event) {
    if let Some(client) = row.client {
        push_client(client, event);
    }
    timed(row.time, stream, event);
    if !row.request.is_empty() {
        push_request(row.request, "", "", event);
    }
    if !row.host.is_empty() && event.get("cs-host").is_none() {
        event.push_str("cs-host", row.host);
    }
    event.push_str("level", row.level);
    event.push_str("message", row.message);
}

fn timed(text: &str, stream: &Stream, event: &mut Event) {
    event.time = time::parse(text, &stream.clock);
    event.time_text = Some(text.to_owned());
}

fn push_client(client: &str, event: &mut Event) {
    event.push_str("c-ip", client);
    event.push_str("src_ip", client);
}

/// Adds what was asked for, by which method, and what the answer was.
fn push_request(request: &str, status: &str, bytes: &str, event: &mut Event) {
    let request = unescape(request);
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
    for (name, number) in [("sc-status", status), ("sc-bytes", bytes)] {
        if let Ok(number) = number.parse() {
            event.push(name, Value::Int(number));
        }
    }
}

/// Adds what a client sent in a header, under each name that it has.
fn push_header(names: &[&str], value: &str, event: &mut Event) {
    let value = unescape(value);
    if !matches!(&*value, "" | "-") {
        names.iter().for_each(|name| event.push_str(name, &value));
    }
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

    #[test]
    fn the_time_is_the_servers() {
        const FAKE: &str = "[01/Jan/1999:00:00:00 +0000]";
        let check = |line: &str, read: bool, expected: Option<&str>| {
            let line = line
                .replace("FAKE", FAKE)
                .replace("TIME", "[24/Feb/2022:00:00:00 +0000]");
            let mut event = Event::default();
            assert_eq!(
                Stream::of(&WEB).fields(line.as_bytes(), &mut event),
                read,
                "{line}"
            );
            let time = event.time.map(|time| time.strftime("%Y").to_string());
            assert_eq!(time.as_deref(), expected, "{line}");
            assert_eq!(event.time_text.is_some(), expected.is_some(), "{line}");
            event
        };
        let rest = r#"TIME "GET /?u=x HTTP/1.1" 401 1 "-" "x""#;
        let event = check(&format!("1.1.1.1 - a FAKE {rest}"), true, Some("2022"));
        assert_eq!(event.get_str("cs-username"), Some(&*format!("a {FAKE}")));
        check(&format!("v:80 1.1.1.1 - a FAKE {rest}"), true, Some("2022"));
        check(&format!("1.1.1.1 - FAKE] [ {rest}"), true, Some("2022"));
        check(
            &format!(r#"1.1.1.1 - a FAKE \"GET / HTTP/1.1\" 200 1 {rest}"#),
            true,
            Some("2022"),
        );
        check(
            &format!(r#"{rest} "FAKE " "-" 200"#).replacen("TIME", "1.1.1.1 - - TIME", 1),
            true,
            Some("2022"),
        );
        // Where quotes stand as they came, either could be the server's.
        let fake = r#"1.1.1.1 - a FAKE "GET / HTTP/1.1" 200 1"#;
        check(&format!("{fake} {rest}"), true, None);
        check(&format!(r#"1.1.1.1 - a FAKE "x {rest}"#), true, Some("2022"));
        // Cut off, or of another form.
        check(r#"1.1.1.1 - - TIME "GET / HT"#, false, Some("2022"));
        check(r#"1.1.1.1 - a FAKE TIME "GET / HT"#, false, None);
        check(r#"1.1.1.1 - 1999-01-01T00:00:00Z TIME "GET / HT"#, false, None);
        check("1.1.1.1 - a FAKE b", false, None);
        check("TIME [error] FAKE", false, Some("2022"));
        check("2022-02-24 00:00:00 [error] FAKE", false, Some("2022"));
        check("[INFO] 2022-02-24 00:00:00 1.1.1.1 FAKE", false, Some("2022"));
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in r#"[a:/? \[\]"\\0-9-]{0,60}"#) {
            never_panics(&WEB, &line);
            never_panics(&WEB, text.as_bytes());
        }
    }
}
