//! Lists: for people, as lines of JSON, as a table for spreadsheets.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde_json::Value;

use crate::output::harmless::Harmless;
use crate::output::report::{clean, csv_cell};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listing {
    /// For people
    Text,
    /// An object a line
    #[value(alias = "json")]
    Jsonl,
    /// A table
    Csv,
}

/// A column: its title, and the JSON pointer to what it shows.
pub(crate) type Column = (&'static str, &'static str);

/// Writes a list.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn list(
    items: &[Value],
    columns: &[Column],
    listing: Listing,
    out: &mut dyn Write,
) -> io::Result<()> {
    match listing {
        Listing::Jsonl => {
            let mut out = Harmless::new(out);
            items.iter().try_for_each(|item| writeln!(out, "{item}"))
        }
        Listing::Csv => {
            let mut out: Box<dyn Write + '_> = match io::stdout().is_terminal() {
                true => Box::new(Harmless::new(out)),
                false => Box::new(out),
            };
            let titles: Vec<_> = columns.iter().map(|(title, _)| *title).collect();
            writeln!(out, "{}", titles.join(","))?;
            for item in items {
                let cells = columns.iter().map(|(_, at)| csv_cell(&text(item.pointer(at))));
                writeln!(out, "{}", cells.collect::<Vec<_>>().join(","))?;
            }
            Ok(())
        }
        Listing::Text => table(items, columns, out),
    }
}

fn table(items: &[Value], columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    let row = |item: &Value| -> Vec<String> {
        let cells = columns.iter().map(|(_, at)| clean(&text(item.pointer(at))));
        cells.collect()
    };
    let rows: Vec<_> = items.iter().map(row).collect();
    let titles: Vec<_> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let width = |at: usize| {
        let cells = rows
            .iter()
            .chain([&titles])
            .map(|row| console::measure_text_width(&row[at]));
        cells.max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    for row in [&titles].into_iter().chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let missing = width.saturating_sub(console::measure_text_width(cell));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', missing + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// What a cell says.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Array(all)) => {
            let all: Vec<_> = all.iter().map(|one| text(Some(one))).collect();
            all.join(" ")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_has_three_shapes() {
        let items = [
            json!({"name": "Ми́р", "client": true, "tags": ["a", "b"]}),
            json!({"name": "=x\u{1b}[2J", "client": false, "more": 1}),
        ];
        let columns = [("name", "/name"), ("client", "/client"), ("tags", "/tags")];
        let check = |listing: Listing, expected: &str| {
            let mut out = Vec::new();
            list(&items, &columns, listing, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(
            Listing::Text,
            "name         client  tags\nМи́р         yes     a b\n=x\\u{1b}[2J  no\n",
        );
        check(
            Listing::Csv,
            "name,client,tags\n\"Ми́р\",\"yes\",\"a b\"\n\"'=x\u{1b}[2J\",\"no\",\"\"\n",
        );
        let mut out = Vec::new();
        list(&items, &columns, Listing::Jsonl, &mut out).unwrap();
        let read = String::from_utf8(out).unwrap();
        let read: Vec<Value> = read
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read, items);
    }
}
