//! Tells what a bare value in a list is.

use std::borrow::Cow;

use perisai_model::Kind;

use crate::{canonical, ip, refang};

/// What a byte says about the value that it stands in; a value is the union of its bytes.
mod class {
    pub(super) const LOWER: u16 = 1;
    pub(super) const UPPER: u16 = 1 << 1;
    pub(super) const DIGIT: u16 = 1 << 2;
    pub(super) const NOT_HEX: u16 = 1 << 3;
    pub(super) const DOT: u16 = 1 << 4;
    pub(super) const DASH: u16 = 1 << 5;
    pub(super) const SLASH: u16 = 1 << 6;
    pub(super) const COLON: u16 = 1 << 7;
    pub(super) const AT: u16 = 1 << 8;
    pub(super) const BRACKET: u16 = 1 << 9;
    pub(super) const BACKSLASH: u16 = 1 << 10;
    pub(super) const OTHER: u16 = 1 << 11;
}

static CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [class::OTHER | class::NOT_HEX; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'f' => class::LOWER,
            b'g'..=b'z' => class::LOWER | class::NOT_HEX,
            b'A'..=b'F' => class::UPPER,
            b'G'..=b'Z' => class::UPPER | class::NOT_HEX,
            b'0'..=b'9' => class::DIGIT,
            b'.' => class::DOT | class::NOT_HEX,
            b'-' | b'_' => class::DASH | class::NOT_HEX,
            b'/' => class::SLASH | class::NOT_HEX,
            b':' => class::COLON | class::NOT_HEX,
            b'@' => class::AT | class::NOT_HEX,
            b'[' | b']' | b'(' | b')' | b'{' | b'}' => class::BRACKET | class::NOT_HEX,
            b'\\' => class::BACKSLASH | class::NOT_HEX,
            _ => class::OTHER | class::NOT_HEX,
        };
        byte += 1;
    }
    table
}

/// The kind and canonical form of a bare value, defanged or not; `None` where it is of no kind that can be told from
/// the value alone. `host:port` means the host, `host/path` is a URL (design.md, *Settled*). Plain words are nothing.
#[must_use]
pub fn recognise(text: &str) -> Option<(Kind, Cow<'_, str>)> {
    let text = text.trim();
    let seen = text
        .bytes()
        .fold(0, |seen, byte| seen | CLASSES[usize::from(byte)]);
    if seen & !(class::LOWER | class::DIGIT | class::DOT | class::DASH | class::NOT_HEX) == 0
        && seen & class::DOT != 0
    {
        return dotted(text, seen);
    }
    let may_be_defanged =
        seen & class::BRACKET != 0 || text.get(..3).is_some_and(|head| !head.starts_with("htt"));
    if may_be_defanged && let Cow::Owned(real) = refang(text) {
        return recognise(&real).map(|(kind, value)| (kind, Cow::Owned(value.into_owned())));
    }
    if seen & class::NOT_HEX == 0 {
        return digest(text);
    }
    rich(text, seen)
}

fn take(kind: Kind, text: &str) -> Option<(Kind, Cow<'_, str>)> {
    canonical(kind, text).ok().map(|value| (kind, value))
}

/// Letters, digits, dots, dashes only.
fn dotted(text: &str, seen: u16) -> Option<(Kind, Cow<'_, str>)> {
    if seen & (class::LOWER | class::UPPER | class::DASH) == 0 {
        return take(Kind::Ipv4, text);
    }
    mac_with_dots(text).or_else(|| take(Kind::Domain, text))
}

/// Hexadecimal digits only.
fn digest(text: &str) -> Option<(Kind, Cow<'_, str>)> {
    match text.len() {
        32 => take(Kind::Md5, text),
        40 => take(Kind::Sha1, text),
        64 => take(Kind::Sha256, text),
        128 => take(Kind::Sha512, text),
        _ => None,
    }
}

/// All else, the narrower grammar first.
fn rich(text: &str, seen: u16) -> Option<(Kind, Cow<'_, str>)> {
    let head = text.get(..4).unwrap_or_default();
    if text.contains("://") {
        return take(Kind::Url, text);
    }
    if seen & class::BACKSLASH != 0 {
        return take(Kind::RegistryKey, text).or_else(|| windows_path(text));
    }
    if head.eq_ignore_ascii_case("cve-") {
        return take(Kind::Cve, text);
    }
    if seen & class::AT != 0 && seen & class::SLASH == 0 {
        return take(Kind::EmailAddress, text);
    }
    if seen & class::SLASH != 0 {
        return slashed(text);
    }
    if seen & class::COLON != 0 {
        return take(Kind::Mac, text)
            .or_else(|| take(Kind::Ipv6, text))
            .or_else(|| host_and_port(text));
    }
    if seen & class::DOT != 0 {
        return dotted(text, seen);
    }
    take(Kind::Ja4, text)
        .or_else(|| mac_with_dashes(text))
        .or_else(|| long_word(text, seen))
}

fn slashed(text: &str) -> Option<(Kind, Cow<'_, str>)> {
    if text.starts_with('/') {
        return take(Kind::FilePath, text);
    }
    if is_net_shaped(text) {
        return take(Kind::Cidr, text);
    }
    with_protocol(text).or_else(|| take(Kind::Url, text))
}

/// `192.0.2.1/tcp`, `192.0.2.1:53/udp`, `evil.example:443/tcp`: behind an address or a port it is a protocol, no page.
fn with_protocol(text: &str) -> Option<(Kind, Cow<'_, str>)> {
    let (host, protocol) = text.split_once('/')?;
    let is_protocol = ["tcp", "udp", "sctp"]
        .iter()
        .any(|known| protocol.eq_ignore_ascii_case(known));
    let parsed = || is_protocol && ip::parse(host).is_some();
    if parsed() {
        return take(
            if host.contains(':') {
                Kind::Ipv6
            } else {
                Kind::Ipv4
            },
            host,
        );
    }
    is_protocol.then(|| host_and_port(host)).flatten()
}

/// An address, a slash and a number or netmask: a net, or nothing.
fn is_net_shaped(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, prefix)| {
        let number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        (number || ip::parse_v4(prefix.as_bytes()).is_some()) && ip::parse(address).is_some()
    })
}

fn windows_path(text: &str) -> Option<(Kind, Cow<'_, str>)> {
    let bytes = text.as_bytes();
    let drive = bytes.len() > 3 && bytes[0].is_ascii_alphabetic() && &bytes[1..3] == b":\\";
    let rooted = drive || bytes.starts_with(b"\\\\") || bytes[0] == b'%' || bytes[0] == b'\\';
    rooted.then(|| take(Kind::FilePath, text)).flatten()
}

fn host_and_port(text: &str) -> Option<(Kind, Cow<'_, str>)> {
    let (host, port) = text.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    if host.starts_with('[') {
        return take(Kind::Ipv6, host);
    }
    match ip::parse_v4(host.as_bytes()) {
        Some(_) => take(Kind::Ipv4, host),
        None => take(Kind::Domain, host),
    }
}

/// `0016.3eaa.bbcc`, as switches write. A name may be of hexadecimal digits, too, but hardly of so many numbers.
fn mac_with_dots(text: &str) -> Option<(Kind, Cow<'_, str>)> {
    let numbers = || text.bytes().filter(u8::is_ascii_digit).count();
    let groups = || text.split('.').all(|group| group.len() == 4);
    (text.len() == 14 && groups() && numbers() >= 4)
        .then(|| take(Kind::Mac, text))
        .flatten()
}

fn mac_with_dashes(text: &str) -> Option<(Kind, Cow<'_, str>)> {
    (text.len() == 17).then(|| take(Kind::Mac, text)).flatten()
}

/// A wallet or an autonomous system; a word of letters alone is neither.
fn long_word(text: &str, seen: u16) -> Option<(Kind, Cow<'_, str>)> {
    if text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("as")) && text.len() <= 12 {
        return take(Kind::Asn, text);
    }
    (seen & class::DIGIT != 0)
        .then(|| take(Kind::Wallet, text))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: Kind, value: &str) {
        assert_eq!(
            recognise(text).as_ref().map(|(kind, value)| (*kind, &**value)),
            Some((kind, value)),
            "{text}"
        );
    }

    #[test]
    fn values_of_every_shape() {
        check("evil.example", Kind::Domain, "evil.example");
        check("EVIL.example.", Kind::Domain, "evil.example");
        check("evil[.]example:8080", Kind::Domain, "evil.example");
        check("bücher.example", Kind::Domain, "xn--bcher-kva.example");
        check("192.0.2.1", Kind::Ipv4, "192.0.2.1");
        check("192.0.2.1:443", Kind::Ipv4, "192.0.2.1");
        check("192.0.2.9/24", Kind::Cidr, "192.0.2.0/24");
        check("2001:DB8::1", Kind::Ipv6, "2001:db8::1");
        check("[2001:db8::1]:443", Kind::Ipv6, "2001:db8::1");
        check("2001:db8::/32", Kind::Cidr, "2001:db8::/32");
        check("192.0.2.9/255.255.255.0", Kind::Cidr, "192.0.2.0/24");
        check("192.0.2.1/gate", Kind::Url, "192.0.2.1/gate");
        check("192.0.2.1/33/x", Kind::Url, "192.0.2.1/33/x");
        check("192.0.2.1/tcp", Kind::Ipv4, "192.0.2.1");
        check("192[.]0[.]2[.]1:443/TCP", Kind::Ipv4, "192.0.2.1");
        check("[2001:db8::1]:53/udp", Kind::Ipv6, "2001:db8::1");
        check("2001:db8::1/udp", Kind::Ipv6, "2001:db8::1");
        check("evil.example:8443/tcp", Kind::Domain, "evil.example");
        check("evil.example/tcp", Kind::Url, "evil.example/tcp");
        check("192.0.2.1:8080/tcp/x", Kind::Url, "192.0.2.1:8080/tcp/x");
        check("evil.example/33", Kind::Url, "evil.example/33");
        check("evil.example/a/B", Kind::Url, "evil.example/a/B");
        check("hxxps://evil[.]example", Kind::Url, "https://evil.example/");
        check("Bob@evil.example", Kind::EmailAddress, "bob@evil.example");
        check(
            "D41D8CD98F00B204E9800998ECF8427E",
            Kind::Md5,
            "d41d8cd98f00b204e9800998ecf8427e",
        );
        check("00-16-3E-AA-BB-CC", Kind::Mac, "00:16:3e:aa:bb:cc");
        check("0016.3eaa.bbcc", Kind::Mac, "00:16:3e:aa:bb:cc");
        check("dead.beef.cafe", Kind::Domain, "dead.beef.cafe");
        check("cve-2022-24682", Kind::Cve, "CVE-2022-24682");
        check("AS64496", Kind::Asn, "AS64496");
        check(
            r"HKLM\Software\Evil",
            Kind::RegistryKey,
            r"HKEY_LOCAL_MACHINE\Software\Evil",
        );
        check(
            r"C:\Windows\Temp\evil.exe",
            Kind::FilePath,
            r"C:\Windows\Temp\evil.exe",
        );
        check("/tmp/.evil", Kind::FilePath, "/tmp/.evil");
        check(
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            Kind::Wallet,
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        );
        check(
            "t13d1516h2_8daaf6152771_b186095e22b6",
            Kind::Ja4,
            "t13d1516h2_8daaf6152771_b186095e22b6",
        );
    }

    #[test]
    fn bad_nets_are_no_urls() {
        for text in [
            "192.0.2.1/33",
            "192.0.2.1/0024",
            "192.0.2.1/255.0.255.0",
            "2001:db8::/129",
            "[2001:db8::]/64",
        ] {
            assert_eq!(recognise(text), None, "{text}");
        }
    }

    #[test]
    fn words_are_nothing() {
        for text in ["", "evil", "hello world", "1.2.3", "12", "a/b", "..", "é", "-"] {
            assert_eq!(recognise(text), None, "{text}");
        }
    }
}
