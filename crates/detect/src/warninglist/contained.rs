//! The entries of a list of substrings, searched all at once.

use aho_corasick::{AhoCorasick, BuildError};
use perisai_model::Kind;
use perisai_values::canonical;

use super::host::Host;

/// The entries of one list of substrings.
#[derive(Debug)]
pub(super) struct Contained(AhoCorasick);

impl Contained {
    pub(super) fn compile<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Self, BuildError> {
        let entries = entries.map(written).filter(|entry| !entry.is_empty());
        AhoCorasick::new(entries).map(Self)
    }

    /// True where an entry stands in the value, which is in lower case, such that it speaks of it. Whether a listed host
    /// speaks of one below it, `reaches` says.
    pub(super) fn hold(&self, kind: Kind, value: &str, reaches: impl Fn(&str, Host<'_>) -> bool) -> bool {
        let host = Host::of(kind, value);
        self.0.find_overlapping_iter(value).any(|found| {
            let (start, end) = (found.start(), found.end());
            match (kind, host) {
                (_, Some(host)) => speaks_of_host(value, start..end, |listed| reaches(listed, host)),
                (Kind::Url, _) => speaks_of_url(value, start..end),
                (Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr, _) => (start, end) == (0, value.len()),
                _ => true,
            }
        })
    }
}

/// An entry as it is searched: in lower case, and of a host or a URL without what says nothing.
fn written(entry: &str) -> String {
    let entry = entry.to_lowercase();
    let bare = entry.split_once("://").map_or(entry.as_str(), |(_, rest)| rest);
    let bare = bare
        .trim_start_matches("*.")
        .trim_start_matches('.')
        .trim_end_matches('/');
    let host = bare.split('/').next().unwrap_or_default();
    if !host.contains('.') {
        return entry;
    }
    match canonical(Kind::Domain, host) {
        Ok(name) => format!("{name}{}", &bare[host.len()..]),
        Err(_) => entry,
    }
}

/// Whole labels; and where the entry is a name with a dot or an address, only the end of the value, as
/// `good.example.evil.example` is not below `good.example`.
fn speaks_of_host(value: &str, at: std::ops::Range<usize>, reaches: impl Fn(&str) -> bool) -> bool {
    let entry = &value[at.clone()];
    if !is_edge(value, at.start) || !is_edge(value, at.end) {
        return false;
    }
    let is_name = entry.contains('.');
    !is_name || (at.end == value.len() && reaches(entry))
}

/// An entry with a path, from the start of a label of the host: a listed host never speaks of a URL on it.
fn speaks_of_url(value: &str, at: std::ops::Range<usize>) -> bool {
    let host = value.find("://").map_or(0, |scheme| scheme + 3);
    let path = value[host..].find('/').map_or(value.len(), |path| host + path);
    at.start >= host && at.start < path && at.end > path + 1 && is_edge(value, at.start)
}

/// True where no label goes on across that place.
fn is_edge(value: &str, at: usize) -> bool {
    let in_label =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii();
    let bytes = value.as_bytes();
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    !(before.is_some_and(in_label) && bytes.get(at).is_some_and(in_label))
}
