//! Whether anything is done on a connection of HTTP/2. Bytes do not say it: a `PING` and its answer go back and forth for
//! ever. Requests that begin, and pieces of bodies that go either way, do.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// What is done on a connection. The clones are one.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    requests: usize,
    last: Instant,
}

/// A request under way. It is over once this is dropped.
#[derive(Debug)]
struct Open(Activity);

/// A body whose pieces count.
struct Counted {
    body: Body,
    open: Arc<Open>,
}

/// Both bodies of a request: what is sent with it, and what is answered.
pub(super) struct Exchange(Arc<Open>);

impl Activity {
    pub(super) fn new() -> Self {
        let last = Instant::now();
        Self(Arc::new(Mutex::new(State { requests: 0, last })))
    }

    fn note(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.last = Instant::now();
        change(&mut state);
    }

    /// A request begins. It lasts until all that is made from this is dropped.
    pub(super) fn begin(&self) -> Exchange {
        self.note(|state| state.requests += 1);
        Exchange(Arc::new(Open(self.clone())))
    }

    /// Waits until there was no request for a while, or none of those under way got further for another.
    pub(super) async fn ends(&self, idle: Duration, silence: Duration) {
        loop {
            let ends = {
                let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                state.last + if state.requests == 0 { idle } else { silence }
            };
            if ends <= Instant::now() {
                return;
            }
            sleep_until(ends).await;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.note(|state| state.requests -= 1);
    }
}

impl Exchange {
    /// A body of the request, or of its answer.
    pub(super) fn counts(&self, body: Body) -> Body {
        let open = Arc::clone(&self.0);
        Body::new(Counted { body, open })
    }
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            self.open.0.note(|_| {});
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
