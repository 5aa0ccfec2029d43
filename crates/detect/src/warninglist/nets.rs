//! Listed nets, looked up by one probe a prefix length.

use std::collections::{BTreeSet, HashMap};

use perisai_model::Kind;
use perisai_values::ip::{self, Net};

use super::Id;

/// The nets of all lists.
#[derive(Debug, Default)]
pub(super) struct Nets {
    nets: HashMap<Net, Vec<Id>>,
    /// The lengths in use; few, as nets are handed out in few sizes.
    v4: BTreeSet<u8>,
    v6: BTreeSet<u8>,
}

impl Nets {
    /// Adds an address or a net; `false` where the entry is neither.
    pub(super) fn add(&mut self, entry: &str, id: Id) -> bool {
        let Some(net) = Net::parse(entry).or_else(|| ip::parse(entry).map(single)) else {
            return false;
        };
        let lengths = if net.first.is_ipv4() {
            &mut self.v4
        } else {
            &mut self.v6
        };
        lengths.insert(net.prefix);
        self.nets.entry(net).or_default().push(id);
        true
    }

    /// The lists whose nets hold all of an address or a net. A URL on an address is more than the address.
    pub(super) fn find(&self, kind: Kind, value: &str, found: &mut Vec<Id>) {
        let inner = match kind {
            Kind::Ipv4 | Kind::Ipv6 => ip::parse(value).map(single),
            Kind::Cidr => Net::parse(value),
            _ => None,
        };
        let Some(inner) = inner else { return };
        let lengths = if inner.first.is_ipv4() { &self.v4 } else { &self.v6 };
        for &prefix in lengths.range(..=inner.prefix) {
            let first = ip::masked(inner.first, prefix);
            if let Some(ids) = self.nets.get(&Net { first, prefix }) {
                found.extend_from_slice(ids);
            }
        }
    }
}

/// An address as a net.
fn single(address: std::net::IpAddr) -> Net {
    Net {
        first: address,
        prefix: if address.is_ipv4() { 32 } else { 128 },
    }
}
