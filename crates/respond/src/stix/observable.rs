//! What a value of each kind is in STIX: the pattern that stands for it, and the observable objects that hold it.

use std::net::Ipv6Addr;

use perisai_model::{Kind, Observed};
use serde_json::{Value, json};

use super::object::Object;
use super::uri::{scheme_length, uri};

/// The pattern that matches the value; `None` for a kind that no observable of STIX 2.1 holds.
pub(super) fn pattern(observed: &Observed) -> Option<String> {
    let value = observed.value.as_str();
    let equals = |path: &str, value: &str| Some(format!("[{path} = '{}']", escaped(value)));
    match observed.kind {
        Kind::Cidr => Some(format!(
            "[{}:value ISSUBSET '{}']",
            net_type(value),
            escaped(value)
        )),
        Kind::Asn => Some(format!("[autonomous-system:number = {}]", as_number(value)?)),
        Kind::RegistryKey => equals("windows-registry-key:key", &whole_hive(value)),
        // STIX 2.1 moved a process's name to its image file.
        Kind::ProcessName => equals("process:image_ref.name", value),
        Kind::FilePath => match split_path(value) {
            Some((directory, name)) => Some(format!(
                "[file:name = '{}' AND file:parent_directory_ref.path = '{}']",
                escaped(name),
                escaped(directory)
            )),
            None => equals("file:name", value),
        },
        // A hunt compares without the scheme, so a URL listed without one stands for both.
        Kind::Url if scheme_length(value) == 0 => {
            let value = escaped(value);
            Some(format!("[url:value IN ('http://{value}', 'https://{value}')]"))
        }
        Kind::Cve => None,
        kind => equals(kind.stix_path(), value),
    }
}

/// The observables, the value's own last and those that it refers to before. Empty where STIX 2.1 has no object for
/// the kind, or one that asks for more than the value.
pub(super) fn objects(observed: &Observed) -> Vec<Object> {
    let value = observed.value.as_str();
    let one = |kind, name, value: Value| vec![Object::observable(kind, vec![(name, value)])];
    let hash = |kind, algorithm: &str| one(kind, "hashes", json!({ algorithm: value }));
    match observed.kind {
        Kind::Ipv4 => one("ipv4-addr", "value", value.into()),
        Kind::Ipv6 => one("ipv6-addr", "value", value.into()),
        Kind::Cidr => one(net_type(value), "value", value.into()),
        Kind::Domain => one("domain-name", "value", value.into()),
        Kind::Url => one("url", "value", uri(value).into()),
        Kind::EmailAddress => one("email-addr", "value", value.into()),
        Kind::Md5 => hash("file", "MD5"),
        Kind::Sha1 => hash("file", "SHA-1"),
        Kind::Sha256 => hash("file", "SHA-256"),
        Kind::Sha512 => hash("file", "SHA-512"),
        Kind::FileName | Kind::ProcessName => one("file", "name", value.into()),
        Kind::FilePath => file_path(value),
        Kind::RegistryKey => one("windows-registry-key", "key", whole_hive(value).into()),
        Kind::Mutex => one("mutex", "name", value.into()),
        Kind::X509Sha1 => hash("x509-certificate", "SHA-1"),
        Kind::X509Sha256 => hash("x509-certificate", "SHA-256"),
        Kind::X509Serial => one("x509-certificate", "serial_number", value.into()),
        Kind::Asn => match as_number(value) {
            Some(number) => one("autonomous-system", "number", number.into()),
            None => Vec::new(),
        },
        Kind::Mac => one(
            "mac-addr",
            "value",
            value.to_ascii_lowercase().replace('-', ":").into(),
        ),
        Kind::CommandLine => vec![Object::process(vec![("command_line", value.into())])],
        Kind::Imphash | Kind::UserAgent | Kind::Ja3 | Kind::Ja4 | Kind::Wallet | Kind::Cve => Vec::new(),
    }
}

/// A text inside the quotes of a pattern (STIX 2.1, section 9.1).
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

fn net_type(net: &str) -> &'static str {
    let address = net.split('/').next().unwrap_or_default();
    if address.parse::<Ipv6Addr>().is_ok() {
        "ipv6-addr"
    } else {
        "ipv4-addr"
    }
}

fn as_number(text: &str) -> Option<u32> {
    let digits = match text.get(..2) {
        Some(start) if start.eq_ignore_ascii_case("as") => &text[2..],
        _ => text,
    };
    digits.parse().ok()
}

/// A registry key with its hive's name spelled out, as STIX 2.1, section 6.17, asks.
fn whole_hive(key: &str) -> String {
    const HIVES: [(&str, &str); 5] = [
        ("HKLM", "HKEY_LOCAL_MACHINE"),
        ("HKCU", "HKEY_CURRENT_USER"),
        ("HKCR", "HKEY_CLASSES_ROOT"),
        ("HKCC", "HKEY_CURRENT_CONFIG"),
        ("HKU", "HKEY_USERS"),
    ];
    let (hive, rest) = key.split_at(key.find('\\').unwrap_or(key.len()));
    match HIVES.iter().find(|(short, _)| short.eq_ignore_ascii_case(hive)) {
        Some((_, whole)) => format!("{whole}{rest}"),
        None => key.to_owned(),
    }
}

/// The directory and the file's name; `None` where one of them is empty.
fn split_path(path: &str) -> Option<(&str, &str)> {
    let at = path.rfind(['\\', '/'])?;
    let directory = if at == 0 { &path[..1] } else { &path[..at] };
    let name = &path[at + 1..];
    (!name.is_empty()).then_some((directory, name))
}

fn file_path(path: &str) -> Vec<Object> {
    let Some((directory, name)) = split_path(path) else {
        return vec![Object::observable("file", vec![("name", path.into())])];
    };
    let directory = Object::observable("directory", vec![("path", directory.into())]);
    let parent = directory.id.clone().into();
    let file = vec![("name", name.into()), ("parent_directory_ref", parent)];
    vec![directory, Object::observable("file", file)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_values() {
        let check = |kind, value: &str, expected: Option<&str>| {
            let value = value.to_owned();
            assert_eq!(pattern(&Observed { kind, value }).as_deref(), expected);
        };
        check(Kind::Ipv4, "192.0.2.1", Some("[ipv4-addr:value = '192.0.2.1']"));
        check(
            Kind::Cidr,
            "192.0.2.0/24",
            Some("[ipv4-addr:value ISSUBSET '192.0.2.0/24']"),
        );
        check(
            Kind::Cidr,
            "2001:db8::/32",
            Some("[ipv6-addr:value ISSUBSET '2001:db8::/32']"),
        );
        check(
            Kind::Url,
            "https://evil.example/it's",
            Some(r"[url:value = 'https://evil.example/it\'s']"),
        );
        check(
            Kind::Url,
            "evil.example/it's",
            Some(r"[url:value IN ('http://evil.example/it\'s', 'https://evil.example/it\'s')]"),
        );
        check(Kind::Asn, "AS64500", Some("[autonomous-system:number = 64500]"));
        check(Kind::Asn, "é", None);
        check(
            Kind::Mutex,
            r"Global\it's",
            Some(r"[mutex:name = 'Global\\it\'s']"),
        );
        check(
            Kind::RegistryKey,
            r"HKLM\Software\Evil",
            Some(r"[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\Software\\Evil']"),
        );
        check(
            Kind::FilePath,
            r"C:\Temp\a.exe",
            Some(r"[file:name = 'a.exe' AND file:parent_directory_ref.path = 'C:\\Temp']"),
        );
        check(
            Kind::FilePath,
            "/a",
            Some("[file:name = 'a' AND file:parent_directory_ref.path = '/']"),
        );
        check(Kind::Cve, "CVE-2022-1388", None);
    }
}
