//! Addresses and nets.
//!
//! A bitmap over the 2²⁴ nets of 256 IPv4 addresses says which may hold a listed one; what passes is looked up
//! exactly. IPv6 addresses are rare in logs and are looked up at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use perisai_values::ip::{Net, masked};

/// Listed addresses and nets, each with its entry.
#[derive(Debug)]
pub(super) struct Addresses {
    /// One bit for each /24.
    blocks: Vec<u64>,
    v4: HashMap<u32, u32, rapidhash::fast::RandomState>,
    v6: HashMap<u128, u32, rapidhash::fast::RandomState>,
    nets: HashMap<(IpAddr, u8), u32>,
    /// The lengths of prefixes that occur, longest first.
    v4_prefixes: Vec<u8>,
    v6_prefixes: Vec<u8>,
}

impl Default for Addresses {
    fn default() -> Self {
        Self {
            blocks: vec![0; 1 << 18],
            v4: HashMap::default(),
            v6: HashMap::default(),
            nets: HashMap::default(),
            v4_prefixes: Vec::new(),
            v6_prefixes: Vec::new(),
        }
    }
}

impl Addresses {
    /// Lists an address; gives the entry that already stands for it, if there is one.
    pub(super) fn insert(&mut self, address: IpAddr, entry: u32) -> Option<u32> {
        let first = match address {
            IpAddr::V4(v4) => {
                self.admit(v4);
                *self.v4.entry(u32::from(v4)).or_insert(entry)
            }
            IpAddr::V6(v6) => *self.v6.entry(u128::from(v6)).or_insert(entry),
        };
        (first != entry).then_some(first)
    }

    /// Lists a net; gives the entry that already stands for it, if there is one.
    pub(super) fn insert_net(&mut self, net: Net, entry: u32) -> Option<u32> {
        let first = *self.nets.entry((net.first, net.prefix)).or_insert(entry);
        if first != entry {
            return Some(first);
        }
        let prefixes = match net.first {
            IpAddr::V4(first) => {
                let first = u32::from(first) >> 8;
                let blocks = 1u32 << 24u8.saturating_sub(net.prefix);
                (first..first + blocks).for_each(|block| self.set(block));
                &mut self.v4_prefixes
            }
            IpAddr::V6(_) => &mut self.v6_prefixes,
        };
        if let Err(at) = prefixes.binary_search_by(|prefix| net.prefix.cmp(prefix)) {
            prefixes.insert(at, net.prefix);
        }
        None
    }

    /// Lets an address pass [`may_hold`](Self::may_hold), because something else hangs on it.
    pub(super) fn admit(&mut self, address: Ipv4Addr) {
        self.set(u32::from(address) >> 8);
    }

    fn set(&mut self, block: u32) {
        self.blocks[block as usize >> 6] |= 1 << (block & 63);
    }

    /// True where IPv4 addresses must be looked for.
    pub(super) fn any_v4(&self) -> bool {
        self.blocks.iter().any(|&word| word != 0)
    }

    /// True where IPv6 addresses must be looked for.
    pub(super) fn any_v6(&self) -> bool {
        !self.v6.is_empty() || !self.v6_prefixes.is_empty()
    }

    #[inline]
    pub(super) fn prefetch(&self, address: u32) {
        super::prefetch(&self.blocks, address as usize >> 14);
    }

    /// False where the address, its nets, and all that hangs on it are not listed.
    #[inline]
    pub(super) fn may_hold(&self, address: u32) -> bool {
        self.blocks[address as usize >> 14] >> (address >> 8 & 63) & 1 != 0
    }

    /// Calls `each(entry)` for the address and each net around it that is listed.
    pub(super) fn walk(&self, address: IpAddr, mut each: impl FnMut(u32)) {
        let (exact, prefixes) = match address {
            IpAddr::V4(v4) => (self.v4.get(&u32::from(v4)), &self.v4_prefixes),
            IpAddr::V6(v6) => (self.v6.get(&u128::from(v6)), &self.v6_prefixes),
        };
        exact.into_iter().for_each(|&entry| each(entry));
        for &prefix in prefixes {
            if let Some(&entry) = self.nets.get(&(masked(address, prefix), prefix)) {
                each(entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_its_nets() {
        let mut all = Addresses::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let net = |text: &str| Net::parse(text).unwrap();
        assert_eq!(all.insert(address("192.0.2.1"), 0), None);
        assert_eq!(all.insert(address("192.0.2.1"), 1), Some(0));
        assert_eq!(all.insert_net(net("192.0.2.0/24"), 2), None);
        assert_eq!(all.insert_net(net("192.0.0.0/16"), 3), None);
        assert_eq!(all.insert_net(net("198.51.100.128/25"), 4), None);
        assert_eq!(all.insert_net(net("2001:db8::/32"), 5), None);
        let check = |text: &str, expected: &[u32]| {
            let mut got = Vec::new();
            all.walk(address(text), |entry| got.push(entry));
            assert_eq!(got, expected, "{text}");
            if let IpAddr::V4(v4) = address(text) {
                assert!(expected.is_empty() || all.may_hold(u32::from(v4)), "{text}");
            }
        };
        check("192.0.2.1", &[0, 2, 3]);
        check("192.0.3.1", &[3]);
        check("198.51.100.127", &[]);
        check("198.51.100.128", &[4]);
        check("2001:db8::7", &[5]);
        check("2001:db9::7", &[]);
        assert!(!all.may_hold(u32::from(Ipv4Addr::new(203, 0, 113, 1))));
    }

    #[test]
    fn the_whole_internet_is_a_net() {
        let mut all = Addresses::default();
        all.insert_net(Net::parse("0.0.0.0/0").unwrap(), 7);
        assert!(all.may_hold(0) && all.may_hold(u32::MAX));
    }
}
