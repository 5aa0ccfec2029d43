//! Addresses and nets for `ISSUBSET` and `ISSUPERSET`.
//!
//! IPv4 is read as the reference does, through what C's `inet_aton` accepts: fewer than four parts, hex and octal
//! parts. IPv6, which the reference refuses, is read in its standard forms.

use std::net::Ipv6Addr;

/// An address with the number of leading bits that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Net {
    v6: bool,
    bits: u128,
    prefix: u32,
}

impl Net {
    /// Reads `address/prefix`. The prefix is at least 1, as in the reference.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let mut net = Self::parse_address(address)?;
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let prefix: u32 = prefix.parse().ok()?;
        if !(1..=net.prefix).contains(&prefix) {
            return None;
        }
        net.prefix = prefix;
        Some(net)
    }

    /// Reads a net, or an address as a net of its own.
    pub(crate) fn parse_net_or_address(text: &str) -> Option<Self> {
        if text.contains('/') {
            Self::parse(text)
        } else {
            Self::parse_address(text)
        }
    }

    fn parse_address(text: &str) -> Option<Self> {
        let (v6, bits, prefix) = if text.contains(':') {
            (true, text.parse::<Ipv6Addr>().ok()?.to_bits(), 128)
        } else {
            (false, u128::from(inet_aton(text)?), 32)
        };
        Some(Self { v6, bits, prefix })
    }

    /// True where the other lies inside this one.
    pub(crate) fn contains(self, other: Self) -> bool {
        let width = if self.v6 { 128 } else { 32 };
        let shift = width - self.prefix;
        self.v6 == other.v6 && self.prefix <= other.prefix && self.bits >> shift == other.bits >> shift
    }
}

/// One to four parts, of which the last fills what is left. What stands behind white space is not looked at.
fn inet_aton(text: &str) -> Option<u32> {
    let end = text
        .find([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
        .unwrap_or(text.len());
    if text.contains('\0') {
        return None;
    }
    let parts: Vec<&str> = text[..end].split('.').collect();
    let (last, first) = parts.split_last()?;
    if first.len() > 3 {
        return None;
    }
    let mut address = 0;
    for (at, part) in first.iter().enumerate() {
        let value = inet_number(part).filter(|&value| value <= 0xff)?;
        address |= value << (24 - 8 * at);
    }
    let value = inet_number(last)?;
    let most = u32::MAX.checked_shr(8 * first.len() as u32).unwrap_or(0);
    (value <= most).then_some(address | value)
}

fn inet_number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets() {
        let check = |inner: &str, outer: &str, expected: Option<bool>| {
            let got = Net::parse(outer).zip(Net::parse_net_or_address(inner));
            assert_eq!(
                got.map(|(outer, inner)| outer.contains(inner)),
                expected,
                "{inner} {outer}"
            );
        };
        check("192.0.2.7", "192.0.2.0/24", Some(true));
        check("192.0.2.7", "192.0.2.99/24", Some(true));
        check("192.0.3.7", "192.0.2.0/24", Some(false));
        check("192.0.2.0/25", "192.0.2.0/24", Some(true));
        check("192.0.2.0/23", "192.0.2.0/24", Some(false));
        check("0xc0.0x2.7", "192.2.0.0/16", Some(true));
        check("0300.2.7", "192.2.0.0/16", Some(true));
        check("10", "0.0.0.10/32", Some(true));
        check("10.0.0.1 and more", "10.0.0.0/8", Some(true));
        check("2001:db8::1", "2001:db8::/32", Some(true));
        check("2001:db9::1", "2001:db8::/32", Some(false));
        check("10.0.0.1", "2001:db8::/32", Some(false));
        for bad in [
            "256.0.0.1",
            "1.2.3.4.5",
            "",
            "1..2",
            "08",
            "0x",
            "+1",
            " 1",
            "1.2.3.4\0",
            "1.2.3.256",
            "::g",
        ] {
            check(bad, "10.0.0.0/8", None);
        }
        for bad in [
            "10.0.0.0",
            "10.0.0.0/0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "2001:db8::/129",
        ] {
            check("10.0.0.1", bad, None);
        }
    }
}
