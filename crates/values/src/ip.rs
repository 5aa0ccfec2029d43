//! Addresses and nets in every written form.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads four decimal numbers with dots. Leading zeros are read as decimal, as firewalls that pad mean them.
#[must_use]
pub fn parse_v4(text: &[u8]) -> Option<Ipv4Addr> {
    if text.len() < 7 || text.len() > 15 {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut at = 0;
    let mut digits = 0;
    let mut value = 0u16;
    for &byte in text {
        match byte {
            b'0'..=b'9' if digits < 3 => {
                value = value * 10 + u16::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && at < 3 => {
                octets[at] = u8::try_from(value).ok()?;
                at += 1;
                digits = 0;
                value = 0;
            }
            _ => return None,
        }
    }
    if at != 3 || digits == 0 {
        return None;
    }
    octets[3] = u8::try_from(value).ok()?;
    Some(Ipv4Addr::from(octets))
}

/// Reads the other forms of an IPv4 address that browsers take as the host of a URL: one to four numbers in decimal,
/// hexadecimal (`0x`) or octal (`0`), of which the last fills what is left (WHATWG URL, *IPv4 parser*). `None` for the
/// usual form, which [`parse_v4`] reads.
#[must_use]
pub fn parse_v4_number(text: &str) -> Option<Ipv4Addr> {
    if parse_v4(text.as_bytes()).is_some() {
        return None;
    }
    let mut numbers = Vec::with_capacity(4);
    for part in text.split('.') {
        if numbers.len() == 4 {
            return None;
        }
        numbers.push(number_of_url(part)?);
    }
    let (last, first) = numbers.split_last()?;
    let rest = 8 * (4 - u32::try_from(first.len()).ok()?);
    let fits = first.iter().all(|octet| *octet < 256) && last >> rest == 0;
    let address = first.iter().fold(0, |address, octet| address << 8 | octet) << rest | last;
    fits.then(|| u32::try_from(address).ok().map(Ipv4Addr::from))?
}

fn number_of_url(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let all = digits.bytes().all(|byte| char::from(byte).is_digit(radix));
    let number = u64::from_str_radix(
        if digits.is_empty() && radix == 16 {
            "0"
        } else {
            digits
        },
        radix,
    );
    number.ok().filter(|_| all)
}

/// Reads an IPv6 address without brackets; a zone (`%eth0`) is dropped.
#[must_use]
pub fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    text.parse().ok()
}

/// An address as it is compared: an IPv4 address mapped into IPv6 is that IPv4 address.
#[must_use]
pub fn unmapped(address: Ipv6Addr) -> IpAddr {
    address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
}

/// Reads either, in brackets or not, an IPv4-mapped one as IPv4.
#[must_use]
pub fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    match parse_v4(text.as_bytes()) {
        Some(v4) => Some(IpAddr::V4(v4)),
        None => parse_v6(bare.unwrap_or(text)).map(unmapped),
    }
}

/// A net: its first address and the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Net {
    /// The first address; the host bits are zero.
    pub first: IpAddr,
    /// 0 to 32 or 0 to 128.
    pub prefix: u8,
}

impl Net {
    /// Reads `address/prefix` or `address/netmask`; host bits are cleared.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address = parse_v4(address.as_bytes())
            .map(IpAddr::V4)
            .or_else(|| parse_v6(address).map(IpAddr::V6))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match parse_v4(prefix.as_bytes()) {
            Some(mask) if address.is_ipv4() => prefix_of_mask(mask)?,
            _ if prefix.len() > 3 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) => return None,
            _ => prefix.parse().ok()?,
        };
        (prefix <= bits).then(|| Self {
            first: masked(address, prefix),
            prefix,
        })
    }

    /// True where the address is in the net.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4() && masked(address, self.prefix) == self.first
    }

    /// True where every address of the other is in this net.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.first)
    }
}

impl std::fmt::Display for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// The length of the prefix that a netmask (`255.255.255.0`) stands for.
#[must_use]
pub fn prefix_of_mask(mask: Ipv4Addr) -> Option<u8> {
    let bits = u32::from(mask);
    let ones = bits.leading_ones();
    (bits.count_ones() == ones)
        .then(|| u8::try_from(ones).ok())
        .flatten()
}

/// The first address of the net of that length around an address.
#[must_use]
pub fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(prefix.min(128)))
                .unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask))
        }
    }
}

pub(crate) fn canonical_v4(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let address = parse_v4(text.as_bytes()).ok_or("not four numbers of 0 to 255")?;
    let padded = text
        .split('.')
        .any(|octet| octet.len() > 1 && octet.starts_with('0'));
    Ok(if padded {
        Cow::Owned(address.to_string())
    } else {
        Cow::Borrowed(text)
    })
}

pub(crate) fn canonical_v6(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let bare = text
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(text);
    let address = parse_v6(bare).ok_or("not eight groups of hexadecimal digits, or their short form")?;
    Ok(in_place(text, address.to_string()))
}

pub(crate) fn canonical_net(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let net = Net::parse(text).ok_or("not an address and a prefix length")?;
    Ok(in_place(text, net.to_string()))
}

fn in_place(text: &str, canonical: String) -> Cow<'_, str> {
    if text == canonical {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v4_forms() {
        let check = |text: &str, expected: Option<[u8; 4]>| {
            assert_eq!(parse_v4(text.as_bytes()), expected.map(Ipv4Addr::from), "{text}");
        };
        check("192.0.2.1", Some([192, 0, 2, 1]));
        check("192.000.002.010", Some([192, 0, 2, 10]));
        check("192.0.2", None);
        check("192.0.2.256", None);
        check("192.0.2.1.", None);
        check("1.2.3.4.5", None);
        check("1..2.3", None);
    }

    #[test]
    fn v4_forms_of_urls() {
        let check = |text: &str, expected: Option<[u8; 4]>| {
            assert_eq!(parse_v4_number(text), expected.map(Ipv4Addr::from), "{text}");
        };
        check("3221225993", Some([192, 0, 2, 9]));
        check("0xC0000209", Some([192, 0, 2, 9]));
        check("0xc0.0.521", Some([192, 0, 2, 9]));
        check("0300.0.02.011", Some([192, 0, 2, 9]));
        check("127.1", Some([127, 0, 0, 1]));
        check("0", Some([0, 0, 0, 0]));
        check("0x", Some([0, 0, 0, 0]));
        check("4294967295", Some([255, 255, 255, 255]));
        for none in [
            "4294967296",
            "192.0.2.9",
            "1.2.3.4.5",
            "256.1",
            "1.65536.1",
            "09",
            "0xg",
            "+1",
            "1.",
            "",
            "a",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn v6_forms() {
        let check = |text: &str, expected: &str| assert_eq!(canonical_v6(text).as_deref(), Ok(expected));
        check("2001:DB8:0:0:0:0:0:1", "2001:db8::1");
        check("[2001:db8::1]", "2001:db8::1");
        check("fe80::1%eth0", "fe80::1");
        check("::ffff:192.0.2.1", "::ffff:192.0.2.1");
        assert_eq!(parse("::ffff:192.0.2.1"), Some(IpAddr::from([192, 0, 2, 1])));
    }

    #[test]
    fn nets() {
        let check = |text: &str, expected: &str| assert_eq!(canonical_net(text).as_deref(), Ok(expected));
        check("192.0.2.77/24", "192.0.2.0/24");
        check("192.0.2.0/255.255.255.0", "192.0.2.0/24");
        check("0.0.0.0/0", "0.0.0.0/0");
        check("2001:db8::1/32", "2001:db8::/32");
        for bad in [
            "192.0.2.0/33",
            "192.0.2.0/255.0.255.0",
            "192.0.2.0/",
            "192.0.2.0/+8",
            "x/8",
        ] {
            assert!(canonical_net(bad).is_err(), "{bad}");
        }
        let net = Net::parse("10.0.0.0/8").unwrap();
        assert!(net.contains(IpAddr::from([10, 255, 0, 1])) && !net.contains(IpAddr::from([11, 0, 0, 0])));
        assert!(
            net.covers(&Net::parse("10.1.0.0/16").unwrap()) && !net.covers(&Net::parse("0.0.0.0/0").unwrap())
        );
    }
}
