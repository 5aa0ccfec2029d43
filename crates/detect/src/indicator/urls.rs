//! URLs: found by their host, decided by what follows it.

use std::collections::HashMap;

use perisai_values::url::{self, Normal, is_default_port, normal_byte, push_encoded};

use super::escapes;

/// Listed URLs by host and port. The scheme plays no part.
#[derive(Debug, Default)]
pub(super) struct Urls {
    hosts: HashMap<Box<str>, Host>,
}

/// The listed URLs of a host and port.
#[derive(Debug)]
struct Host {
    /// The entry of one of them, or of one with another port.
    any: u32,
    /// By path and query, each with its entry.
    paths: HashMap<Box<[u8]>, u32>,
    /// The length of the longest path.
    longest: usize,
}

/// A path in a log is read up to here.
const LONGEST_PATH: usize = 8192;
/// So many places in a path where a listed one may end are tried.
const MOST_ENDS: usize = 64;

impl Urls {
    /// Lists a canonical URL; gives its host, or the entry that already stands for it.
    pub(super) fn insert<'a>(&mut self, canonical: &'a str, entry: u32) -> Result<&'a str, u32> {
        let parts = url::split(canonical);
        let mut host = self.host(parts.host.to_owned(), entry);
        if let Some(port) = parts.port {
            host = self.host(format!("{}:{port}", parts.host), entry);
        }
        host.longest = host.longest.max(parts.path.len());
        match *host.paths.entry(parts.path.as_bytes().into()).or_insert(entry) {
            first if first == entry => Ok(parts.host),
            first => Err(first),
        }
    }

    fn host(&mut self, key: String, entry: u32) -> &mut Host {
        self.hosts.entry(key.into()).or_insert_with(|| Host {
            any: entry,
            paths: HashMap::new(),
            longest: 0,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Calls `each(end, entry)` for each listed URL whose host is `host` (canonical), standing at `bytes[start..end]`.
    /// Where the host is one of a URL, but none stands there, gives an entry of that host.
    pub(super) fn walk(
        &self,
        bytes: &[u8],
        start: usize,
        end: usize,
        host: &str,
        mut each: impl FnMut(usize, u32),
    ) -> Option<u32> {
        let (port, after) = port(bytes, end);
        let host = match port {
            Some(port) => self.hosts.get(format!("{host}:{port}").as_str()),
            None => self.hosts.get(host),
        }?;
        let path = Path::read(bytes, after, Before::read(&bytes[..start]), host.longest);
        let mut apart = Some(host.any);
        for (length, end) in path.ends() {
            if let Some(&entry) = host.paths.get(&path.normal[..length]) {
                each(end, entry);
                apart = None;
            }
        }
        apart
    }
}

/// The port behind a host, where there is one that says something, and where the path begins. The root's dot behind a
/// name and a colon without a port say nothing (RFC 3986, 6.2.3).
fn port(bytes: &[u8], mut end: usize) -> (Option<u16>, usize) {
    if matches!(bytes[end..], [b'.', b'/' | b':' | b'?', ..]) {
        end += 1;
    }
    if matches!(bytes[end..], [b':', b'/' | b'?', ..]) {
        return (None, end + 1);
    }
    let rest = &bytes[end..bytes.len().min(end + 7)];
    let Some((b':', rest)) = rest.split_first() else {
        return (None, end);
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let port = std::str::from_utf8(&rest[..digits])
        .ok()
        .and_then(|text| text.parse::<u16>().ok());
    match port {
        Some(port) => (
            Some(port).filter(|port| !is_default_port(&port.to_string())),
            end + 1 + digits,
        ),
        None => (None, end),
    }
}

/// What stands before a host.
#[derive(Clone, Copy)]
struct Before {
    has_scheme: bool,
    /// The URL stands in the query of another.
    inside: bool,
}

impl Before {
    fn read(bytes: &[u8]) -> Self {
        /// How far back a query may begin.
        const QUERY: usize = 1024;
        let scheme = escapes::without_slashes(bytes);
        let inside = scheme.is_some_and(|before| {
            let mut back = before.iter().rev().take(QUERY);
            let stop = back.find(|byte| **byte == b'?' || ends_url(**byte));
            stop == Some(&b'?')
        });
        Self {
            has_scheme: scheme.is_some(),
            inside,
        }
    }
}

/// The path and query that stand in a log, in normal form, and where each byte of it came from.
struct Path {
    normal: Vec<u8>,
    /// For each byte of `normal`, and for its end, the place in the log.
    places: Vec<usize>,
    /// How each byte of `normal` stood there.
    origins: Vec<Origin>,
    /// True where it goes on with more than punctuation.
    goes_on: bool,
    /// It stands in the query of another.
    inside: bool,
}

/// How a byte of a path stood in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// As it is.
    Plain,
    /// Encoded: it is text, not punctuation.
    Encoded,
    /// As a part of a letter beyond ASCII, which may be of the path or of the text behind it.
    Letter,
}

impl Path {
    /// Reads a path as far as it must be known to compare it with listed ones, which are not longer than `longest`.
    fn read(bytes: &[u8], start: usize, before: Before, longest: usize) -> Self {
        /// The bytes of `%20`, which [`cuts`](Self::cuts) looks at behind a listed path.
        const BEHIND: usize = 3;
        let mut at = start;
        let whole = percent_encoded_slash(&bytes[at..]);
        let mut path = Self {
            normal: Vec::new(),
            places: Vec::new(),
            origins: Vec::new(),
            goes_on: false,
            inside: whole || before.inside,
        };
        if !whole && escapes::slash(&bytes[at..]).is_none() {
            if before.has_scheme || bytes.get(at) == Some(&b'?') {
                path.push(b'/', at, Origin::Plain);
            }
            if bytes.get(at) != Some(&b'?') {
                path.places.push(at);
                return path;
            }
        }
        while at < bytes.len() && path.normal.len() < LONGEST_PATH {
            let rest = &bytes[at..];
            if rest[0] == b'\\'
                && let Some(escapes) = escapes::slash(rest)
            {
                at += escapes;
                continue;
            }
            if ends_url(rest[0]) {
                path.goes_on = goes_on_escaped(rest);
                break;
            }
            let (normal, length) = if whole {
                decoded_once(rest)
            } else {
                normal_byte(rest)
            };
            if path.normal.len() >= longest + BEHIND {
                let mark = matches!(normal, Normal::Plain(byte) if is_mark(byte));
                if !mark {
                    path.goes_on = true;
                    break;
                }
            }
            match normal {
                Normal::Plain(byte) => path.push(byte, at, Origin::Plain),
                Normal::Encoded(byte) => {
                    let origin = if rest[0].is_ascii() {
                        Origin::Encoded
                    } else {
                        Origin::Letter
                    };
                    let mut triple = Vec::with_capacity(3);
                    push_encoded(byte, &mut triple);
                    triple.into_iter().for_each(|byte| path.push(byte, at, origin));
                }
            }
            at += length;
        }
        path.places.push(at);
        path
    }

    fn push(&mut self, byte: u8, place: usize, origin: Origin) {
        self.normal.push(byte);
        self.places.push(place);
        self.origins.push(origin);
    }

    /// Where a listed path may end: lengths of the normal form, each with its place in the log, longest first.
    fn ends(&self) -> impl Iterator<Item = (usize, usize)> {
        let query = self.normal.iter().position(|&byte| byte == b'?');
        let mut ends = Vec::new();
        if !self.normal.is_empty() && !self.goes_on {
            ends.push(self.normal.len());
        }
        let mut only_marks_behind = !self.goes_on;
        for at in (1..self.normal.len()).rev() {
            only_marks_behind &= self.is_mark(at);
            if only_marks_behind || query == Some(at) || self.cuts(at) {
                ends.push(at);
            }
        }
        if ends.len() > MOST_ENDS {
            ends.drain(1..=ends.len() - MOST_ENDS);
        }
        ends.into_iter().map(|length| (length, self.places[length]))
    }

    /// Punctuation that may close a sentence or a bracket rather than belong to the path.
    fn is_mark(&self, at: usize) -> bool {
        self.origins[at] == Origin::Plain && is_mark(self.normal[at])
    }

    /// A byte at which lists, queries and markup go on with something else.
    fn cuts(&self, at: usize) -> bool {
        match self.origins[at] {
            Origin::Plain => b"#,;)]}'|&".contains(&self.normal[at]),
            Origin::Encoded => match &self.normal[at..] {
                [b'%', b'2', b'2', ..] | [b'%', b'3', b'C' | b'E', ..] => true,
                [b'%', b'2', b'0' | b'6' | b'7', ..] => self.inside,
                _ => false,
            },
            // Behind the first of them the path has a part of a letter.
            Origin::Letter => self.origins[at - 1] != Origin::Letter,
        }
    }
}

fn is_mark(byte: u8) -> bool {
    b".,;:!?)]}'*".contains(&byte)
}

/// A URL inside another's query: `http%3A%2F%2Fevil.example%2Fa`.
fn percent_encoded_slash(rest: &[u8]) -> bool {
    matches!(rest, [b'%', b'2', b'F' | b'f', ..])
}

/// One level of encoding taken off, then as in normal form.
fn decoded_once(rest: &[u8]) -> (Normal, usize) {
    if let [b'%', high, low, ..] = *rest {
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        if let (Some(high), Some(low)) = (digit(high), digit(low)) {
            let byte = high << 4 | low;
            return (
                if byte <= b' ' || byte >= 0x7f {
                    Normal::Encoded(byte)
                } else {
                    Normal::Plain(byte)
                },
                3,
            );
        }
    }
    normal_byte(rest)
}

/// Whether a part of the URL stands there as `\u0041`: the line is read again with that as it is.
fn goes_on_escaped(rest: &[u8]) -> bool {
    let digits = rest.strip_prefix(b"\\u").and_then(|rest| rest.get(..4));
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    let letter = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let letter = letter.and_then(char::from_u32);
    letter.is_some_and(|letter| letter.is_alphanumeric() || "/-_.~%".contains(letter))
}

fn ends_url(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'<' | b'>' | b'`' | b'\\' | b'^' | 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listed: &str, log: &str, expected: &[&str]) {
        let mut urls = Urls::default();
        let host = urls.insert(listed, 0).unwrap();
        let start = log.find(host).unwrap();
        let mut got = Vec::new();
        urls.walk(log.as_bytes(), start, start + host.len(), host, |end, _| {
            got.push(&log[start..end])
        });
        assert_eq!(got, expected, "{listed} in {log}");
    }

    #[test]
    fn what_follows_the_host_decides() {
        check("e.test/a", "GET http://e.test/a HTTP/1.1", &["e.test/a"]);
        check("e.test/a", "http://e.test:80/a?x=1", &["e.test:80/a"]);
        check("e.test/a", "e.test/ab", &[]);
        check("e.test/a", "e.test/a/b", &[]);
        check("e.test/a", "see e.test/a.", &["e.test/a"]);
        check("e.test/a", "1,e.test/a,200,x", &["e.test/a"]);
        check("e.test/a?x=1", "e.test/a?x=1", &["e.test/a?x=1"]);
        check("e.test/a?x=1", "e.test/a?x=2", &[]);
        check("e.test/a?x=1", "e.test/a?x=1&y=2", &["e.test/a?x=1"]);
        check("e.test/~a", "e.test/%7Ea", &["e.test/%7Ea"]);
        check("e.test/a%2Fb", "e.test/a%2fb", &["e.test/a%2fb"]);
        check("e.test:8080/a", "e.test:8080/a", &["e.test:8080/a"]);
        check("e.test:8080/a", "e.test/a", &[]);
        check("e.test/a", "e.test:8080/a", &[]);
        check("http://e.test/", "http://e.test", &["e.test"]);
        check("http://e.test/", "ping e.test now", &[]);
        check("e.test/a/b", r"http:\/\/e.test\/a\/b", &[r"e.test\/a\/b"]);
        check("e.test/a/b", r"http:\\/\\/e.test\\/a\\/b", &[r"e.test\\/a\\/b"]);
        check("http://e.test/", r"http:\/\/e.test", &["e.test"]);
        check("e.test/a", "r?u=http%3A%2F%2Fe.test%2Fa&x", &["e.test%2Fa"]);
        check("e.test/a", "http://e.test/a#top", &["e.test/a"]);
        check("e.test/a", "访问了http://e.test/a，已拦截", &["e.test/a"]);
        check("e.test/a", "“http://e.test/a”", &["e.test/a"]);
        check("e.test/a%C3%A9", "http://e.test/aé", &["e.test/aé"]);
        check("e.test/a", "http://e.test/a%C3%A9", &[]);
        check("e.test/a", "GET http://e.test/a%20report.pdf HTTP/1.1", &[]);
        check("e.test/a", "url=http://e.test/a%20report.pdf", &[]);
        check("e.test/a", "/r?u=http://e.test/a%20and", &["e.test/a"]);
        check("e.test/a", "u=http%3A%2F%2Fe.test%2Fa%20and", &["e.test%2Fa"]);
        check("e.test/a", "href=http://e.test/a%22%3E", &["e.test/a"]);
        check("e.test/login", r#"{"u":"http://e.test/login\u0041"}"#, &[]);
        check("e.test/login", r#"{"u":"http://e.test/login\u002fpage"}"#, &[]);
        check(
            "e.test/login",
            r#"{"u":"http://e.test/login\u0022"}"#,
            &["e.test/login"],
        );
    }
}
