//! Syslog: RFC 3164 as it is written in practice, and RFC 5424. A message that is of a format of its own is read as
//! that, with the host and the program added.

pub(crate) mod auditd;
mod cisco;
mod firewall;
pub(crate) mod named;
mod paloalto;

use std::net::IpAddr;

use perisai_model::{Event, Value};

use crate::block::Stream;
use crate::format::{Clock, FIELDS, Fields, PLAIN, Spec};
use crate::json::windows;
use crate::web::{self, combined::WEB, squid::SQUID};
use crate::{device, json, known, kv, names, time, wrapped};

pub(crate) const SYSLOG: Spec = Spec {
    name: "syslog",
    line: |line| {
        let end = line.floor_char_boundary(1024);
        Header::split(&line[..end], &Clock::default()).is_some()
    },
    fields,
    ..PLAIN
};

/// The most elements of structured data, and the most pairs in each, that are read.
const ELEMENTS: usize = 64;
const PAIRS: usize = 64;

/// The formats that a message may be of.
const INNER: [(&str, Fields); 9] = [
    ("json", json::object),
    ("cef", device::cef),
    ("leef", device::leef),
    ("auditd", auditd::fields),
    ("named", named::fields),
    ("netfilter", firewall::fields),
    ("paloalto", paloalto::fields),
    (WEB.name, web::combined::fields),
    (SQUID.name, web::squid::fields),
];

struct Header<'a> {
    priority: Option<u16>,
    time: &'a str,
    at: Option<jiff::Timestamp>,
    host: &'a str,
    program: &'a str,
    process: &'a str,
    id: &'a str,
    data: &'a str,
    message: &'a str,
}

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(header) = Header::split(item, &stream.clock) else {
        return false;
    };
    let inner = INNER.iter().find(|(name, read)| {
        event.clear();
        event.format = name;
        read(header.message, stream, event)
    });
    if inner.is_none() {
        event.clear();
        event.format = SYSLOG.name;
        for word in kv::pairs(header.message) {
            // In prose a pair may be followed by a comma.
            match word.value {
                Some(value) if !word.quoted => event.push_str(word.key, value.trim_end_matches([',', ';'])),
                Some(value) => event.push_str(word.key, &value),
                None => {}
            }
        }
        if cisco::is_firewall(header.program) || cisco::is_firewall(header.message) {
            cisco::push(header.message, event);
        }
        if header.program.starts_with("postfix/") {
            mail_client(header.message, event);
        }
        names::add(event, names::FIREWALL);
    }
    // A firewall's own date, time and zone say more than the header of who collected them.
    if event.time.is_none() && event.get("date").is_some() && event.get("time").is_some() {
        known::timed(event, &stream.clock);
    }
    if event.time.is_none() {
        event.time_text = None;
    }
    wrapped::outer_time(event, header.at, Some(header.time));
    header.push(event);
    true
}

impl<'a> Header<'a> {
    fn split(line: &'a str, clock: &Clock) -> Option<Self> {
        let (priority, rest) = match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            Some((number, rest)) if number.len() <= 3 => (Some(number.parse().ok()?), rest),
            _ => (None, line),
        };
        match rest.strip_prefix("1 ") {
            Some(rest) if priority.is_some() => Self::rfc5424(priority, rest, clock),
            _ => Self::rfc3164(priority, rest, clock),
        }
    }

    /// `TIME HOST APP PROCID MSGID [DATA] MESSAGE`.
    fn rfc5424(priority: Option<u16>, rest: &'a str, clock: &Clock) -> Option<Self> {
        let mut words = rest.splitn(6, ' ');
        let mut word = || words.next();
        let (time, host, program, process, id) = (word()?, word()?, word()?, word()?, word()?);
        let rest = word().unwrap_or_default();
        let (data, message) = match rest.strip_prefix("- ") {
            Some(message) => ("", message),
            None if rest == "-" => ("", ""),
            None => rest.split_at(data_end(rest)),
        };
        Some(Self {
            priority,
            time,
            at: time::parse(time, clock),
            host,
            program,
            process,
            id,
            data,
            message: message.trim_start_matches([' ', '\u{feff}']),
        })
    }

    /// `TIME HOST PROGRAM[PID]: MESSAGE`, the time as RFC 3164 or RFC 3339 has it.
    fn rfc3164(priority: Option<u16>, rest: &'a str, clock: &Clock) -> Option<Self> {
        let rest = rest.trim_start_matches('*');
        let (at, length) = time::syslog(rest.as_bytes(), clock)?;
        let time = &rest[..length];
        // OpenVPN, ClamAV and others that write a date as C's `ctime` does name no host behind it.
        if priority.is_none() && time::has_weekday(time.as_bytes()) {
            return None;
        }
        let rest = rest[length..].strip_prefix(':').unwrap_or(&rest[length..]);
        let (host, rest) = rest.strip_prefix(' ')?.trim_start().split_once(' ')?;
        // Cisco's devices set the host apart with a colon; some senders leave the host out.
        let rest = rest.strip_prefix(": ").unwrap_or(rest);
        if let Some((program, process)) = tag(host) {
            return Some(Self {
                priority,
                time,
                at,
                host: "",
                program,
                process,
                id: "",
                data: "",
                message: rest,
            });
        }
        let end = rest.find([' ', ':', '[']).unwrap_or(rest.len());
        let (program, behind) = rest.split_at(end);
        let (process, behind) = match behind.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((process, behind)) => (process, behind),
            None => ("", behind),
        };
        let tagless = rest.starts_with("CEF:") || rest.starts_with("LEEF:") || paloalto::is_row(rest);
        let (program, process, message) = match behind.strip_prefix(':') {
            Some(message) if !tagless => (program, process, message),
            _ => ("", "", rest),
        };
        // Without a priority, only a tag or what firewalls write tells it from any other line that begins with a date.
        if priority.is_none() && program.is_empty() && !tagless && !kv::is_words(rest) {
            return None;
        }
        Some(Self {
            priority,
            time,
            at,
            host,
            program,
            process,
            id: "",
            data: "",
            message: message.trim_start(),
        })
    }

    fn push(&self, event: &mut Event) {
        let words = [
            ("hostname", self.host),
            ("appname", self.program),
            ("procid", self.process),
            ("msgid", self.id),
        ];
        for (name, value) in words {
            if !value.is_empty() && value != "-" {
                event.push_str(name, value);
            }
        }
        if let Some(priority) = self.priority {
            event.push("facility", Value::Int(i64::from(priority / 8)));
            event.push("severity_code", Value::Int(i64::from(priority % 8)));
        }
        structured(self.data, event);
        // Beside what a message of another format calls so: its writer must not choose what a rule about the program sees.
        let stands = event
            .get_all("message")
            .any(|value| value == Value::Str(self.message));
        if !stands {
            event.push_str("message", self.message);
        }
    }
}

/// The client that a mail server of Postfix speaks of: `connect from name[10.0.0.1]`, `client=name[10.0.0.1]`.
fn mail_client(message: &str, event: &mut Event) {
    let behind = ["connect from ", "client=", "RCPT from ", " from "]
        .iter()
        .find_map(|word| message.split_once(word))
        .map(|(_, behind)| behind.split(' ').next().unwrap_or(behind));
    let address = behind
        .and_then(|name| name.split_once('['))
        .and_then(|(_, rest)| rest.split_once(']'));
    if let Some((address, _)) = address.filter(|(address, _)| address.parse::<IpAddr>().is_ok()) {
        event.push_str("src_ip", address);
    }
}

/// The program and the process of a tag that stands in the host's place: `su:`, `su[7]:`, and Unbound's `unbound[7:0]`.
fn tag(word: &str) -> Option<(&str, &str)> {
    let bare = word.strip_suffix(':');
    let parts = bare
        .unwrap_or(word)
        .strip_suffix(']')
        .and_then(|word| word.split_once('['));
    match parts {
        Some((program, process)) if !program.is_empty() => Some((program, process)),
        _ => bare.map(|program| (program, "")),
    }
}

/// Where RFC 5424's structured data ends.
fn data_end(text: &str) -> usize {
    let mut at = 0;
    while let Some(length) = element_end(&text[at..]) {
        at += length;
    }
    at
}

/// The length of the structured element `[…]` at the start of the text; a bracket in quotes does not end it.
fn element_end(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = inner.bytes().position(|byte| {
        let was = escaped;
        escaped = byte == b'\\' && !was;
        quoted ^= byte == b'"' && !was;
        byte == b']' && !quoted
    })?;
    Some(end + 2)
}

/// Whose elements say what others say by fields of their own: NXLog copies a Windows event into one, Juniper's
/// firewalls all that they log, and so do Check Point's.
const OWN: [&str; 3] = ["NXLOG@", "junos@", "Fields@1.3.6.1.4.1.2620"];

/// `[id name="value" …][…]` → `id.name`; of some products `name`.
fn structured(data: &str, event: &mut Event) {
    let mut rest = data;
    for _ in 0..ELEMENTS {
        let Some(length) = element_end(rest) else { break };
        let element = &rest[1..length - 1];
        rest = &rest[length..];
        if is_checkpoint(element) {
            checkpoint(element, event);
            continue;
        }
        let (id, pairs) = element.split_once(' ').unwrap_or((element, ""));
        // The standard allows a name of 32 bytes.
        let id = if id.len() <= 64 { id } else { "" };
        let is_own = OWN.iter().any(|own| id.starts_with(own));
        for word in kv::pairs(pairs).take(PAIRS) {
            let Some(value) = word.value else { continue };
            let value = value.replace("\\]", "]");
            if is_own {
                windows::push(event, word.key, Value::Str(&value));
            } else {
                event.push_str(&format!("{id}.{}", word.key), &value);
            }
        }
        if is_own {
            names::add(event, names::STRUCTURED);
        }
    }
}

/// Whether an element is none of the standard's, but what Check Point writes: `action:"Accept"; src:"10.0.0.1"; `.
fn is_checkpoint(element: &str) -> bool {
    let name = element.split_once(":\"").map(|(name, _)| name.trim_start());
    name.is_some_and(|name| (1..=64).contains(&name.len()) && name.bytes().all(is_word))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

fn checkpoint(element: &str, event: &mut Event) {
    let mut rest = element;
    for _ in 0..FIELDS {
        let Some((name, behind)) = rest.split_once(":\"") else {
            break;
        };
        let Some(end) = kv::quote_end(behind) else { break };
        let name = name.trim_start_matches([';', ' ']);
        if name.len() <= 64 {
            event.push_str(name, &kv::unescape(&behind[..end]));
        }
        rest = &behind[end + 1..];
    }
    names::add(event, names::STRUCTURED);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, never_panics};
    use proptest::prelude::*;

    #[test]
    fn lines_become_fields() {
        let check = |line, expected| check_fields(&SYSLOG, line, expected);
        check(
            "<34>Oct 11 22:14:15 mymachine su[7]: failed for lonvick",
            Some(concat!(
                r#"{"hostname":"mymachine","appname":"su","procid":"7","facility":4,"severity_code":2,"#,
                r#""message":"failed for lonvick"}"#
            )),
        );
        check(
            r#"<165>1 2003-10-11T22:14:15.003Z host app 8710 ID47 [ex@1 iut="3" x="a\"b\]"][y@2] hi there"#,
            Some(concat!(
                r#"{"hostname":"host","appname":"app","procid":"8710","msgid":"ID47","facility":20,"severity_code":5,"#,
                r#""ex@1.iut":"3","ex@1.x":"a\"b]","message":"hi there"}"#
            )),
        );
        check(
            "<166>Jan 02 2026 03:04:05 fw1 : %ASA-6-302013: Built outbound",
            Some(concat!(
                r#"{"hostname":"fw1","appname":"%ASA-6-302013","facility":20,"severity_code":6,"#,
                r#""message":"Built outbound"}"#
            )),
        );
        check(
            "<5>Jan  2 03:04:05 su: failed",
            Some(r#"{"appname":"su","facility":0,"severity_code":5,"message":"failed"}"#),
        );
        check(
            "Jan  2 03:04:05 unbound[7:0] info: 10.0.0.1 x.example. A IN",
            Some(concat!(
                r#"{"src_ip":"10.0.0.1","query":"x.example","class":"IN","record_type":"A","appname":"unbound","#,
                r#""procid":"7:0","message":"info: 10.0.0.1 x.example. A IN"}"#
            )),
        );
        check(
            "Jan  2 03:04:05 su[7]: failed",
            Some(r#"{"appname":"su","procid":"7","message":"failed"}"#),
        );
        check(
            "Tue Jan  2 03:04:05 2024 192.0.2.1:51234 TLS: Initial packet",
            None,
        );
        check("Tue Jan  2 03:04:05 2024 -> /srv/x: Eicar FOUND", None);
        check(
            "Jan 02 2024 03:04:05 fw1 %ASA-6-106015: Deny TCP (no connection) from 10.0.0.1/5 to 192.0.2.1/443",
            Some(concat!(
                r#"{"action":"deny","src_ip":"10.0.0.1","src_port":"5","dst_ip":"192.0.2.1","dst_port":"443","hostname":"fw1","#,
                r#""appname":"%ASA-6-106015","message":"Deny TCP (no connection) from 10.0.0.1/5 to 192.0.2.1/443"}"#
            )),
        );
        check(
            "2026-01-01T00:00:00.5+00:00 host app: k=v, l=\"w,\"",
            Some(r#"{"k":"v","l":"w,","hostname":"host","appname":"app","message":"k=v, l=\"w,\""}"#),
        );
        check(
            r#"Jan  1 00:00:05 h prog: {"a":1,"message":"m"}"#,
            Some(r#"{"a":1,"message":["m","{\"a\":1,\"message\":\"m\"}"],"hostname":"h","appname":"prog"}"#),
        );
        check(
            r#"<14>1 2022-02-24T01:00:00Z ws1 Sysmon 7 - [NXLOG@14506 EventID="1" SourceName="S" Image="C:\\x.exe"] text"#,
            Some(concat!(
                r#"{"hostname":"ws1","appname":"Sysmon","procid":"7","facility":1,"severity_code":6,"EventID":1,"#,
                r#""SourceName":"S","Image":"C:\\x.exe","Provider_Name":"S","message":"text"}"#
            )),
        );
        check("2015-10-18 18:01:47,978 INFO [main] org.x.Y: Created", None);
        check(
            r#"Jan  2 03:04:05 fw1 srcip=10.0.0.1 dstip=192.0.2.1 action="accept""#,
            Some(concat!(
                r#"{"srcip":"10.0.0.1","dstip":"192.0.2.1","action":"accept","src_ip":"10.0.0.1","dst_ip":"192.0.2.1","#,
                r#""hostname":"fw1","message":"srcip=10.0.0.1 dstip=192.0.2.1 action=\"accept\""}"#
            )),
        );
        check("no syslog", None);
    }

    #[test]
    fn lines_of_some_products_become_fields() {
        let check = |line, expected| check_fields(&SYSLOG, line, expected);
        check(
            r#"<14>1 2022-02-24T01:00:00Z fw1 RT_FLOW - X [junos@2636.1.1.1.2.26 source-address="10.0.0.1" destination-port="443"]"#,
            Some(concat!(
                r#"{"hostname":"fw1","appname":"RT_FLOW","msgid":"X","facility":1,"severity_code":6,"source-address":"10.0.0.1","#,
                r#""destination-port":"443","src_ip":"10.0.0.1","dst_port":"443","message":""}"#
            )),
        );
        check(
            r#"<134>1 2026-01-01T00:00:00Z gw1 CheckPoint 13752 - [action:"Accept"; src:"10.0.0.1"; dst:"192.0.2.1"; s_port:"5"; service:"443"; proto:"6"; rule:"a \"b\"]"; ]"#,
            Some(concat!(
                r#"{"hostname":"gw1","appname":"CheckPoint","procid":"13752","facility":16,"severity_code":6,"#,
                r#""action":"Accept","src":"10.0.0.1","dst":"192.0.2.1","s_port":"5","service":"443","proto":"6","#,
                r#""rule":"a \"b\"]","src_ip":"10.0.0.1","dst_ip":"192.0.2.1","src_port":"5","dst_port":"443","#,
                r#""protocol":"6","message":""}"#
            )),
        );
        check(
            "Jan  2 03:04:05 mx1 postfix/smtpd[7]: connect from a.example[10.0.0.1]",
            Some(concat!(
                r#"{"src_ip":"10.0.0.1","hostname":"mx1","appname":"postfix/smtpd","procid":"7","#,
                r#""message":"connect from a.example[10.0.0.1]"}"#
            )),
        );
    }

    #[test]
    fn a_firewalls_own_time_counts() {
        let check = |line: &str, expected: &str| {
            let mut event = Event::default();
            let mut stream = Stream::of(&SYSLOG);
            stream.clock.modified = Some("2026-03-01T00:00:00Z".parse().unwrap());
            assert!(stream.fields(line.as_bytes(), &mut event), "{line}");
            assert_eq!(
                event.time.map(|time| time.to_string()).as_deref(),
                Some(expected),
                "{line}"
            );
        };
        check(
            "<189>Jan  2 03:04:06 fw1 date=2026-01-02 time=03:04:05 devname=\"FG\" tz=\"+0200\"",
            "2026-01-02T01:04:05Z",
        );
        check(
            "<189>Jan  2 03:04:06 fw1 date=today time=03:04:05",
            "2026-01-02T03:04:06Z",
        );
    }

    #[test]
    fn messages_tell_their_format() {
        let check = |line: &str, expected| {
            let mut event = Event::default();
            assert!(Stream::of(&SYSLOG).fields(line.as_bytes(), &mut event), "{line}");
            assert_eq!(event.format, expected, "{line}");
        };
        check("Jan  1 00:00:05 h prog: hello", "syslog");
        check("Jan  1 00:00:05 h prog: {\"a\":1}", "json");
        check("Jan  1 00:00:05 h CEF:0|a|b|1|2|n|5|src=10.0.0.1", "cef");
        check(
            r#"Jan  1 00:00:05 h nginx: 10.0.0.1 - - [01/Jan/2026:00:00:05 +0000] "GET / HTTP/1.1" 200 5"#,
            "web",
        );
        check(
            r#"Jan  1 00:00:05 h haproxy[1]: 10.0.0.1:5 [01/Jan/2026:00:00:05.123] fe be/s 0/0/1/2/3 200 5 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1""#,
            "web",
        );
        check(
            "Jan  1 00:00:05 h audispd: type=CWD msg=audit(1.0:1): cwd=\"/\"",
            "auditd",
        );
        check(
            "Jan  1 00:00:05 h named[1]: client 10.0.0.1#5 (x.example): query: x.example IN A + (10.0.0.2)",
            "named",
        );
        check(
            "Jan  1 00:00:05 h kernel: [1.0] DROP IN=a OUT= SRC=10.0.0.1 DST=10.0.0.2 PROTO=TCP",
            "netfilter",
        );
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in r#"<1>1 2026-01-01T00:00:00Z [a =\[\]"\\-]{0,60}"#) {
            never_panics(&SYSLOG, &line);
            never_panics(&SYSLOG, text.as_bytes());
        }

        #[test]
        fn hostile_messages(text in r#"[a-c:=|;\[\]"\\ -]{0,60}"#) {
            never_panics(&SYSLOG, format!("<1>1 2026-01-01T00:00:00Z h p - - [a:\"{text}").as_bytes());
            never_panics(&SYSLOG, format!("Jan  1 00:00:05 h postfix/smtpd[1]: connect from {text}").as_bytes());
            never_panics(&SYSLOG, format!("Jan  1 00:00:05 h p: {text}").as_bytes());
            never_panics(&SYSLOG, format!("Jan  1 00:00:05 {text}").as_bytes());
        }
    }
}
