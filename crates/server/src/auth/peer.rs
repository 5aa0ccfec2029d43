//! From where a request comes: what the connection tells, and what a proxy that is trusted adds.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::HeaderMap;
use perisai_store::Fingerprint;

/// What is known of a connection. The server puts it into each request; nobody else can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Peer {
    /// From where it comes; `None` over a socket of the machine.
    pub address: Option<SocketAddr>,
    /// It is over TLS.
    pub is_tls: bool,
    /// The certificate of which the other side holds the key.
    pub certificate: Option<Fingerprint>,
    /// It came by the socket that only who runs the node can open.
    pub is_admin: bool,
}

/// Networks: addresses with how many bits of them count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<(IpAddr, u8)>);

/// What is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address nor a network such as 10.0.0.0/8")]
pub struct NoNetwork(String);

impl Networks {
    /// Reads addresses and networks (`10.0.0.1`, `2001:db8::/32`).
    ///
    /// # Errors
    /// Where one is neither.
    pub fn read<T: AsRef<str>>(texts: &[T]) -> Result<Self, NoNetwork> {
        let one = |text: &T| {
            let text = text.as_ref();
            let wrong = || NoNetwork(text.to_owned());
            let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
            let address: IpAddr = address.parse().map_err(|_| wrong())?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| wrong()))?;
            if bits > most {
                return Err(wrong());
            }
            Ok((address, bits))
        };
        texts.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Single addresses.
    #[must_use]
    pub fn of_addresses(addresses: &[IpAddr]) -> Self {
        let whole = |address: &IpAddr| (*address, if address.is_ipv4() { 32 } else { 128 });
        Self(addresses.iter().map(whole).collect())
    }

    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|(network, bits)| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = network.to_bits() ^ address.to_bits();
                differ.checked_shr(32 - u32::from(*bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differ = network.to_bits() ^ address.to_bits();
                differ.checked_shr(128 - u32::from(*bits)).unwrap_or(0) == 0
            }
            _ => false,
        })
    }
}

/// How many hops of `X-Forwarded-For` are looked at.
const HOPS: usize = 20;

/// Who is at the other end, as far as it can be believed: the connection's address, or, where that is a proxy that is
/// trusted, the last one in `X-Forwarded-For` that is not.
pub(crate) fn client(peer: &Peer, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let Some(address) = peer.address else {
        return IpAddr::V4(Ipv4Addr::LOCALHOST);
    };
    let mut client = address.ip().to_canonical();
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    for hop in hops.take(HOPS) {
        if !trusted.contain(client) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(hop) => client = hop.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

/// Whether the client's side is over TLS: ours, or that of a proxy that is trusted.
pub(crate) fn is_tls(peer: &Peer, headers: &HeaderMap, trusted: &Networks) -> bool {
    let by_proxy = || {
        let told = headers
            .get("x-forwarded-proto")
            .is_some_and(|told| told == "https");
        told && peer.address.is_some_and(|address| trusted.contain(address.ip()))
    };
    peer.is_tls || by_proxy()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = Networks::read(&["10.0.0.0/8", "2001:db8::1"]).unwrap();
        let check = |from: &str, lines: &[&'static str], expected: &str| {
            let peer = Peer {
                address: Some(SocketAddr::new(from.parse().unwrap(), 1)),
                ..Peer::default()
            };
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            assert_eq!(
                client(&peer, &headers, &trusted).to_string(),
                expected,
                "{from} {lines:?}"
            );
        };
        check("192.0.2.1", &["198.51.100.1"], "192.0.2.1");
        check("10.1.2.3", &["198.51.100.1"], "198.51.100.1");
        check("10.1.2.3", &["127.0.0.1, 198.51.100.1"], "198.51.100.1");
        check(
            "10.1.2.3",
            &["127.0.0.1", "198.51.100.1, 10.9.9.9"],
            "198.51.100.1",
        );
        check("::ffff:10.1.2.3", &["198.51.100.1"], "198.51.100.1");
        check("2001:db8::1", &["2001:db8::2"], "2001:db8::2");
        check("2001:db8::2", &["198.51.100.1"], "2001:db8::2");
        check("10.1.2.3", &["garbage"], "10.1.2.3");
        check("10.1.2.3", &[], "10.1.2.3");
        check("11.1.2.3", &["198.51.100.1"], "11.1.2.3");
    }

    #[test]
    fn networks_are_read() {
        for wrong in [
            "",
            "10.0.0.0/33",
            "a.example",
            "10.0.0.0/x",
            "::/129",
            "10.0.0.0/-1",
        ] {
            assert!(Networks::read(&[wrong]).is_err(), "{wrong}");
        }
        let all = Networks::read(&["0.0.0.0/0"]).unwrap();
        assert!(all.contain([192, 0, 2, 1].into()));
        assert!(!all.contain("2001:db8::1".parse().unwrap()));
    }
}
