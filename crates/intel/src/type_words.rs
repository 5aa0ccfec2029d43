//! The words with which people and products say what a value is: in columns of types, in headings, in labels before a
//! value. MISP's attribute types are in `misp::types`; all other words are here.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use perisai_model::Kind;

use crate::misp::types;
use crate::typed::{Found, of_any, of_kind, of_misp_type, why_none};

/// What a word says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is of a kind.
    Kind(Kind),
    /// A file: its digest, its path or its name.
    File,
    /// A digest, whose length says which.
    Digest,
    /// The digest of a certificate.
    Certificate,
    /// Nothing of its kind: an indicator, or what it was used for.
    Any,
    /// Something that is not searched for, though it may look like a value that is.
    NotSearched,
}

/// Words in lower case, letters and digits only.
#[rustfmt::skip]
const WORDS: &[(&str, Said)] = &[
    ("ip", Said::Kind(Kind::Ipv4)), ("ips", Said::Kind(Kind::Ipv4)), ("ipaddress", Said::Kind(Kind::Ipv4)),
    ("ipaddresses", Said::Kind(Kind::Ipv4)), ("ipaddr", Said::Kind(Kind::Ipv4)), ("addr", Said::Kind(Kind::Ipv4)),
    ("address", Said::Kind(Kind::Ipv4)), ("ipport", Said::Kind(Kind::Ipv4)), ("ipv4addr", Said::Kind(Kind::Ipv4)),
    ("ipv4address", Said::Kind(Kind::Ipv4)), ("ipv6addr", Said::Kind(Kind::Ipv6)),
    ("ipv6address", Said::Kind(Kind::Ipv6)), ("c2ip", Said::Kind(Kind::Ipv4)), ("ipадреса", Said::Kind(Kind::Ipv4)),
    ("ipадрес", Said::Kind(Kind::Ipv4)), ("ipadresse", Said::Kind(Kind::Ipv4)), ("адреса", Said::Kind(Kind::Ipv4)),
    ("net", Said::Kind(Kind::Cidr)), ("network", Said::Kind(Kind::Cidr)), ("subnet", Said::Kind(Kind::Cidr)),
    ("netblock", Said::Kind(Kind::Cidr)), ("iprange", Said::Kind(Kind::Cidr)), ("cidrrange", Said::Kind(Kind::Cidr)),
    ("ipaddressblock", Said::Kind(Kind::Cidr)), ("ipblock", Said::Kind(Kind::Cidr)), ("ipv4cidr", Said::Kind(Kind::Cidr)),
    ("ipv6cidr", Said::Kind(Kind::Cidr)), ("підмережа", Said::Kind(Kind::Cidr)), ("мережа", Said::Kind(Kind::Cidr)),
    ("domainname", Said::Kind(Kind::Domain)), ("domains", Said::Kind(Kind::Domain)), ("fqdn", Said::Kind(Kind::Domain)),
    ("internetdomainname", Said::Kind(Kind::Domain)), ("host", Said::Kind(Kind::Domain)),
    ("hosts", Said::Kind(Kind::Domain)), ("hostname", Said::Kind(Kind::Domain)),
    ("hostnames", Said::Kind(Kind::Domain)), ("subdomain", Said::Kind(Kind::Domain)),
    ("c2domain", Said::Kind(Kind::Domain)), ("dns", Said::Kind(Kind::Domain)), ("домен", Said::Kind(Kind::Domain)),
    ("домени", Said::Kind(Kind::Domain)), ("доменнеімя", Said::Kind(Kind::Domain)), ("хост", Said::Kind(Kind::Domain)),
    ("domäne", Said::Kind(Kind::Domain)), ("domaine", Said::Kind(Kind::Domain)), ("domena", Said::Kind(Kind::Domain)),
    ("uri", Said::Kind(Kind::Url)), ("urls", Said::Kind(Kind::Url)), ("link", Said::Kind(Kind::Url)),
    ("c2url", Said::Kind(Kind::Url)), ("urlадреса", Said::Kind(Kind::Url)), ("посилання", Said::Kind(Kind::Url)),
    ("email", Said::Kind(Kind::EmailAddress)), ("emailaddr", Said::Kind(Kind::EmailAddress)), ("emails", Said::Kind(Kind::EmailAddress)),
    ("mail", Said::Kind(Kind::EmailAddress)), ("sender", Said::Kind(Kind::EmailAddress)),
    ("emailsender", Said::Kind(Kind::EmailAddress)), ("senderaddress", Said::Kind(Kind::EmailAddress)),
    ("електроннапошта", Said::Kind(Kind::EmailAddress)), ("пошта", Said::Kind(Kind::EmailAddress)),
    ("envelopefrom", Said::Kind(Kind::EmailAddress)), ("bodyfrom", Said::Kind(Kind::EmailAddress)),
    ("filehashmd5", Said::Kind(Kind::Md5)), ("md5hash", Said::Kind(Kind::Md5)), ("hashmd5", Said::Kind(Kind::Md5)),
    ("filehashesmd5", Said::Kind(Kind::Md5)), ("filemd5", Said::Kind(Kind::Md5)), ("md5sum", Said::Kind(Kind::Md5)),
    ("filehashsha1", Said::Kind(Kind::Sha1)), ("sha1hash", Said::Kind(Kind::Sha1)), ("hashsha1", Said::Kind(Kind::Sha1)),
    ("filehashessha1", Said::Kind(Kind::Sha1)), ("filesha1", Said::Kind(Kind::Sha1)), ("sha1sum", Said::Kind(Kind::Sha1)),
    ("filehashsha256", Said::Kind(Kind::Sha256)), ("sha256hash", Said::Kind(Kind::Sha256)),
    ("hashsha256", Said::Kind(Kind::Sha256)), ("filehashessha256", Said::Kind(Kind::Sha256)),
    ("filesha256", Said::Kind(Kind::Sha256)), ("sha2", Said::Kind(Kind::Sha256)), ("sha256sum", Said::Kind(Kind::Sha256)),
    ("filehashsha512", Said::Kind(Kind::Sha512)), ("sha512hash", Said::Kind(Kind::Sha512)),
    ("hashsha512", Said::Kind(Kind::Sha512)), ("filesha512", Said::Kind(Kind::Sha512)),
    ("filehashimphash", Said::Kind(Kind::Imphash)), ("importhash", Said::Kind(Kind::Imphash)),
    ("hashimphash", Said::Kind(Kind::Imphash)), ("fileimphash", Said::Kind(Kind::Imphash)),
    ("hash", Said::Digest), ("hashes", Said::Digest), ("filehash", Said::Digest), ("filehashes", Said::Digest),
    ("digest", Said::Digest), ("хеш", Said::Digest), ("хешсума", Said::Digest),
    ("хэш", Said::Digest), ("prüfsumme", Said::Digest),
    ("file", Said::File), ("stixfile", Said::File), ("файл", Said::File), ("datei", Said::File),
    ("filenames", Said::Kind(Kind::FileName)), ("назвафайлу", Said::Kind(Kind::FileName)),
    ("імяфайлу", Said::Kind(Kind::FileName)), ("имяфайла", Said::Kind(Kind::FileName)),
    ("dateiname", Said::Kind(Kind::FileName)), ("nazwapliku", Said::Kind(Kind::FileName)),
    ("filepaths", Said::Kind(Kind::FilePath)), ("path", Said::Kind(Kind::FilePath)), ("шлях", Said::Kind(Kind::FilePath)),
    ("шляхдофайлу", Said::Kind(Kind::FilePath)), ("dateipfad", Said::Kind(Kind::FilePath)),
    ("registry", Said::Kind(Kind::RegistryKey)), ("registrykeys", Said::Kind(Kind::RegistryKey)),
    ("windowsregistrykey", Said::Kind(Kind::RegistryKey)), ("ключреєстру", Said::Kind(Kind::RegistryKey)),
    ("mutexname", Said::Kind(Kind::Mutex)), ("mutexes", Said::Kind(Kind::Mutex)), ("мютекс", Said::Kind(Kind::Mutex)),
    ("process", Said::Kind(Kind::ProcessName)), ("processes", Said::Kind(Kind::ProcessName)),
    ("processnames", Said::Kind(Kind::ProcessName)), ("процес", Said::Kind(Kind::ProcessName)),
    ("software", Said::Kind(Kind::UserAgent)), ("useragents", Said::Kind(Kind::UserAgent)),
    ("httpuseragent", Said::Kind(Kind::UserAgent)), ("cmdline", Said::Kind(Kind::CommandLine)),
    ("macaddr", Said::Kind(Kind::Mac)), ("macaddress", Said::Kind(Kind::Mac)),
    ("autonomoussystem", Said::Kind(Kind::Asn)), ("as", Said::Kind(Kind::Asn)), ("asnumber", Said::Kind(Kind::Asn)),
    ("cryptocurrencywallet", Said::Kind(Kind::Wallet)), ("bitcoinaddress", Said::Kind(Kind::Wallet)),
    ("coinaddress", Said::Kind(Kind::Wallet)), ("bitcoin", Said::Kind(Kind::Wallet)), ("cveid", Said::Kind(Kind::Cve)),
    ("ja3md5", Said::Kind(Kind::Ja3)), ("ja3hash", Said::Kind(Kind::Ja3)), ("ja3fingerprint", Said::Kind(Kind::Ja3)),
    ("ja4fingerprint", Said::Kind(Kind::Ja4)),
    ("serial", Said::Kind(Kind::X509Serial)), ("serialnumber", Said::Kind(Kind::X509Serial)),
    ("certserial", Said::Kind(Kind::X509Serial)), ("certificateserial", Said::Kind(Kind::X509Serial)),
    ("certificateserialnumber", Said::Kind(Kind::X509Serial)), ("x509serialnumber", Said::Kind(Kind::X509Serial)),
    ("sslserial", Said::Kind(Kind::X509Serial)), ("tlsserial", Said::Kind(Kind::X509Serial)),
    ("certhash", Said::Certificate), ("certificatehash", Said::Certificate), ("thumbprint", Said::Certificate),
    ("certificatethumbprint", Said::Certificate), ("certthumbprint", Said::Certificate),
    ("certificatefingerprint", Said::Certificate), ("certfingerprint", Said::Certificate),
    ("sslcertfingerprint", Said::Certificate), ("sslfingerprint", Said::Certificate),
    ("certificatesha1", Said::Certificate), ("certsha1", Said::Certificate), ("sslsha1", Said::Certificate),
    ("certificatesha256", Said::Certificate), ("certsha256", Said::Certificate), ("x509certificate", Said::Certificate),
    ("ioc", Said::Any), ("iocs", Said::Any), ("indicator", Said::Any), ("indicators", Said::Any),
    ("observable", Said::Any), ("value", Said::Any), ("any", Said::Any), ("c2", Said::Any), ("cc", Said::Any),
    ("cnc", Said::Any), ("c2server", Said::Any), ("c2address", Said::Any), ("server", Said::Any),
    ("botnetcc", Said::Any), ("botnet", Said::Any), ("phishing", Said::Any), ("malware", Said::Any),
    ("malicious", Said::Any), ("maliciousactivity", Said::Any), ("payloaddelivery", Said::Any),
    ("networkactivity", Said::Any), ("malwaredownload", Said::Any), ("spam", Said::Any), ("scanner", Said::Any),
    ("ransomware", Said::Any), ("індикатор", Said::Any),
    ("ja3s", Said::NotSearched), ("ja3shash", Said::NotSearched), ("ja3smd5", Said::NotSearched),
    ("ja3sfingerprint", Said::NotSearched), ("ja3sfingerprintmd5", Said::NotSearched), ("ja4s", Said::NotSearched),
    ("ja4h", Said::NotSearched), ("ja4x", Said::NotSearched), ("ja4t", Said::NotSearched), ("ja4l", Said::NotSearched),
    ("ja4ssh", Said::NotSearched), ("jarm", Said::NotSearched), ("jarmfingerprint", Said::NotSearched),
    ("hassh", Said::NotSearched), ("hasshserver", Said::NotSearched), ("hasshmd5", Said::NotSearched),
    ("hasshservermd5", Said::NotSearched), ("ssdeep", Said::NotSearched), ("tlsh", Said::NotSearched),
    ("vhash", Said::NotSearched), ("authentihash", Said::NotSearched), ("telfhash", Said::NotSearched),
    ("pehash", Said::NotSearched), ("filehashpehash", Said::NotSearched), ("impfuzzy", Said::NotSearched),
    ("richhash", Said::NotSearched), ("richpehash", Said::NotSearched), ("richheaderhash", Said::NotSearched),
    ("gimphash", Said::NotSearched), ("cdhash", Said::NotSearched), ("symhash", Said::NotSearched),
    ("faviconhash", Said::NotSearched), ("favicon", Said::NotSearched), ("faviconmmh3", Said::NotSearched),
    ("dhash", Said::NotSearched), ("icondhash", Said::NotSearched), ("certmd5", Said::NotSearched),
    ("certificatemd5", Said::NotSearched), ("x509fingerprintmd5", Said::NotSearched),
    ("pubkeyhash", Said::NotSearched), ("username", Said::NotSearched), ("useraccount", Said::NotSearched),
    ("password", Said::NotSearched), ("port", Said::NotSearched), ("subject", Said::NotSearched),
    ("emailsubject", Said::NotSearched), ("pdb", Said::NotSearched), ("pdbpath", Said::NotSearched),
    ("namedpipe", Said::NotSearched), ("pipe", Said::NotSearched), ("service", Said::NotSearched),
    ("servicename", Said::NotSearched), ("windowsservicename", Said::NotSearched), ("text", Said::NotSearched),
    ("string", Said::NotSearched), ("binarystring", Said::NotSearched), ("phonenumber", Said::NotSearched),
    ("yara", Said::NotSearched), ("sigma", Said::NotSearched), ("snort", Said::NotSearched),
    ("sha224", Said::NotSearched), ("sha384", Said::NotSearched), ("sha3384", Said::NotSearched),
    ("sha3384hash", Said::NotSearched), ("scheduledtask", Said::NotSearched), ("taskname", Said::NotSearched), ("campaignid", Said::NotSearched),
];

/// All words, the names of the kinds among them.
static BY_KEY: LazyLock<HashMap<String, Said>> = LazyLock::new(|| {
    let kinds = Kind::ALL
        .iter()
        .map(|kind| (key(kind.as_str()), Said::Kind(*kind)));
    let words = WORDS.iter().map(|(word, said)| ((*word).to_owned(), *said));
    kinds.chain(words).collect()
});

/// The longest word that is looked up, in bytes.
const LONGEST: usize = 64;

/// The letters and digits of a word, in lower case: people write `User-Agent`, `user_agent` and `UserAgent`.
pub(crate) fn key(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// What a word says; `None` where it is not known, and then it is no MISP type either.
pub(crate) fn said(word: &str) -> Option<Said> {
    if word.len() > LONGEST {
        return None;
    }
    let key = key(word);
    // Zeek's own: `Intel::ADDR`.
    let key = key
        .strip_prefix("intel")
        .filter(|_| word.contains("::"))
        .unwrap_or(&key);
    BY_KEY.get(key).copied()
}

/// The name of a type as MISP writes it: in lower case, with dashes.
pub(crate) fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', ' '], "-")
}

/// Why a word gives no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The value is none of the kind that the word says.
    Wrong(String),
    /// What the word says is not searched for.
    NotSearched,
    /// The word is not known, and the value could be of several kinds.
    Unknown,
}

/// The values of a text of which a word says what it is, and whether the word is known. Where it is not, only a value
/// that can be nothing else is taken.
pub(crate) fn values<'a>(word: &str, text: &'a str) -> (Result<Vec<Found<'a>>, Refused>, bool) {
    let one = |found: Result<Found<'a>, String>| found.map(|one| vec![one]).map_err(Refused::Wrong);
    let name = normal(word);
    if types::parts(&name).is_some() {
        let (found, wrong) = of_misp_type(&name, text).unwrap_or_default();
        let outcome = match wrong.into_iter().next() {
            Some(why) if found.is_empty() => Err(Refused::Wrong(why)),
            _ => Ok(found),
        };
        return (outcome, true);
    }
    let Some(said) = said(word) else {
        let other = speaks_of_other_digests(word);
        let found = unmistakable(text).filter(|(kind, _)| !(other && is_digest(*kind)));
        return (found.map(|found| vec![found]).ok_or(Refused::Unknown), false);
    };
    let outcome = match said {
        Said::NotSearched => Err(Refused::NotSearched),
        Said::Any => one(of_any(text).ok_or_else(|| why_none(text).to_owned())),
        Said::Kind(Kind::FileName) => one(file_name(text)),
        Said::Kind(kind) => one(of_kind(kind, text)),
        Said::Digest => one(digest(text).ok_or_else(|| "not a digest that is known".to_owned())),
        Said::File => one(digest(text).map_or_else(|| file_name(text), Ok)),
        Said::Certificate => one(certificate(text)),
    };
    (outcome, true)
}

/// A name, or with its folders a path.
fn file_name(text: &str) -> Result<Found<'_>, String> {
    let kind = if text.contains(['/', '\\']) {
        Kind::FilePath
    } else {
        Kind::FileName
    };
    of_kind(kind, text)
}

fn digest(text: &str) -> Option<Found<'_>> {
    of_any(text).filter(|(kind, _)| is_digest(*kind))
}

/// The digest of a certificate, which its length tells; with colons between the bytes or without.
fn certificate(text: &str) -> Result<Found<'_>, String> {
    of_kind(Kind::X509Sha1, text).or_else(|_| of_kind(Kind::X509Sha256, text))
}

/// True for the digest of a file.
pub(crate) fn is_digest(kind: Kind) -> bool {
    matches!(kind, Kind::Md5 | Kind::Sha1 | Kind::Sha256 | Kind::Sha512)
}

/// True for a word that speaks of digests that are not those of files, and look like them.
pub(crate) fn speaks_of_other_digests(word: &str) -> bool {
    const PARTS: &[&str] = &[
        "ja3",
        "ja4",
        "jarm",
        "imphash",
        "impfuzzy",
        "hassh",
        "ssdeep",
        "tlsh",
        "vhash",
        "pehash",
        "richhash",
        "richheader",
        "telfhash",
        "authentihash",
        "cdhash",
        "symhash",
        "dhash",
        "favicon",
        "cert",
        "x509",
        "serial",
        "pubkey",
        "publickey",
        "fingerprint",
        "thumbprint",
    ];
    let key = key(word);
    PARTS.iter().any(|part| key.contains(part))
}

/// A value that can be nothing else, whatever it stands beside: an address, a net, a URL with its scheme, a digest, an
/// e-mail address, and a host that somebody has defanged. A bare name may be that of a file.
pub(crate) fn unmistakable(text: &str) -> Option<Found<'_>> {
    of_any(text).filter(|(kind, _)| match kind {
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::EmailAddress | Kind::Cve => true,
        Kind::Domain | Kind::Url => text.contains("://") || is_defanged(text),
        kind => is_digest(*kind),
    })
}

/// True where marks stand between the parts of a name that somebody has put there on purpose.
pub(crate) fn is_defanged(text: &str) -> bool {
    matches!(perisai_values::refang(text), Cow::Owned(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_each_listed_once() {
        for (at, (word, _)) in WORDS.iter().enumerate() {
            assert_eq!(key(word), *word);
            assert!(WORDS[..at].iter().all(|(other, _)| other != word), "{word}");
        }
    }

    #[test]
    fn what_words_say() {
        let check = |word: &str, expected| assert_eq!(said(word), expected, "{word}");
        for word in [
            "FileName",
            "file_name",
            "file name",
            "Intel::FILE_NAME",
            "file:name",
            "Dateiname",
        ] {
            check(word, Some(Said::Kind(Kind::FileName)));
        }
        check("Intel::ADDR", Some(Said::Kind(Kind::Ipv4)));
        check("Intel::PUBKEY_HASH", Some(Said::NotSearched));
        check("FileHash-SHA256", Some(Said::Kind(Kind::Sha256)));
        check("IP-адреса", Some(Said::Kind(Kind::Ipv4)));
        check("Ім'я файлу", Some(Said::Kind(Kind::FileName)));
        check("intelfile", None);
        check("artifact", None);
        check("", None);
    }

    #[test]
    fn a_word_that_is_not_known_makes_no_other_kind_of_a_value() {
        let check = |text: &str, expected: Option<Kind>| {
            let (found, known) = values("artifact", text);
            assert_eq!(found.ok().map(|found| found[0].0), expected, "{text}");
            assert!(!known);
        };
        check("setup.exe", None);
        check("evil.example/x", None);
        check("1A:BC:DE:F0:12:34", None);
        check(r"C:\x\setup.exe", None);
        check("evil[.]example", Some(Kind::Domain));
        check("hxxp://evil.example/x", Some(Kind::Url));
        check("192.0.2.1:443", Some(Kind::Ipv4));
        check("198.51.100.0/24", Some(Kind::Cidr));
        check("a@evil.example", Some(Kind::EmailAddress));
        check("d41d8cd98f00b204e9800998ecf8427e", Some(Kind::Md5));
    }
}
