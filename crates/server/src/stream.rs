//! Bodies that are made while they are sent, piece by piece: never held as a whole.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::Frame;
use tokio::sync::mpsc;

/// How many pieces wait to be sent.
const WAITING: usize = 2;

/// Where pieces are put.
pub(crate) struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Pieces {
    /// Sends a piece, once there is a place for it.
    ///
    /// # Errors
    /// Where whoever asked is gone.
    pub(crate) async fn send(&self, piece: impl Into<Bytes>) -> io::Result<()> {
        let sent = self.0.send(Ok(piece.into())).await;
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// A body of what `make` sends. Where it fails, the body breaks off, so that nobody takes it for whole.
pub(crate) fn streamed<E, W>(make: impl FnOnce(Pieces) -> W) -> Body
where
    E: std::error::Error + Send + Sync + 'static,
    W: Future<Output = Result<(), E>> + Send + 'static,
{
    let (sender, pieces) = mpsc::channel(WAITING);
    let making = make(Pieces(sender.clone()));
    tokio::spawn(async move {
        if let Err(error) = making.await {
            let broken = sender.send(Err(io::Error::other("it broke off"))).await;
            if broken.is_ok() {
                tracing::error!(error = &error as &dyn std::error::Error, "an answer broke off");
            }
        }
    });
    Body::new(Streamed(pieces))
}

struct Streamed(mpsc::Receiver<io::Result<Bytes>>);

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0
            .poll_recv(context)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
