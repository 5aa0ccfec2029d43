//! The ids that observables should have (STIX 2.1, section 2.9): a UUIDv5 over the properties that contribute to it, as
//! canonical JSON (RFC 8785).

use perisai_model::Kind;
use serde_json::{Value, json};
use uuid::Uuid;

use super::pattern::{as_number, net_type, split_path};

/// The namespace of the standard.
const OBSERVABLES: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// The id of the observable object that holds nothing but a canonical value: the value as it is given, of a certificate
/// or file one digest. `None` for kinds that have no such object: its id is random (a process), or another type's.
#[must_use]
pub fn sco_id(kind: Kind, value: &str) -> Option<String> {
    let one = |object: &str, property: &str, value: Value| Some(id(object, &[(property, value)]));
    let digest = |object: &str, name: &str| one(object, "hashes", json!({ name: value }));
    match kind {
        Kind::Ipv4 => one("ipv4-addr", "value", value.into()),
        Kind::Ipv6 => one("ipv6-addr", "value", value.into()),
        Kind::Cidr => one(net_type(value), "value", value.into()),
        Kind::Domain => one("domain-name", "value", value.into()),
        Kind::Url => one("url", "value", value.into()),
        Kind::EmailAddress => one("email-addr", "value", value.into()),
        Kind::Mac => one("mac-addr", "value", value.into()),
        Kind::Md5 => digest("file", "MD5"),
        Kind::Sha1 => digest("file", "SHA-1"),
        Kind::Sha256 => digest("file", "SHA-256"),
        Kind::Sha512 => digest("file", "SHA-512"),
        Kind::FileName => one("file", "name", value.into()),
        Kind::FilePath => match split_path(value)? {
            (_, "") => one("directory", "path", value.into()),
            (directory, name) => {
                let parent = id("directory", &[("path", directory.into())]);
                Some(id(
                    "file",
                    &[("name", name.into()), ("parent_directory_ref", parent.into())],
                ))
            }
        },
        Kind::Asn => one("autonomous-system", "number", as_number(value)?.into()),
        Kind::Mutex => one("mutex", "name", value.into()),
        Kind::RegistryKey => one("windows-registry-key", "key", value.into()),
        Kind::X509Sha1 => digest("x509-certificate", "SHA-1"),
        Kind::X509Sha256 => digest("x509-certificate", "SHA-256"),
        Kind::X509Serial => one("x509-certificate", "serial_number", value.into()),
        Kind::Imphash
        | Kind::UserAgent
        | Kind::Ja3
        | Kind::Ja4
        | Kind::Wallet
        | Kind::Cve
        | Kind::ProcessName
        | Kind::CommandLine => None,
    }
}

/// The id of a `user-account`; `None` where it says nothing of itself that counts, and its id is random.
#[must_use]
pub fn user_account_id(kind: Option<&str>, user_id: Option<&str>, login: Option<&str>) -> Option<String> {
    let properties = [
        ("account_type", kind),
        ("user_id", user_id),
        ("account_login", login),
    ];
    let properties: Vec<_> = properties
        .into_iter()
        .filter_map(|(name, value)| Some((name, Value::from(value?))))
        .collect();
    (!properties.is_empty()).then(|| id("user-account", &properties))
}

/// No value holds more than one object of one member, and no number a point: sorting the names is then all that the
/// canonical form asks beyond what `serde_json` writes.
fn id(object: &str, properties: &[(&str, Value)]) -> String {
    let mut sorted: Vec<_> = properties.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let members: Vec<_> = sorted
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let canonical = format!("{{{}}}", members.join(","));
    format!("{object}--{}", Uuid::new_v5(&OBSERVABLES, canonical.as_bytes()))
}
