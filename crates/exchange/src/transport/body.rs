//! The body of an answer, taken piece by piece under a limit, a patience for each piece and one for all.

use std::io::Write;

use bytes::Bytes;
use tokio::time::{Duration, Instant, timeout_at};
use url::Url;

use crate::error::{Error, Result, clean, shown};

/// A body that is still coming.
#[derive(Debug)]
pub struct Body {
    pub(super) response: Box<reqwest::Response>,
    pub(super) url: Url,
    pub(super) limit: u64,
    pub(super) idle: Duration,
    pub(super) begun: Instant,
    pub(super) total: Duration,
    pub(super) read: u64,
    pub(super) pace: Pace,
}

/// How fast a body comes: one that drips keeps a connection, and whoever waits for it, for as long as it likes.
#[derive(Debug)]
pub(super) struct Pace {
    /// The least, in bytes a second; none where it is 0.
    speed: u64,
    /// For how long was waited in this measurement, and how much came. What is done between two pieces does not count.
    waited: Duration,
    came: u64,
}

impl Pace {
    pub(super) fn new(speed: u64) -> Self {
        Self {
            speed,
            waited: Duration::ZERO,
            came: 0,
        }
    }

    /// Counts a piece, in bytes; whether too little came over a time as long as `span`.
    fn is_too_slow(&mut self, waited: Duration, piece: u64, span: Duration) -> bool {
        self.waited += waited;
        self.came += piece;
        if self.waited < span {
            return false;
        }
        let (waited, came) = (std::mem::take(&mut self.waited), std::mem::take(&mut self.came));
        (came as f64) < self.speed as f64 * waited.as_secs_f64()
    }
}

impl Body {
    /// The next piece, unpacked; `None` at the end.
    ///
    /// # Errors
    /// Where the body breaks off, hangs, comes too slowly, takes too long in all or is over the limit.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let now = Instant::now();
        let (deadline, waited) = if now + self.idle < self.begun + self.total {
            (now + self.idle, self.idle)
        } else {
            (self.begun + self.total, self.total)
        };
        let chunk = match timeout_at(deadline, self.response.chunk()).await {
            Ok(chunk) => chunk,
            Err(_) => {
                return Err(Error::TimedOut {
                    url: shown(&self.url),
                    what: "the rest of the answer",
                    waited,
                });
            }
        };
        let chunk = chunk.map_err(|error| Error::CutOff {
            url: shown(&self.url),
            after: self.read,
            reason: clean(&innermost(&error)).into(),
        })?;
        let Some(chunk) = chunk else {
            return Ok(None);
        };
        self.read += chunk.len() as u64;
        if self.read > self.limit {
            return Err(Error::TooLarge {
                url: shown(&self.url),
                limit: self.limit,
                unit: "bytes",
            });
        }
        if self
            .pace
            .is_too_slow(now.elapsed(), chunk.len() as u64, self.idle)
        {
            return Err(Error::TooSlow {
                url: shown(&self.url),
                after: self.read,
                speed: self.pace.speed,
            });
        }
        Ok(Some(chunk))
    }

    /// Takes no more than this, where the settings allow more.
    pub(crate) fn limit_to(&mut self, limit: u64) {
        self.limit = self.limit.min(limit);
    }

    /// The whole body in memory.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub async fn bytes(mut self) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    /// Writes the whole body somewhere: a file that an importer reads afterwards. How many bytes it was.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk), and where nothing can be written.
    pub async fn copy_to(mut self, out: &mut (dyn Write + Send)) -> Result<u64> {
        while let Some(chunk) = self.chunk().await? {
            out.write_all(&chunk)
                .map_err(|error| Error::setup("writing what came", error))?;
        }
        Ok(self.read)
    }
}

/// The cause of an error that all others only pass on.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_slow() {
        let check = |speed: u64, steps: &[(u64, u64)], expected: Option<usize>| {
            let mut pace = Pace::new(speed);
            let found = steps.iter().position(|(waited, piece)| {
                pace.is_too_slow(Duration::from_secs(*waited), *piece, Duration::from_secs(30))
            });
            assert_eq!(found, expected, "{speed} {steps:?}");
        };
        check(1024, &[(29, 1), (1, 1)], Some(1));
        check(1024, &[(29, 1), (1, 30_719)], None);
        // Fast at first: the next measurement does not count that.
        check(1024, &[(30, 1 << 30), (29, 1), (1, 5)], Some(2));
        check(1024, &[(40, 40_960)], None);
        check(1024, &[(40, 40_959)], Some(0));
        check(0, &[(300, 1)], None);
    }
}
