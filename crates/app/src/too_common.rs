//! Values that are too common to be indicators: they are taken, and match far more than anyone means.

use std::collections::BTreeMap;
use std::net::IpAddr;

use perisai_model::{Intel, Kind};
use perisai_values::ip::{self, Net};

/// How many values one note names.
const NAMED: usize = 10;

/// The values of each source that match far too much, one note a source.
pub(crate) fn notes(intel: &Intel) -> Vec<String> {
    let mut sources: BTreeMap<&str, (u64, Vec<String>)> = BTreeMap::new();
    for one in intel.indicators.iter() {
        let Some(why) = why(one.kind, one.value) else {
            continue;
        };
        let source = &*intel.context(one.context).source;
        let (count, shown) = sources.entry(source).or_default();
        let text = format!("{} ({why})", one.value);
        if shown.contains(&text) {
            continue;
        }
        *count += 1;
        if shown.len() < NAMED {
            shown.push(text);
        }
    }
    let note = |(source, (count, shown)): (&str, (u64, Vec<String>))| {
        let more = count - shown.len() as u64;
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("{source}: matches far too much: {}{more}", shown.join(", "))
    };
    sources.into_iter().map(note).collect()
}

/// Why a value says nothing about an attack.
fn why(kind: Kind, value: &str) -> Option<&'static str> {
    match kind {
        // Two labels are a suffix only where the list of public suffixes says so.
        Kind::Domain => (psl::suffix_str(value) == Some(value)).then_some("public suffix"),
        Kind::Ipv4 | Kind::Ipv6 => ip::parse(value).and_then(special),
        Kind::Cidr => Net::parse(value).and_then(|net| special(net.first)),
        _ => None,
    }
}

/// What an address is, where it is that of no single machine on the internet.
fn special(address: IpAddr) -> Option<&'static str> {
    let is_private = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || is_shared(v4.octets()),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    let is_broadcast = address == IpAddr::from([255; 4]);
    match () {
        () if address.is_unspecified() => Some("unspecified address"),
        () if address.is_loopback() => Some("loopback"),
        () if address.is_multicast() => Some("multicast"),
        () if is_broadcast => Some("broadcast"),
        () if is_private => Some("private address"),
        () => None,
    }
}

/// 100.64.0.0/10, which carriers share out (RFC 6598).
fn is_shared(octets: [u8; 4]) -> bool {
    octets[0] == 100 && (64..128).contains(&octets[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_match_far_too_much() {
        let check = |text: &str, expected: Option<&str>| {
            let (kind, value) = perisai_values::recognise(text).unwrap();
            assert_eq!(why(kind, &value), expected, "{text}");
        };
        check("co.uk", Some("public suffix"));
        check("github.io", Some("public suffix"));
        check("evil.co.uk", None);
        check("evil.github.io", None);
        check("evil.example", None);
        check("127.0.0.1", Some("loopback"));
        check("::1", Some("loopback"));
        check("0.0.0.0", Some("unspecified address"));
        check("255.255.255.255", Some("broadcast"));
        check("224.0.0.251", Some("multicast"));
        check("10.1.2.3", Some("private address"));
        check("fe80::1", Some("private address"));
        check("192.168.0.0/16", Some("private address"));
        check("100.64.3.4", Some("private address"));
        check("8.8.8.8", None);
        check("8.0.0.0/8", None);
    }
}
