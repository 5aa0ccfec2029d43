//! Zeek's own format: a `#fields` header, a separator between the columns. (Zeek's JSON is JSON.)

use std::borrow::Cow;

use perisai_model::{Event, Value};

use super::{COLUMNS, directives};
use crate::block::Stream;
use crate::format::{Columns, PLAIN, Spec};
use crate::{known, names};

/// The most elements that are read of a list.
const LIST: usize = 256;

pub(crate) const ZEEK: Spec = Spec {
    name: "zeek",
    header: |sample| {
        let columns = restate(&Columns::default(), sample);
        let zeek = sample.starts_with(b"#separator") || sample.starts_with(b"#fields");
        (zeek && !columns.names.is_empty()).then_some(columns)
    },
    restate: Some(restate),
    fields,
    ..PLAIN
};

/// The columns after a run of header lines.
fn restate(before: &Columns, lines: &[u8]) -> Columns {
    let mut columns = before.clone();
    for line in directives(lines) {
        if let Some(written) = line.strip_prefix("#separator ") {
            columns.separator = unescape(written).as_bytes().first().copied().unwrap_or(b'\t');
            continue;
        }
        let separator = char::from(if columns.separator == 0 {
            b'\t'
        } else {
            columns.separator
        });
        let Some((name, rest)) = line.split_once(separator) else {
            continue;
        };
        let list = || rest.split(separator).map(str::to_owned).collect();
        match name {
            "#set_separator" => columns.list = rest.to_owned(),
            "#empty_field" => columns.empty = rest.to_owned(),
            "#unset_field" => columns.unset = rest.to_owned(),
            "#path" => columns.path = rest.to_owned(),
            "#fields" if rest.split(separator).count() <= COLUMNS => columns.names = list(),
            "#types" => columns.types = list(),
            _ => {}
        }
    }
    if columns.separator == 0 {
        columns.separator = b'\t';
    }
    columns
}

fn fields(item: &str, stream: &Stream, event: &mut Event) -> bool {
    let Some(columns) = &stream.columns else {
        return false;
    };
    if item.is_empty() || item.starts_with('#') {
        return false;
    }
    let mut cells = item.split(char::from(columns.separator));
    let mut count = 0;
    for (at, (name, cell)) in columns.names.iter().zip(cells.by_ref()).enumerate() {
        count += 1;
        if cell == columns.unset {
            continue;
        }
        let kind = columns.types.get(at).map_or("", String::as_str);
        let inner = kind.split_once('[').map(|(_, inner)| inner.trim_end_matches(']'));
        match inner {
            Some(_) if cell == columns.empty => {}
            Some(inner) if !columns.list.is_empty() => {
                for element in cell.split(columns.list.as_str()).take(LIST) {
                    push(event, name, inner, element);
                }
            }
            _ => push(event, name, kind, cell),
        }
    }
    // Any line has a few cells.
    if count != columns.names.len() || cells.next().is_some() {
        return false;
    }
    if !columns.path.is_empty() {
        event.push_str("_path", &columns.path);
    }
    known::timed(event, &stream.clock);
    names::add(event, names::ZEEK);
    true
}

fn push(event: &mut Event, name: &str, kind: &str, cell: &str) {
    let typed = match kind {
        "count" | "int" | "port" => cell.parse().ok().map(Value::Int),
        "double" | "interval" => cell.parse().ok().map(Value::Float),
        "bool" => Some(Value::Bool(cell == "T")),
        _ => None,
    };
    match typed {
        Some(value) => event.push(name, value),
        None => event.push_str(name, &unescape(cell)),
    }
}

/// Resolves `\x09` and its like.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let coded = rest.strip_prefix(b"\\x").and_then(|code| {
            let digits = std::str::from_utf8(code.get(..2)?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        match coded {
            Some(byte) => {
                plain.push(byte);
                rest = &rest[4..];
            }
            None => {
                plain.push(*first);
                rest = behind;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests::{check_file, never_panics};
    use proptest::prelude::*;

    const HEAD: &str = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n\
        #fields\tts\tuid\tid.resp_h\tid.resp_p\tquery\tAA\tanswers\n\
        #types\ttime\tstring\taddr\tport\tstring\tbool\tvector[string]\n";

    #[test]
    fn rows_become_fields() {
        let check = |row: &str, expected: Option<&str>| check_file(&ZEEK, HEAD, row, expected);
        check(
            "1767225600.5\tC1\t192.0.2.1\t53\ta\\x2eb.example\tF\tx.example,192.0.2.7",
            Some(concat!(
                r#"{"ts":"1767225600.5","uid":"C1","id.resp_h":"192.0.2.1","id.resp_p":53,"query":"a.b.example","#,
                r#""AA":false,"answers":["x.example","192.0.2.7"],"_path":"dns","dst_ip":"192.0.2.1","dst_port":53,"#,
                r#""answer":["x.example","192.0.2.7"]}"#
            )),
        );
        check(
            "1767225600.5\tC1\t-\t-\t-\t-\t(empty)",
            Some(r#"{"ts":"1767225600.5","uid":"C1","_path":"dns"}"#),
        );
        check("1767225600.5\tC1", None);
        check("#close\t2026-01-01", None);
    }

    proptest! {
        #[test]
        fn hostile_lines(line in proptest::collection::vec(any::<u8>(), 0..60), text in r"[#a-z\t\\x0-9,]{0,40}") {
            never_panics(&ZEEK, &line);
            never_panics(&ZEEK, text.as_bytes());
            let _ = restate(&Columns::default(), &line);
            let _ = restate(&Columns::default(), text.as_bytes());
        }
    }
}
