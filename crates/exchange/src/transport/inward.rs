//! Where a server may lead us. One that we were told to ask names other addresses, by a redirect or in what it says of
//! itself; behind them may stand what only this machine, or its network, can reach. Only a server that is there itself
//! may lead there.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// By which variables a proxy is named.
const PROXIES: [&str; 6] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];

/// From where an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reach {
    Public,
    Machine,
    Link,
    Network,
    /// Addresses of many, and of nobody.
    None,
}

/// An address that is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inward {
    pub(super) address: IpAddr,
    reach: Reach,
}

impl fmt::Display for Inward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.reach {
            Reach::Machine => "of this machine",
            Reach::Link => "of a link",
            Reach::Network => "of a private network",
            Reach::Public | Reach::None => "of no server",
        };
        write!(f, "{} is an address {place}", self.address)
    }
}

impl std::error::Error for Inward {}

/// What may be asked on behalf of one server. Names are looked up here, so that what was checked is what is asked.
#[derive(Debug)]
pub(super) struct Guard {
    home: Host<String>,
    /// From where the server itself can be reached; by its name, from when it was first looked up.
    reached: Mutex<Option<HashSet<Reach>>>,
    /// Names of proxies, which lead where they want anyway.
    proxies: HashSet<String>,
}

impl Guard {
    /// For a server of an address that has a host.
    pub(super) fn new(home: &Url) -> Self {
        let host = home.host().map(|host| host.to_owned());
        let home = host.unwrap_or_else(|| Host::Domain(String::new()));
        let reached = literal(&home).map(|address| HashSet::from([reach(address)]));
        let proxies = PROXIES.iter().filter_map(|name| std::env::var(name).ok());
        Self {
            home,
            reached: Mutex::new(reached),
            proxies: proxies.filter_map(|text| proxy(&text)).collect(),
        }
    }

    /// Refuses an address that stands in a URL as it is; names are looked at when they are looked up.
    pub(super) fn check(&self, url: &Url) -> Result<(), Inward> {
        let host = url.host().map(|host| host.to_owned());
        let Some(address) = host.as_ref().and_then(literal) else {
            return Ok(());
        };
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        refused(address, reached.as_ref()).map_or(Ok(()), Err)
    }

    /// Those of a name's addresses that may be asked; where none is left, one of the others. What a server's own name
    /// stands for is believed the first time: it is the address that we were given.
    fn allowed(&self, name: &str, all: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Inward> {
        if self.proxies.contains(name) {
            return Ok(all);
        }
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if reached.is_none() && matches!(&self.home, Host::Domain(home) if home == name) {
            *reached = Some(all.iter().map(|address| reach(address.ip())).collect());
        }
        let is_refused = |address: &SocketAddr| refused(address.ip(), reached.as_ref());
        let first = all.iter().find_map(is_refused);
        let left: Vec<_> = all
            .into_iter()
            .filter(|address| is_refused(address).is_none())
            .collect();
        match first {
            Some(first) if left.is_empty() => Err(first),
            _ => Ok(left),
        }
    }
}

/// Looks names up for a client.
#[derive(Debug, Clone)]
pub(super) struct Lookup(pub(super) Arc<Guard>);

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = guard.allowed(&name.as_str().to_ascii_lowercase(), found.collect())?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn refused(address: IpAddr, reached: Option<&HashSet<Reach>>) -> Option<Inward> {
    let reach = reach(address);
    let is_allowed = reach == Reach::Public || reached.is_some_and(|reached| reached.contains(&reach));
    (!is_allowed).then_some(Inward { address, reach })
}

fn literal(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        Host::Domain(_) => None,
    }
}

/// The name of a proxy, where it has one: the scheme may be left out.
fn proxy(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(Url::has_host);
    let url = url.or_else(|| Url::parse(&format!("http://{text}")).ok())?;
    url.domain().map(str::to_ascii_lowercase)
}

fn reach(address: IpAddr) -> Reach {
    match address.to_canonical() {
        IpAddr::V4(address) => reach_of_v4(address),
        IpAddr::V6(address) => reach_of_v6(address),
    }
}

/// By the registry of special addresses (RFC 6890).
fn reach_of_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0 | 127, ..) => Reach::Machine,
        (169, 254, _) => Reach::Link,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Reach::Network,
        // Of providers' networks, of protocols, of benchmarks.
        (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _) => Reach::Network,
        (224.., ..) => Reach::None,
        _ => Reach::Public,
    }
}

fn reach_of_v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    let inner = |high: u16, low: u16| {
        let bits = u32::from(high) << 16 | u32::from(low);
        reach_of_v4(Ipv4Addr::from_bits(bits))
    };
    match segments {
        // `::`, `::1`, and IPv4 as it was once written.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Reach::Machine,
        [0, 0, 0, 0, 0, 0, high, low] => inner(high, low),
        // NAT64 and 6to4 lead to the address of IPv4 that is in them.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        [0x64, 0xff9b, 1, ..] => Reach::Network,
        [first, ..] => match first {
            0xfe80..=0xfebf => Reach::Link,
            0xfc00..=0xfdff | 0xfec0..=0xfeff => Reach::Network,
            0xff00.. => Reach::None,
            _ => Reach::Public,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_where_addresses_can_be_reached() {
        let check = |address: &str, expected: Reach| {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        };
        check("192.0.2.1", Reach::Public);
        check("172.32.0.1", Reach::Public);
        check("2001:db8::1", Reach::Public);
        check("64:ff9b::c000:201", Reach::Public);
        check("127.9.9.9", Reach::Machine);
        check("0.0.0.0", Reach::Machine);
        check("::1", Reach::Machine);
        check("::", Reach::Machine);
        check("::ffff:127.0.0.1", Reach::Machine);
        check("::127.0.0.1", Reach::Machine);
        check("64:ff9b::7f00:1", Reach::Machine);
        check("2002:7f00:1::", Reach::Machine);
        check("169.254.169.254", Reach::Link);
        check("fe80::1", Reach::Link);
        check("10.1.2.3", Reach::Network);
        check("172.31.0.1", Reach::Network);
        check("192.168.0.1", Reach::Network);
        check("100.100.100.200", Reach::Network);
        check("fd00:ec2::254", Reach::Network);
        check("224.0.0.1", Reach::None);
        check("255.255.255.255", Reach::None);
        check("ff02::1", Reach::None);
    }

    /// What is left of the addresses of names, one after another, for a server.
    #[test]
    fn only_who_is_there_leads_there() {
        let check = |home: &str, names: &[(&str, &[&str], &[&str])]| {
            let guard = Guard::new(&home.parse().unwrap());
            for (name, found, expected) in names {
                let found = found.iter().map(|one| SocketAddr::new(one.parse().unwrap(), 0));
                let left = guard.allowed(name, found.collect()).unwrap_or_default();
                let left: Vec<_> = left.iter().map(|one| one.ip().to_string()).collect();
                assert_eq!(left, *expected, "{home} {name}");
            }
        };
        check(
            "https://feed.example/",
            &[
                ("feed.example", &["192.0.2.1"], &["192.0.2.1"]),
                ("inner.example", &["127.0.0.1"], &[]),
                ("inner.example", &["10.0.0.1", "192.0.2.2"], &["192.0.2.2"]),
                // The name that stood outside is made to stand inside.
                ("feed.example", &["127.0.0.1"], &[]),
                ("feed.example", &["192.0.2.3"], &["192.0.2.3"]),
            ],
        );
        check(
            "https://misp.corp.example/",
            &[
                ("misp.corp.example", &["10.0.0.1"], &["10.0.0.1"]),
                ("files.corp.example", &["10.0.0.2"], &["10.0.0.2"]),
                ("localhost", &["127.0.0.1"], &[]),
                ("metadata", &["169.254.169.254"], &[]),
            ],
        );
        check(
            "http://127.0.0.1:8080/",
            &[
                ("localhost", &["127.0.0.1", "::1"], &["127.0.0.1", "::1"]),
                ("inner.example", &["10.0.0.1"], &[]),
            ],
        );
        // Before it is known where the server is, it leads outside only.
        check("https://feed.example/", &[("localhost", &["127.0.0.1"], &[])]);
    }

    #[test]
    fn addresses_as_they_are() {
        let check = |home: &str, url: &str, expected: Option<&str>| {
            let guard = Guard::new(&home.parse().unwrap());
            let found = guard.check(&url.parse().unwrap()).err();
            assert_eq!(
                found.map(|found| found.to_string()).as_deref(),
                expected,
                "{home} {url}"
            );
        };
        let outside = "https://192.0.2.1/";
        check(outside, "https://192.0.2.9/", None);
        check(outside, "https://a.example/", None);
        check(
            outside,
            "http://0x7f.1/",
            Some("127.0.0.1 is an address of this machine"),
        );
        check(
            outside,
            "http://[::1]/",
            Some("::1 is an address of this machine"),
        );
        check(
            outside,
            "http://169.254.169.254/latest/meta-data/",
            Some("169.254.169.254 is an address of a link"),
        );
        check(
            outside,
            "https://[fd00::1]/",
            Some("fd00::1 is an address of a private network"),
        );
        check("https://10.0.0.1/", "https://10.0.0.1:8443/", None);
        check("https://10.0.0.1/", "https://192.168.1.1/", None);
        check(
            "https://10.0.0.1/",
            "http://127.0.0.1/",
            Some("127.0.0.1 is an address of this machine"),
        );
    }

    #[test]
    fn proxies() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(proxy(text).as_deref(), expected, "{text}");
        check("http://Proxy.corp.example:3128/", Some("proxy.corp.example"));
        check("proxy:3128", Some("proxy"));
        check("http://10.0.0.1:3128", None);
        check("", None);
    }
}
