//! What the columns of a table mean: by their headings where there are any, else by what stands in them.

use perisai_model::Kind;

use crate::text::is_public_host;
use crate::type_words::{self, Said, key, speaks_of_other_digests, unmistakable};
use crate::typed::of_any;

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The value, of the kind of the heading or to be recognised.
    Value(Option<Kind>),
    /// The value's type.
    Type,
    /// A pattern, of the language in the column of pattern types (OpenCTI).
    Pattern,
    PatternType,
    /// Whether it is meant for detection (MISP).
    ToIds,
    /// Whether it was taken back.
    Revoked,
    /// What is to be done with it: block it, or let it pass.
    Action,
    /// Where a range of addresses starts and ends, and how long its prefix is.
    RangeStart,
    RangeEnd,
    Prefix,
    Id,
    Name,
    Description,
    Author,
    Reference,
    Tags,
    Confidence,
    Severity,
    ValidFrom,
    ValidUntil,
    /// The TLP label: one that is not known is RED.
    Tlp,
    /// Markings of any kind.
    Marking,
    /// Known, and no value although it may look like one: whom to tell, digests that are not searched for. It is kept
    /// as a part of the description.
    Context,
    /// Known, and of no use here: dates of publication, ports, counters.
    Ignored,
    /// Not known: kept as a part of the description.
    Other,
}

/// Headings in lower case, all but letters and digits as `_`.
#[rustfmt::skip]
const HEADINGS: &[(&str, Role)] = &[
    ("ioc", Role::Value(None)), ("ioc_value", Role::Value(None)), ("iocs", Role::Value(None)),
    ("indicator", Role::Value(None)), ("indicator_value", Role::Value(None)), ("indicators", Role::Value(None)),
    ("observable", Role::Value(None)), ("value", Role::Value(None)), ("artifact", Role::Value(None)),
    ("hash", Role::Value(None)), ("file_hash", Role::Value(None)),
    ("ip", Role::Value(Some(Kind::Ipv4))), ("ip_adresse", Role::Value(Some(Kind::Ipv4))), ("ip_address", Role::Value(Some(Kind::Ipv4))),
    ("ipaddress", Role::Value(Some(Kind::Ipv4))), ("dst_ip", Role::Value(Some(Kind::Ipv4))),
    ("dstip", Role::Value(Some(Kind::Ipv4))), ("src_ip", Role::Value(Some(Kind::Ipv4))),
    ("srcip", Role::Value(Some(Kind::Ipv4))), ("ipv4", Role::Value(Some(Kind::Ipv4))),
    ("ipv6", Role::Value(Some(Kind::Ipv6))), ("c2_ip", Role::Value(Some(Kind::Ipv4))),
    ("cidr", Role::Value(Some(Kind::Cidr))), ("network", Role::Value(Some(Kind::Cidr))),
    ("subnet", Role::Value(Some(Kind::Cidr))), ("netblock", Role::Value(Some(Kind::Cidr))),
    ("domain", Role::Value(Some(Kind::Domain))), ("domain_name", Role::Value(Some(Kind::Domain))),
    ("domains", Role::Value(Some(Kind::Domain))), ("host", Role::Value(Some(Kind::Domain))),
    ("hostname", Role::Value(Some(Kind::Domain))), ("fqdn", Role::Value(Some(Kind::Domain))),
    ("url", Role::Value(Some(Kind::Url))), ("urls", Role::Value(Some(Kind::Url))),
    ("uri", Role::Value(Some(Kind::Url))), ("phish_url", Role::Value(Some(Kind::Url))),
    ("email", Role::Value(Some(Kind::EmailAddress))), ("email_address", Role::Value(Some(Kind::EmailAddress))),
    ("sender", Role::Value(Some(Kind::EmailAddress))),
    ("md5", Role::Value(Some(Kind::Md5))), ("md5_hash", Role::Value(Some(Kind::Md5))),
    ("hash_md5", Role::Value(Some(Kind::Md5))), ("file_md5", Role::Value(Some(Kind::Md5))),
    ("sha1", Role::Value(Some(Kind::Sha1))), ("sha1_hash", Role::Value(Some(Kind::Sha1))),
    ("hash_sha1", Role::Value(Some(Kind::Sha1))), ("sha_1", Role::Value(Some(Kind::Sha1))),
    ("sha256", Role::Value(Some(Kind::Sha256))), ("sha256_hash", Role::Value(Some(Kind::Sha256))),
    ("hash_sha256", Role::Value(Some(Kind::Sha256))), ("sha_256", Role::Value(Some(Kind::Sha256))),
    ("sha512", Role::Value(Some(Kind::Sha512))), ("sha512_hash", Role::Value(Some(Kind::Sha512))),
    ("imphash", Role::Value(Some(Kind::Imphash))),
    ("file_name", Role::Value(Some(Kind::FileName))), ("filename", Role::Value(Some(Kind::FileName))),
    ("file_path", Role::Value(Some(Kind::FilePath))), ("filepath", Role::Value(Some(Kind::FilePath))),
    ("path", Role::Value(Some(Kind::FilePath))),
    ("registry_key", Role::Value(Some(Kind::RegistryKey))), ("registry", Role::Value(Some(Kind::RegistryKey))),
    ("regkey", Role::Value(Some(Kind::RegistryKey))), ("mutex", Role::Value(Some(Kind::Mutex))),
    ("user_agent", Role::Value(Some(Kind::UserAgent))), ("useragent", Role::Value(Some(Kind::UserAgent))),
    ("ja3", Role::Value(Some(Kind::Ja3))), ("ja3_md5", Role::Value(Some(Kind::Ja3))),
    ("ja3_hash", Role::Value(Some(Kind::Ja3))), ("ja4", Role::Value(Some(Kind::Ja4))),
    ("asn", Role::Value(Some(Kind::Asn))), ("as_number", Role::Value(Some(Kind::Asn))),
    ("mac", Role::Value(Some(Kind::Mac))), ("mac_address", Role::Value(Some(Kind::Mac))),
    ("wallet", Role::Value(Some(Kind::Wallet))), ("btc", Role::Value(Some(Kind::Wallet))),
    ("cve", Role::Value(Some(Kind::Cve))), ("cve_id", Role::Value(Some(Kind::Cve))),
    ("process_name", Role::Value(Some(Kind::ProcessName))), ("process", Role::Value(Some(Kind::ProcessName))),
    ("command_line", Role::Value(Some(Kind::CommandLine))), ("commandline", Role::Value(Some(Kind::CommandLine))),
    ("start", Role::RangeStart), ("start_ip", Role::RangeStart), ("ip_start", Role::RangeStart),
    ("range_start", Role::RangeStart), ("first_ip", Role::RangeStart), ("ip_from", Role::RangeStart),
    ("end", Role::RangeEnd), ("end_ip", Role::RangeEnd), ("ip_end", Role::RangeEnd), ("range_end", Role::RangeEnd),
    ("last_ip", Role::RangeEnd), ("ip_to", Role::RangeEnd),
    ("prefix", Role::Prefix), ("prefix_length", Role::Prefix), ("netmask", Role::Prefix), ("mask", Role::Prefix),
    ("contact", Role::Context), ("contact_email", Role::Context), ("email_contact", Role::Context),
    ("abuse", Role::Context), ("abuse_email", Role::Context), ("abuse_contact", Role::Context),
    ("abuse_mail", Role::Context), ("abuse_contact_email", Role::Context), ("registrant_email", Role::Context),
    ("registrar_abuse_email", Role::Context), ("owner_email", Role::Context), ("reporter_email", Role::Context),
    ("action", Role::Action),
    ("pattern", Role::Pattern), ("pattern_type", Role::PatternType), ("revoked", Role::Revoked),
    ("observable_value", Role::Value(None)), ("hashes", Role::Value(None)), ("ips", Role::Value(Some(Kind::Ipv4))),
    ("ip_addresses", Role::Value(Some(Kind::Ipv4))), ("hosts", Role::Value(Some(Kind::Domain))),
    ("hostnames", Role::Value(Some(Kind::Domain))), ("domain_names", Role::Value(Some(Kind::Domain))),
    ("emails", Role::Value(Some(Kind::EmailAddress))), ("email_addresses", Role::Value(Some(Kind::EmailAddress))),
    ("e_mail", Role::Value(Some(Kind::EmailAddress))), ("filenames", Role::Value(Some(Kind::FileName))),
    ("file_names", Role::Value(Some(Kind::FileName))), ("file_paths", Role::Value(Some(Kind::FilePath))),
    ("registry_keys", Role::Value(Some(Kind::RegistryKey))), ("registrykey", Role::Value(Some(Kind::RegistryKey))),
    ("mutexes", Role::Value(Some(Kind::Mutex))), ("user_agents", Role::Value(Some(Kind::UserAgent))),
    ("process_names", Role::Value(Some(Kind::ProcessName))), ("processname", Role::Value(Some(Kind::ProcessName))),
    ("entity_type", Role::Type), ("x_opencti_main_observable_type", Role::Ignored), ("createdby", Role::Author),
    ("created_by", Role::Author), ("objectlabel", Role::Tags), ("externalreferences", Role::Reference),
    ("created_at", Role::Ignored), ("updated_at", Role::Ignored), ("standard_id", Role::Id),
    ("type", Role::Type), ("ioc_type", Role::Type), ("ioctype", Role::Type), ("indicator_type", Role::Type),
    ("observable_type", Role::Type), ("kind", Role::Type), ("value_type", Role::Type),
    ("to_ids", Role::ToIds),
    ("id", Role::Id), ("uuid", Role::Id), ("ioc_id", Role::Id), ("indicator_id", Role::Id),
    ("malware", Role::Name), ("malware_printable", Role::Name), ("malware_family", Role::Name),
    ("malware_name", Role::Name), ("family", Role::Name), ("signature", Role::Name), ("name", Role::Name),
    ("title", Role::Name), ("threat_name", Role::Name), ("event_info", Role::Name),
    ("listingreason", Role::Name), ("listing_reason", Role::Name), ("reason", Role::Name),
    ("description", Role::Description), ("comment", Role::Description), ("comments", Role::Description),
    ("note", Role::Description), ("notes", Role::Description), ("details", Role::Description),
    ("author", Role::Author), ("reporter", Role::Author), ("provider", Role::Author), ("source", Role::Author),
    ("event_source_org", Role::Author), ("event_member_org", Role::Ignored),
    ("reference", Role::Reference), ("references", Role::Reference), ("urlhaus_link", Role::Reference),
    ("urlhaus_reference", Role::Reference), ("link", Role::Reference), ("report", Role::Reference),
    ("phish_detail_url", Role::Reference),
    ("tag", Role::Tags), ("tags", Role::Tags), ("label", Role::Tags), ("labels", Role::Tags),
    ("mitre_techniques", Role::Tags), ("techniques", Role::Tags), ("attribute_tag", Role::Tags), ("event_tag", Role::Tags), ("threat", Role::Tags), ("threat_type", Role::Tags),
    ("malware_alias", Role::Tags), ("actor", Role::Tags), ("threat_actor", Role::Tags), ("campaign", Role::Tags),
    ("confidence", Role::Confidence), ("confidence_level", Role::Confidence), ("score", Role::Ignored),
    ("severity", Role::Severity), ("level", Role::Severity), ("threat_level", Role::Severity),
    ("event_threat_level_id", Role::Severity),
    ("first_seen", Role::ValidFrom), ("first_seen_utc", Role::ValidFrom), ("firstseen", Role::ValidFrom),
    ("valid_from", Role::ValidFrom),
    ("valid_until", Role::ValidUntil), ("expiration", Role::ValidUntil), ("expiration_date", Role::ValidUntil),
    ("expiration_time", Role::ValidUntil), ("expiration_date_time", Role::ValidUntil), ("expires", Role::ValidUntil), ("expiry", Role::ValidUntil),
    ("tlp", Role::Tlp), ("marking", Role::Tlp), ("tlp_label", Role::Tlp), ("tlp_level", Role::Tlp),
    ("tlp_marking", Role::Tlp), ("objectmarking", Role::Marking), ("object_marking", Role::Marking),
    ("object_markings", Role::Marking), ("markings", Role::Marking), ("classification", Role::Marking),
    ("date", Role::Ignored), ("dateadded", Role::Ignored), ("date_added", Role::Ignored),
    ("listingdate", Role::Ignored), ("timestamp", Role::Ignored), ("created", Role::Ignored),
    ("modified", Role::Ignored), ("updated", Role::Ignored), ("last_seen", Role::Ignored),
    ("last_seen_utc", Role::Ignored), ("lastseen", Role::Ignored), ("last_online", Role::Ignored),
    ("event_id", Role::Ignored), ("category", Role::Ignored), ("object_relation", Role::Ignored),
    ("object_uuid", Role::Ignored), ("object_name", Role::Ignored), ("object_meta_category", Role::Ignored),
    ("event_date", Role::Ignored), ("event_distribution", Role::Ignored), ("event_analysis", Role::Ignored),
    ("fk_malware", Role::Ignored), ("anonymous", Role::Ignored), ("is_compromised", Role::Ignored),
    ("dst_port", Role::Ignored), ("port", Role::Ignored), ("ssdeep", Role::Ignored), ("tlsh", Role::Ignored),
    ("vtpercent", Role::Ignored),
];

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// One role a column.
    pub(super) roles: Vec<Role>,
    /// One heading a column; empty where the table has none.
    pub(super) names: Vec<String>,
    /// Without headings: columns that hold values and are not taken, as nobody says whose they are.
    pub(super) spare: Vec<usize>,
}

impl Columns {
    /// By headings; `None` where no heading is known.
    pub(super) fn from_headings(headings: &[impl AsRef<str>], sample: &[Vec<String>]) -> Option<Self> {
        let roles: Vec<_> = headings.iter().map(|heading| role(heading.as_ref())).collect();
        let known = roles.iter().any(|role| *role != Role::Other);
        let mut columns = Self {
            roles,
            names: headings
                .iter()
                .map(|heading| heading.as_ref().to_owned())
                .collect(),
            spare: Vec::new(),
        };
        columns.settle_ranges(sample);
        columns.settle_values();
        if !columns.has_value() {
            columns.find_values(sample);
        }
        (known && columns.has_value()).then_some(columns)
    }

    /// One column of values of a kind.
    pub(super) fn one(kind: Kind) -> Self {
        Self {
            roles: vec![Role::Value(Some(kind))],
            names: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// By content; `None` where no column holds mostly values.
    pub(super) fn from_content(sample: &[Vec<String>]) -> Option<Self> {
        let width = sample.iter().map(Vec::len).max()?;
        let mut columns = Self {
            roles: vec![Role::Other; width],
            names: Vec::new(),
            spare: Vec::new(),
        };
        columns.find_values(sample);
        columns.spare = (0..width)
            .filter(|&at| columns.roles[at] == Role::Other && holds_plain_values(sample, at))
            .collect();
        columns.has_value().then_some(columns)
    }

    /// The role of a column; one beyond the headings has none.
    pub(super) fn role(&self, at: usize) -> Role {
        self.roles.get(at).copied().unwrap_or(Role::Ignored)
    }

    /// True for MISP's own export, where types that are not covered are no mistake.
    pub(super) fn is_misp(&self) -> bool {
        self.roles.contains(&Role::ToIds) && self.roles.contains(&Role::Type)
    }

    fn has_value(&self) -> bool {
        self.roles
            .iter()
            .any(|role| matches!(role, Role::Value(_) | Role::Pattern | Role::RangeStart))
    }

    /// `start` and `end` mean addresses only where addresses stand below them; then a number in a column of nets is the
    /// length of a prefix, and a mailbox beside it that of whoever is to be told. A column of whole nets says it all.
    fn settle_ranges(&mut self, sample: &[Vec<String>]) {
        let all = |at: usize, is: fn(&str) -> bool| {
            let mut cells = sample
                .iter()
                .filter_map(|row| row.get(at))
                .filter(|cell| !cell.is_empty());
            let some = cells.clone().next().is_some();
            some && cells.all(|cell| is(cell))
        };
        let is_address = |cell: &str| matches!(of_any(cell), Some((Kind::Ipv4 | Kind::Ipv6, _)));
        let is_number = |cell: &str| cell.trim_start_matches('/').parse::<u8>().is_ok();
        let mut at = 0..self.roles.len();
        let has_range = at.any(|at| self.roles[at] == Role::RangeStart && all(at, is_address));
        for (at, role) in self.roles.iter_mut().enumerate().filter(|_| has_range) {
            match role {
                Role::Value(Some(Kind::Cidr)) if all(at, is_number) => *role = Role::Prefix,
                Role::Value(Some(Kind::EmailAddress)) => *role = Role::Context,
                _ => {}
            }
        }
        let is_value = |role: &Role| matches!(role, Role::Value(None | Some(Kind::Cidr)));
        if !has_range || self.roles.iter().any(is_value) {
            // A netmask or a length beside one column of addresses is theirs.
            let is_address = |role: &&Role| {
                matches!(
                    role,
                    Role::Value(None | Some(Kind::Cidr | Kind::Ipv4 | Kind::Ipv6))
                )
            };
            let is_theirs = self.roles.iter().filter(is_address).count() == 1;
            let is_range = |role: &&mut Role| {
                matches!(role, Role::RangeStart | Role::RangeEnd) || **role == Role::Prefix && !is_theirs
            };
            self.roles
                .iter_mut()
                .filter(is_range)
                .for_each(|role| *role = Role::Other);
        }
    }

    /// A column that is named for the value is the only one. Beside digests and network values, names of files and
    /// the like say what they are about; alone, they are the values.
    fn settle_values(&mut self) {
        let generic = self.roles.contains(&Role::Value(None));
        let strong = self
            .roles
            .iter()
            .any(|role| matches!(role, Role::Value(Some(kind)) if !is_weak(*kind)));
        for role in &mut self.roles {
            match role {
                Role::Value(Some(kind)) if generic || strong && is_weak(*kind) => *role = Role::Other,
                Role::Type if !generic => *role = Role::Other,
                _ => {}
            }
        }
    }

    /// The columns whose cells are mostly digests; else the leftmost of those with the most values.
    fn find_values(&mut self, sample: &[Vec<String>]) {
        let free = |role: &Role| matches!(role, Role::Other);
        let shares: Vec<_> = (0..self.roles.len()).map(|at| share(sample, at)).collect();
        let mut digests = false;
        for (role, share) in self.roles.iter_mut().zip(&shares) {
            if free(role) && share.is_digest() {
                *role = Role::Value(None);
                digests = true;
            }
        }
        if digests {
            return;
        }
        let most = shares
            .iter()
            .zip(&self.roles)
            .filter(|(_, role)| free(role))
            .map(|(share, _)| share.values)
            .max();
        let best = (0..self.roles.len()).find(|&at| {
            free(&self.roles[at]) && Some(shares[at].values) == most && shares[at].is_mostly_values()
        });
        if let Some(at) = best {
            self.roles[at] = Role::Value(None);
        }
    }
}

/// True for a column that holds mostly values that can be nothing else, names of hosts among them.
fn holds_plain_values(sample: &[Vec<String>], at: usize) -> bool {
    let cells = || {
        sample
            .iter()
            .filter_map(|row| row.get(at))
            .filter(|cell| !cell.is_empty())
    };
    let is_plain = |cell: &&String| match of_any(cell) {
        Some((Kind::Domain, name)) => is_public_host(&name),
        found => found.is_some() && (cell.contains("://") || unmistakable(cell).is_some()),
    };
    let plain = cells().filter(is_plain).count();
    plain > 0 && plain * 2 >= cells().count()
}

struct Share {
    cells: usize,
    values: usize,
    digests: usize,
}

impl Share {
    fn is_digest(&self) -> bool {
        self.digests > 0 && self.digests * 2 >= self.cells
    }

    fn is_mostly_values(&self) -> bool {
        self.values > 0 && self.values * 2 >= self.cells
    }
}

fn share(sample: &[Vec<String>], at: usize) -> Share {
    let mut share = Share {
        cells: 0,
        values: 0,
        digests: 0,
    };
    for cell in sample
        .iter()
        .filter_map(|row| row.get(at))
        .filter(|cell| !cell.is_empty())
    {
        share.cells += 1;
        if let Some((kind, _)) = of_any(cell) {
            share.values += 1;
            share.digests += usize::from(matches!(
                kind,
                Kind::Md5 | Kind::Sha1 | Kind::Sha256 | Kind::Sha512
            ));
        }
    }
    share
}

fn is_weak(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FileName
            | Kind::FilePath
            | Kind::ProcessName
            | Kind::CommandLine
            | Kind::Imphash
            | Kind::Asn
            | Kind::Cve
            | Kind::UserAgent
    )
}

/// What a heading says of the values below it; `None` where it is no heading of values.
pub(super) fn heading_kind(heading: &str) -> Option<Option<Kind>> {
    match role(heading.trim_matches('"')) {
        Role::Value(kind) => Some(kind),
        _ => None,
    }
}

/// True for a heading of what is said about values.
pub(super) fn is_context(heading: &str) -> bool {
    use Role::{Action, Other, Pattern, Prefix, RangeEnd, RangeStart, Type, Value};
    !matches!(
        role(heading),
        Value(_) | Other | Type | Pattern | Action | RangeStart | RangeEnd | Prefix
    )
}

fn role(heading: &str) -> Role {
    let name = key(heading);
    let is = |known: &str| known.bytes().filter(|byte| *byte != b'_').eq(name.bytes());
    if let Some((_, role)) = HEADINGS.iter().find(|(known, _)| is(known)) {
        return *role;
    }
    match type_words::said(heading) {
        Some(Said::Kind(kind)) if !name.is_ascii() && !is_weak(kind) => Role::Value(Some(kind)),
        Some(Said::Digest | Said::Any) if !name.is_ascii() => Role::Value(None),
        _ if speaks_of_other_digests(heading) => Role::Context,
        _ => Role::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(headings: &[&str]) -> Option<Vec<Role>> {
        Columns::from_headings(headings, &[]).map(|columns| columns.roles)
    }

    #[test]
    fn headings() {
        assert_eq!(
            roles(&["IOC Type", "Indicator", "ip"]),
            Some(vec![Role::Type, Role::Value(None), Role::Other])
        );
        assert_eq!(
            roles(&["sha256_hash", "file_name", "imphash"]),
            Some(vec![Role::Value(Some(Kind::Sha256)), Role::Other, Role::Other])
        );
        assert_eq!(
            roles(&["file_name", "note"]).unwrap()[0],
            Role::Value(Some(Kind::FileName))
        );
        assert_eq!(roles(&["first name", "age"]), None);
        assert_eq!(roles(&["name", "age"]), None);
    }

    #[test]
    fn content() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let check = |sample: &[Vec<String>], expected: &[usize]| {
            let columns = Columns::from_content(sample);
            let values: Vec<_> = columns
                .iter()
                .flat_map(|columns| columns.roles.iter().enumerate())
                .filter(|(_, role)| matches!(role, Role::Value(_)))
                .map(|(at, _)| at)
                .collect();
            assert_eq!(values, expected, "{sample:?}");
        };
        check(&[row(&["1", "evil.example", "http://report.example/"])], &[1]);
        check(&[row(&["a.exe", md5, md5])], &[1, 2]);
        check(&[row(&["a", "b"])], &[]);
    }

    #[test]
    fn headings_are_each_listed_once() {
        for (at, (name, _)) in HEADINGS.iter().enumerate() {
            assert!(HEADINGS[..at].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
