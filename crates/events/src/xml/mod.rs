//! Windows events as XML: what `wevtutil`, Event Viewer and forwarders write; one to a line, or many in one document.
//! The fields have the names that EVTX gives them.

pub(crate) mod split;

use perisai_model::{Event, Value};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Token};

use crate::block::Stream;
use crate::format::{FIELDS, PLAIN, ROOM, Spec};
use crate::json::windows;
use crate::known;

/// The longest name of an element or attribute, in bytes.
const NAME: usize = 256;

/// Elements nested deeper than this are no Windows event.
const DEPTH: usize = 64;

pub(crate) const XML: Spec = Spec {
    name: "winxml",
    line: |line| {
        line.find("<Event")
            .is_some_and(|at| is_start(&line.as_bytes()[at..]))
            && line.contains("<System>")
    },
    fields,
    ..PLAIN
};

/// Whether an `<Event …>` element begins here.
pub(crate) fn is_start(text: &[u8]) -> bool {
    text.strip_prefix(b"<Event")
        .and_then(|rest| rest.first())
        .is_some_and(|next| *next == b'>' || next.is_ascii_whitespace())
}

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(start) = item.find("<Event") else {
        return false;
    };
    if !walk(&item[start..], event) {
        return false;
    }
    known::timed(event, &stream.clock);
    event.get("EventID").is_some()
}

/// Adds the values of the first element; false where it is broken.
fn walk(text: &str, event: &mut Event) -> bool {
    let mut reader = Reader::from_str(text);
    let mut path = Path {
        text: String::new(),
        starts: Vec::new(),
        room: ROOM,
        fields: FIELDS,
    };
    let mut value = String::new();
    loop {
        match reader.read_event() {
            Ok(Token::Start(tag)) => {
                if !path.enter(&tag, event) {
                    return false;
                }
                value.clear();
            }
            Ok(Token::Empty(tag)) => {
                if !path.enter(&tag, event) {
                    return false;
                }
                path.leave();
                value.clear();
            }
            Ok(Token::Text(piece)) => value.push_str(&piece),
            Ok(Token::CData(piece)) => value.push_str(&piece),
            Ok(Token::GeneralRef(name)) => push_reference(&name, &mut value),
            Ok(Token::End(_)) => {
                let text = value.trim();
                if !text.is_empty() {
                    path.push(text, event);
                }
                value.clear();
                if path.leave() {
                    return true;
                }
            }
            Ok(Token::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

/// The elements entered, as the path that the JSON of the same event has.
struct Path {
    text: String,
    starts: Vec<usize>,
    /// Bytes and fields that may still be added.
    room: usize,
    fields: usize,
}

impl Path {
    /// Goes into an element and adds its attributes.
    fn enter(&mut self, tag: &BytesStart<'_>, event: &mut Event) -> bool {
        let name = tag.local_name();
        let name: &str = name.as_ref();
        if self.starts.len() == DEPTH || name.len() > NAME {
            return false;
        }
        self.starts.push(self.text.len());
        let is_item = name == "Data" && self.text == "Event.EventData";
        let mut item = None;
        for attribute in tag.attributes().with_checks(false).flatten() {
            let key: &str = attribute.key.as_ref();
            let mut value = String::new();
            unescape(&attribute.value, &mut value);
            if self.fields == 0 || key.len() > NAME {
                return false;
            }
            if is_item && key == "Name" {
                item = Some(value);
            } else if !key.starts_with("xmlns") {
                let dot = if self.text.is_empty() { "" } else { "." };
                let path = format!("{}{dot}{name}.#attributes.{key}", self.text);
                self.add(&path, &value, event);
            }
        }
        if !self.text.is_empty() {
            self.text.push('.');
        }
        self.text.push_str(item.as_deref().unwrap_or(name));
        true
    }

    /// Goes out of an element; true where it was the outermost.
    fn leave(&mut self) -> bool {
        if let Some(start) = self.starts.pop() {
            self.text.truncate(start);
        }
        self.starts.is_empty()
    }

    /// Adds the value of the element that is entered.
    fn push(&mut self, value: &str, event: &mut Event) {
        let path = std::mem::take(&mut self.text);
        self.add(&path, value, event);
        self.text = path;
    }

    fn add(&mut self, path: &str, value: &str, event: &mut Event) {
        let size = path.len() + value.len();
        if self.fields == 0 || size > self.room {
            self.fields = 0;
            return;
        }
        self.fields -= 1;
        self.room -= size;
        // The numbers of the System part are numbers in EVTX too.
        match value.parse() {
            Ok(number) if path.starts_with("Event.System.") => windows::push(event, path, Value::Int(number)),
            _ => windows::push(event, path, Value::Str(value)),
        }
    }
}

/// Resolves the references in an attribute.
fn unescape(text: &str, plain: &mut String) {
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        plain.push_str(before);
        let Some((name, behind)) = behind.split_once(';') else {
            plain.push('&');
            rest = behind;
            continue;
        };
        push_reference(name, plain);
        rest = behind;
    }
    plain.push_str(rest);
}

/// Adds what `&name;` stands for. Entities that a document defines itself are not expanded.
fn push_reference(name: &str, plain: &mut String) {
    let code = name
        .strip_prefix('#')
        .and_then(|code| match code.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => code.parse().ok(),
        });
    let letter = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => code.and_then(char::from_u32),
    };
    match letter {
        Some(letter) => plain.push(letter),
        None => {
            plain.push('&');
            plain.push_str(name);
            plain.push(';');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_fields, never_panics};
    use proptest::prelude::*;

    #[test]
    fn events_become_fields() {
        let check = |line, expected| check_fields(&XML, line, expected);
        check(
            concat!(
                "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>",
                "<Provider Name='Microsoft-Windows-Sysmon' Guid='{1}'/><EventID>1</EventID>",
                "<TimeCreated SystemTime='2026-01-01T00:00:00.1234567Z'/><Execution ProcessID='4' ThreadID='5'/>",
                "<Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>ws1</Computer></System><EventData>",
                "<Data Name='CommandLine'>a &lt;b&gt; &amp;&#65;</Data><Data Name='Empty'></Data><Data>bare</Data>",
                "</EventData></Event>"
            ),
            Some(concat!(
                r#"{"Provider_Name":"Microsoft-Windows-Sysmon","Provider_Guid":"{1}","EventID":1,"#,
                r#""TimeCreated":"2026-01-01T00:00:00.1234567Z","ProcessID":4,"ThreadID":5,"#,
                r#""Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"ws1","CommandLine":"a <b> &A","#,
                r#""Data":"bare"}"#
            )),
        );
        check("<Event><System><EventID>1</EventID></System>", None);
        check("<Event><System></System></Event>", None);
        check(&"<Event><a>".repeat(1000), None);
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in r"(<Event>|</Event>|<Data Name='|'>|&|;|#x|<!\[CDATA\[|a){0,30}") {
            never_panics(&XML, &line);
            never_panics(&XML, format!("<Event>{text}").as_bytes());
        }
    }
}
