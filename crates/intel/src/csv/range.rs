//! Nets that take several columns: where a range of addresses starts, and where it ends or how long its prefix is.

use std::borrow::Cow;
use std::net::IpAddr;

use perisai_model::Kind;
use perisai_values::{ip, refang};

use crate::typed::{Found, of_any, of_kind};

/// The most nets that one range may be made of.
const NETS: usize = 64;

/// The nets of a row.
pub(super) fn nets(
    start: &str,
    end: Option<&str>,
    prefix: Option<&str>,
) -> Result<Vec<Found<'static>>, String> {
    if let Some(prefix) = prefix {
        let net = format!("{start}/{}", prefix.trim_start_matches('/'));
        return of_kind(Kind::Cidr, &net).map(|found| vec![owned(found)]);
    }
    match end.filter(|end| *end != start) {
        None => of_kind(Kind::Ipv4, start).map(|found| vec![owned(found)]),
        Some(end) => between(start, end).ok_or_else(|| format!("no range of addresses up to `{end}`")),
    }
}

/// The fewest nets that hold all addresses of a range, and no others.
pub(crate) fn between(start: &str, end: &str) -> Option<Vec<Found<'static>>> {
    let (start, end) = (ip::parse(&refang(start))?, ip::parse(&refang(end))?);
    let width = if start.is_ipv4() { 32 } else { 128 };
    let (mut at, last) = (number(start), number(end));
    if start.is_ipv4() != end.is_ipv4() || at > last {
        return None;
    }
    let mut found = Vec::new();
    loop {
        let mut free = at.trailing_zeros().min(width);
        let size = |bits: u32| if bits == 128 { u128::MAX } else { (1 << bits) - 1 };
        while size(free) > last - at {
            free -= 1;
        }
        let address = match start {
            IpAddr::V4(_) => IpAddr::from(u32::try_from(at).ok()?.to_be_bytes()),
            IpAddr::V6(_) => IpAddr::from(at.to_be_bytes()),
        };
        let text = if free == 0 {
            address.to_string()
        } else {
            format!("{address}/{}", width - free)
        };
        found.push(owned(of_any(&text)?));
        match at.checked_add(size(free)).filter(|reached| *reached < last) {
            Some(reached) if found.len() < NETS => at = reached + 1,
            Some(_) => return None,
            None => return Some(found),
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn owned((kind, value): Found<'_>) -> Found<'static> {
    (kind, Cow::Owned(value.into_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nets_of_rows() {
        let check = |start: &str, end: Option<&str>, prefix: Option<&str>, expected: Option<&[&str]>| {
            let found = nets(start, end, prefix).ok();
            let found: Option<Vec<_>> =
                found.map(|found| found.into_iter().map(|(_, value)| value.into_owned()).collect());
            let expected = expected.map(|expected| expected.iter().map(ToString::to_string).collect());
            assert_eq!(found, expected, "{start} {end:?} {prefix:?}");
        };
        check(
            "198.51.100.0",
            Some("198.51.100.255"),
            Some("24"),
            Some(&["198.51.100.0/24"]),
        );
        check(
            "198.51.100.0",
            Some("198.51.100.255"),
            None,
            Some(&["198.51.100.0/24"]),
        );
        check(
            "192.0.2.1",
            Some("192.0.2.4"),
            None,
            Some(&["192.0.2.1", "192.0.2.2/31", "192.0.2.4"]),
        );
        check("192.0.2.1", None, None, Some(&["192.0.2.1"]));
        check("192.0.2.1", Some("192.0.2.1"), None, Some(&["192.0.2.1"]));
        check(
            "2001:db8::",
            Some("2001:db8::ffff"),
            None,
            Some(&["2001:db8::/112"]),
        );
        check("192.0.2.9", Some("192.0.2.1"), None, None);
        check("0.0.0.0", Some("255.255.255.255"), None, None);
        check("::", Some("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), None, None);
        check("192.0.2.1", Some("2001:db8::1"), None, None);
        check("192.0.2.0", None, Some("2"), None);
    }

    proptest! {
        #[test]
        fn a_range_is_covered_exactly(start: u32, length in 0_u32..70_000) {
            let end = start.saturating_add(length);
            let text = |number: u32| IpAddr::from(number.to_be_bytes()).to_string();
            let Some(found) = between(&text(start), &text(end)) else {
                panic!("{start} {end}");
            };
            let mut at = u64::from(start);
            for (_, value) in found {
                let (first, prefix) = value.split_once('/').unwrap_or((&value, "32"));
                let first = ip::parse_v4(first.as_bytes()).map(u32::from).unwrap();
                prop_assert_eq!(u64::from(first), at);
                at += 1_u64 << (32 - prefix.parse::<u32>().unwrap());
            }
            prop_assert_eq!(at, u64::from(end) + 1);
        }
    }
}
