//! What stands around a value: what is said of that is said of the value, too.

use std::net::IpAddr;

use perisai_model::Kind;

use crate::ip::{Net, masked};
use crate::{recognise, url};

/// The values around one in canonical form, of which each matches it in a hunt: the nets around an address or a net, the
/// domains above a name, the host of a URL and what is around that. The value itself is not among them.
///
/// # Example
/// ```
/// use perisai_model::Kind;
///
/// let around = perisai_values::around(Kind::Url, "http://a.b.example/x");
/// assert_eq!(around, ["a.b.example", "b.example", "example"]);
/// ```
#[must_use]
pub fn around(kind: Kind, value: &str) -> Vec<String> {
    match kind {
        Kind::Ipv4 | Kind::Ipv6 => value
            .parse()
            .map_or_else(|_| Vec::new(), |address| nets(address, None)),
        Kind::Cidr => Net::parse(value).map_or_else(Vec::new, |net| nets(net.first, Some(net.prefix))),
        Kind::Domain => above(value),
        Kind::Url => match recognise(url::split(value).host) {
            Some((kind @ (Kind::Ipv4 | Kind::Ipv6 | Kind::Domain), host)) => {
                let rest = around(kind, &host);
                std::iter::once(host.into_owned()).chain(rest).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The nets around an address, or around the net of that prefix, from narrow to wide.
fn nets(address: IpAddr, below: Option<u8>) -> Vec<String> {
    let end = below.unwrap_or(if address.is_ipv4() { 33 } else { 129 });
    let net = |prefix| Net {
        first: masked(address, prefix),
        prefix,
    };
    (0..end).rev().map(|prefix| net(prefix).to_string()).collect()
}

fn above(name: &str) -> Vec<String> {
    let dots = name.match_indices('.');
    dots.map(|(at, _)| name[at + 1..].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around() {
        let check = |kind, value: &str, many: usize, among: &[&str]| {
            let found = around(kind, value);
            assert_eq!(found.len(), many, "{value}: {found:?}");
            for one in among {
                assert!(found.iter().any(|found| found == one), "{value}: {one}");
            }
            assert!(!found.iter().any(|found| found == value), "{value}");
        };
        check(
            Kind::Ipv4,
            "192.0.2.77",
            33,
            &["192.0.2.77/32", "192.0.2.64/27", "192.0.0.0/16", "0.0.0.0/0"],
        );
        check(
            Kind::Ipv6,
            "2001:db8::1",
            129,
            &["2001:db8::/32", "2001:db8::1/128"],
        );
        check(Kind::Cidr, "192.0.2.0/24", 24, &["192.0.2.0/23", "192.0.0.0/16"]);
        check(Kind::Domain, "a.b.example", 2, &["b.example", "example"]);
        check(
            Kind::Url,
            "http://192.0.2.77/x",
            34,
            &["192.0.2.77", "192.0.2.0/24"],
        );
        check(Kind::Url, "https://a.b.example:8443/", 3, &["a.b.example"]);
        check(Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e", 0, &[]);
    }
}
