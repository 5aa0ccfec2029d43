//! The MISP attribute types in which an indicator of a kind may come.

use perisai_model::Kind;

/// The kinds that a list speaks of, one bit each. A list without attribute types speaks of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds(u64);

impl Kinds {
    pub(super) fn of(attributes: &[String]) -> Self {
        let named = |kind: Kind| {
            let types = misp_types(kind);
            attributes
                .iter()
                .any(|attribute| types.contains(&attribute.as_str()))
        };
        let bits = Kind::ALL
            .iter()
            .filter(|&&kind| attributes.is_empty() || named(kind))
            .map(|&kind| bit(kind));
        Self(bits.fold(0, |all, one| all | one))
    }

    pub(super) fn hold(self, kind: Kind) -> bool {
        self.0 & bit(kind) != 0
    }
}

fn bit(kind: Kind) -> u64 {
    1 << (kind as u8)
}

/// Of a composite, a list names the part that it is about by that part's own type as well: `domain|ip` stands in lists
/// of nets and in lists of mail hosts, and makes neither a list of domains. A digest is the only part of `filename|md5`
/// that a list can be about.
fn misp_types(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr => &["ip-src", "ip-dst", "ip-src|port", "ip-dst|port", "ip"],
        Kind::Domain => &["domain", "hostname"],
        Kind::Url => &["url", "link", "uri"],
        Kind::EmailAddress => &[
            "email",
            "email-src",
            "email-dst",
            "email-reply-to",
            "target-email",
            "whois-registrant-email",
            "dns-soa-email",
        ],
        Kind::Md5 => &["md5", "filename|md5", "malware-sample"],
        Kind::Sha1 => &["sha1", "filename|sha1"],
        Kind::Sha256 => &["sha256", "filename|sha256"],
        Kind::Sha512 => &["sha512", "filename|sha512"],
        Kind::Imphash => &["imphash", "filename|imphash"],
        Kind::FileName => &["filename", "attachment"],
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
