//! Warninglists: which indicators are known to be harmless, or known for what they are.
//!
//! A list says something of an indicator's own value, never of the text around it, and only of the attribute types
//! that it names. They are asked when an indicator matched; the entries of all lists lie in one index, so that the
//! number of lists costs nothing then.

mod contained;
mod host;
mod nets;
mod types;

use std::collections::{HashMap, HashSet};

use perisai_model::{Kind, Problem, Warninglist, WarninglistCategory, WarninglistType};
use perisai_values::canonical;
use regex::Regex;

use self::contained::Contained;
use self::host::Host;
use self::nets::Nets;
use self::types::Kinds;

/// The place of a list among all.
type Id = u32;

/// Compiled warninglists.
#[derive(Debug, Default)]
pub(crate) struct Warninglists {
    lists: Vec<List>,
    exact: HashMap<Box<str>, Vec<Id>>,
    hosts: HashMap<Box<str>, Vec<Id>>,
    /// The entries of rankings.
    sites: HashSet<Box<str>>,
    nets: Nets,
    contained: Vec<(Id, Contained)>,
    patterns: Vec<(Id, Vec<Regex>)>,
}

#[derive(Debug)]
struct List {
    name: String,
    category: WarninglistCategory,
    kinds: Kinds,
    /// It names no attribute types.
    speaks_of_all: bool,
}

impl Warninglists {
    /// Compiles lists; entries that cannot be used are told, and the others go on.
    pub(crate) fn compile(lists: impl IntoIterator<Item = Warninglist>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut compiled = Self::default();
        for (list, id) in lists.into_iter().zip(0..) {
            compiled.add(&list, id, &mut problems);
            compiled.lists.push(List {
                kinds: Kinds::of(&list.matching_attributes),
                speaks_of_all: list.matching_attributes.is_empty(),
                name: list.name,
                category: list.category,
            });
        }
        (compiled, problems)
    }

    fn add(&mut self, list: &Warninglist, id: Id, problems: &mut Vec<Problem>) {
        let mut refuse = |why: String| problems.push(Problem::new(list.place.clone(), why));
        let entries = list
            .entries
            .iter()
            .map(|entry| entry.trim())
            .filter(|entry| !entry.is_empty());
        match list.kind {
            WarninglistType::String | WarninglistType::Site => {
                for entry in entries.map(exact) {
                    if list.kind == WarninglistType::Site {
                        self.sites.insert(entry.as_str().into());
                    }
                    self.exact.entry(entry.into()).or_default().push(id);
                }
            }
            WarninglistType::Hostname => entries
                .filter_map(host_of)
                .for_each(|host| self.hosts.entry(host.into()).or_default().push(id)),
            WarninglistType::Substring => match Contained::compile(entries) {
                Ok(contained) => self.contained.push((id, contained)),
                Err(error) => refuse(error.to_string()),
            },
            WarninglistType::Cidr => {
                for entry in entries {
                    if !self.nets.add(entry, id) {
                        refuse(format!(
                            "`{}`: neither an address nor a net",
                            entry.escape_debug()
                        ));
                    }
                }
            }
            WarninglistType::Regex => {
                let mut patterns = Vec::new();
                for entry in entries {
                    match regex(entry) {
                        Ok(regex) => patterns.push(regex),
                        Err(error) => refuse(format!("`{}`: {error}", entry.escape_debug())),
                    }
                }
                self.patterns.push((id, patterns));
            }
        }
    }

    /// The lists that hold a value in canonical form, in their order, with what that means.
    pub(crate) fn of(&self, kind: Kind, value: &str) -> impl Iterator<Item = (&str, WarninglistCategory)> {
        let mut found = Vec::new();
        if !self.lists.is_empty() {
            self.find(kind, value, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        let lists = found.into_iter().map(|id| self.list(id));
        lists
            .filter(move |list| list.kinds.hold(kind))
            .map(|list| (list.name.as_str(), list.category))
    }

    fn find(&self, kind: Kind, value: &str, found: &mut Vec<Id>) {
        let lower = value.to_lowercase();
        if let Some(ids) = self.exact.get(lower.as_str()) {
            found.extend_from_slice(ids);
        }
        if let Some(host) = Host::of(kind, &lower) {
            self.find_site(kind, host, found);
            self.find_hosts(kind, host, found);
        }
        self.nets.find(kind, value, found);
        let speaks = |id: Id| self.list(id).kinds.hold(kind);
        for (id, entries) in self.contained.iter().filter(|&&(id, _)| speaks(id)) {
            let category = self.list(*id).category;
            if entries.hold(kind, &lower, |listed, host| self.reaches(listed, host, category)) {
                found.push(*id);
            }
        }
        for (id, patterns) in self.patterns.iter().filter(|&&(id, _)| speaks(id)) {
            if patterns.iter().any(|pattern| pattern.is_match(value)) {
                found.push(*id);
            }
        }
    }

    /// `www.` before a listed site is that site.
    fn find_site(&self, kind: Kind, host: Host<'_>, found: &mut Vec<Id>) {
        let site = host.without_www().filter(|_| kind == Kind::Domain);
        found.extend(site.and_then(|site| self.exact.get(site)).into_iter().flatten());
    }

    /// A listed host says nothing of a mailbox there, unless its list names addresses. And where a parent is known to
    /// give names to strangers, no list can say that such a name is harmless, but by that name.
    fn find_hosts(&self, kind: Kind, host: Host<'_>, found: &mut Vec<Id>) {
        let (mut of_strangers, mut itself) = (false, found.len());
        for (parent, depth) in host.parents().zip(0..) {
            for &id in self.hosts.get(parent).into_iter().flatten() {
                let list = self.list(id);
                let speaks = list.kinds.hold(kind) && (kind == Kind::Domain || !list.speaks_of_all);
                if speaks && self.reaches(parent, host, list.category) {
                    found.push(id);
                    of_strangers |= depth > 0 && list.category == WarninglistCategory::Known;
                }
            }
            if depth == 0 {
                itself = found.len();
            }
        }
        if of_strangers {
            let below = found.split_off(itself);
            let known = |id: &Id| self.list(*id).category == WarninglistCategory::Known;
            found.extend(below.into_iter().filter(known));
        }
    }

    /// True where a listed host speaks of a host that is the same or below it.
    fn reaches(&self, listed: &str, host: Host<'_>, category: WarninglistCategory) -> bool {
        let below = host.without_www().unwrap_or(host.name()) != listed && host.name() != listed;
        let of_strangers =
            below && category == WarninglistCategory::FalsePositive && self.sites.contains(listed);
        !of_strangers && host.reached_from(listed.len(), category)
    }

    fn list(&self, id: Id) -> &List {
        &self.lists[id as usize]
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
        Some((pattern, flags)) if flags.chars().all(|c| "imsxuUg".contains(c)) => (pattern, flags),
        _ => (entry, ""),
    };
    regex::RegexBuilder::new(&pattern.replace("\\/", "/"))
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(1 << 20)
        .build()
}

#[cfg(test)]
mod tests {
    use perisai_model::Place;

    use proptest::prelude::*;

    use super::*;

    fn compile(
        kind: WarninglistType,
        category: WarninglistCategory,
        attributes: &[&str],
        entries: &[&str],
    ) -> Warninglists {
        let owned = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
        let list = Warninglist {
            place: Place::file("list.json"),
            name: "list".into(),
            category,
            kind,
            matching_attributes: owned(attributes),
            entries: owned(entries),
        };
        Warninglists::compile([list]).0
    }

    fn list(kind: WarninglistType, attributes: &[&str], entries: &[&str]) -> Warninglists {
        compile(kind, WarninglistCategory::FalsePositive, attributes, entries)
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
            for entry in ["drive.example", "https://drive.example", ".drive.example/"] {
                let lists = list(kind, &["domain", "hostname", "url"], &[entry]);
                check(&lists, Kind::Url, "https://drive.example/evil", false);
                check(&lists, Kind::Url, "drive.example/evil", false);
            }
            let lists = list(kind, &["domain", "hostname", "url"], &["Drive.example"]);
            check(&lists, Kind::Domain, "drive.example", true);
        }
        let paths = list(
            WarninglistType::Substring,
            &["url"],
            &["https://drive.example/help"],
        );
        check(&paths, Kind::Url, "http://drive.example/help/1", true);
        check(&paths, Kind::Url, "notdrive.example/help/1", false);
        check(&paths, Kind::Url, "evil.example/?u=drive.example/help", false);
    }

    #[test]
    fn a_listed_host_covers_what_its_owner_has_below_it() {
        use WarninglistType::{Hostname, Substring};
        let entries = [
            "amazonaws.com",
            "duckdns.org",
            "co.cc",
            ".good.example",
            "xn--55qx5d.cn",
        ];
        for kind in [Hostname, Substring] {
            let lists = list(kind, &["domain"], &entries);
            for (value, expected) in [
                ("amazonaws.com", true),
                ("www.amazonaws.com", true),
                ("evil.s3.amazonaws.com", false),
                ("duckdns.org", true),
                ("evil.duckdns.org", false),
                ("a.good.example", true),
                ("notgood.example", false),
                ("good.example.evil.example", false),
                ("update.cisco.ccleaner.example", false),
                ("co.cc.evil.example", false),
                ("evil.xn--55qx5d.cn", false),
            ] {
                check(&lists, Kind::Domain, value, expected);
            }
            // That a name is a customer's of a listed service can be said without hiding it.
            let known = compile(kind, WarninglistCategory::Known, &["domain"], &entries);
            check(&known, Kind::Domain, "evil.duckdns.org", true);
            check(&known, Kind::Domain, "notduckdns.org", false);
        }
    }

    #[test]
    fn a_host_known_for_names_of_strangers() {
        let list = |category, entries: &[&str]| Warninglist {
            place: Place::file("list.json"),
            name: format!("{category:?}"),
            category,
            kind: WarninglistType::Hostname,
            matching_attributes: vec!["domain".into()],
            entries: entries.iter().map(|&entry| entry.to_owned()).collect(),
        };
        let lists = Warninglists::compile([
            list(
                WarninglistCategory::FalsePositive,
                &["pages.example", "help.pages.example"],
            ),
            list(WarninglistCategory::Known, &["pages.example"]),
        ])
        .0;
        let check = |value: &str, expected: &[&str]| {
            let names: Vec<&str> = lists.of(Kind::Domain, value).map(|(name, _)| name).collect();
            assert_eq!(names, expected, "{value}");
        };
        check("evil.pages.example", &["Known"]);
        check("help.pages.example", &["FalsePositive", "Known"]);
        check("pages.example", &["FalsePositive", "Known"]);
    }

    #[test]
    fn a_much_visited_site_speaks_of_itself_alone() {
        let list = |name: &str, kind, entries: &[&str]| Warninglist {
            place: Place::file("list.json"),
            name: name.into(),
            category: WarninglistCategory::FalsePositive,
            kind,
            matching_attributes: vec!["domain".into()],
            entries: entries.iter().map(|&entry| entry.to_owned()).collect(),
        };
        for kind in [WarninglistType::Hostname, WarninglistType::Substring] {
            let blogs = list(
                "blogs",
                kind,
                &["pages.example", "ministry.example", "blog.pages.example"],
            );
            let top = list("top", WarninglistType::Site, &["pages.example"]);
            let lists = Warninglists::compile([blogs, top]).0;
            let check = |value: &str, expected: &[&str]| {
                let names: Vec<&str> = lists.of(Kind::Domain, value).map(|(name, _)| name).collect();
                assert_eq!(names, expected, "{value}");
            };
            check("pages.example", &["blogs", "top"]);
            check("www.pages.example", &["blogs", "top"]);
            check("evil.pages.example", &[]);
            check("blog.pages.example", &["blogs"]);
            check("mail.ministry.example", &["blogs"]);
        }
    }

    #[test]
    fn www_is_the_site_itself() {
        let lists = list(
            WarninglistType::String,
            &["domain"],
            &["good.example", "co.uk", "example"],
        );
        check(&lists, Kind::Domain, "www.good.example", true);
        check(&lists, Kind::Domain, "evil.good.example", false);
        check(&lists, Kind::Domain, "www.co.uk", false);
        check(&lists, Kind::Domain, "www.example", false);
    }

    #[test]
    fn a_word_counts_as_a_whole_label() {
        let lists = list(
            WarninglistType::Substring,
            &["domain", "user-agent"],
            &["intranet"],
        );
        check(&lists, Kind::Domain, "intranet.ministry.example", true);
        check(&lists, Kind::Domain, "evil-intranet.example", false);
        check(&lists, Kind::UserAgent, "OurIntranetBot/1", true);
    }

    #[test]
    fn mailboxes() {
        let mail = ["email-src", "domain|ip", "dns-soa-email"];
        for kind in [WarninglistType::Hostname, WarninglistType::Substring] {
            let lists = list(kind, &mail, &["mail.example"]);
            check(&lists, Kind::EmailAddress, "a@mail.example", true);
            check(&lists, Kind::EmailAddress, "a@b.mail.example", true);
            check(&lists, Kind::EmailAddress, "a@notmail.example", false);
            check(&lists, Kind::Domain, "mail.example", false);
        }
        let hosts = list(WarninglistType::Hostname, &[], &["mail.example"]);
        check(&hosts, Kind::EmailAddress, "a@mail.example", false);
        check(&hosts, Kind::Domain, "mail.example", true);
    }

    #[test]
    fn only_the_types_that_it_names() {
        let entries = ["192.0.2.1", "Good.example"];
        for (attribute, domain, address) in [
            ("domain", true, false),
            ("hostname", true, false),
            ("ip-dst", false, true),
            ("domain|ip", false, false),
            ("email-src", false, false),
        ] {
            for kind in [WarninglistType::String, WarninglistType::Substring] {
                let lists = list(kind, &[attribute], &entries);
                check(&lists, Kind::Domain, "good.example", domain);
                check(&lists, Kind::Ipv4, "192.0.2.1", address);
                check(&lists, Kind::Ipv4, "192.0.2.11", false);
            }
        }
    }

    #[test]
    fn nets_and_patterns() {
        let nets = list(
            WarninglistType::Cidr,
            &[],
            &["192.0.2.0/24", "192.0.0.0/23", "2001:db8::1", "nonsense"],
        );
        check(&nets, Kind::Ipv4, "192.0.2.7", true);
        check(&nets, Kind::Ipv4, "192.0.3.7", false);
        check(&nets, Kind::Cidr, "192.0.2.0/25", true);
        check(&nets, Kind::Cidr, "192.0.0.0/16", false);
        check(&nets, Kind::Ipv6, "2001:db8::1", true);
        check(&nets, Kind::Ipv6, "2001:db8::2", false);
        check(&nets, Kind::Url, "http://192.0.2.7/x", false);
        let patterns = list(
            WarninglistType::Regex,
            &[],
            &["/^[a-z]+\\.Good\\.example$/i", "("],
        );
        check(&patterns, Kind::Domain, "www.good.example", true);
        check(&patterns, Kind::Domain, "www.good.example.org", false);
    }

    proptest! {
        #[test]
        fn never_panics(
            entries in prop::collection::vec("[a-c.:/@*ä0-9]{0,12}|\\PC{0,12}", 0..4),
            value in "[a-c.:/@ä0-9]{0,16}|\\PC{0,16}",
        ) {
            use WarninglistType::{Cidr, Hostname, Regex, String as Exact, Substring};
            let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
            for kind in [Exact, Substring, Hostname, Cidr, Regex] {
                let lists = list(kind, &[], &entries);
                for &of in Kind::ALL {
                    let _ = lists.of(of, &value).count();
                }
            }
        }
    }
}
