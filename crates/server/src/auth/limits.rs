//! How often one may do something: a bucket for each of those who do it, in a map that is bounded.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many buckets a map has at most.
const BUCKETS: usize = 20_000;

/// How much one may do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// So much at once.
    pub burst: f64,
    /// And then so much a second.
    pub per_second: f64,
}

/// Buckets that fill as time goes by.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    all: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn filled(self, rate: Rate, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + passed * rate.per_second).min(rate.burst)
    }
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            all: Mutex::default(),
        }
    }

    /// Takes one out; else the seconds until there is one.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), u64> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(
            &mut all,
            |bucket| bucket.filled(self.rate, now) >= self.rate.burst,
            |bucket| bucket.at,
        );
        let full = Bucket {
            left: self.rate.burst,
            at: now,
        };
        let bucket = all.entry(key).or_insert(full);
        let left = bucket.filled(self.rate, now);
        let taken = left >= 1.0;
        *bucket = Bucket {
            left: if taken { left - 1.0 } else { left },
            at: now,
        };
        if taken { Ok(()) } else { Err(self.wait(left)) }
    }

    /// Whether there is one to take; else the seconds until there is.
    pub(crate) fn look(&self, key: &K, now: Instant) -> Result<(), u64> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all
            .get(key)
            .map_or(self.rate.burst, |bucket| bucket.filled(self.rate, now));
        if left >= 1.0 { Ok(()) } else { Err(self.wait(left)) }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped just before"
    )]
    fn wait(&self, left: f64) -> u64 {
        ((1.0 - left) / self.rate.per_second).ceil().clamp(1.0, 3600.0) as u64
    }
}

/// Makes room for one more: those that are as good as new go first, and the one that was not touched for longest.
fn make_room<K: Eq + Hash + Clone, V>(
    all: &mut HashMap<K, V>,
    is_as_new: impl Fn(&V) -> bool,
    touched: impl Fn(&V) -> Instant,
) {
    if all.len() < BUCKETS {
        return;
    }
    all.retain(|_, value| !is_as_new(value));
    if all.len() >= BUCKETS {
        // Many at once: this walk is long, and must not come with each request.
        let mut times: Vec<_> = all.values().map(&touched).collect();
        times.sort_unstable();
        let middle = times[times.len() / 2];
        all.retain(|_, value| touched(value) > middle);
    }
}

/// How long one has to wait after failing so often in a row with a name: nothing at first, then twice as long each time.
const FREE: u32 = 3;

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);

/// How long failures are remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Failed log-ins by name and address: nobody can lock out another who comes from elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<(String, IpAddr), Failed>>);

#[derive(Debug, Clone, Copy)]
struct Failed {
    times: u32,
    at: Instant,
}

impl Failed {
    fn until(self) -> Instant {
        let Some(over) = self.times.checked_sub(FREE) else {
            return self.at;
        };
        let wait = Duration::from_secs(1_u64.checked_shl(over).unwrap_or(u64::MAX)).min(LONGEST);
        self.at + wait
    }
}

impl Failures {
    /// Whether one may try; else the seconds until then.
    pub(crate) fn look(&self, key: &(String, IpAddr), now: Instant) -> Result<(), u64> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = all.get(key).map_or(now, |failed| failed.until());
        match until.checked_duration_since(now) {
            Some(wait) if !wait.is_zero() => Err(wait.as_secs() + 1),
            _ => Ok(()),
        }
    }

    /// Notes that one failed.
    pub(crate) fn add(&self, key: (String, IpAddr), now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |failed: &Failed| now.saturating_duration_since(failed.at) > REMEMBERED;
        make_room(&mut all, is_old, |failed| failed.at);
        let failed = all.entry(key).or_insert(Failed { times: 0, at: now });
        if is_old(failed) {
            failed.times = 0;
        }
        *failed = Failed {
            times: failed.times.saturating_add(1),
            at: now,
        };
    }

    /// Forgets failures: one succeeded.
    pub(crate) fn clear(&self, key: &(String, IpAddr)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// The address by which one is counted: of IPv6 the network, since one has all addresses of it.
pub(crate) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_empty_and_fill() {
        let rate = Rate {
            burst: 3.0,
            per_second: 0.5,
        };
        let (buckets, start) = (Buckets::new(rate), Instant::now());
        let check = |seconds: u64, key: u8, expected: Result<(), u64>| {
            let found = buckets.take(key, start + Duration::from_secs(seconds));
            assert_eq!(found, expected, "{seconds} {key}");
        };
        for (seconds, key, expected) in [
            (0, 1, Ok(())),
            (0, 1, Ok(())),
            (0, 1, Ok(())),
            (0, 1, Err(2)),
            (0, 2, Ok(())),
            (1, 1, Err(1)),
            (2, 1, Ok(())),
            (2, 1, Err(2)),
            (1000, 1, Ok(())),
        ] {
            check(seconds, key, expected);
        }
        assert_eq!(buckets.look(&1, start + Duration::from_secs(1000)), Ok(()));
    }

    #[test]
    fn maps_stay_bounded() {
        let rate = Rate {
            burst: 1.0,
            per_second: 0.001,
        };
        let (buckets, start) = (Buckets::new(rate), Instant::now());
        let (failures, address) = (Failures::default(), IpAddr::from([127, 0, 0, 1]));
        for number in 0..3 * BUCKETS as u64 {
            let now = start + Duration::from_micros(number);
            let _ = buckets.take(number, now);
            failures.add((number.to_string(), address), now);
        }
        assert!(buckets.all.lock().unwrap().len() <= BUCKETS);
        assert!(failures.0.lock().unwrap().len() <= BUCKETS);
    }

    #[test]
    fn who_fails_waits_longer_each_time_and_nobody_else_does() {
        let (failures, start) = (Failures::default(), Instant::now());
        let from = |last: u8| ("anna".to_owned(), IpAddr::from([192, 0, 2, last]));
        let waits: Vec<_> = (0..14)
            .map(|_| {
                failures.add(from(1), start);
                failures.look(&from(1), start).err().unwrap_or_default()
            })
            .collect();
        assert_eq!(waits, [0, 0, 2, 3, 5, 9, 17, 33, 65, 129, 257, 301, 301, 301]);
        assert_eq!(failures.look(&from(2), start), Ok(()));
        assert_eq!(failures.look(&from(1), start + LONGEST), Ok(()));
        failures.clear(&from(1));
        assert_eq!(failures.look(&from(1), start), Ok(()));
    }

    #[test]
    fn a_network_counts_as_one() {
        let check = |address: &str, expected: &str| {
            assert_eq!(counted(address.parse().unwrap()).to_string(), expected);
        };
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
    }
}
