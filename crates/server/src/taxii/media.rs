//! Media types: what a client accepts, and what it sends (TAXII 2.1, sections 1.6.8 and 3.3).

use axum::http::{HeaderMap, HeaderName, header};

/// What every answer is, errors included.
pub(super) const TAXII: &str = "application/taxii+json;version=2.1";

/// What objects of a version of STIX are.
pub(super) fn stix(spec: &str) -> String {
    format!("application/stix+json;version={spec}")
}

/// Whether a client takes TAXII 2.1. Who says nothing takes anything.
pub(super) fn accepts(headers: &HeaderMap) -> bool {
    let Some(accepted) = joined(headers, &header::ACCEPT) else {
        return true;
    };
    let ranges = split(&accepted, b',').into_iter().filter_map(Range::read);
    let fitting = ranges.filter_map(|range| Some((range.closeness()?, range.quality)));
    // Of several ranges the closest counts (RFC 9110, section 12.5.1), and of those the best.
    fitting
        .max_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)))
        .is_some_and(|(_, quality)| quality > 0.0)
}

/// Whether a body is said to be TAXII 2.1, and not compressed.
pub(super) fn is_sent(headers: &HeaderMap) -> bool {
    let is_plain = joined(headers, &header::CONTENT_ENCODING)
        .is_none_or(|coding| coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity"));
    let kind = joined(headers, &header::CONTENT_TYPE);
    let range = kind.as_deref().and_then(Range::read);
    is_plain && range.is_some_and(|range| range.closeness() >= Some(Closeness::Type))
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut all = headers.get_all(name).iter().peekable();
    all.peek()?;
    // What is no text fits nothing.
    let texts: Vec<_> = all.map(|value| value.to_str().unwrap_or("?")).collect();
    Some(texts.join(","))
}

/// How close a range comes to what is sent here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Anything,
    Application,
    Type,
    Version,
}

/// A range of media types (`application/taxii+json; version=2.1; q=0.5`).
struct Range<'a> {
    kind: &'a str,
    version: Option<&'a str>,
    quality: f32,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = split(text, b';').into_iter().map(str::trim);
        let mut range = Self {
            kind: parts.next()?,
            version: None,
            quality: 1.0,
        };
        for part in parts {
            let Some((name, value)) = part.split_once('=') else {
                continue;
            };
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("version") {
                range.version = Some(value);
            } else if name.eq_ignore_ascii_case("q") {
                range.quality = value
                    .parse()
                    .ok()
                    .filter(|quality| (0.0..=1.0).contains(quality))?;
            }
        }
        Some(range)
    }

    /// `None` where it is another type.
    fn closeness(&self) -> Option<Closeness> {
        match self.kind.to_ascii_lowercase().as_str() {
            "*/*" => Some(Closeness::Anything),
            "application/*" => Some(Closeness::Application),
            "application/taxii+json" => match self.version {
                None => Some(Closeness::Type),
                Some("2.1") => Some(Closeness::Version),
                Some(_) => None,
            },
            _ => None,
        }
    }
}

/// The parts of a text between separators that do not stand in quotes.
fn split(text: &str, separator: u8) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut in_quotes) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'"' {
            in_quotes = !in_quotes;
        } else if byte == separator && !in_quotes {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_clients_accept() {
        let check = |accept: &[&str], expected: bool| {
            let mut headers = HeaderMap::new();
            for one in accept {
                headers.append(header::ACCEPT, HeaderValue::from_bytes(one.as_bytes()).unwrap());
            }
            assert_eq!(accepts(&headers), expected, "{accept:?}");
        };
        check(&[], true);
        check(&[TAXII], true);
        check(&["application/taxii+json"], true);
        check(&["application/taxii+json; version=2.1"], true);
        check(&["Application/TAXII+JSON ; Version = \"2.1\" ; q=0.1"], true);
        check(&["*/*"], true);
        check(&["application/*;q=0.2"], true);
        check(&["text/html, application/xhtml+xml,*/*;q=0.8"], true);
        check(&["text/html", "application/taxii+json"], true);
        check(
            &["application/json, application/taxii+json;version=2.1;q=0.001"],
            true,
        );
        check(&["text/plain;a=\"x,*/*\", application/taxii+json"], true);
        check(&["application/taxii+json;version=2.0"], false);
        check(&["application/taxii+json;version=2.2"], false);
        check(&["application/vnd.oasis.taxii+json; version=2.0"], false);
        check(&["application/json"], false);
        check(&["application/stix+json;version=2.1"], false);
        check(&["text/*"], false);
        check(&["*/*;q=0"], false);
        check(&["application/taxii+json;q=0, */*"], false);
        check(&["application/taxii+json;version=2.0, */*;q=0.1"], true);
        check(&["application/taxii+json;q=2"], false);
        check(&["text/plain;a=\"x,*/*\""], false);
        check(&[""], false);
        check(&["\u{e9}"], false);
    }

    #[test]
    fn what_clients_send() {
        let check = |kind: Option<&str>, coding: Option<&str>, expected: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, coding)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(is_sent(&headers), expected, "{kind:?} {coding:?}");
        };
        check(Some(TAXII), None, true);
        check(Some("application/taxii+json"), None, true);
        check(
            Some("application/taxii+json; charset=utf-8"),
            Some("identity"),
            true,
        );
        check(Some("application/taxii+json;version=2.0"), None, false);
        check(Some("application/json"), None, false);
        check(Some("*/*"), None, false);
        check(Some(TAXII), Some("gzip"), false);
        check(None, None, false);
    }
}
