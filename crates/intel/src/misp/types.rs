//! MISP's attribute types (the `types` of `describeTypes`) and what each holds. Types that are not here hold no value
//! that is searched for.

use perisai_model::{Kind, RuleLanguage};

/// One part of an attribute's value; composite types have two, with `|` between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A value of a kind.
    Of(Kind),
    /// An address of either version, or a net.
    Address,
    /// A file's name, or its path.
    File,
    /// A vulnerability's id, which is not always a CVE's.
    Cve,
    /// Not searched for by itself: a port, or the name of a file whose digest is known.
    Skip,
}

/// What an attribute of a type holds; `None` where the type is not covered.
pub(crate) fn parts(name: &str) -> Option<&'static [Part]> {
    use Part::{Address, Cve, File, Of, Skip};
    Some(match name {
        "ip-src" | "ip-dst" | "ip" => &[Address],
        "ip-src|port" | "ip-dst|port" => &[Address, Skip],
        "domain" | "hostname" => &[Of(Kind::Domain)],
        "hostname|port" => &[Of(Kind::Domain), Skip],
        "domain|ip" => &[Of(Kind::Domain), Address],
        "url" => &[Of(Kind::Url)],
        "email" | "email-src" | "email-dst" | "email-reply-to" => &[Of(Kind::EmailAddress)],
        "md5" => &[Of(Kind::Md5)],
        "sha1" => &[Of(Kind::Sha1)],
        "sha256" => &[Of(Kind::Sha256)],
        "sha512" => &[Of(Kind::Sha512)],
        "imphash" => &[Of(Kind::Imphash)],
        "filename" => &[File],
        "filename|md5" | "malware-sample" => &[Skip, Of(Kind::Md5)],
        "filename|sha1" => &[Skip, Of(Kind::Sha1)],
        "filename|sha256" => &[Skip, Of(Kind::Sha256)],
        "filename|sha512" => &[Skip, Of(Kind::Sha512)],
        "filename|imphash" => &[Skip, Of(Kind::Imphash)],
        "regkey" => &[Of(Kind::RegistryKey)],
        "regkey|value" => &[Of(Kind::RegistryKey), Skip],
        "mutex" => &[Of(Kind::Mutex)],
        "user-agent" => &[Of(Kind::UserAgent)],
        "ja3-fingerprint-md5" => &[Of(Kind::Ja3)],
        "ja4" => &[Of(Kind::Ja4)],
        "x509-fingerprint-sha1" => &[Of(Kind::X509Sha1)],
        "x509-fingerprint-sha256" => &[Of(Kind::X509Sha256)],
        "AS" | "as" => &[Of(Kind::Asn)],
        "mac-address" => &[Of(Kind::Mac)],
        "btc" | "xmr" | "dash" => &[Of(Kind::Wallet)],
        "vulnerability" => &[Cve],
        _ => return None,
    })
}

/// The language of a type whose attributes are rules.
pub(crate) fn rule(name: &str) -> Option<RuleLanguage> {
    Some(match name {
        "yara" => RuleLanguage::Yara,
        "sigma" => RuleLanguage::Sigma,
        "snort" => RuleLanguage::Snort,
        "stix2-pattern" => RuleLanguage::StixPattern,
        _ => return None,
    })
}
