//! Several values on one line of a list, between commas, semicolons or blanks, and the lines of `md5sum` and its kin.

use perisai_model::Kind;

use crate::typed::{Found, of_any};

/// What a line holds.
#[derive(Debug, Default)]
pub(super) struct Several<'a> {
    pub(super) values: Vec<Found<'a>>,
    /// What is no value.
    pub(super) others: Vec<&'a str>,
}

impl<'a> Several<'a> {
    /// A line that is one value, or none.
    pub(super) fn of_one(text: &'a str) -> Self {
        Self::of(std::iter::once(text))
    }

    fn of(parts: impl Iterator<Item = &'a str>) -> Self {
        let mut several = Self::default();
        for part in parts {
            match of_any(part) {
                Some(found) => several.values.push(found),
                None => several.others.push(part),
            }
        }
        several
    }
}

/// The values of a line that holds more than one; `None` where it does not. Between commas and semicolons one value is
/// enough, and the rest is told; between blanks all must be values, as prose holds names, too.
pub(super) fn split(text: &str) -> Option<Several<'_>> {
    if let Some(digest) = checksum(text) {
        return Some(Several::of_one(digest));
    }
    if are_urls(text) {
        return Some(Several::of(parts(text, is_any_separator)));
    }
    if of_any(text).is_some() {
        return None;
    }
    let by_blanks = Several::of(parts(text, is_any_separator));
    if by_blanks.others.is_empty() && by_blanks.values.len() > 1 {
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
    text.contains([',', ';', ' ', '\t']) && parts(text, is_any_separator).all(all) && many > 1
}

/// True for the cells of a line that is no row of a table, but several values of one sort: hosts, or URLs.
pub(crate) fn is_list<T: AsRef<str>>(cells: &[T]) -> bool {
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
    cells().all(is_host) || cells().all(|cell| cell.contains("://"))
}

/// The digest of a line `<digest>  <name>` or `<digest> *<name>`: the name alone matches strangers.
fn checksum(text: &str) -> Option<&str> {
    let (digest, name) = text.split_once([' ', '\t'])?;
    let is_digest = matches!(
        of_any(digest),
        Some((Kind::Md5 | Kind::Sha1 | Kind::Sha256 | Kind::Sha512, _))
    );
    let name = name.trim_start().trim_start_matches('*');
    let is_name = !name.is_empty() && !parts(name, is_any_separator).any(is_value_but_no_file);
    (is_digest && is_name).then_some(digest)
}

/// `invoice.exe` could be a domain; behind a digest it is a file.
fn is_value_but_no_file(text: &str) -> bool {
    of_any(text).is_some_and(|(kind, _)| !matches!(kind, Kind::Domain | Kind::FilePath | Kind::Url))
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

    proptest! {
        #[test]
        fn never_panics(text in "([a-f0-9.,; *]|\\PC){0,60}") {
            let _ = split(&text);
        }
    }
}
