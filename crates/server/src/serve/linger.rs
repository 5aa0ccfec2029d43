//! What is left of a body that nobody reads to its end, because the request was refused before: it is read and thrown away
//! while the answer is sent. Else its sender would find the stream reset, or the connection closed, and never read why.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// For how long it is read.
const LONGEST: Duration = Duration::from_secs(10);

/// How much of it, in bytes.
const MOST: usize = 64 << 20;

/// A body that is read on, for a while, where it is dropped before its end.
struct Lingering {
    body: Body,
    /// Nothing of it comes before it is asked for: then there is nothing to throw away.
    is_held_back: bool,
    has_ended: bool,
}

/// Reads on what is left of a body once nobody else does.
pub(super) fn linger(headers: &HeaderMap, body: Body) -> Body {
    Body::new(Lingering {
        has_ended: body.is_end_stream(),
        is_held_back: headers.contains_key(EXPECT),
        body,
    })
}

impl http_body::Body for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_held_back = false;
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = &polled {
            self.has_ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.has_ended || self.is_held_back || self.body.is_end_stream() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut body = std::mem::take(&mut self.body);
        let rest = async move {
            let mut left = MOST;
            while let Some(Ok(frame)) = body.frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        runtime.spawn(timeout(LONGEST, rest));
    }
}
