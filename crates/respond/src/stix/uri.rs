//! A listed URL as the URI that STIX 2.1, section 6.15, asks for.
//!
//! Lists leave the scheme out, and hold characters that RFC 3986 allows in no URI.

/// The scheme that an observable has where the list names none.
const USUAL: &str = "http://";

/// The URI of a canonical URL: with `http://` where it has no scheme, and with `%XX` for what no URI holds as it is.
pub(super) fn uri(url: &str) -> String {
    let (scheme, rest) = url.split_at(scheme_length(url));
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let mut out = String::with_capacity(USUAL.len() + url.len());
    out.push_str(if scheme.is_empty() { USUAL } else { scheme });
    // Only here are brackets allowed: around an IPv6 address.
    push_allowed(authority, b"[]", &mut out);
    push_allowed(path, b"/?", &mut out);
    out
}

/// The length of the scheme with its `://`; 0 where there is none.
pub(super) fn scheme_length(url: &str) -> usize {
    let valid = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    url.find("://")
        .filter(|&at| valid(&url[..at]))
        .map_or(0, |at| at + "://".len())
}

/// Appends the text, with `%XX` for each byte that is neither allowed in every part of a URI nor among `also`.
fn push_allowed(text: &str, also: &[u8], out: &mut String) {
    let bytes = text.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    for (at, &byte) in bytes.iter().enumerate() {
        let allowed = match byte {
            b'%' => is_hex(at + 1) && is_hex(at + 2),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) || also.contains(&byte),
        };
        if allowed {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_become_uris() {
        let check = |url: &str, expected: &str| assert_eq!(uri(url), expected);
        check("https://evil.example/a?b='c'", "https://evil.example/a?b='c'");
        check("evil.example/help.aspx", "http://evil.example/help.aspx");
        check("evil.example:8080/a", "http://evil.example:8080/a");
        check("192.0.2.1/?u=ftp://a", "http://192.0.2.1/?u=ftp://a");
        check("[2001:db8::1]:8080/[a]", "http://[2001:db8::1]:8080/%5Ba%5D");
        check("http://evil.example/%7C|%", "http://evil.example/%7C%7C%25");
        check("http://evil.example/é\"#", "http://evil.example/%C3%A9%22%23");
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_and_stays_so(text in any::<String>()) {
            let once = uri(&text);
            prop_assert!(once.is_ascii());
            prop_assert!(scheme_length(&once) > 0);
            prop_assert_eq!(uri(&once), once);
        }
    }
}
