//! How many connections one address has: nobody takes all the places that there are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::counted;

/// The connections of each address, of which there may be so many at a time.
#[derive(Debug, Clone)]
pub(super) struct Places {
    most: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection. It is no longer counted once this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        let taken = Arc::default();
        Self { most, taken }
    }

    /// A place for an address, where it has not taken all that it may.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = counted(address);
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(address).or_default();
        // Whoever stands in the map has at least one, so it is bounded as the connections are.
        if *taken >= self.most.max(1) {
            return None;
        }
        *taken += 1;
        let taken = Arc::clone(&self.taken);
        Some(Place { address, taken })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places() {
        let places = Places::new(2);
        let mut held = Vec::new();
        let mut check = |address: &str, expected: bool| {
            let place = places.take(address.parse().unwrap());
            assert_eq!(place.is_some(), expected, "{address}");
            held.extend(place);
        };
        check("192.0.2.7", true);
        check("192.0.2.7", true);
        check("::ffff:192.0.2.7", false);
        check("192.0.2.8", true);
        check("2001:db8::1", true);
        check("2001:db8::2", true);
        check("2001:db8::3", false);
        held.remove(0);
        assert!(places.take("192.0.2.7".parse().unwrap()).is_some());
        held.clear();
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
