//! What security devices send: ArcSight's CEF and QRadar's LEEF, bare or behind a syslog header.

use perisai_model::Event;

use crate::block::Stream;
use crate::format::{FIELDS, PLAIN, Spec};
use crate::kv::unescape;
use crate::{names, time};

pub(crate) const CEF: Spec = Spec {
    name: "cef",
    line: |line| line.starts_with("CEF:"),
    fields: cef,
    ..PLAIN
};

pub(crate) const LEEF: Spec = Spec {
    name: "leef",
    line: |line| line.starts_with("LEEF:"),
    fields: leef,
    ..PLAIN
};

/// The longest name of a field, in bytes.
const NAME: usize = 64;

/// The most labelled fields; the standard has about twenty.
const LABELS: usize = 64;

/// The fields that hold the time, the surer first.
const TIMES: [&str; 7] = [
    "rt",
    "start",
    "end",
    "art",
    "deviceReceiptTime",
    "devTime",
    "eventTime",
];

/// `CEF:0|vendor|product|version|class|name|severity|key=value …`; values may hold blanks.
pub(crate) fn cef(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(rest) = item.strip_prefix("CEF:") else {
        return false;
    };
    let (head, extension) = bars(rest, 7);
    let names = [
        "deviceVendor",
        "deviceProduct",
        "deviceVersion",
        "deviceEventClassId",
        "name",
        "severity",
    ];
    if head.len() < 7 {
        return false;
    }
    for (name, value) in names.iter().zip(&head[1..]) {
        event.push_str(name, unescape(value).trim());
    }
    extension_pairs(extension, event);
    labelled(event);
    finish(event, stream);
    true
}

/// `LEEF:1.0|vendor|product|version|id|key=value<tab>…`; from 2.0 on another delimiter may be stated.
pub(crate) fn leef(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(rest) = item.strip_prefix("LEEF:") else {
        return false;
    };
    let (head, mut extension) = bars(rest, 5);
    let names = [
        "deviceVendor",
        "deviceProduct",
        "deviceVersion",
        "deviceEventClassId",
    ];
    if head.len() < 5 {
        return false;
    }
    for (name, value) in names.iter().zip(&head[1..]) {
        event.push_str(name, value);
    }
    let mut delimiter = '\t';
    if head[0].starts_with('2')
        && let Some((stated, behind)) = extension.split_once('|')
        && !stated.contains('=')
    {
        let code = stated.strip_prefix("0x").or_else(|| stated.strip_prefix('x'));
        let coded = code
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        delimiter = coded.or_else(|| stated.chars().next()).unwrap_or('\t');
        extension = behind;
    }
    for pair in extension.split(delimiter).take(FIELDS) {
        if let Some((name, value)) = pair.split_once('=') {
            event.push_str(name.trim(), value);
        }
    }
    finish(event, stream);
    true
}

fn finish(event: &mut Event, stream: &Stream) {
    let found = TIMES.into_iter().find_map(|name| {
        let text = event.get_str(name)?;
        Some((time::parse(text, &stream.clock)?, text.to_owned()))
    });
    if let Some((at, text)) = found {
        event.time = Some(at);
        event.time_text = Some(text);
    }
    names::add(event, names::DEVICE);
}

/// Up to `count` parts that end in a bar that is not escaped, and the rest.
fn bars(text: &str, count: usize) -> (Vec<&str>, &str) {
    let mut parts = Vec::with_capacity(count);
    let mut start = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if parts.len() == count {
            break;
        }
        let was = escaped;
        escaped = byte == b'\\' && !was;
        if byte == b'|' && !was {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    (parts, &text[start..])
}

/// CEF's pairs: a value ends where the word before the next bare `=` begins.
fn extension_pairs(text: &str, event: &mut Event) {
    let bytes = text.as_bytes();
    let mut name: Option<(&str, usize)> = None;
    let mut left = FIELDS;
    for at in memchr::memchr_iter(b'=', bytes) {
        // A name is one word, and short; an escaped `=` has a backslash before it, which no name has.
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.[]-".contains(byte);
        let length = bytes[..at].iter().rev().take(NAME).take_while(is_name).count();
        let start = at - length;
        let alone = start == 0 || bytes[start - 1] == b' ';
        if length == 0 || !alone || name.is_some_and(|(_, value)| value > start) {
            continue;
        }
        if left == 0 {
            return;
        }
        left -= 1;
        if let Some((name, value)) = name {
            event.push_str(name, &unescape(text[value..start].trim()));
        }
        name = Some((&text[start..at], at + 1));
    }
    if let Some((name, value)) = name {
        event.push_str(name, &unescape(text[value..].trim()));
    }
}

/// `cs1=x cs1Label=Rule` also as `Rule=x`.
fn labelled(event: &mut Event) {
    let labels: Vec<(String, String)> = event
        .iter()
        .filter_map(|(name, value)| {
            let label = value.text()?.into_owned();
            Some((name.strip_suffix("Label")?.to_owned(), label))
        })
        .take(LABELS)
        .collect();
    for (name, label) in labels {
        if !label.is_empty() {
            names::copy(event, &name, &label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, never_panics};
    use proptest::prelude::*;

    #[test]
    fn cef_becomes_fields() {
        let check = |line, expected| check_fields(&CEF, line, expected);
        check(
            r"CEF:0|Ven|Pro\|duct|1.0|100|A name|5|src=10.0.0.1 msg=two words a\=b cs1Label=Rule cs1=x y",
            Some(concat!(
                r#"{"deviceVendor":"Ven","deviceProduct":"Pro|duct","deviceVersion":"1.0","deviceEventClassId":"100","#,
                r#""name":"A name","severity":"5","src":"10.0.0.1","msg":"two words a=b","cs1Label":"Rule","cs1":"x y","#,
                r#""Rule":"x y","src_ip":"10.0.0.1"}"#
            )),
        );
        check(
            r"CEF:0|v|p|1|2|n|3|request=https://x.example/?a=b&c=d rt=1767225600000",
            Some(concat!(
                r#"{"deviceVendor":"v","deviceProduct":"p","deviceVersion":"1","deviceEventClassId":"2","name":"n","#,
                r#""severity":"3","request":"https://x.example/?a=b&c=d","rt":"1767225600000","#,
                r#""c-uri":"https://x.example/?a=b&c=d"}"#
            )),
        );
        check("CEF:0|v|p", None);
    }

    #[test]
    fn leef_becomes_fields() {
        let check = |line, expected| check_fields(&LEEF, line, expected);
        check(
            "LEEF:1.0|v|p|1|id|src=10.0.0.1\tmsg=a b=c",
            Some(concat!(
                r#"{"deviceVendor":"v","deviceProduct":"p","deviceVersion":"1","deviceEventClassId":"id","#,
                r#""src":"10.0.0.1","msg":"a b=c","src_ip":"10.0.0.1"}"#
            )),
        );
        check(
            "LEEF:2.0|v|p|1|id|x5E|a=1^b=2",
            Some(
                r#"{"deviceVendor":"v","deviceProduct":"p","deviceVersion":"1","deviceEventClassId":"id","a":"1","b":"2"}"#,
            ),
        );
        check("LEEF:2.0|v|p", None);
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in r"[a-c|=\\ 0^-]{0,60}") {
            never_panics(&CEF, &line);
            never_panics(&CEF, format!("CEF:0|v|p|1|2|n|3|{text}").as_bytes());
            never_panics(&CEF, format!("CEF:{text}").as_bytes());
            never_panics(&LEEF, format!("LEEF:2.0|v|p|1|i|{text}").as_bytes());
        }
    }
}
