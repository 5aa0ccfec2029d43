//! Several values on one line of a list, between commas, semicolons or blanks, and the lines of `md5sum` and its kin.

use perisai_model::Kind;
use perisai_values::recognise;

use crate::type_words::{Said, is_defanged, is_digest, said};
use crate::typed::{Found, is_url_and_more, of_any, with_mask};

use super::described::is_public_host;

/// The most words that the name of a file beside its digests may have.
const NAME_WORDS: usize = 32;

/// What a line holds.
#[derive(Debug, Default)]
pub(super) struct Several<'a> {
    pub(super) values: Vec<Found<'a>>,
    /// What is no value.
    pub(super) others: Vec<&'a str>,
    /// What is said of them all.
    pub(super) said: String,
}

impl<'a> Several<'a> {
    /// A line that is one value, or none.
    pub(super) fn of_one(text: &'a str) -> Self {
        Self::of(std::iter::once(text))
    }

    fn of(parts: impl Iterator<Item = &'a str>) -> Self {
        let mut several = Self::default();
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            match of_any(part).filter(|_| !is_url_and_more(part)) {
                Some(found) => {
                    let net = parts.peek().and_then(|mask| with_mask(&found, mask));
                    if net.is_some() {
                        parts.next();
                    }
                    several.values.push(net.unwrap_or(found));
                }
                None => several.others.push(part),
            }
        }
        several
    }
}

/// The values of a line that holds more than one; `None` where it does not. Between commas and semicolons one value is
/// enough, and the rest is told; between blanks all must be values, as prose holds names, too.
pub(super) fn split(text: &str) -> Option<Several<'_>> {
    if let Some(digests) = checksums(text) {
        return Some(digests);
    }
    if are_urls(text) {
        return Some(Several::of(parts(text, is_any_separator)));
    }
    if of_any(text).is_some() {
        return None;
    }
    let by_blanks = Several::of(parts(text, is_any_separator));
    if by_blanks.others.is_empty() && !by_blanks.values.is_empty() {
        return Some(by_blanks);
    }
    let by_commas = Several::of(parts(text, |c| matches!(c, ',' | ';')));
    (!by_commas.values.is_empty()).then_some(by_commas)
}

/// True for a line of several URLs, which as a whole would pass for one.
pub(super) fn are_urls(text: &str) -> bool {
    let mut many = 0;
    let all = |part: &str| {
        many += 1;
        part.contains("://")
    };
    let bytes = text.as_bytes();
    let has_separator =
        memchr::memchr3(b',', b';', b' ', bytes).is_some() || memchr::memchr(b'\t', bytes).is_some();
    has_separator && parts(text, is_any_separator).all(all) && many > 1
}

/// True for the cells of a line that is no row of a table, but several values: hosts, URLs, or hosts and digests. A URL
/// among others may be a reference, unless it stands on the only line that there is.
pub(crate) fn is_list<T: AsRef<str>>(cells: &[T], only: bool) -> bool {
    let cells = || {
        cells
            .iter()
            .map(|cell| cell.as_ref().trim())
            .filter(|cell| !cell.is_empty())
    };
    let is_host = |cell: &str| {
        let kind = of_any(cell).map(|(kind, _)| kind);
        matches!(
            kind,
            Some(Kind::Domain | Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::EmailAddress)
        )
    };
    let is_plain = |cell: &str| match of_any(cell) {
        Some((Kind::Domain, name)) => is_defanged(cell) || is_public_host(&name),
        Some((Kind::Url, _)) => only && cell.contains("://"),
        Some((kind, _)) => is_host(cell) || is_digest(kind),
        None => is_netmask(cell),
    };
    cells().all(|cell| is_host(cell) || is_netmask(cell))
        || cells().all(|cell| cell.contains("://"))
        || cells().all(is_plain)
}

fn is_netmask(cell: &str) -> bool {
    matches!(recognise(cell), Some((Kind::Ipv4, _))) && of_any(cell).is_none()
}

/// The digests of a line that is about one file, as md5sum, openssl and CERT-UA's notices write it: digests of one kind
/// or several, and a name before or behind them. The name is what is said of them, and no host: alone it would match
/// strangers, and `setup.exe` looks like a domain.
fn checksums(text: &str) -> Option<Several<'_>> {
    // Most lines have none, and are told fast.
    let is_hex = |part: &str| part.len() >= 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !parts(text, is_any_separator).any(is_hex) {
        return None;
    }
    let by_commas = text.contains([',', ';']);
    let (mut several, mut words) = (Several::default(), Vec::new());
    let (mut begins, mut ends) = (true, false);
    for part in parts(text, is_any_separator) {
        let found = of_any(part);
        ends = found.as_ref().is_some_and(|(kind, _)| is_digest(*kind));
        if ends && is_of_something_else(&words) {
            return None;
        }
        match found.filter(|_| ends) {
            Some(found) => several.values.push(found),
            None if is_value_but_no_file(part, by_commas) => return None,
            None => {
                begins = begins && (!several.values.is_empty() || is_label(part));
                words.push(part);
                if words.len() > NAME_WORDS {
                    return None;
                }
            }
        }
    }
    // A word before a digest is no file: the log of a repository has such lines.
    let is_about_file = begins || ends && words.iter().any(|part| part.contains('.') || is_label(part));
    let is_mark = |c: char| matches!(c, '(' | ')' | '=' | ':' | '*');
    let name = words
        .iter()
        .filter(|part| !is_label(part))
        .map(|part| part.trim_matches(is_mark));
    several.said = name.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    (!several.values.is_empty() && !words.is_empty() && is_about_file).then_some(several)
}

/// True for `MD5`, `SHA256:` and the like.
fn is_label(part: &str) -> bool {
    let word = said(part.trim_end_matches([':', '=']));
    matches!(word, Some(Said::Digest)) || matches!(word, Some(Said::Kind(kind)) if is_digest(kind))
}

/// Whether the words before a digest say that it is not a file's (`JA3`, `imphash`), or is a setting (`checksum = …`).
fn is_of_something_else(before: &[&str]) -> bool {
    match before {
        [.., label, "="] => !label.ends_with(')') && !is_label(label),
        [.., label] => {
            let word = said(label.trim_end_matches([':', '=']));
            matches!(word, Some(Said::NotSearched | Said::Certificate))
                || matches!(
                    word,
                    Some(Said::Kind(
                        Kind::Imphash | Kind::Ja3 | Kind::X509Sha1 | Kind::X509Sha256
                    ))
                )
        }
        [] => false,
    }
}

/// `invoice.exe` could be a domain; beside a digest it is a file, unless somebody has defanged it, or it stands between
/// commas and ends as names of hosts do.
fn is_value_but_no_file(text: &str, by_commas: bool) -> bool {
    of_any(text).is_some_and(|(kind, name)| {
        let may_be_file = matches!(kind, Kind::Domain | Kind::FilePath | Kind::Url);
        let is_host = kind == Kind::Domain && by_commas && is_public_host(&name);
        !may_be_file || is_host || is_defanged(text) || text.contains("://")
    })
}

fn parts(text: &str, separates: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(separates)
        .map(|part| part.trim().trim_matches(['"', '\'']))
        .filter(|part| !part.is_empty())
}

fn is_any_separator(c: char) -> bool {
    matches!(c, ',' | ';') || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_of_several_values() {
        let check = |text: &str, expected: Option<(&[&str], &[&str])>| {
            let several = split(text);
            let seen = several.as_ref().map(|several| {
                let values: Vec<&str> = several.values.iter().map(|(_, value)| &**value).collect();
                (values, several.others.clone())
            });
            let expected = expected.map(|(values, others)| (values.to_vec(), others.to_vec()));
            assert_eq!(seen, expected, "{text}");
        };
        let both: &[&str] = &["a.example", "192.0.2.1"];
        check("a.example, 192.0.2.1", Some((both, &[])));
        check("a.example;192.0.2.1;", Some((both, &[])));
        check("a[.]example 192.0.2[.]1", Some((both, &[])));
        check("\"a.example\" , \"192.0.2.1\"", Some((both, &[])));
        check("a.example, hello, 192.0.2.1", Some((both, &["hello"])));
        let net: &[&str] = &["198.51.100.0/24"];
        check("198.51.100.0 255.255.255.0", Some((net, &[])));
        check("198.51.100.0;255.255.255.0", Some((net, &[])));
        check("198.51.100.0 0.0.0.255", Some((net, &[])));
        check(
            "a.example, http://b.example/x is bad",
            Some((&["a.example"], &["http://b.example/x is bad"])),
        );
        check(
            "http://a.example/x, http://b.example/y",
            Some((&["http://a.example/x", "http://b.example/y"], &[])),
        );
        check("http://a.example/x,y", None);
        check("a.example is bad", None);
        check("a.example", None);
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        check(&format!("{md5}  invoice.exe"), Some((&[md5], &[])));
        check(&format!("{md5} *C:\\my files\\a.exe"), Some((&[md5], &[])));
        check(&format!("{md5} {md5}"), Some((&[md5, md5], &[])));
    }

    #[test]
    fn digests_beside_the_name_of_a_file() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        let check = |text: &str, values: &[&str], said: &str| {
            let text = text.replace("MD5SUM", md5).replace("SHA1SUM", sha1);
            let several = split(&text).unwrap_or_default();
            let seen: Vec<&str> = several.values.iter().map(|(_, value)| &**value).collect();
            assert_eq!(
                (seen, &*several.said, several.others.len()),
                (values.to_vec(), said, 0),
                "{text}"
            );
        };
        check("MD5SUM SHA1SUM setup.exe", &[md5, sha1], "setup.exe");
        check(
            "MD5SUM\t SHA1SUM \tРахунок 2.doc.exe",
            &[md5, sha1],
            "Рахунок 2.doc.exe",
        );
        check("my setup.exe MD5SUM SHA1SUM", &[md5, sha1], "my setup.exe");
        check("setup.exe;MD5SUM", &[md5], "setup.exe");
        check("MD5SUM, setup.exe, SHA1SUM", &[md5, sha1], "setup.exe");
        check("MD5 MD5SUM setup.exe", &[md5], "setup.exe");
        check("MD5 (setup.exe) = MD5SUM", &[md5], "setup.exe");
        check("MD5SUM *C:\\my files\\a.exe", &[md5], "C:\\my files\\a.exe");
        check("MD5SUM Рахунок", &[md5], "Рахунок");
        // What nobody would call a file is one more value, and some digests are not those of files.
        check("MD5SUM 192.0.2.1", &[md5, "192.0.2.1"], "");
        check("MD5SUM evil[.]example", &[md5, "evil.example"], "");
        check("evil.net,192.0.2.1,MD5SUM", &["evil.net", "192.0.2.1", md5], "");
        check("evil.net;MD5SUM", &["evil.net", md5], "");
        check("update.dat;MD5SUM", &[md5], "update.dat");
        check("MD5SUM  evil.net", &[md5], "evil.net");
        for text in [
            "JA3 MD5SUM",
            "imphash: MD5SUM",
            "checksum = MD5SUM",
            "commit SHA1SUM",
            "is MD5SUM here",
        ] {
            check(text, &[], "");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "([a-f0-9.,; *]|\\PC){0,60}") {
            let _ = split(&text);
        }
    }
}
