//! What format a source is in, by its content.

pub(crate) mod json;

use crate::csv::{self, Dialect};
use crate::marks;
use crate::misp::tags::is_uuid;
use crate::rules::{network, sigma, yara};
use crate::text;

/// How many lines are looked at.
const LINES: usize = 100;

/// A format, and what its reader needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Empty,
    Text {
        /// Most lines begin with a value, and may go on with words on it.
        described: bool,
    },
    /// A JSON list of strings.
    Strings,
    Table(Dialect),
    Stix {
        by_line: bool,
    },
    Misp {
        by_line: bool,
    },
    Manifest,
    Hashes,
    Warninglist,
    Sigma,
    Yara,
    /// Rules for Snort or Suricata.
    Network,
    /// Intelligence for sure, and in a format that is not read.
    Foreign(&'static str),
    /// No text.
    Binary,
    /// None of them: what it seems to be instead.
    Unknown(&'static str),
}

/// Tells the format from the first bytes; `whole` where they are all.
pub(crate) fn sniff(head: &[u8], whole: bool) -> Shape {
    let by_line = || json::is_by_line(head);
    match json::look(head) {
        json::Look::Empty => return Shape::Empty,
        json::Look::Stix => return Shape::Stix { by_line: by_line() },
        json::Look::Misp => return Shape::Misp { by_line: by_line() },
        json::Look::Manifest => return Shape::Manifest,
        json::Look::Warninglist => return Shape::Warninglist,
        json::Look::Strings => return Shape::Strings,
        json::Look::Foreign => {
            return Shape::Foreign("a list of indicators in JSON that is neither STIX nor MISP");
        }
        json::Look::Other => return Shape::Unknown("JSON that is neither STIX nor MISP"),
        json::Look::NotJson => {}
    }
    if head.contains(&0) {
        return Shape::Binary;
    }
    let end = match memchr::memrchr(b'\n', head) {
        Some(end) if !whole => end,
        _ => head.len(),
    };
    let head = String::from_utf8_lossy(&head[..end]);
    if head.trim_start().starts_with('<') {
        return xml(&head);
    }
    match yara::look(&head) {
        yara::Look::Yara => return Shape::Yara,
        yara::Look::OnlyComments => return Shape::Empty,
        yara::Look::Other => {}
    }
    if sigma::is_sigma(&head) {
        return Shape::Sigma;
    }
    by_lines(&head)
}

/// XML that is intelligence is told whatever it stands among; other XML and HTML may be anything.
fn xml(head: &str) -> Shape {
    let is = |marks: &[&str]| marks.iter().any(|mark| head.contains(mark));
    if is(&["STIX_Package", "stix.mitre.org", "stix-1", "cybox.mitre.org"]) {
        return Shape::Foreign("STIX 1 (XML), which is not read; have it converted to STIX 2");
    }
    if is(&["OpenIOC", "openioc", "schemas.mandiant.com", "<ioc "]) {
        return Shape::Foreign("OpenIOC, which is not read");
    }
    Shape::Unknown("XML or HTML; STIX 1 and OpenIOC are not read")
}

fn by_lines(head: &str) -> Shape {
    let is_content = |line: &&str| {
        let line = line.trim().as_bytes();
        !text::is_comment(line) && text::marking_alone(line).is_none()
    };
    let lines = || head.lines().map(|line| line.strip_suffix('\r').unwrap_or(line));
    let is_row = |line: &&str| {
        is_content(line) && !csv::is_separator_line(line) && !marks::is_rule(line) && !marks::is_fence(line)
    };
    let content: Vec<&str> = lines().filter(is_row).take(LINES).collect();
    let comments = lines()
        .take_while(|line| !is_content(line))
        .filter(|line| !line.trim().is_empty());
    // Zeek names its columns on a line of its own, whatever comments follow.
    let comment = comments
        .clone()
        .find(|line| line.starts_with("#fields"))
        .or_else(|| comments.last());
    if content.is_empty() {
        return Shape::Empty;
    }
    if content.iter().all(|line| is_hash_of_event(line)) {
        return Shape::Hashes;
    }
    if is_network(&content) {
        return Shape::Network;
    }
    if csv::is_column_of_other_digests(&content) {
        return Shape::Foreign("fingerprints or digests of a kind that is not searched for");
    }
    if let Some(dialect) = csv::one_column(&content).or_else(|| csv::dialect(&content, comment)) {
        return Shape::Table(dialect);
    }
    // One in five: a list with many bad lines is told line by line, prose as a whole.
    let (values, others): (Vec<&str>, Vec<&str>) = content.iter().partition(|line| text::holds_value(line));
    // Words on a value are taken for such only where most lines have one, since prose may begin with a host, too.
    let begin = others.iter().filter(|line| text::begins_with_value(line)).count();
    let described = (values.len() + begin) * 2 > content.len();
    if described || values.len() * 5 >= content.len() {
        return Shape::Text { described };
    }
    Shape::Unknown("no format of intelligence that is known")
}

/// A line of a MISP feed's `hashes.csv`: the digest of a value, and the event that holds it.
fn is_hash_of_event(line: &str) -> bool {
    let is_digest = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    line.trim()
        .split_once(',')
        .is_some_and(|(digest, event)| is_digest(digest) && is_uuid(event))
}

fn is_network(content: &[&str]) -> bool {
    let mut rule = String::new();
    content.iter().take(32).any(|line| {
        rule.push_str(line.trim());
        if rule.ends_with('\\') {
            rule.pop();
            return false;
        }
        network::language(&std::mem::take(&mut rule)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        let shape = format!("{:?}", sniff(text.as_bytes(), true));
        shape.split([' ', '(']).next().unwrap().to_owned()
    }

    #[test]
    fn formats() {
        let check = |text: &str, expected: &str| assert_eq!(name(text), expected, "{text}");
        check("", "Empty");
        check("# nothing\n\n", "Empty");
        check("/* moved */\n", "Empty");
        check("evil.example\n192.0.2.1\n", "Text");
        check("# a list\nhxxp://evil[.]example/a,b\n", "Text");
        check("http://evil.example/a,b\nhttp://evil.example/c\n", "Text");
        check("1.10.16.0/20 ; SBL1\n1.19.0.0/16 ; SBL2\n", "Table");
        check("; Drop list\n1.10.16.0/20 ; SBL1\n1.19.0.0/16 ; SBL2\n", "Text");
        check("domain,malware\nevil.example,Emotet\n", "Table");
        check("evil.example,Emotet\n192.0.2.1,Qakbot\n", "Table");
        check("evil.example\tEmotet\n", "Table");
        check("# \"id\",\"url\"\n\"1\",\"http://evil.example/\"\n", "Table");
        check("title: x\ndetection:\n  a: b\n", "Sigma");
        check("rule a { condition: true }", "Yara");
        check("alert tcp any any -> any any (msg:\"x\"; sid:1;)\n", "Network");
        check(
            "alert tcp any any \\\n -> any any (msg:\"x\"; sid:1;)\n",
            "Network",
        );
        check(
            "d41d8cd98f00b204e9800998ecf8427e,5bad262f-c810-4775-9e84-4a7d0a016219\n",
            "Hashes",
        );
        check("<stix:STIX_Package>", "Foreign");
        check("<OpenIOC xmlns=\"http://openioc.org/schemas\">", "Foreign");
        check("<ioc xmlns=\"x\"/>", "Foreign");
        check("<html>", "Unknown");
        check("\u{0}\u{1}\u{2}", "Binary");
        check(
            "# Licence\n\nThis is prose, with commas, and words.\nNo list at all.\n",
            "Unknown",
        );
        check("[2001:db8::1]:443\n", "Text");
    }
}
