//! Cyber-observable objects as values, for those who ask to hunt what others merely observed.

use perisai_model::Kind;

use super::view::Observable;
use crate::typed::of_kind;
use crate::words::quoted;

/// The values of an observable object, and what of it could not be read. A file with digests is told by them alone:
/// its name would match strangers.
pub(crate) fn values(view: &Observable) -> (Vec<(Kind, String)>, Vec<String>) {
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for (kind, text) in texts(view) {
        match of_kind(kind, text) {
            Ok((kind, value)) => good.push((kind, value.into_owned())),
            Err(why) => wrong.push(format!("{}: {why}", quoted(text))),
        }
    }
    good.sort_unstable();
    wrong.sort_unstable();
    (good, wrong)
}

/// True where the type is one whose values are searched for.
pub(crate) fn is_observable(kind: &str) -> bool {
    property(kind).is_some() || kind == "file" || kind == "x509-certificate"
}

type Property = fn(&Observable) -> Option<&String>;

/// The one property of a type that is its value.
fn property(kind: &str) -> Option<(Kind, Property)> {
    Some(match kind {
        "ipv4-addr" => (Kind::Ipv4, |view| view.value.as_ref()),
        "ipv6-addr" => (Kind::Ipv6, |view| view.value.as_ref()),
        "domain-name" | "hostname" => (Kind::Domain, |view| view.value.as_ref()),
        "url" => (Kind::Url, |view| view.value.as_ref()),
        "email-addr" => (Kind::EmailAddress, |view| view.value.as_ref()),
        "mac-addr" => (Kind::Mac, |view| view.value.as_ref()),
        "user-agent" => (Kind::UserAgent, |view| view.value.as_ref()),
        "cryptocurrency-wallet" => (Kind::Wallet, |view| view.value.as_ref().or(view.address.as_ref())),
        "autonomous-system" => (Kind::Asn, |view| view.number.as_ref()),
        "windows-registry-key" => (Kind::RegistryKey, |view| view.key.as_ref()),
        "mutex" => (Kind::Mutex, |view| view.name.as_ref()),
        "process" => (Kind::CommandLine, |view| view.command_line.as_ref()),
        _ => return None,
    })
}

fn texts(view: &Observable) -> Vec<(Kind, &str)> {
    let kind = view.kind.as_deref().unwrap_or_default();
    if let Some((kind, text)) = property(kind) {
        return text(view).map(|text| (kind, text.as_str())).into_iter().collect();
    }
    let is_certificate = kind == "x509-certificate";
    let digests = view.hashes.iter().flatten();
    let mut texts: Vec<_> = digests
        .filter_map(|(name, text)| Some((digest(name, is_certificate)?, text.as_str())))
        .collect();
    if is_certificate {
        texts.extend(view.serial_number.as_deref().map(|text| (Kind::X509Serial, text)));
    } else if texts.is_empty() {
        texts.extend(view.name.as_deref().map(|text| (Kind::FileName, text)));
    }
    texts
}

fn digest(name: &str, is_certificate: bool) -> Option<Kind> {
    let name = name.to_ascii_uppercase().replace('-', "");
    Some(match (name.as_str(), is_certificate) {
        ("MD5", false) => Kind::Md5,
        ("SHA1", false) => Kind::Sha1,
        ("SHA256", false) => Kind::Sha256,
        ("SHA512", false) => Kind::Sha512,
        ("SHA1", true) => Kind::X509Sha1,
        ("SHA256", true) => Kind::X509Sha256,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects() {
        let check = |json: &str, expected: &[&str]| {
            let (good, wrong) = values(&serde_json::from_str(json).unwrap());
            let seen: Vec<_> = good
                .iter()
                .map(|(kind, value)| format!("{kind} {value}"))
                .chain(wrong)
                .collect();
            assert_eq!(seen, expected, "{json}");
        };
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        check(
            r#"{"type": "ipv4-addr", "value": "192.0.2.0/24"}"#,
            &["cidr 192.0.2.0/24"],
        );
        check(
            r#"{"type": "autonomous-system", "number": 64496}"#,
            &["asn AS64496"],
        );
        check(
            &format!(r#"{{"type": "file", "name": "a.exe", "hashes": {{"MD5": "{md5}"}}}}"#),
            &[&format!("md5 {md5}")],
        );
        check(r#"{"type": "file", "name": "a.exe"}"#, &["file-name a.exe"]);
        check(r#"{"type": "process", "pid": 7}"#, &[]);
        check(
            r#"{"type": "domain-name", "value": 7}"#,
            &["`7`: not a valid domain: a single label"],
        );
    }
}
