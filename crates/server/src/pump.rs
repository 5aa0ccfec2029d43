//! The body of a request on its way to the parser: how long it is, and how long it takes.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Over the whole body a sender has to come to so many bytes a second, the first minute of patience aside.
const SLOWEST: u64 = 1024;

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Where it should, or where the parser wanted no more.
    Whole,
    /// It was longer than is taken.
    TooLarge { limit: u64 },
    /// Its sender said nothing for too long.
    TooSlow,
    /// The connection did.
    Broken,
}

/// Reads a body.
pub(crate) struct Pump {
    pub(crate) body: Body,
    /// How many bytes are taken.
    pub(crate) limit: u64,
    /// For how long a sender may say nothing.
    pub(crate) patience: Duration,
}

impl Pump {
    /// Hands on what comes until the body ends.
    pub(crate) async fn run(mut self, pieces: mpsc::Sender<io::Result<Bytes>>) -> End {
        let started = Instant::now();
        let mut received = 0;
        loop {
            let late = self.patience * 2 + Duration::from_secs(received / SLOWEST);
            let deadline = (Instant::now() + self.patience).min(started + late);
            let frame = match timeout_at(deadline, self.body.frame()).await {
                Err(_) => return stop(pieces, End::TooSlow).await,
                Ok(None) => return End::Whole,
                Ok(Some(Err(_))) => return stop(pieces, End::Broken).await,
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            received += data.len() as u64;
            if received > self.limit {
                let end = End::TooLarge { limit: self.limit };
                return stop(pieces, end).await;
            }
            if pieces.send(Ok(data)).await.is_err() {
                return End::Whole;
            }
        }
    }
}

/// Lets the parser know that what it has is not all.
async fn stop(pieces: mpsc::Sender<io::Result<Bytes>>, end: End) -> End {
    // Where it is gone, it has ended anyway.
    let _ = pieces.send(Err(io::Error::other("the body is not whole"))).await;
    end
}
