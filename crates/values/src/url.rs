//! URLs: `[scheme://]host[:port]/path[?query]`.
//!
//! Canonical: scheme and host in lower case, ports 80 and 443 and the fragment dropped, no user name, an empty path is
//! `/`, percent-encoding normal (RFC 3986, 6.2.2): what need not be encoded is not, and its digits are upper case.
//! A list may leave the scheme out, and a hunt compares without it.

use std::borrow::Cow;

use crate::{domain, ip};

/// The parts of a URL as it is written; nothing is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Without `://`.
    pub scheme: Option<&'a str>,
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'a str,
    /// Without the colon.
    pub port: Option<&'a str>,
    /// From the first `/` or `?` on, without a fragment.
    pub path: &'a str,
}

/// Splits a URL; the host may turn out to be none.
#[must_use]
pub fn split(text: &str) -> Parts<'_> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '\\']).unwrap_or(rest.len()));
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    };
    Parts {
        scheme,
        host,
        port: port.filter(|port| !port.is_empty()),
        path,
    }
}

/// True for a URL of a scheme and a host without any path, not even a slash (`https://evil.example:8443`): who writes
/// that means the host.
#[must_use]
pub fn is_bare_host(text: &str) -> bool {
    let parts = split(text);
    parts.scheme.is_some() && parts.path.is_empty()
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && text.len() <= 32
}

/// The canonical host: a domain name, an IPv4 address, or an IPv6 address in brackets.
///
/// # Errors
/// Why it is none of them.
pub fn canonical_host(host: &str) -> Result<Cow<'_, str>, &'static str> {
    if let Some(v4) = ip::parse_v4(host.as_bytes()) {
        return Ok(Cow::Owned(v4.to_string()));
    }
    if host.starts_with('[') {
        return ip::canonical_v6(host).map(|v6| Cow::Owned(format!("[{v6}]")));
    }
    if host.contains('%') {
        let decoded = decoded(host)
            .filter(|decoded| !decoded.contains('%'))
            .ok_or("a character that no host has")?;
        return canonical_host(&decoded).map(|host| Cow::Owned(host.into_owned()));
    }
    match domain::canonical(host) {
        Err("a single label") => Err("the host has no dot"),
        Err("a character that no domain name has") => Err("a character that no host has"),
        other => other,
    }
}

/// A host without its percent-encoding (RFC 3986, 3.2.2), where it is UTF-8.
fn decoded(host: &str) -> Option<String> {
    let bytes = host.as_bytes();
    let (mut at, mut decoded) = (0, Vec::new());
    while at < bytes.len() {
        let (Normal::Plain(byte) | Normal::Encoded(byte), length) = normal_byte(&bytes[at..]);
        decoded.push(byte);
        at += length;
    }
    String::from_utf8(decoded).ok()
}

/// True where the port says nothing that the usual scheme does not.
#[must_use]
pub fn is_default_port(port: &str) -> bool {
    matches!(port, "80" | "443")
}

/// Appends a path and query in normal percent-encoding.
pub fn push_normal(path: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < path.len() {
        let (byte, length) = normal_byte(&path[at..]);
        match byte {
            Normal::Plain(byte) => out.push(byte),
            Normal::Encoded(byte) => push_encoded(byte, out),
        }
        at += length;
    }
}

/// One byte of a path as it is in normal percent-encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normal {
    /// As it is.
    Plain(u8),
    /// As `%XX`.
    Encoded(u8),
}

/// Reads one byte or one `%XX` at the start of a path that is not empty, and how many bytes that took.
#[must_use]
pub fn normal_byte(path: &[u8]) -> (Normal, usize) {
    let byte = path[0];
    if byte == b'%'
        && path.len() >= 3
        && let (Some(high), Some(low)) = (hex(path[1]), hex(path[2]))
    {
        let decoded = high << 4 | low;
        let unreserved = decoded.is_ascii_alphanumeric() || b"-._~".contains(&decoded);
        let normal = if unreserved {
            Normal::Plain(decoded)
        } else {
            Normal::Encoded(decoded)
        };
        return (normal, 3);
    }
    if byte <= b' ' || byte >= 0x7f {
        (Normal::Encoded(byte), 1)
    } else {
        (Normal::Plain(byte), 1)
    }
}

/// Appends `%XX`.
pub fn push_encoded(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[
        b'%',
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]);
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

pub(crate) fn canonical(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if text.len() > 8192 {
        return Err("longer than 8192 bytes");
    }
    let parts = split(text);
    let number = parts.scheme.and_then(|_| ip::parse_v4_number(parts.host));
    let host = match number {
        Some(v4) => Cow::Owned(v4.to_string()),
        None => canonical_host(parts.host)?,
    };
    let mut out = Vec::with_capacity(text.len() + 1);
    if let Some(scheme) = parts.scheme {
        out.extend(scheme.bytes().map(|byte| byte.to_ascii_lowercase()));
        out.extend_from_slice(b"://");
    }
    out.extend_from_slice(host.as_bytes());
    if let Some(port) = parts.port.filter(|port| !is_default_port(port)) {
        let number: u16 = port.parse().map_err(|_| "a port over 65535")?;
        if !is_default_port(&number.to_string()) {
            out.extend_from_slice(format!(":{number}").as_bytes());
        }
    }
    if !parts.path.starts_with('/') {
        out.push(b'/');
    }
    push_normal(parts.path.trim_start_matches('\\').as_bytes(), &mut out);
    let out = String::from_utf8(out).map_err(|_| "not text")?;
    Ok(if out == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_hosts() {
        for text in [
            "http://evil.example",
            "tcp://192.0.2.1:443",
            "https://u@evil.example#x",
        ] {
            assert!(is_bare_host(text), "{text}");
        }
        for text in [
            "http://evil.example/",
            "http://evil.example?x",
            "evil.example",
            "evil.example/",
        ] {
            assert!(!is_bare_host(text), "{text}");
        }
    }

    fn check(text: &str, expected: Result<&str, &'static str>) {
        assert_eq!(canonical(text).as_deref().map_err(|why| *why), expected, "{text}");
    }

    #[test]
    fn urls() {
        check(
            "HTTP://Evil.Example:80/A%7eb%2fc?q=1#top",
            Ok("http://evil.example/A~b%2Fc?q=1"),
        );
        check("evil.example/a", Ok("evil.example/a"));
        check("https://evil.example", Ok("https://evil.example/"));
        check("http://u:p@evil.example:8080/", Ok("http://evil.example:8080/"));
        check("http://[2001:DB8::1]:443/x", Ok("http://[2001:db8::1]/x"));
        check("http://192.0.2.1?x", Ok("http://192.0.2.1/?x"));
        check(
            "http://bücher.example/ä b",
            Ok("http://xn--bcher-kva.example/%C3%A4%20b"),
        );
        check("http://3221225993/a", Ok("http://192.0.2.9/a"));
        check("http://0xC0.0.521:8080", Ok("http://192.0.2.9:8080/"));
        check(
            "http://b%C3%BCcher%2Eexample/a",
            Ok("http://xn--bcher-kva.example/a"),
        );
        check("http://evil%25.example/a", Err("a character that no host has"));
        check("http://b%FCcher.example/a", Err("a character that no host has"));
        check("3221225993/a", Err("the host has no dot"));
        check("http://evil/", Err("the host has no dot"));
        check("http://evil.example:99999/", Err("a port over 65535"));
    }
}
