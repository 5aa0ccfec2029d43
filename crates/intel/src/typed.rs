//! From a text of an announced kind or type to canonical values: the step that all formats share.

use std::borrow::Cow;

use perisai_model::Kind;
use perisai_values::ip::{self, Net};
use perisai_values::{canonical, recognise, refang, url};

use crate::marks;
use crate::misp::types::{self, Part};

/// A value found.
pub(crate) type Found<'a> = (Kind, Cow<'a, str>);

/// A value of a kind that is known. A network value may be defanged, and may turn out to be of another network kind:
/// senders write hosts with ports into domain fields, and nets into address fields.
pub(crate) fn of_kind(kind: Kind, text: &str) -> Result<Found<'_>, String> {
    let text = text.trim();
    if !is_network(kind) {
        let text = if is_bare(kind) { marks::bare(text) } else { text };
        return canonical(kind, text)
            .map(|value| (kind, value))
            .map_err(|error| error.to_string());
    }
    let text = if kind == Kind::Domain {
        without_wildcard(text)
    } else {
        text
    };
    let first = match refang(text) {
        Cow::Borrowed(text) => canonical(kind, text),
        Cow::Owned(text) => canonical(kind, &text).map(|value| Cow::Owned(value.into_owned())),
    };
    let found = match first {
        Ok(value) => (kind, value),
        Err(error) => match marks::bare(text) {
            bare if bare.len() < text.len() => return of_kind(kind, bare),
            _ => recognise(text)
                .filter(|(other, _)| is_network(*other))
                .ok_or_else(|| error.to_string())?,
        },
    };
    let found = host_if_bare(found, text);
    match why_refused(&found) {
        Some(why) => Err(why.to_owned()),
        None => Ok(found),
    }
}

/// True for a kind whose values have no quotes around them. Those of free text may.
fn is_bare(kind: Kind) -> bool {
    !matches!(kind, Kind::UserAgent | Kind::CommandLine | Kind::Mutex)
}

/// Of a URL without any path the host: `hxxps://evil[.]example:8443` in an advisory means all that is there.
fn host_if_bare<'a>(found: Found<'a>, text: &str) -> Found<'a> {
    // The canonical form of a URL without a path ends in a slash, and so do few others.
    if found.0 != Kind::Url || !found.1.ends_with('/') || !url::is_bare_host(&refang(text.trim())) {
        return found;
    }
    let host = url::split(&found.1).host;
    let kind = match ip::parse(host) {
        Some(address) if address.is_ipv4() => Kind::Ipv4,
        Some(_) => Kind::Ipv6,
        None => Kind::Domain,
    };
    match canonical(kind, host) {
        Ok(host) => (kind, Cow::Owned(host.into_owned())),
        Err(_) => found,
    }
}

/// Why a net is refused although it is one.
pub(crate) const TOO_WIDE: &str = "a net wider than /8 (IPv4) or /16 (IPv6): it would match too much";

/// Whether it is a net that says nothing of those in it.
fn is_too_wide((kind, value): &Found<'_>) -> bool {
    *kind == Kind::Cidr
        && Net::parse(value).is_some_and(|net| net.prefix < if net.first.is_ipv4() { 8 } else { 16 })
}

/// Why a netmask is refused although it is written as an address.
const MASK: &str = "a netmask, and no address";

/// `255.255.255.0` says which net is meant, and beside no address nothing.
fn is_mask((kind, value): &Found<'_>) -> bool {
    *kind == Kind::Ipv4
        && value.starts_with("255.")
        && ip::parse_v4(value.as_bytes()).is_some_and(|mask| matches!(ip::prefix_of_mask(mask), Some(8..32)))
}

fn why_refused(found: &Found<'_>) -> Option<&'static str> {
    if is_too_wide(found) {
        return Some(TOO_WIDE);
    }
    is_mask(found).then_some(MASK)
}

/// The net of an address and the netmask behind it (`198.51.100.0 255.255.255.0`), which may be written as routers do
/// in their lists of access (`0.0.0.255`).
pub(crate) fn with_mask((kind, address): &Found<'_>, mask: &str) -> Option<Found<'static>> {
    let mask = ip::parse_v4(mask.as_bytes()).filter(|_| *kind == Kind::Ipv4)?;
    let prefix = match u32::from(mask) {
        bits if bits >> 24 == 255 => ip::prefix_of_mask(mask)?,
        bits if bits >> 24 == 0 && bits > 0 && (bits & (bits + 1)) == 0 => {
            u8::try_from(bits.leading_zeros()).ok()?
        }
        _ => return None,
    };
    of_kind(Kind::Cidr, &format!("{address}/{prefix}"))
        .ok()
        .map(owned)
}

/// Why a bare value is none that [`of_any`] gives.
pub(crate) fn why_none(text: &str) -> &'static str {
    if is_url_and_more(text) {
        return "a URL with more behind it that is no note";
    }
    recognise(marks::bare(text))
        .as_ref()
        .and_then(why_refused)
        .unwrap_or("no value of a known kind")
}

/// True for a URL with white space in it, which would pass for one as a whole. No URL has any (RFC 3986): on a line
/// of a list, words or another value stand behind it.
pub(crate) fn is_url_and_more(text: &str) -> bool {
    memchr::memchr2(b' ', b'\t', text.as_bytes()).is_some() && matches!(recognise(text), Some((Kind::Url, _)))
}

/// A bare value of any kind.
pub(crate) fn of_any(text: &str) -> Option<Found<'_>> {
    let found = recognise(text).or_else(|| {
        let bare = without_wildcard(text);
        (bare.len() < text.len())
            .then(|| recognise(bare))
            .flatten()
            .filter(|(kind, _)| *kind == Kind::Domain)
    });
    if found.is_none() {
        let bare = marks::bare(text);
        if bare.len() < text.trim().len() {
            return of_any(bare);
        }
        return with_bare_scheme(text).and_then(|text| of_any(&text).map(owned));
    }
    found
        .map(|found| host_if_bare(found, text))
        .filter(|found| why_refused(found).is_none())
}

/// `(tcp)://192[.]0[.]2[.]1:443`, as CERT-UA writes, without the brackets around its scheme.
fn with_bare_scheme(text: &str) -> Option<String> {
    let (scheme, rest) = text.trim().strip_prefix(['(', '['])?.split_once("://")?;
    let scheme = scheme.strip_suffix([')', ']'])?;
    let is_scheme =
        !scheme.is_empty() && scheme.len() <= 8 && scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_scheme.then(|| format!("{scheme}://{rest}"))
}

pub(crate) fn owned<'a>((kind, value): Found<'_>) -> Found<'a> {
    (kind, Cow::Owned(value.into_owned()))
}

/// An indicator matches its subdomains, so `*.evil.example` says no more than `evil.example`.
fn without_wildcard(text: &str) -> &str {
    text.strip_prefix("*.")
        .or_else(|| text.strip_prefix('.'))
        .unwrap_or(text)
}

fn is_network(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr | Kind::Domain | Kind::Url | Kind::EmailAddress
    )
}

/// The values of a text of a MISP attribute type: none where the type is not covered, several where it is composite.
/// What could not be read is in the second list.
pub(crate) fn of_misp_type<'a>(name: &str, text: &'a str) -> Option<(Vec<Found<'a>>, Vec<String>)> {
    let parts = types::parts(name)?;
    let texts: Vec<&str> = match parts {
        [_] => vec![text],
        [Part::Skip, ..] => text
            .rsplit_once('|')
            .map_or(vec!["", text], |(name, hash)| vec![name, hash]),
        _ => text.splitn(parts.len(), '|').collect(),
    };
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for (part, text) in parts.iter().zip(texts) {
        match of_part(*part, text) {
            Some(Ok(value)) => found.push(value),
            Some(Err(why)) => wrong.push(why),
            None => {}
        }
    }
    Some((found, wrong))
}

fn of_part(part: Part, text: &str) -> Option<Result<Found<'_>, String>> {
    let text = text.trim();
    Some(match part {
        Part::Skip => return None,
        Part::Of(kind) => of_kind(kind, text),
        Part::File if text.contains(['/', '\\']) => of_kind(Kind::FilePath, text),
        Part::File => of_kind(Kind::FileName, text),
        Part::Address => recognise(marks::bare(text))
            .filter(|(kind, _)| matches!(kind, Kind::Ipv4 | Kind::Ipv6 | Kind::Cidr))
            .ok_or_else(|| "not a valid address or net".to_owned())
            .and_then(|found| match why_refused(&found) {
                Some(why) => Err(why.to_owned()),
                None => Ok(found),
            }),
        Part::Cve
            if !text
                .get(..4)
                .is_some_and(|head| head.eq_ignore_ascii_case("cve-")) =>
        {
            return None;
        }
        Part::Cve => of_kind(Kind::Cve, text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: &[(Kind, &str)]) {
        let (found, _) = of_misp_type(name, text).unwrap();
        let found: Vec<_> = found.iter().map(|(kind, value)| (*kind, &**value)).collect();
        assert_eq!(found, expected, "{name} {text}");
    }

    #[test]
    fn composites() {
        check(
            "domain|ip",
            "evil[.]example|192.0.2.1",
            &[(Kind::Domain, "evil.example"), (Kind::Ipv4, "192.0.2.1")],
        );
        check("ip-dst|port", "192.0.2.1|443", &[(Kind::Ipv4, "192.0.2.1")]);
        check("ip-dst", "192.0.2.0/24", &[(Kind::Cidr, "192.0.2.0/24")]);
        check(
            "hostname|port",
            "a.evil.example|443",
            &[(Kind::Domain, "a.evil.example")],
        );
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        check("filename|md5", &format!("a|b.exe|{md5}"), &[(Kind::Md5, md5)]);
        check("filename|md5", md5, &[(Kind::Md5, md5)]);
        check("filename", "evil.exe", &[(Kind::FileName, "evil.exe")]);
        check("filename", "/tmp/evil", &[(Kind::FilePath, "/tmp/evil")]);
        check(
            "regkey|value",
            r"HKLM\Software\Evil|1",
            &[(Kind::RegistryKey, r"HKEY_LOCAL_MACHINE\Software\Evil")],
        );
        check("vulnerability", "GHSA-1", &[]);
        check("domain", "*.evil.example", &[(Kind::Domain, "evil.example")]);
        check("hostname", "evil.example:443", &[(Kind::Domain, "evil.example")]);
    }

    #[test]
    fn urls_without_a_path_mean_their_host() {
        let check = |text: &str, expected: (Kind, &str)| {
            for found in [of_any(text), of_kind(Kind::Url, text).ok()] {
                let found = found.unwrap();
                assert_eq!((found.0, &*found.1), expected, "{text}");
            }
        };
        check("hxxp://Evil9[.]example", (Kind::Domain, "evil9.example"));
        check("hxxps://evil10[.]example:8443", (Kind::Domain, "evil10.example"));
        check("tcp://192.0.2.7:443", (Kind::Ipv4, "192.0.2.7"));
        check("http://3221225993", (Kind::Ipv4, "192.0.2.9"));
        check("http://[2001:DB8::1]:8080", (Kind::Ipv6, "2001:db8::1"));
        check("http://evil.example/", (Kind::Url, "http://evil.example/"));
        check("hxxp://evil[.]example/?x", (Kind::Url, "http://evil.example/?x"));
        check("hxxp://evil[.]example?x/", (Kind::Url, "http://evil.example/?x/"));
    }

    #[test]
    fn nets_that_cover_much_are_refused() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let any = of_any(text);
            assert_eq!(any.as_ref().map(|(_, value)| &**value), expected.ok(), "{text}");
            let kind = of_kind(Kind::Cidr, text).map(|(_, value)| value.into_owned());
            assert_eq!(kind.as_deref().map_err(String::as_str), expected, "{text}");
            let (found, wrong) = of_misp_type("ip-dst", text).unwrap();
            assert_eq!(
                (found.len(), wrong.len()),
                (expected.iter().len(), expected.err().iter().len())
            );
            if let Err(why) = expected {
                assert_eq!(why_none(text), why);
            }
        };
        check("0.0.0.0/0", Err(TOO_WIDE));
        check("::/0", Err(TOO_WIDE));
        check("128.0.0.0/7", Err(TOO_WIDE));
        check("2000::/15", Err(TOO_WIDE));
        check("10.0.0.0/8", Ok("10.0.0.0/8"));
        check("2001::/16", Ok("2001::/16"));
    }

    #[test]
    fn netmasks_are_no_addresses() {
        for mask in ["255.255.255.0", "255.0.0.0", "255.255.255.252"] {
            assert_eq!(of_any(mask), None);
            assert_eq!(why_none(mask), MASK);
            assert_eq!(of_kind(Kind::Ipv4, mask), Err(MASK.to_owned()));
        }
        let check = |address: &str, mask: &str, expected: Option<&str>| {
            let net = with_mask(&of_any(address).unwrap(), mask);
            assert_eq!(net.as_ref().map(|(_, net)| &**net), expected, "{address} {mask}");
        };
        check("198.51.100.0", "255.255.255.0", Some("198.51.100.0/24"));
        check("198.51.100.7", "255.255.255.255", Some("198.51.100.7/32"));
        check("198.51.100.0", "0.0.0.255", Some("198.51.100.0/24"));
        check("198.51.100.0", "255.0.255.0", None);
        check("198.51.100.0", "0.0.0.0", None);
        check("198.51.100.0", "198.51.100.1", None);
        check("2001:db8::", "255.255.255.0", None);
    }

    #[test]
    fn marks_around_values() {
        for text in [
            "“evil.net”",
            "`evil[.]net`",
            "<evil.net>",
            "[evil.net](https://report.net/x)",
        ] {
            assert_eq!(of_any(text).unwrap().1, "evil.net", "{text}");
            assert_eq!(of_kind(Kind::Domain, text).unwrap().1, "evil.net", "{text}");
        }
        assert_eq!(of_kind(Kind::FileName, "“evil.exe”").unwrap().1, "evil.exe");
        assert_eq!(of_kind(Kind::Mutex, "\"x\"").unwrap().1, "\"x\"");
        assert_eq!(of_any("[link](https://report.net/x)"), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (found, wrong) = of_misp_type("domain|ip", "evil.example|nowhere").unwrap();
        assert_eq!(
            (found.len(), wrong),
            (1, vec!["not a valid address or net".to_owned()])
        );
        assert_eq!(of_misp_type("comment", "x"), None);
        assert_eq!(
            of_kind(Kind::Md5, "x").unwrap_err().split(':').next(),
            Some("not a valid md5")
        );
    }
}
