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
}

impl Body {
    /// The next piece, unpacked; `None` at the end.
    ///
    /// # Errors
    /// Where the body breaks off, hangs, takes too long in all or is over the limit.
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
        self.read += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if self.read > self.limit {
            return Err(Error::TooLarge {
                url: shown(&self.url),
                limit: self.limit,
                unit: "bytes",
            });
        }
        Ok(chunk)
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
