//! When to try again, and how long to wait before: the one place that decides it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Result};

/// What a server may ask for at most with `Retry-After`.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// What it asks for who names no time, or one that cannot be read.
const UNTOLD: SignedDuration = SignedDuration::from_secs(30);

/// How often a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often it is sent in all; at least once.
    pub attempts: u32,
    /// The wait before the second attempt; each further one doubles it.
    pub first: Duration,
    /// The longest wait. A server that asks for more gets an error that names the time instead.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(20),
        }
    }
}

impl Retry {
    /// One attempt.
    pub const ONCE: Self = Self {
        attempts: 1,
        first: Duration::ZERO,
        longest: Duration::ZERO,
    };

    /// Does it until it succeeds, fails for good, or was tried often enough.
    pub(crate) async fn run<T, F: Future<Output = Result<T>>>(
        &self,
        attempt: impl FnMut() -> F,
    ) -> Result<T> {
        self.run_if(|_| true, attempt).await
    }

    /// The same, for errors that may be repeated in the caller's eyes, too.
    pub(crate) async fn run_if<T, F: Future<Output = Result<T>>>(
        &self,
        again: impl Fn(&Error) -> bool,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T> {
        let mut count = 1;
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let wait = self.wait(count, &error, Timestamp::now(), chance());
            let Some(wait) = wait.filter(|_| count < self.attempts && again(&error)) else {
                return Err(error);
            };
            tracing::debug!(%error, ?wait, "will try again");
            tokio::time::sleep(wait).await;
            count += 1;
        }
    }

    /// How long to wait after the attempt of this number, counted from 1; `None` where waiting does not help.
    /// `chance` is from 0 to 1.
    fn wait(&self, count: u32, error: &Error, now: Timestamp, chance: f64) -> Option<Duration> {
        if !error.is_temporary() {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << (count - 1).min(16));
        // Between half and the whole: clients that failed together do not come back together.
        let backoff = doubled.min(self.longest).mul_f64(0.5 + chance / 2.0);
        let Some(until) = error.retry_at() else {
            return Some(backoff);
        };
        let told = Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO);
        (told <= self.longest).then_some(told.max(backoff))
    }

    /// The wait between two looks at something that takes its time.
    pub(crate) fn poll(&self, count: u32) -> Duration {
        self.first
            .saturating_mul(1 << count.min(16))
            .min(self.longest)
            .mul_f64(0.5 + chance() / 2.0)
    }
}

/// From 0 to 1, different each time; not for secrets.
fn chance() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

/// When a `Retry-After` ends (RFC 9110, section 10.2.3): seconds, or a date, which is compared with the server's own
/// `Date` so that clocks need not agree.
pub(crate) fn retry_after(value: Option<&str>, date: Option<&str>, now: Timestamp) -> Timestamp {
    let wait = value.map(str::trim).and_then(|value| {
        if let Ok(seconds) = value.parse::<f64>() {
            return SignedDuration::try_from_secs_f64(seconds).ok();
        }
        let there = date.and_then(http_date).unwrap_or(now);
        Some(http_date(value)?.duration_since(there))
    });
    let wait = wait.unwrap_or(UNTOLD).clamp(SignedDuration::ZERO, LONGEST);
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn http_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2022-02-24T03:00:00Z".parse().unwrap()
    }

    #[test]
    fn told_times() {
        let check = |value: Option<&str>, date: Option<&str>, seconds: i64| {
            let until = retry_after(value, date, now());
            assert_eq!(
                until.duration_since(now()).as_secs(),
                seconds,
                "{value:?} {date:?}"
            );
        };
        check(Some("120"), None, 120);
        check(Some(" 1.5 "), None, 1);
        check(Some("-5"), None, 0);
        check(Some("1e300"), None, 30);
        check(Some("99999999999999999999"), None, 30);
        check(Some("9999999"), None, 86_400);
        check(Some("nan"), None, 30);
        check(Some("Thu, 24 Feb 2022 03:01:00 GMT"), None, 60);
        let skewed = Some("Thu, 24 Feb 2022 01:00:00 GMT");
        check(Some("Thu, 24 Feb 2022 01:00:10 GMT"), skewed, 10);
        check(Some("Thu, 24 Feb 2022 00:00:10 GMT"), skewed, 0);
        check(Some("soon"), None, 30);
        check(None, None, 30);
    }

    #[test]
    fn waits() {
        let retry = Retry {
            attempts: 9,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(10),
        };
        let limited = |seconds| Error::RateLimited {
            url: "".into(),
            until: now() + SignedDuration::from_secs(seconds),
        };
        let unreachable = Error::Unreachable {
            url: "".into(),
            reason: "".into(),
        };
        let check = |count: u32, error: &Error, chance: f64, millis: Option<u64>| {
            let wait = retry.wait(count, error, now(), chance);
            assert_eq!(wait, millis.map(Duration::from_millis), "{count} {error}");
        };
        check(1, &unreachable, 1.0, Some(1_000));
        check(1, &unreachable, 0.0, Some(500));
        check(3, &unreachable, 1.0, Some(4_000));
        check(60, &unreachable, 1.0, Some(10_000));
        check(1, &limited(7), 1.0, Some(7_000));
        check(1, &limited(-7), 1.0, Some(1_000));
        check(1, &limited(11), 1.0, None);
        check(1, &Error::setup("a", "b"), 1.0, None);
        assert!(
            (0..100)
                .map(|_| chance())
                .all(|chance| (0.0..1.0).contains(&chance))
        );
    }
}
