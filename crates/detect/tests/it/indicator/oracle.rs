//! The slow and simple statement of what matches: every place in a line is tried for every indicator, with nothing
//! but string operations, plain expressions and the canonical forms of `values`. What it says is right, and the
//! scanner must say the same.

mod urls;

use std::collections::BTreeSet;
use std::net::IpAddr;

use perisai_model::{Indicators, Kind};
use perisai_values::ip::{self, Net};
use perisai_values::{domain, refang};
use regex::bytes::{Match, Regex};

/// Every indicator that stands in the line, by kind and value.
pub(super) fn matches(indicators: &Indicators, line: &str) -> BTreeSet<(Kind, String)> {
    let mut found = BTreeSet::new();
    let seen = Seen::of(line, true);
    for indicator in indicators.iter() {
        if seen.holds(indicator.kind, indicator.value, line) {
            found.insert((indicator.kind, indicator.value.to_owned()));
        }
    }
    found
}

/// What stands in a line, by form.
#[derive(Default)]
struct Seen {
    /// Names with dots in canonical form, with their text's start and end.
    names: Vec<(String, usize, usize)>,
    addresses: Vec<IpAddr>,
    /// Addresses and names that may be a URL's host.
    hosts: Vec<(String, usize, usize)>,
    words: Vec<String>,
    /// Groups of hexadecimal pairs, without separators.
    pairs: Vec<String>,
    /// What stands in refanged pieces of the line.
    refanged: Vec<(String, Seen)>,
}

fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || !c.is_ascii()
}

/// The maximal runs of characters of a class, with their start.
fn runs(line: &str, class: impl Fn(char) -> bool) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), '\n')]) {
        match (start, at < line.len() && class(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                out.push((from, &line[from..at]));
                start = None;
            }
            _ => {}
        }
    }
    out
}

/// Where the escape ends that begins at the start of the text, if one does: of JSON, of programs, of a syslog server,
/// of percent-encoding, of a terminal's colours.
fn escape(line: &str, from: usize) -> Option<usize> {
    let text = &line[from..];
    let digits = |from: usize, to: usize, radix: u32| {
        let part = text.get(from..to)?;
        part.chars().all(|c| c.is_digit(radix)).then_some(to)
    };
    let colour = [
        "\x1b", "\\u001b", "\\u001B", "\\x1b", "\\x1B", "\\033", "\\e", "#033",
    ]
    .iter()
    .find_map(|esc| {
        let rest = text.strip_prefix(esc)?.strip_prefix('[')?;
        let numbers = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
        let ends = numbers <= 16 && rest[numbers..].starts_with(['m', 'K']);
        ends.then_some(esc.len() + 1 + numbers + 1)
    });
    colour.or_else(|| match text.chars().next()? {
        '%' => {
            // A percent sign may be encoded, too: `%252F`.
            let mut end = digits(1, 3, 16)?;
            while text[end - 2..end] == *"25"
                && let Some(longer) = digits(end, end + 2, 16)
            {
                end = longer;
            }
            Some(end)
        }
        '#' => digits(1, 4, 8),
        '\\' => match text[1..].chars().next()? {
            'u' => digits(2, 6, 16),
            'x' => digits(2, 4, 16),
            '0'..='7' => digits(1, 4, 8),
            'n' | 'r' | 't' | 'b' | 'f' => (!in_path(&line[..=from])).then_some(2),
            _ => None,
        },
        _ => None,
    })
}

/// True where the backslashes at the end go on with a path that begins with a drive: folders with no blank in the
/// last, and as many backslashes between each two.
fn in_path(before: &str) -> bool {
    let path = before.trim_end_matches('\\');
    let separator = &before[path.len()..];
    let inside = |c: char| {
        !matches!(
            c,
            '/' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\0'..='\x1f' | '\x7f'
        )
    };
    let Some(colon) = path
        .rfind(|c: char| !inside(c))
        .filter(|at| path[*at..].starts_with(':'))
    else {
        return false;
    };
    let mut drive = path[..colon].chars().rev();
    let is_drive = drive.next().is_some_and(|c| c.is_ascii_alphabetic())
        && !drive.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let Some(folders) = path[colon + 1..]
        .strip_prefix(separator)
        .or((colon + 1 == path.len()).then_some(""))
    else {
        return false;
    };
    let folders: Vec<&str> = match folders {
        "" if colon + 1 == path.len() => Vec::new(),
        _ => folders.split(separator).collect(),
    };
    let whole = folders
        .iter()
        .all(|folder| !folder.is_empty() && !folder.contains('\\'));
    is_drive && whole && !folders.last().is_some_and(|last| last.contains(' ')) && before.len() - colon < 260
}

/// True where an escape ends at `at`.
fn behind_escape(line: &str, at: usize) -> bool {
    (at.saturating_sub(30)..at)
        .filter(|from| line.is_char_boundary(*from))
        .any(|from| escape(line, from) == Some(at - from))
}

/// The starts at which a run that begins at `start` may be read: behind an escape that begins before it as well.
fn starts(line: &str, start: usize) -> Vec<usize> {
    let behind = (start.saturating_sub(30)..start)
        .filter(|from| line.is_char_boundary(*from))
        .filter_map(|from| escape(line, from).map(|length| from + length));
    let mut out: Vec<_> = std::iter::once(start)
        .chain(behind.filter(|at| *at > start))
        .collect();
    out.dedup();
    out
}

impl Seen {
    fn of(line: &str, defang: bool) -> Self {
        let mut seen = Self::default();
        for (at, run) in runs(line, is_host) {
            seen.run(line, at, run);
        }
        seen.v6(line);
        seen.numbers_in_urls(line);
        for (at, run) in runs(line, |c| c.is_ascii_alphanumeric() || c == '_') {
            for start in starts(line, at) {
                let run = run.get(start - at..).unwrap_or_default();
                seen.words.extend(run.split('_').map(str::to_owned));
                let parts: Vec<_> = run.split('_').collect();
                seen.words.extend(parts.windows(3).map(|three| three.join("_")));
            }
        }
        for (at, run) in runs(line, |c| c.is_ascii_hexdigit() || matches!(c, ':' | '-')) {
            seen.group(line, at, run);
        }
        if defang {
            for piece in
                line.split(|c: char| c <= ' ' || matches!(c, '"' | '\'' | '<' | '>' | ',' | ';' | '`'))
            {
                let bracketed = ["[.", "(.", "{."].iter().any(|open| {
                    piece
                        .match_indices(open)
                        .any(|(at, _)| piece[at + 2..].starts_with([']', ')', '}']))
                });
                if bracketed {
                    let real = refang(piece).into_owned();
                    let inner = Self::of(&real, false);
                    seen.refanged.push((real, inner));
                }
            }
        }
        seen
    }

    fn run(&mut self, line: &str, at: usize, run: &str) {
        if run.is_ascii() {
            self.ascii_run(line, at, run);
            return;
        }
        for (from, part) in runs(run, |c| c.is_ascii()) {
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && c < '\u{e00}');
            let behind = run[from + part.len()..].chars().next();
            if !joins(run[..from].chars().next_back()) && !joins(behind) {
                self.ascii_run(line, at + from, part);
            }
        }
        for (from, name) in runs(run, |c| {
            c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '。' | '．' | '｡')
        }) {
            let from = from + (name.len() - name.trim_start_matches('.').len());
            let name = name.trim_matches('.');
            if !name.is_ascii()
                && name.contains(['.', '。', '．', '｡'])
                && let Ok(ascii) = domain::to_ascii(name)
            {
                self.name(ascii, at + from, at + from + name.len());
            }
        }
    }

    fn ascii_run(&mut self, line: &str, at: usize, run: &str) {
        let mut from = 0;
        for piece in run.split("..") {
            let inner = piece.trim_matches('.');
            let start = at + from + (piece.len() - piece.trim_start_matches('.').len());
            from += piece.len() + 2;
            self.v4_with_port(line, start, inner);
            for other in starts(line, start) {
                let Some(name) = line.get(other..start + inner.len()) else {
                    continue;
                };
                self.name(name.to_ascii_lowercase(), other, start + inner.len());
                let groups: Vec<_> = name.split('.').collect();
                let digits =
                    |group: &&str| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_hexdigit());
                if groups.len() == 3 && groups.iter().all(digits) {
                    self.pairs.push(groups.concat().to_lowercase());
                }
                let last = name.rsplit('.').next().unwrap_or_default();
                if last.starts_with(|c: char| c.is_ascii_digit()) {
                    self.v4(name, other);
                    let mut at = other;
                    for part in name.split(['-', '_']) {
                        for other in starts(line, at) {
                            if let Some(part) = part.trim_end_matches('.').get(other - at..) {
                                self.v4(part, other);
                            }
                        }
                        at += part.len() + 1;
                    }
                }
            }
        }
    }

    fn v4(&mut self, text: &str, start: usize) {
        if let Some(v4) = ip::parse_v4(text.as_bytes()) {
            self.addresses.push(v4.into());
            self.hosts.push((v4.to_string(), start, start + text.len()));
        }
    }

    /// `192.0.2.9.53 > 198.51.100.7.https`, as tcpdump writes.
    fn v4_with_port(&mut self, line: &str, at: usize, text: &str) {
        let Some((address, _)) = text.rsplit_once('.') else {
            return;
        };
        if line[..at].ends_with(" > ") || line[at + text.len()..].starts_with(" > ") {
            for other in starts(line, at) {
                if let Some(address) = address.get(other - at..) {
                    self.v4(address, other);
                }
            }
        }
    }

    /// `http://3221225993/`
    fn numbers_in_urls(&mut self, line: &str) {
        for (at, _) in line.match_indices("://") {
            let start = at + 3;
            let run = line[start..].split(|c| !is_host(c)).next().unwrap_or_default();
            let text = run.strip_suffix('.').unwrap_or(run);
            if let Some(v4) = ip::parse_v4_number(text) {
                self.addresses.push(v4.into());
                self.hosts.push((v4.to_string(), start, start + text.len()));
            }
        }
    }

    fn name(&mut self, name: String, start: usize, end: usize) {
        if name.contains('.') {
            self.hosts.push((name.clone(), start, end));
            self.names.push((name, start, end));
        }
    }

    fn v6(&mut self, line: &str) {
        for (at, run) in runs(line, |c| c.is_ascii_hexdigit() || matches!(c, ':' | '.')) {
            let mut start = 0;
            if let Some(behind) = (0..=4.min(run.len() - 1)).find(|from| behind_escape(line, at + from)) {
                start = behind;
            } else if line[..at].ends_with(|c: char| c.is_ascii_alphanumeric()) {
                let Some(colon) = run.find(':') else { continue };
                start = colon;
            }
            // `2001:db8::9.53 > 2001:db8::7.https`, as tcpdump writes.
            if let Some(dot) = run[start..].find('.') {
                let behind = line[at + start + dot + 1..]
                    .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-');
                if line[..at + start].ends_with(" > ") || behind.starts_with(" > ") {
                    let address = ip::parse_v6(&run[start..start + dot]).map(ip::unmapped);
                    self.addresses.extend(address);
                    if address.is_some() {
                        continue;
                    }
                }
            }
            if line[at + run.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
                continue;
            }
            let mut text = run[start..].trim_end_matches('.');
            if text.starts_with(':') && !text.starts_with("::") {
                text = &text[1..];
                start += 1;
            }
            if text.ends_with(':') && !text.ends_with("::") {
                text = &text[..text.len() - 1];
            }
            let address = ip::parse_v6(text).map(ip::unmapped);
            self.addresses.extend(address);
            if let Some(IpAddr::V6(v6)) = address {
                let (from, to) = (at + start, at + start + text.len());
                if line[..from].ends_with('[') && line[to..].starts_with(']') {
                    self.hosts.push((format!("[{v6}]"), from - 1, to + 1));
                }
            }
        }
    }

    fn group(&mut self, line: &str, at: usize, run: &str) {
        let end = at + run.len();
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        for start in (at..end.min(at + 5)).filter(|start| *start == at || behind_escape(line, *start)) {
            let pairs: Vec<_> = line[start..end].split([':', '-']).collect();
            let alone = !joined(line[..start].chars().next_back()) || behind_escape(line, start);
            let whole =
                alone && pairs.iter().all(|pair| pair.len() == 2) && !joined(line[end..].chars().next());
            match pairs.len() {
                6 | 20 | 32 if whole => self.pairs.push(pairs.concat().to_lowercase()),
                14 if whole => {
                    self.pairs.push(pairs[..6].concat().to_lowercase());
                    self.pairs.push(pairs[6..12].concat().to_lowercase());
                }
                _ => {}
            }
        }
    }

    fn holds(&self, kind: Kind, value: &str, line: &str) -> bool {
        let here = match kind {
            Kind::Domain => self
                .names
                .iter()
                .any(|(name, ..)| name == value || name.ends_with(&format!(".{value}"))),
            Kind::Ipv4 | Kind::Ipv6 => {
                ip::parse(value).is_some_and(|address| self.addresses.contains(&address))
            }
            Kind::Cidr => {
                let net = Net::parse(value).expect("a canonical net");
                self.addresses.iter().any(|address| net.contains(*address))
            }
            Kind::Url => self
                .hosts
                .iter()
                .any(|(host, start, end)| urls::url_stands(value, line, host, *start, *end)),
            Kind::EmailAddress => self.names.iter().any(|(name, start, _)| {
                let (local, host) = value.rsplit_once('@').expect("a canonical address");
                let before = line[..*start].to_ascii_lowercase();
                let behind = before.strip_suffix('@').or_else(|| before.strip_suffix("%40"));
                name == host && behind.is_some_and(|before| local_stands(before, local, line))
            }),
            Kind::Mac => self.pairs.contains(&value.replace(':', "")),
            Kind::X509Sha1 | Kind::X509Sha256 => {
                self.pairs.iter().any(|pairs| pairs == value)
                    || self.words.iter().any(|w| w.eq_ignore_ascii_case(value))
            }
            Kind::FileName | Kind::FilePath | Kind::RegistryKey | Kind::UserAgent => forms(kind, value)
                .iter()
                .any(|text| text_stands(kind, text, line)),
            Kind::Wallet if value.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                self.words.iter().any(|w| w == value)
            }
            _ => self.words.iter().any(|word| word.eq_ignore_ascii_case(value)),
        };
        let clickable = matches!(
            kind,
            Kind::Domain | Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::Url | Kind::EmailAddress
        );
        here || clickable
            && self
                .refanged
                .iter()
                .any(|(real, seen)| seen.holds(kind, value, real))
    }
}

/// True where the part before the `@` is that one, or ends in it behind a quote or bracket.
fn local_stands(before: &str, local: &str, line: &str) -> bool {
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let run: Vec<char> = before
        .chars()
        .rev()
        .take(64)
        .take_while(|c| is_local(*c))
        .collect();
    let run: String = run.into_iter().rev().collect();
    let Some(rest) = run.strip_suffix(local) else {
        return false;
    };
    rest.is_empty() || !rest.ends_with(is_host) || behind_escape(line, before.len() - local.len())
}

/// The forms of a value: registry hives have several names, and keys of 32-bit programs a folder of their own.
fn forms(kind: Kind, value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    if let (Kind::RegistryKey, Some(rest)) = (kind, value.strip_prefix("HKEY_LOCAL_MACHINE\\")) {
        for hive in ["HKLM", "HKLM:", "\\REGISTRY\\MACHINE"] {
            forms.push(format!("{hive}\\{rest}"));
        }
    }
    if kind != Kind::UserAgent {
        let beyond = |form: &String, fold: fn(&str) -> String| -> String {
            let each = form.chars().map(|c| {
                if c.is_ascii() {
                    c.to_string()
                } else {
                    fold(&c.to_string())
                }
            });
            each.collect()
        };
        let small: Vec<_> = forms.iter().map(|form| beyond(form, str::to_lowercase)).collect();
        let capital: Vec<_> = forms.iter().map(|form| beyond(form, str::to_uppercase)).collect();
        forms.extend(small.into_iter().chain(capital));
    }
    forms
}

/// An expression for a text as logs write it: any number of backslashes for one, or slashes in the path of Windows;
/// quotes and slashes behind backslashes; blanks in one of three ways.
fn writings(kind: Kind, text: &str) -> Vec<Regex> {
    let windows = kind == Kind::FilePath && text.contains('\\');
    let writing = |blank: &str| {
        let mut out = String::from("^(?i-u:");
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let backslashes = rest.len() - rest.trim_start_matches('\\').len();
            match c {
                '\\' if windows => out.push_str(r"[\\/]{1,16}"),
                '\\' => out.push_str(r"\\{1,16}"),
                '"' | '/' => out.push_str(&format!(r"\\{{0,16}}{c}")),
                ' ' => out.push_str(blank),
                _ => out.push_str(&regex::escape(&c.to_string())),
            }
            rest = &rest[backslashes.max(c.len_utf8())..];
        }
        Regex::new(&(out + ")")).expect("an expression")
    };
    [" ", r"\+", "%20"].map(writing).into()
}

/// True where the text stands somewhere, without regard to case, and is no part of a longer name.
fn text_stands(kind: Kind, text: &str, line: &str) -> bool {
    let joins = |c: char| !c.is_ascii() && c.is_alphanumeric() && c < '\u{e00}';
    let host = |c: Option<char>| {
        c.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || joins(c))
    };
    let first = text.as_bytes()[0].to_ascii_lowercase();
    let may_start = |at: &usize| {
        let byte = line.as_bytes()[*at].to_ascii_lowercase();
        // The backslashes before a slash belong to it.
        let inside = first == b'/' && line.as_bytes()[..*at].ends_with(b"\\");
        !inside && line.is_char_boundary(*at) && (byte == first || matches!(byte, b'\\' | b'/'))
    };
    let writings = writings(kind, text);
    (0..line.len()).filter(may_start).any(|at| {
        let joins = host(text.chars().next()) || text.starts_with('/');
        let joined_before = joins && host(line[..at].chars().next_back()) && !behind_escape(line, at);
        let whole = |found: Match<'_>| {
            let behind = line[at + found.end()..].trim_start_matches('.').chars().next();
            !(host(text.chars().next_back()) && host(behind))
        };
        let stands = |writing: &Regex| writing.find(&line.as_bytes()[at..]).is_some_and(whole);
        !joined_before && writings.iter().any(stands)
    })
}
