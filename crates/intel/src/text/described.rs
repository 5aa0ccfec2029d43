//! Lists that people write by hand: a value and what they say of it, behind a bullet or a number, behind a label.
//!
//! `6[.]6[.]6[.]7 (C2)`, `evil.example - phishing`, `1. evil.example`, `IP: 192.0.2.1`. Only the value at the head of
//! a line is taken, as what is said of it may name strangers; and a bare word with a dot must look like the name of a
//! host, since prose and listings of files hold such words, too.

use perisai_model::Kind;

use crate::csv::{self, shows_itself};
use crate::marks;
use crate::type_words::{self, Refused, Said, is_defanged, is_digest, unmistakable};
use crate::typed::{Found, of_any, with_mask};

/// The longest text behind a value, in bytes, and its longest word: beyond it is a record of some log, or a key.
const TAIL: usize = 400;
const WORD: usize = 64;

/// The longest label, in bytes.
const LABEL: usize = 48;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Values {
        values: Vec<Found<'a>>,
        said: &'a str,
    },
    /// A value that is not searched for, by its label.
    NotSearched(&'a str),
    /// A line about the list: a heading, an author, a reference.
    Aside,
}

/// Endings of names of files that are top-level domains, too, or look like them, in lower case.
#[rustfmt::skip]
const FILES: &[&str] = &[
    "app", "bat", "bin", "bz2", "c", "cc", "cfg", "class", "cmd", "conf", "cpp", "cs", "css", "csv", "db", "dll", "doc",
    "docx", "exe", "exports", "gif", "go", "gz", "h", "hpp", "hta", "htm", "html", "img", "ini", "iso", "jar", "java",
    "jpeg", "jpg", "js", "json", "jsp", "kt", "lnk", "log", "lua", "md", "mjs", "mov", "msi", "odt", "pdb", "pdf",
    "php", "pl", "png", "ppt", "pptx", "ps", "ps1", "py", "rar", "rb", "rs", "rtf", "scr", "sh", "so", "sql", "svg",
    "swift", "sys", "tar", "toml", "ts", "tsx", "txt", "vbs", "vue", "xls", "xlsx", "xml", "yaml", "yml", "zip",
];

/// Words of zone files: what stands before them is a record of the DNS, and may be one of somebody good.
const OF_ZONES: &[&str] = &["IN", "CNAME", "A", "AAAA", "NS", "MX", "SOA", "TXT", "PTR", "SRV"];

/// Reads a line that is neither a value nor several; `None` where it says nothing that can be taken.
pub(super) fn read(text: &str) -> Option<Line<'_>> {
    let (text, bulleted) = match without_bullet(text) {
        Some(text) => (text, true),
        None => (text, false),
    };
    if let Some((label, rest)) = labelled(text) {
        return of_label(label, rest);
    }
    let whole = bare(text);
    let takes = |found: &Found<'_>| may_lead(found, whole) || text.starts_with('`') && is_rooted(found);
    if bulleted && let Some(found) = of_any(whole).filter(takes) {
        return Some(Line::Values {
            values: vec![found],
            said: "",
        });
    }
    leading(text, |found, word| may_lead(found, word))
}

/// The values of a row of a table in Markdown, and what is said of them: the leftmost cell that is one, and those
/// behind it that can be nothing else.
pub(super) fn row<'a>(cells: impl Iterator<Item = &'a str>) -> Option<(Vec<Found<'a>>, String)> {
    let (mut values, mut said) = (Vec::new(), Vec::new());
    for cell in cells.filter(|cell| !cell.is_empty()) {
        let takes = |found: &Found<'_>| values.is_empty() || may_follow(found, marks::bare(cell));
        match of_any(cell).filter(takes) {
            Some(found) => values.push(found),
            None => said.push(cell),
        }
    }
    (!values.is_empty()).then(|| (values, said.join("; ")))
}

/// True for a line that ends in a colon.
pub(super) fn is_heading(text: &str) -> bool {
    bare(text).ends_with(':')
}

/// Without `-`, `*`, `•` or `1.` at its head; `None` where there is none.
fn without_bullet(text: &str) -> Option<&str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = if (1..=5).contains(&digits) {
        text[digits..].strip_prefix(['.', ')'])
    } else {
        text.strip_prefix([
            '-', '*', '+', '>', '•', '‣', '◦', '▪', '▫', '●', '○', '■', '·', '–', '—', '→',
        ])
    }?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim())
}

/// A label and what follows it: `IP: …`, `**Domain:** …`, `MD5 = …`.
fn labelled(text: &str) -> Option<(&str, &str)> {
    let head = &text[..text.floor_char_boundary(LABEL)];
    let (colon, equals) = (head.find(':'), head.find(" = "));
    let (end, length) = match (colon, equals) {
        (Some(at), None) => (at, 1),
        (Some(at), Some(other)) if at < other => (at, 1),
        (_, Some(at)) => (at, 3),
        (None, None) => return None,
    };
    let (label, rest) = (bare(&text[..end]), text[end + length..].trim_start_matches('*'));
    let is_label = !label.is_empty()
        && rest.starts_with(char::is_whitespace) | (length > 1)
        && !label.contains(['.', '/', '\\', '@', '[', '('])
        && label.split_whitespace().count() <= 4
        && (length == 1 || is_label_of_digest(label))
        && of_any(label).is_none();
    is_label.then(|| (label, rest.trim()))
}

/// Settings have the form `url = …`, too.
fn is_label_of_digest(label: &str) -> bool {
    match type_words::said(label) {
        Some(Said::Kind(kind)) => is_digest(kind),
        said => said == Some(Said::Digest),
    }
}

fn of_label<'a>(label: &'a str, rest: &'a str) -> Option<Line<'a>> {
    let word = first_word(rest).0;
    let read = type_words::values(label, word);
    if rest.is_empty() || csv::is_context_heading(label) && read.0 != Err(Refused::NotSearched) {
        return Some(Line::Aside);
    }
    match read {
        (Err(Refused::NotSearched), _) => return Some(Line::NotSearched(label)),
        (Ok(values), true) if values.iter().all(|(kind, _)| shows_itself(*kind)) => {
            return leading(rest, |_, other| other == word).map(|line| with_values(line, values));
        }
        // A label that is not known may be before a reference, or somebody's own address.
        (Ok(values), false) if values.iter().all(|found| may_follow(found, word)) => {
            return leading(rest, |_, other| other == word);
        }
        (_, false) => return None,
        (_, true) => {}
    }
    // A path, a name, a mutex: blanks are a part of it.
    let (value, said) = match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
        Some((value, said)) => (value, said),
        None => (rest, ""),
    };
    let (values, _) = type_words::values(label, bare(value));
    let values = values
        .ok()
        .filter(|values| !values.iter().any(|(kind, _)| shows_itself(*kind)))?;
    Some(Line::Values { values, said })
}

/// A label knows better what the first value is.
fn with_values<'a>(line: Line<'a>, first: Vec<Found<'a>>) -> Line<'a> {
    match line {
        Line::Values { mut values, said } => {
            values.splice(..1, first);
            Line::Values { values, said }
        }
        other => other,
    }
}

/// The value that is the first word, others right behind it, and what is said of them.
fn leading<'a>(text: &'a str, takes: impl Fn(&Found<'a>, &str) -> bool) -> Option<Line<'a>> {
    let (word, mut rest) = first_word(text);
    let found = of_any(word).filter(|found| takes(found, word))?;
    let mut values = vec![found];
    if let Some((net, after)) = net(&values[0], rest) {
        values[0] = net;
        rest = after;
    } else if let Some((nets, after)) = range(&values[0], rest) {
        values = nets;
        rest = after;
    }
    loop {
        let said = without_joint(rest);
        let (word, after) = first_word(said);
        match of_any(word).filter(|found| may_follow(found, word)) {
            Some(found) if values.len() < 16 => values.push(found),
            _ => {
                let said = within_brackets(said.trim());
                return is_description(said, &values[0], first_word(text).0)
                    .then_some(Line::Values { values, said });
            }
        }
        rest = after;
    }
}

/// The net of an address and the netmask behind it, and what follows.
fn net<'a>(address: &Found<'_>, rest: &'a str) -> Option<(Found<'static>, &'a str)> {
    let (word, after) = first_word(rest);
    let is_label = ["mask", "netmask", "subnet", "/"]
        .iter()
        .any(|label| word.eq_ignore_ascii_case(label));
    let (mask, after) = if is_label {
        first_word(after)
    } else {
        (word, after)
    };
    with_mask(address, mask).map(|net| (net, after))
}

/// The nets from an address to another one behind a dash, and what follows. Addresses far from each other are two.
fn range<'a>((kind, start): &Found<'_>, rest: &'a str) -> Option<(Vec<Found<'static>>, &'a str)> {
    let rest = rest.trim_start().strip_prefix(['-', '–', '—'])?;
    let (word, after) = first_word(rest);
    let (_, end) = of_any(word).filter(|(other, _)| *kind == Kind::Ipv4 && *other == Kind::Ipv4)?;
    let half = |address: &str| {
        address
            .match_indices('.')
            .nth(1)
            .map(|(at, _)| address[..at].to_owned())
    };
    let nets = csv::between(start, &end).filter(|_| half(start) == half(&end))?;
    Some((nets, after))
}

/// Addresses, digests and defanged hosts in what is said of a value: they are no prose, and may be somebody else's.
pub(super) fn left_out(said: &str) -> impl Iterator<Item = &str> {
    let is_bracket = |c: char| matches!(c, '(' | ')' | '<' | '>');
    said.split_whitespace()
        .map(move |word| {
            bare(
                word.trim_matches(is_bracket)
                    .trim_end_matches([',', ';', ':', '.']),
            )
        })
        .filter(|word| of_any(word).is_some_and(|found| may_follow(&found, word)))
}

/// A word without quotes and the comma or colon behind it, and what follows.
fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (
        bare(text[..end].trim_end_matches([',', ';', ':', '.'])),
        &text[end..],
    )
}

/// Without what people put around a word: quotes, emphasis.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '*' || marks::is_mark(c))
}

/// Words between two values of one line, in the languages that such lists come in.
const JOINTS: &[&str] = &[
    "/", "\\", "&", "+", "and", "or", "und", "oder", "et", "ou", "y", "oraz", "lub", "i", "та", "і", "й",
    "або", "и", "или",
];

/// Without a word between two values, where a second one follows it.
fn without_joint(text: &str) -> &str {
    let said = without_dash(text);
    let (joint, after) = said
        .trim_start()
        .split_once(char::is_whitespace)
        .unwrap_or_default();
    let word = first_word(after).0;
    let joins = JOINTS.contains(&joint.to_lowercase().as_str())
        && of_any(word).is_some_and(|found| may_follow(&found, word));
    if joins { after } else { said }
}

/// Without dashes, bars and arrows (`<-`, `=>`, `<` before a blank) at its head.
fn without_dash(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches(|c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '-' | '–' | '—' | '|' | ':' | ',' | ';' | '\u{2190}'..='\u{21ff}'
                )
        });
        let arrow = text.bytes().take_while(|byte| b"<>=-".contains(byte)).count();
        let (mark, rest) = text.split_at(arrow);
        let is_arrow = mark.contains(['<', '>']) && rest.starts_with(char::is_whitespace);
        if !is_arrow {
            return text;
        }
        text = rest;
    }
}

/// What stands between brackets, where that is all. Square ones may be around a time or an option, too.
fn within_brackets(text: &str) -> &str {
    let round = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let square = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inner = round.or_else(|| square.filter(|inner| inner.starts_with(char::is_alphabetic)));
    inner
        .filter(|inner| !inner.contains(['(', ')', '[', ']']))
        .unwrap_or(text)
}

/// Whether a value at the head of a line is one, and no word of prose or name of a file.
fn may_lead((kind, value): &Found<'_>, word: &str) -> bool {
    match kind {
        Kind::FilePath | Kind::RegistryKey | Kind::Wallet | Kind::Mac => false,
        Kind::Url if word.contains("://") => true,
        Kind::Url | Kind::Domain => is_defanged(word) || is_host(value.split('/').next().unwrap_or(value)),
        // A time of day is none.
        Kind::Ipv4 | Kind::Ipv6 => word.contains('.') || word.matches(':').count() > 2,
        _ => true,
    }
}

/// A path or a key, which may be a part of prose, unless it is marked as code.
fn is_rooted((kind, _): &Found<'_>) -> bool {
    matches!(kind, Kind::FilePath | Kind::RegistryKey)
}

/// A value behind another one may be anything that is said of it, unless it is of a kind that says so.
fn may_follow(found: &Found<'_>, word: &str) -> bool {
    let is_number = matches!(found.0, Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr) && may_lead(found, word);
    is_number || is_digest(found.0) || is_defanged(word) && unmistakable(word).is_some()
}

/// True for the name of a host below a top-level domain that there is, which is no ending of files.
pub(crate) fn is_public_host(name: &str) -> bool {
    let is_known = || psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known());
    is_host(name) && is_known()
}

fn is_host(name: &str) -> bool {
    let top = name.rsplit('.').next().unwrap_or_default();
    let is_word =
        top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()) || top.starts_with("xn--");
    is_word && !FILES.contains(&top)
}

/// Whether what follows a value may be somebody's words on it, and no log, key, zone or version.
fn is_description(said: &str, (kind, _): &Found<'_>, word: &str) -> bool {
    let mut words = said.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_version = |word: &str| {
        let number = word.trim_start_matches('v');
        number.contains('.') && number.starts_with(|c: char| c.is_ascii_digit()) && of_any(word).is_none()
    };
    let is_name = matches!(kind, Kind::Domain | Kind::Url) && !is_defanged(word);
    let is_other = said.starts_with(['=', '{', '[', '<'])
        || said.contains('[') && said.contains('"')
        || OF_ZONES.contains(&first)
        || OF_ZONES.contains(&second) && !first.contains(char::is_alphabetic)
        || is_name && is_version(first);
    let fits = |word: &str| word.len() <= WORD || word.contains("://");
    said.len() <= TAIL && !is_other && said.split_whitespace().all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<(&[&str], &str)>) {
        let line = read(text);
        let seen = match &line {
            Some(Line::Values { values, said }) => Some((
                values
                    .iter()
                    .map(|(kind, value)| format!("{kind} {value}"))
                    .collect::<Vec<_>>(),
                *said,
            )),
            Some(Line::NotSearched(label)) => Some((vec!["not searched".to_owned()], *label)),
            Some(Line::Aside) => Some((Vec::new(), "aside")),
            None => None,
        };
        let expected =
            expected.map(|(values, said)| (values.iter().map(ToString::to_string).collect::<Vec<_>>(), said));
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn a_value_and_what_is_said_of_it() {
        check("192.0.2.1 - C2", Some((&["ipv4 192.0.2.1"], "C2")));
        check(
            "evil.example C2 server",
            Some((&["domain evil.example"], "C2 server")),
        );
        check(
            "evil.example: phishing",
            Some((&["domain evil.example"], "phishing")),
        );
        check(
            "evil.example, seen in May",
            Some((&["domain evil.example"], "seen in May")),
        );
        check("192[.]0[.]2[.]1 (C2)", Some((&["ipv4 192.0.2.1"], "C2")));
        for note in [
            "<- C2", "  <-- C2", "=> C2", "--> C2", "[C2]", "< C2", "← C2", "→ C2", "<= C2", "- [C2]",
        ] {
            check(&format!("192.0.2.1 {note}"), Some((&["ipv4 192.0.2.1"], "C2")));
            check(
                &format!("hxxp://evil[.]net/a {note}"),
                Some((&["url http://evil.net/a"], "C2")),
            );
        }
        check(
            "setup[.]zip – phishing",
            Some((&["domain setup.zip"], "phishing")),
        );
        check("evil.net – phishing", Some((&["domain evil.net"], "phishing")));
        check("(tcp)://192[.]0[.]2[.]1:443 x", Some((&["ipv4 192.0.2.1"], "x")));
        check(
            "evil.example 192.0.2.1 - phishing, as on https://report.example/x",
            Some((
                &["domain evil.example", "ipv4 192.0.2.1"],
                "phishing, as on https://report.example/x",
            )),
        );
        check(
            "evil.example resolves to 192.0.2.1",
            Some((&["domain evil.example"], "resolves to 192.0.2.1")),
        );
    }

    #[test]
    fn second_values() {
        let both: &[&str] = &["domain a.net", "domain b.org"];
        for joint in ["/", "und", "AND", "та", "+", ",", "-", ""] {
            check(&format!("a[.]net {joint} b[.]org"), Some((both, "")));
        }
        let addresses: &[&str] = &["ipv4 198.51.100.1", "ipv4 198.51.100.2"];
        check("198.51.100.1 und 198.51.100.2 (C2)", Some((addresses, "C2")));
        check("a[.]net and others", Some((&["domain a.net"], "and others")));
        check("a.net / b.org", Some((&["domain a.net"], "/ b.org")));
        let net: &[&str] = &["cidr 198.51.100.0/24"];
        check("198.51.100.0 255.255.255.0 scanners", Some((net, "scanners")));
        check("198.51.100.0 netmask 255.255.255.0", Some((net, "")));
        let range: &[&str] = &["ipv4 198.51.100.7", "cidr 198.51.100.8/30"];
        check("198.51.100.7 - 198.51.100.11 scanners", Some((range, "scanners")));
        check(
            "198.51.100.7 - 203.0.113.1",
            Some((&["ipv4 198.51.100.7", "ipv4 203.0.113.1"], "")),
        );
        let seen = |said: &'static str| left_out(said).collect::<Vec<_>>();
        assert_eq!(
            seen("resolves to 192.0.2.1, b[.]org (and c.net)"),
            ["192.0.2.1", "b[.]org"]
        );
        assert_eq!(seen("see https://report.net/x, 10:15"), [""; 0]);
    }

    #[test]
    fn bullets_and_numbers() {
        for bullet in ["-", "*", "•", "1.", "12)", "–"] {
            check(
                &format!("{bullet} evil.example"),
                Some((&["domain evil.example"], "")),
            );
        }
        check("- `evil.example` - C2", Some((&["domain evil.example"], "C2")));
        check("- main.rs", None);
        check("- `main.rs`", None);
        check(
            "- `C:\\x\\evil 1.exe`",
            Some((&["file-path C:\\x\\evil 1.exe"], "")),
        );
        check("1.2.3.4", Some((&["ipv4 1.2.3.4"], "")));
        check("1. Introduction", None);
    }

    #[test]
    fn labels() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        check("IP: 192.0.2.1", Some((&["ipv4 192.0.2.1"], "")));
        check("IP: 192.0.2.1 (C2)", Some((&["ipv4 192.0.2.1"], "C2")));
        check("- **Domain:** evil.example", Some((&["domain evil.example"], "")));
        check("Домен: evil.example", Some((&["domain evil.example"], "")));
        check(
            "URL: hxxp://evil.example/x",
            Some((&["url http://evil.example/x"], "")),
        );
        check("C2: evil.example", Some((&["domain evil.example"], "")));
        check(&format!("MD5: {md5}"), Some((&[&format!("md5 {md5}")], "")));
        check(&format!("MD5 = {md5}"), Some((&[&format!("md5 {md5}")], "")));
        check(&format!("JA3: {md5}"), Some((&[&format!("ja3 {md5}")], "")));
        check(&format!("JA3S: {md5}"), Some((&["not searched"], "JA3S")));
        check("Mutex: Global\\evil one", Some((&["mutex Global\\evil one"], "")));
        check(
            "File name: my setup.exe (dropper)",
            Some((&["file-name my setup.exe"], "dropper")),
        );
        check("Панель: 192.0.2.1", Some((&["ipv4 192.0.2.1"], "")));
        check("Панель: evil[.]example", Some((&["domain evil.example"], "")));
        // It may be a reference, or a file.
        check("Panel: evil.example", None);
        check("Read more: https://report.example/x", None);
        check("Reference: https://report.example/x", Some((&[], "aside")));
        check("Files:", None);
    }

    #[test]
    fn prose_and_listings_are_none() {
        for text in [
            "Node.js is a runtime",
            "e.g. this one",
            "README.md - how to build",
            "setup.exe - dropper",
            "the host evil.example is bad",
            "zope.interface 5.4.0",
            "github.com/a/b v1.2.3 h1:x",
            "module.exports = {",
            "url = https://git.example/a",
            "10:15 a meeting",
            "10:15:30 a meeting",
            "good.example CNAME rpz-passthru.",
            "good.example. 300 IN A 192.0.2.1",
            "192.0.2.1 - - [10/Oct/2023:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1",
        ] {
            check(text, None);
        }
        check(&format!("git.example ssh-rsa {}", "A".repeat(300)), None);
        check(&format!("git.example {}", "a word ".repeat(300)), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "([a-f0-9.,:;*() -]|IP: |\\PC){0,60}") {
            let _ = read(&text);
            let _ = is_heading(&text);
        }
    }
}
