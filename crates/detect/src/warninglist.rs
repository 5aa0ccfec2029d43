//! Warninglists: which indicators are known to be harmless, or known for what they are.
//!
//! A list says something of an indicator's own value, never of the text around it, and only of the attribute types
//! that it names. They are asked when an indicator matched, which is rare, so that a million indicators cost nothing
//! to load beside them.

use std::collections::HashSet;
use std::net::IpAddr;

use perisai_model::{Kind, Place, Problem, Warninglist, WarninglistCategory, WarninglistType};
use perisai_values::canonical;
use perisai_values::ip::{self, Net};
use regex::Regex;

/// Compiled warninglists.
#[derive(Debug, Default)]
pub(crate) struct Warninglists {
    lists: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    name: String,
    category: WarninglistCategory,
    attributes: Vec<String>,
    entries: Entries,
}

#[derive(Debug)]
enum Entries {
    Exact(HashSet<String>),
    Contained(Vec<String>),
    Hosts(HashSet<String>),
    Nets(Vec<Net>),
    Patterns(Vec<Regex>),
}

impl Warninglists {
    /// Compiles lists; entries that cannot be used are told, and the others go on.
    pub(crate) fn compile(lists: impl IntoIterator<Item = Warninglist>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let lists = lists
            .into_iter()
            .map(|list| Compiled {
                entries: compile_entries(&list, &mut problems),
                name: list.name,
                category: list.category,
                attributes: list.matching_attributes,
            })
            .collect();
        (Self { lists }, problems)
    }

    /// The lists that hold a value in canonical form, with what that means.
    pub(crate) fn of(&self, kind: Kind, value: &str) -> impl Iterator<Item = (&str, WarninglistCategory)> {
        let lists = self
            .lists
            .iter()
            .filter(move |list| list.applies_to(kind) && list.entries.hold(kind, value));
        lists.map(|list| (list.name.as_str(), list.category))
    }
}

impl Compiled {
    /// A list without attribute types applies to all.
    fn applies_to(&self, kind: Kind) -> bool {
        let types = misp_types(kind);
        self.attributes.is_empty()
            || self
                .attributes
                .iter()
                .any(|attribute| types.contains(&attribute.as_str()))
    }
}

fn compile_entries(list: &Warninglist, problems: &mut Vec<Problem>) -> Entries {
    let mut refuse = |entry: &str, why: &str| {
        problems.push(Problem::new(
            Place::file(list.name.as_str()),
            format!("`{}`: {why}", entry.escape_debug()),
        ));
    };
    let entries = list
        .entries
        .iter()
        .map(|entry| entry.trim())
        .filter(|entry| !entry.is_empty());
    match list.kind {
        WarninglistType::String => Entries::Exact(entries.map(exact).collect()),
        WarninglistType::Substring => Entries::Contained(entries.map(str::to_lowercase).collect()),
        WarninglistType::Hostname => Entries::Hosts(entries.filter_map(host_of).collect()),
        WarninglistType::Cidr => {
            let net = |entry: &str| {
                let net = Net::parse(entry).or_else(|| {
                    let address = ip::parse(entry)?;
                    Some(Net {
                        first: address,
                        prefix: if address.is_ipv4() { 32 } else { 128 },
                    })
                });
                if net.is_none() {
                    refuse(entry, "neither an address nor a net");
                }
                net
            };
            Entries::Nets(entries.filter_map(net).collect())
        }
        WarninglistType::Regex => {
            let pattern = |entry: &str| match regex(entry) {
                Ok(regex) => Some(regex),
                Err(error) => {
                    refuse(entry, &error.to_string());
                    None
                }
            };
            Entries::Patterns(entries.filter_map(pattern).collect())
        }
    }
}

/// An entry as the values that it is compared with are written.
fn exact(entry: &str) -> String {
    perisai_values::recognise(entry).map_or_else(|| entry.to_lowercase(), |(_, value)| value.to_lowercase())
}

fn host_of(entry: &str) -> Option<String> {
    // An entry with a path says nothing of the whole host.
    let host = entry
        .trim_start_matches("*.")
        .trim_start_matches('.')
        .trim_end_matches('/');
    (!host.contains('/'))
        .then(|| canonical(Kind::Domain, host).map_or_else(|_| host.to_lowercase(), |name| name.into_owned()))
}

/// A regular expression, bare or between slashes with flags as in PCRE.
fn regex(entry: &str) -> Result<Regex, regex::Error> {
    let (pattern, flags) = match entry.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
        Some((pattern, flags)) if flags.chars().all(|c| "imsxuU".contains(c)) => (pattern, flags),
        _ => (entry, ""),
    };
    regex::RegexBuilder::new(&pattern.replace("\\/", "/"))
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(1 << 20)
        .build()
}

impl Entries {
    fn hold(&self, kind: Kind, value: &str) -> bool {
        match self {
            Self::Exact(entries) => entries.contains(&value.to_lowercase()),
            // A host that is listed says nothing of a URL on it.
            Self::Hosts(_) if kind == Kind::Url => false,
            Self::Contained(entries) => {
                let value = value.to_lowercase();
                entries
                    .iter()
                    .filter(|entry| kind != Kind::Url || entry.contains('/'))
                    .any(|entry| value.contains(entry))
            }
            Self::Hosts(entries) => {
                let host = value.rsplit_once('@').map_or(value, |(_, host)| host);
                parents(host).any(|parent| entries.contains(parent))
            }
            Self::Nets(nets) => match address_of(kind, value) {
                Some(Ok(address)) => nets.iter().any(|net| net.contains(address)),
                Some(Err(inner)) => nets.iter().any(|net| net.covers(&inner)),
                None => false,
            },
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.is_match(value)),
        }
    }
}

/// The address or the net that a value is.
fn address_of(kind: Kind, value: &str) -> Option<Result<IpAddr, Net>> {
    match kind {
        Kind::Ipv4 | Kind::Ipv6 => ip::parse(value).map(Ok),
        Kind::Cidr => Net::parse(value).map(Err),
        // A URL on an address is more than the address.
        _ => None,
    }
}

/// A name and its parents.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent))
}

/// The MISP attribute types in which a kind may come.
fn misp_types(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr => &[
            "ip-src",
            "ip-dst",
            "domain|ip",
            "ip-src|port",
            "ip-dst|port",
            "ip",
            "hostname|port",
        ],
        Kind::Domain => &[
            "domain",
            "hostname",
            "domain|ip",
            "hostname|port",
            "email-domain",
            "dns-soa-email",
        ],
        Kind::Url => &["url", "link", "uri"],
        Kind::EmailAddress => &[
            "email",
            "email-src",
            "email-dst",
            "email-reply-to",
            "target-email",
            "whois-registrant-email",
        ],
        Kind::Md5 => &["md5", "filename|md5", "malware-sample"],
        Kind::Sha1 => &["sha1", "filename|sha1"],
        Kind::Sha256 => &["sha256", "filename|sha256"],
        Kind::Sha512 => &["sha512", "filename|sha512"],
        Kind::Imphash => &["imphash", "filename|imphash"],
        Kind::FileName => &[
            "filename",
            "filename|md5",
            "filename|sha1",
            "filename|sha256",
            "filename|sha512",
            "attachment",
        ],
        Kind::FilePath => &["filename", "filepath"],
        Kind::RegistryKey => &["regkey", "regkey|value"],
        Kind::Mutex => &["mutex"],
        Kind::UserAgent => &["user-agent", "http-user-agent"],
        Kind::Ja3 => &["ja3-fingerprint-md5"],
        Kind::Ja4 => &["ja4-fingerprint", "ja4"],
        Kind::X509Sha1 => &["x509-fingerprint-sha1"],
        Kind::X509Sha256 => &["x509-fingerprint-sha256"],
        Kind::X509Serial => &["x509-serial"],
        Kind::Asn => &["AS"],
        Kind::Mac => &["mac-address", "mac-eui-64"],
        Kind::Wallet => &["btc", "xmr", "dash"],
        Kind::Cve => &["vulnerability"],
        Kind::ProcessName => &["process-name", "windows-service-name"],
        Kind::CommandLine => &["command-line"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(kind: WarninglistType, attributes: &[&str], entries: &[&str]) -> Warninglists {
        let owned = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        let list = Warninglist {
            name: "list".into(),
            category: WarninglistCategory::FalsePositive,
            kind,
            matching_attributes: owned(attributes),
            entries: owned(entries),
        };
        Warninglists::compile([list]).0
    }

    fn check(lists: &Warninglists, kind: Kind, value: &str, expected: bool) {
        assert_eq!(lists.of(kind, value).next().is_some(), expected, "{kind} {value}");
    }

    #[test]
    fn a_listed_host_never_speaks_of_a_url() {
        for kind in [
            WarninglistType::Hostname,
            WarninglistType::Substring,
            WarninglistType::String,
        ] {
            let lists = list(kind, &["domain", "hostname", "url"], &["drive.example"]);
            check(&lists, Kind::Domain, "drive.example", true);
            check(&lists, Kind::Url, "https://drive.example/evil", false);
        }
        let hosts = list(WarninglistType::Hostname, &[], &[".drive.example"]);
        check(&hosts, Kind::Domain, "a.drive.example", true);
        check(&hosts, Kind::Domain, "notdrive.example", false);
        check(&hosts, Kind::EmailAddress, "a@drive.example", true);
    }

    #[test]
    fn only_the_types_that_it_names() {
        let lists = list(
            WarninglistType::String,
            &["domain"],
            &["192.0.2.1", "Good.example"],
        );
        check(&lists, Kind::Ipv4, "192.0.2.1", false);
        check(&lists, Kind::Domain, "good.example", true);
    }

    #[test]
    fn nets_and_patterns() {
        let nets = list(
            WarninglistType::Cidr,
            &[],
            &["192.0.2.0/24", "2001:db8::1", "nonsense"],
        );
        check(&nets, Kind::Ipv4, "192.0.2.7", true);
        check(&nets, Kind::Cidr, "192.0.2.0/25", true);
        check(&nets, Kind::Cidr, "192.0.0.0/16", false);
        check(&nets, Kind::Ipv6, "2001:db8::1", true);
        check(&nets, Kind::Url, "http://192.0.2.7/x", false);
        let patterns = list(
            WarninglistType::Regex,
            &[],
            &["/^[a-z]+\\.Good\\.example$/i", "("],
        );
        check(&patterns, Kind::Domain, "www.good.example", true);
        check(&patterns, Kind::Domain, "www.good.example.org", false);
    }
}
