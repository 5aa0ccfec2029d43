//! Windows events in their many JSON forms → the field names that Sigma rules expect: the System values by their own
//! names (`Provider_Name` for the provider), the EventData items by theirs, the UserData leaves by theirs.

use std::borrow::Cow;

use perisai_model::{Event, Value};

use crate::names::copy;

/// The longest name with blanks, in bytes, that is offered without them.
const NAME: usize = 64;

/// The elements of an event's System part.
const SYSTEM: [&str; 15] = [
    "Provider",
    "EventID",
    "Version",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "TimeCreated",
    "EventRecordID",
    "Correlation",
    "Execution",
    "Channel",
    "Computer",
    "Security",
    "Qualifiers",
];

/// Winlogbeat's names for the System values.
const WINLOG: [(&str, &str); 13] = [
    ("event_id", "EventID"),
    ("channel", "Channel"),
    ("provider_name", "Provider_Name"),
    ("provider_guid", "Provider_Guid"),
    ("computer_name", "Computer"),
    ("record_id", "EventRecordID"),
    ("process.pid", "ProcessID"),
    ("process.thread.id", "ThreadID"),
    ("activity_id", "ActivityID"),
    ("user.identifier", "UserID"),
    ("task", "Task"),
    ("opcode", "Opcode"),
    ("version", "Version"),
];

/// Adds a field by its JSON path, under its Windows name where the path is of a Windows event.
pub(crate) fn push(event: &mut Event, path: &str, value: Value<'_>) {
    if let Some(inner) = path
        .strip_prefix("_source.")
        .unwrap_or(path)
        .strip_prefix("data.win.")
    {
        return push_wazuh(event, inner, value);
    }
    // An element without a value is no field; XML has no null.
    if value == Value::Null && path.starts_with("Event.") {
        return;
    }
    let Some(name) = name(path) else { return };
    if name == "EventID"
        && let Value::Str(text) = value
        && let Ok(number) = text.parse()
    {
        event.push(name, Value::Int(number));
        return;
    }
    event.push(name, value);
    if name.contains(' ') && name.len() <= NAME {
        event.push(&name.replace(' ', ""), value);
    }
}

/// Adds a field of a Windows event as Wazuh writes it, by its path: with a small first letter, and text escaped once
/// more.
fn push_wazuh(event: &mut Event, path: &str, value: Value<'_>) {
    let name = match path.split_once('.') {
        Some(("system", "providerName")) => "Provider_Name".to_owned(),
        Some(("system", "providerGuid")) => "Provider_Guid".to_owned(),
        Some(("system", "eventSourceName")) => "Provider_EventSourceName".to_owned(),
        Some(("system", "systemTime")) => "TimeCreated".to_owned(),
        Some((_, name)) => capitalized(name),
        None => capitalized(path),
    };
    match value {
        Value::Str(text) => push(event, &name, Value::Str(&unescaped(text))),
        value => push(event, &name, value),
    }
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// `C:\\\\x \\"a\\"` → `C:\\x "a"`, where every backslash has its pair.
fn unescaped(text: &str) -> Cow<'_, str> {
    let (mut inner, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('\\') {
        let mark = match rest.as_bytes().get(at + 1) {
            Some(b'\\') => '\\',
            Some(b'"') => '"',
            _ => return Cow::Borrowed(text),
        };
        inner.push_str(&rest[..at]);
        inner.push(mark);
        rest = &rest[at + 2..];
    }
    Cow::Owned(inner + rest)
}

/// The name for a path; `None` for what is no value of the event.
fn name(path: &str) -> Option<&str> {
    // A search engine's export has each record in an envelope.
    let path = path.strip_prefix("_source.").unwrap_or(path);
    if let Some(inner) = path.strip_prefix("Event.") {
        return evtx_name(inner);
    }
    let Some(inner) = path.strip_prefix("winlog.") else {
        return if is_bare(path) {
            evtx_name(path)
        } else {
            Some(path)
        };
    };
    if let Some(name) = inner.strip_prefix("event_data.") {
        return Some(name);
    }
    if let Some(name) = inner.strip_prefix("user_data.") {
        return Some(leaf(name));
    }
    let known = WINLOG.iter().find(|(theirs, _)| *theirs == inner);
    Some(known.map_or(path, |(_, ours)| ours))
}

/// Whether a path is of an event without the element around it, as Velociraptor and EvtxECmd write them.
fn is_bare(path: &str) -> bool {
    let part = path.split_once('.');
    part.is_some_and(|(part, inner)| match part {
        "System" => SYSTEM.contains(&inner.split('.').next().unwrap_or(inner)),
        "EventData" | "UserData" => true,
        _ => false,
    })
}

/// The name for a path in the JSON of an EVTX record, without the leading `Event.`.
fn evtx_name(path: &str) -> Option<&str> {
    if let Some(system) = path.strip_prefix("System.") {
        let Some((element, attribute)) = system.split_once('.') else {
            return Some(system);
        };
        // Converters mark attributes as `#attributes.Name`, `@Name`, or not at all.
        let attribute = attribute
            .strip_prefix("#attributes.")
            .unwrap_or(attribute)
            .trim_start_matches('@');
        return Some(match (element, attribute) {
            ("Provider", "Name") => "Provider_Name",
            ("Provider", "Guid") => "Provider_Guid",
            ("Provider", "EventSourceName") => "Provider_EventSourceName",
            ("TimeCreated", "SystemTime") => "TimeCreated",
            (_, "#text") | ("EventID", "Value") => element,
            _ => attribute,
        });
    }
    if let Some(name) = path.strip_prefix("EventData.") {
        // An item may have any name, dots included; but the unnamed ones have none.
        let name = name.strip_suffix(".#text").unwrap_or(name);
        return (!name.starts_with("#attributes.")).then_some(name);
    }
    if let Some(user) = path.strip_prefix("UserData.") {
        return (!user.contains("#attributes.xmlns") && !user.contains("@xmlns")).then(|| leaf(user));
    }
    (!path.starts_with("#attributes.")).then_some(path)
}

/// Gives EvtxECmd's names for the System values their usual ones.
pub(crate) fn system_names(event: &mut Event) {
    let id = match event.get("EventId") {
        Some(Value::Int(id)) => id,
        Some(Value::Str(id)) if id.len() <= 5 => match id.parse() {
            Ok(id) => id,
            Err(_) => return,
        },
        _ => return,
    };
    if event.get("Channel").is_some() && event.get("EventID").is_none() {
        event.push("EventID", Value::Int(id));
        copy(event, "Provider", "Provider_Name");
    }
}

/// Joins what some converters leave apart: a list of items with a name and a text each. An item without a text has
/// none.
pub(crate) fn named_items(event: &mut Event) {
    for (named, said) in [("Data.@Name", "Data"), ("Data.Name", "Data.Value")] {
        let (mut names, mut texts) = (0, 0);
        let mut parts: Vec<(bool, String)> = Vec::new();
        for (name, value) in event.iter().filter(|(name, _)| *name == named || *name == said) {
            let Some(text) = value.text() else { continue };
            names += usize::from(name == named);
            texts += usize::from(name == said);
            parts.push((name == named, text.into_owned()));
        }
        if names == texts {
            let all = |is_name| parts.iter().filter(move |part| part.0 == is_name);
            for ((_, name), (_, text)) in all(true).zip(all(false)) {
                event.push_str(name, text);
            }
            continue;
        }
        for pair in parts.windows(2) {
            if let [(true, name), (false, text)] = pair {
                event.push_str(name, text);
            }
        }
    }
}

fn leaf(path: &str) -> &str {
    let path = path.strip_suffix(".#text").unwrap_or(path);
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_sigma_names() {
        let check = |path, expected| assert_eq!(name(path), expected, "{path}");
        check("Event.#attributes.xmlns", None);
        check("Event.System.Provider.#attributes.Name", Some("Provider_Name"));
        check("Event.System.Provider.@Name", Some("Provider_Name"));
        check("Event.System.EventID", Some("EventID"));
        check("Event.System.EventID.#text", Some("EventID"));
        check("Event.System.EventID.#attributes.Qualifiers", Some("Qualifiers"));
        check("Event.System.Execution.#attributes.ProcessID", Some("ProcessID"));
        check("Event.System.Security.#attributes.UserID", Some("UserID"));
        check("Event.EventData.CommandLine", Some("CommandLine"));
        check("Event.EventData.Data.#text", Some("Data"));
        check("Event.UserData.EventXML.#attributes.xmlns", None);
        check("Event.UserData.EventXML.Param1", Some("Param1"));
        check("winlog.event_data.Image", Some("Image"));
        check("winlog.event_id", Some("EventID"));
        check("winlog.api", Some("winlog.api"));
        check("process.hash.md5", Some("process.hash.md5"));
        check("EventID", Some("EventID"));
        check("System.EventID.Value", Some("EventID"));
        check("System.TimeCreated.SystemTime", Some("TimeCreated"));
        check("System.Provider.Name", Some("Provider_Name"));
        check("System.Load", Some("System.Load"));
        check("EventData.Image", Some("Image"));
        check("UserData.EventXML.@xmlns", None);
    }

    #[test]
    fn wazuh_writes_small_letters_and_doubles_backslashes() {
        let check = |path: &str, value: &str, expected: (&str, Value<'_>)| {
            let mut event = Event::default();
            push(&mut event, path, Value::Str(value));
            assert_eq!(event.iter().collect::<Vec<_>>(), [expected], "{path}");
        };
        check("data.win.system.eventID", "1", ("EventID", Value::Int(1)));
        check(
            "data.win.system.channel",
            "Security",
            ("Channel", Value::Str("Security")),
        );
        check(
            "data.win.system.providerName",
            "P",
            ("Provider_Name", Value::Str("P")),
        );
        let image = ("Image", Value::Str(r"C:\a\b.exe"));
        check("data.win.eventdata.image", r"C:\\a\\b.exe", image);
        check("_source.data.win.eventdata.image", r"C:\a\b.exe", image);
        let command = ("CommandLine", Value::Str(r#""C:\a" \\ws1\x"#));
        check(
            "data.win.eventdata.commandLine",
            r#"\"C:\\a\" \\\\ws1\\x"#,
            command,
        );
    }

    #[test]
    fn names_with_blanks_are_offered_without() {
        let mut event = Event::default();
        push(&mut event, "Event.EventData.Source Name", Value::Str("x"));
        assert_eq!(event.get_str("Source Name"), Some("x"));
        assert_eq!(event.get_str("SourceName"), Some("x"));
        push(&mut event, "Process Name", Value::Str("y"));
        assert_eq!(event.get_str("ProcessName"), Some("y"));
        push(&mut event, "winlog.event_id", Value::Str("7"));
        assert_eq!(event.get("EventID"), Some(Value::Int(7)));
    }
}
