//! What the text of a field says of an object path: a part of it, read and brought into one form.
//!
//! A value has two sides. What is *shown* to a pattern is the form in which STIX writes it. Its *key* is the form in
//! which two spellings of one value are the same, so that `=` finds `EVIL.example.` where it asks for `evil.example`.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use perisai_model::{Kind, Timestamp, Value};
use perisai_pattern::Micros;
use perisai_values::canonical;

/// The most parts of one field that are looked at.
const MAX_PARTS: usize = 1_000;

/// What is taken from a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// The value as it is, numbers too.
    Any,
    /// The value as text.
    Text,
    /// A whole number, from text too: `443`, `0x1f4`.
    Number,
    /// A time, in the form that STIX writes.
    Time,
    /// Addresses of this kind, from text with several, with ports or in brackets.
    Address(Kind),
    /// Domain names.
    Domain,
    /// Addresses and domain names.
    Endpoint,
    /// What kind of object STIX makes of an endpoint.
    EndpointType,
    /// The host of a URL, where it is of this kind.
    UrlHost(Kind),
    /// A URL with a scheme.
    Url,
    /// Path and query of a URL.
    UrlPath,
    /// The name at the end of a path.
    BaseName,
    /// The same, where the text has a separator at all.
    PathName,
    /// The folder of a path.
    Folder,
    /// A path or folder.
    Path,
    /// A registry key, its hive in the long form, and the key above it, as logs name values with their keys.
    RegistryKey,
    /// A hash of this kind, alone or in a list such as `MD5=…,SHA256=…`.
    Hash(Kind),
    /// A value of this kind, in its canonical form.
    Of(Kind),
    /// Addresses of mail.
    Email,
    /// The name beside an address of mail.
    DisplayName,
    /// A name of a protocol or another word that STIX writes in lower case; IP protocol numbers by name.
    Protocol,
    /// A user's name, with and without the domain.
    Login,
    /// The number of an autonomous system.
    AsNumber,
    /// CVE ids in a text.
    Cves,
}

/// When two spellings are one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Exact,
    Caseless,
    Host,
    Kind(Kind),
}

/// One value found in a field.
#[derive(Debug, PartialEq)]
pub(super) enum Found<'a> {
    /// The text as it stood, and as it is shown.
    Text(&'a str, Cow<'a, str>),
    /// Any other value.
    Other(Value<'a>),
}

impl Take {
    /// When values taken so are equal.
    pub(super) fn fold(self) -> Fold {
        match self {
            Self::Any | Self::Text | Self::Number | Self::Time | Self::EndpointType | Self::UrlPath => {
                Fold::Exact
            }
            Self::DisplayName | Self::AsNumber => Fold::Exact,
            Self::Address(_) | Self::Domain | Self::Endpoint | Self::UrlHost(_) => Fold::Host,
            Self::Url => Fold::Kind(Kind::Url),
            Self::BaseName | Self::PathName | Self::Folder | Self::Path | Self::Protocol | Self::Login => {
                Fold::Caseless
            }
            Self::RegistryKey => Fold::Kind(Kind::RegistryKey),
            Self::Hash(kind) | Self::Of(kind) => Fold::Kind(kind),
            Self::Email => Fold::Kind(Kind::EmailAddress),
            Self::Cves => Fold::Kind(Kind::Cve),
        }
    }

    /// Gives the values that a field holds.
    pub(super) fn each<'a>(self, value: Value<'a>, add: &mut dyn FnMut(Found<'a>)) {
        match (self, value) {
            (Self::Any, value) => match value {
                Value::Str(text) => add(Found::Text(text, Cow::Borrowed(text))),
                other => add(Found::Other(other)),
            },
            (_, Value::Null) => {}
            (Self::Number | Self::AsNumber, Value::Str(text)) => {
                if let Some(number) = self.number(text) {
                    add(Found::Other(Value::Int(number)));
                }
            }
            (Self::Number | Self::AsNumber, Value::Int(_) | Value::Float(_)) => add(Found::Other(value)),
            (_, Value::Str(text)) => self.each_in(text, &mut |stood, shown| add(Found::Text(stood, shown))),
            // A number where text is meant has no parts.
            (Self::Text | Self::Login | Self::Protocol | Self::BaseName, other) => {
                if let Some(text) = other.text() {
                    let text = text.into_owned();
                    let shown = if self == Self::Protocol {
                        protocol(&text).into_owned()
                    } else {
                        text
                    };
                    add(Found::Text("", Cow::Owned(shown)));
                }
            }
            _ => {}
        }
    }

    fn number(self, text: &str) -> Option<i64> {
        let text = text.trim();
        if self == Self::AsNumber {
            let first = text.split(' ').next()?;
            return first.trim_start_matches(['A', 'a', 'S', 's']).parse().ok();
        }
        match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    }

    /// Gives each part of a text, as it stood and as it is shown.
    fn each_in<'a>(self, text: &'a str, add: &mut dyn FnMut(&'a str, Cow<'a, str>)) {
        let mut one = |shown: Option<Cow<'a, str>>| {
            if let Some(shown) = shown.filter(|shown| !shown.is_empty()) {
                add(text, shown);
            }
        };
        match self {
            Self::Address(_) | Self::Domain | Self::Endpoint | Self::EndpointType => {
                for part in parts(text) {
                    if let Some(shown) = self.host(bare(part)) {
                        add(part, shown);
                    }
                }
            }
            Self::UrlHost(kind) => one(url_host(text).and_then(|host| host_of(kind, host))),
            Self::Url => one(text.contains("://").then(|| Cow::Borrowed(text.trim()))),
            Self::UrlPath => one(url_path(text).map(Cow::Borrowed)),
            Self::BaseName => one(Some(Cow::Borrowed(split_path(text).1))),
            Self::PathName => one(is_path(text).then(|| Cow::Borrowed(split_path(text).1))),
            Self::Folder => one(is_path(text).then(|| Cow::Borrowed(split_path(text).0))),
            Self::RegistryKey => registry_keys(text, add),
            Self::Hash(kind) => hashes(kind, text, add),
            Self::Of(kind) => one(canonical(kind, text.trim()).ok()),
            Self::Email => {
                for part in text.split([',', ';', ' ', '<', '>', '"', '\t']).take(MAX_PARTS) {
                    if let Ok(shown) = canonical(Kind::EmailAddress, part) {
                        add(part, shown);
                    }
                }
            }
            Self::DisplayName => one(text
                .rsplit_once('<')
                .map(|(name, _)| Cow::Borrowed(name.trim_matches([' ', '"'])))),
            Self::Protocol => one(Some(protocol(text))),
            Self::Login => {
                one(Some(Cow::Borrowed(text)));
                one(text.rsplit_once('\\').map(|(_, name)| Cow::Borrowed(name)));
            }
            Self::Time => one(time(text).map(Cow::Owned)),
            Self::Cves => {
                for part in text
                    .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
                    .take(MAX_PARTS)
                {
                    if let Ok(shown) = canonical(Kind::Cve, part) {
                        add(part, shown);
                    }
                }
            }
            Self::Any | Self::Text | Self::Path | Self::Number | Self::AsNumber => {
                one(Some(Cow::Borrowed(text)))
            }
        }
    }

    fn host(self, text: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Address(kind) => host_of(kind, text),
            Self::Domain => host_of(Kind::Domain, text),
            Self::EndpointType => Some(Cow::Borrowed(match address(text) {
                Some(IpAddr::V4(_)) => "ipv4-addr",
                Some(IpAddr::V6(_)) => "ipv6-addr",
                None => canonical(Kind::Domain, text).ok().map(|_| "domain-name")?,
            })),
            _ => match address(text) {
                Some(address) => Some(Cow::Owned(address.to_string())),
                None => canonical(Kind::Domain, text).ok(),
            },
        }
    }
}

impl Fold {
    /// The form that is the same for all spellings of one value.
    pub(super) fn key(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Exact => Cow::Borrowed(text),
            Self::Caseless => lower(text),
            Self::Host => match address(text) {
                Some(address) => Cow::Owned(address.to_string()),
                None => canonical(Kind::Domain, text).unwrap_or_else(|_| lower(text)),
            },
            Self::Kind(Kind::Url) => canonical(Kind::Url, text).unwrap_or(Cow::Borrowed(text)),
            Self::Kind(Kind::RegistryKey) => {
                let key = canonical(Kind::RegistryKey, text).unwrap_or(Cow::Borrowed(text));
                Cow::Owned(key.to_ascii_lowercase())
            }
            Self::Kind(kind) => canonical(kind, text).unwrap_or_else(|_| lower(text)),
        }
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// An address, IPv4 also where it is written inside IPv6.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    if !text.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':') {
        return None;
    }
    Some(text.parse::<IpAddr>().ok()?.to_canonical())
}

fn host_of(kind: Kind, text: &str) -> Option<Cow<'_, str>> {
    match (kind, address(text)) {
        (Kind::Ipv4, Some(address @ IpAddr::V4(_))) | (Kind::Ipv6, Some(address @ IpAddr::V6(_))) => {
            Some(Cow::Owned(address.to_string()))
        }
        (Kind::Domain, None) => canonical(Kind::Domain, text).ok(),
        _ => None,
    }
}

/// What stands between commas, semicolons and blanks.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', ' ', '\t'])
        .filter(|part| !part.is_empty())
        .take(MAX_PARTS)
}

/// A host without brackets, port and zone.
fn bare(part: &str) -> &str {
    let part = part.trim_matches(['"', '\'']);
    if let Some((inner, _)) = part.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inner;
    }
    let part = part.split('%').next().unwrap_or(part);
    match part.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        // `::ffff:192.0.2.1:443`
        Some((host, port)) if port.parse::<u16>().is_ok() && host.contains('.') && is_v6(host) => host,
        _ => part,
    }
}

fn is_v6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

fn url_host(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    Some(bare(authority.rsplit('@').next().unwrap_or(authority)))
}

fn url_path(text: &str) -> Option<&str> {
    match text.split_once("://") {
        Some((_, rest)) => Some(rest.find('/').map_or("/", |at| &rest[at..])),
        None => text.starts_with('/').then_some(text),
    }
}

fn is_path(text: &str) -> bool {
    text.contains(['/', '\\'])
}

/// Folder and name. The folder keeps its separator only where it is a root.
fn split_path(text: &str) -> (&str, &str) {
    let text = text.trim_matches('"');
    match text.rfind(['/', '\\']) {
        Some(0) => (&text[..1], &text[1..]),
        Some(at) if text[..at].ends_with(':') => (&text[..=at], &text[at + 1..]),
        Some(at) => (&text[..at], &text[at + 1..]),
        None => ("", text),
    }
}

fn registry_keys<'a>(text: &'a str, add: &mut dyn FnMut(&'a str, Cow<'a, str>)) {
    let Ok(key) = canonical(Kind::RegistryKey, text) else {
        return;
    };
    if let Some((above, _)) = key.rsplit_once('\\') {
        add(text, Cow::Owned(above.to_owned()));
    }
    add(text, key);
}

fn hashes<'a>(kind: Kind, text: &'a str, add: &mut dyn FnMut(&'a str, Cow<'a, str>)) {
    for part in text.split([',', ';', ' ', '|']).take(MAX_PARTS) {
        let value = match part.split_once(['=', ':']) {
            Some((label, value)) if is_label(kind, label) => value,
            Some(_) => continue,
            None => part,
        };
        if let Ok(shown) = canonical(kind, value) {
            add(value, shown);
        }
    }
}

/// `SHA256`, `sha-256`
fn is_label(kind: Kind, label: &str) -> bool {
    let plain = label
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| byte.to_ascii_lowercase());
    plain.eq(kind.as_str().bytes())
}

fn protocol(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(match text {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" => "ipv6-icmp",
        _ => return lower(text),
    })
}

fn time(text: &str) -> Option<String> {
    let time: Timestamp = text.trim().parse().ok()?;
    Some(Micros::from(time).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(take: Take, value: Value<'_>) -> Vec<String> {
        let mut all = Vec::new();
        take.each(value, &mut |found| {
            all.push(match found {
                Found::Text(_, shown) => shown.into_owned(),
                Found::Other(value) => format!("{value:?}"),
            });
        });
        all
    }

    #[test]
    fn fields_of_connections_say_what_paths_ask_for() {
        let check = |take, text: &str, expected: &[&str]| {
            assert_eq!(shown(take, Value::Str(text)), expected, "{text}")
        };
        check(Take::Address(Kind::Ipv4), "192.0.2.1:443", &["192.0.2.1"]);
        check(
            Take::Address(Kind::Ipv4),
            "192.0.2.1, 2001:db8::1 198.51.100.7",
            &["192.0.2.1", "198.51.100.7"],
        );
        check(
            Take::Address(Kind::Ipv4),
            "type:  5 a.example;::ffff:192.0.2.1;",
            &["192.0.2.1"],
        );
        check(Take::Address(Kind::Ipv6), "[2001:DB8:0::1]:443", &["2001:db8::1"]);
        check(Take::Address(Kind::Ipv6), "fe80::1%eth0", &["fe80::1"]);
        check(Take::Address(Kind::Ipv4), "::ffff:192.0.2.1:443", &["192.0.2.1"]);
        check(
            Take::Domain,
            "type:  5 A.example;::ffff:192.0.2.1;",
            &["a.example"],
        );
        check(Take::Domain, "WS-1", &[]);
        check(Take::Endpoint, "evil.example:8080", &["evil.example"]);
        check(Take::EndpointType, "evil.example", &["domain-name"]);
        check(Take::EndpointType, "2001:db8::1", &["ipv6-addr"]);
        check(
            Take::UrlHost(Kind::Domain),
            "https://u:p@Evil.example:8/x",
            &["evil.example"],
        );
        check(
            Take::UrlHost(Kind::Ipv6),
            "https://[2001:db8::1]/",
            &["2001:db8::1"],
        );
        check(Take::UrlPath, "https://evil.example/a?b", &["/a?b"]);
        check(Take::UrlPath, "/a?b", &["/a?b"]);
        check(Take::Url, "/a?b", &[]);
    }

    #[test]
    fn fields_of_files_and_people_say_what_paths_ask_for() {
        let check = |take, text: &str, expected: &[&str]| {
            assert_eq!(shown(take, Value::Str(text)), expected, "{text}")
        };
        check(Take::BaseName, r"C:\Windows\a.exe", &["a.exe"]);
        check(Take::BaseName, "/bin/sh", &["sh"]);
        check(Take::Folder, r"C:\a.exe", &[r"C:\"]);
        check(Take::Folder, "/a", &["/"]);
        check(Take::Folder, "a.exe", &[]);
        check(Take::PathName, "traffic allow", &[]);
        check(
            Take::RegistryKey,
            r"HKLM\Software\Run\x",
            &[
                r"HKEY_LOCAL_MACHINE\Software\Run",
                r"HKEY_LOCAL_MACHINE\Software\Run\x",
            ],
        );
        let list = "MD5=0123456789ABCDEF0123456789ABCDEF,IMPHASH=00000000000000000000000000000000";
        check(Take::Hash(Kind::Md5), list, &["0123456789abcdef0123456789abcdef"]);
        check(
            Take::Hash(Kind::Imphash),
            list,
            &["00000000000000000000000000000000"],
        );
        check(Take::Hash(Kind::Sha1), list, &[]);
        check(
            Take::Email,
            r#""A, B" <A@Evil.example>, c@d.example"#,
            &["a@evil.example", "c@d.example"],
        );
        check(Take::DisplayName, r#""A B" <a@b.example>"#, &["A B"]);
        check(Take::Protocol, "TCP", &["tcp"]);
        check(Take::Protocol, "17", &["udp"]);
        check(Take::Login, r"DOM\bob", &[r"DOM\bob", "bob"]);
        check(Take::Number, "443", &["Int(443)"]);
        check(Take::Number, "0x1f4", &["Int(500)"]);
        check(Take::Number, "no", &[]);
        check(Take::AsNumber, "AS64496 Example", &["Int(64496)"]);
        check(
            Take::Time,
            "2022-02-23T05:00:00.5+01:00",
            &["2022-02-23T04:00:00.500000Z"],
        );
        check(Take::Cves, "ET EXPLOIT cve-2022-0001 try", &["CVE-2022-0001"]);
        assert_eq!(shown(Take::Protocol, Value::Int(6)), ["tcp"]);
        assert_eq!(shown(Take::Text, Value::Int(6)), ["6"]);
        assert_eq!(shown(Take::Domain, Value::Int(6)), [] as [&str; 0]);
    }

    #[test]
    fn spellings_of_one_value_have_one_key() {
        let check =
            |fold: Fold, one: &str, other: &str| assert_eq!(fold.key(one), fold.key(other), "{one} {other}");
        check(Fold::Host, "EVIL.example.", "evil.example");
        check(Fold::Host, "2001:DB8::0:1", "2001:db8::1");
        check(Fold::Host, "NOT A HOST", "not a host");
        check(
            Fold::Kind(Kind::Md5),
            "0123456789ABCDEF0123456789ABCDEF",
            "0123456789abcdef0123456789abcdef",
        );
        check(
            Fold::Kind(Kind::Url),
            "HTTP://Evil.example:80/a",
            "http://evil.example/a",
        );
        check(
            Fold::Kind(Kind::RegistryKey),
            r"HKLM\software\RUN",
            r"HKEY_LOCAL_MACHINE\Software\Run",
        );
        check(Fold::Caseless, "Evil.EXE", "evil.exe");
        assert_ne!(Fold::Exact.key("A"), Fold::Exact.key("a"));
    }

    const TAKES: &[Take] = &[
        Take::Any,
        Take::Text,
        Take::Number,
        Take::Time,
        Take::Address(Kind::Ipv4),
        Take::Domain,
        Take::Endpoint,
        Take::EndpointType,
        Take::UrlHost(Kind::Ipv6),
        Take::Url,
        Take::UrlPath,
        Take::BaseName,
        Take::PathName,
        Take::Folder,
        Take::Path,
        Take::RegistryKey,
        Take::Hash(Kind::Sha256),
        Take::Of(Kind::X509Serial),
        Take::Email,
        Take::DisplayName,
        Take::Protocol,
        Take::Login,
        Take::AsNumber,
        Take::Cves,
    ];

    proptest! {
        #[test]
        fn never_panics(text in r"\PC{0,40}|[a-f0-9:.,;\[\]/\\=@%<> ]{0,40}", at in 0..TAKES.len()) {
            TAKES[at].each(Value::Str(&text), &mut |found| {
                if let Found::Text(_, shown) = found {
                    let fold = TAKES[at].fold();
                    let key = fold.key(&shown).into_owned();
                    assert_eq!(fold.key(&key), key.as_str(), "a key is its own key");
                }
            });
        }
    }
}
