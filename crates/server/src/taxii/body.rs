//! Envelopes (TAXII 2.1, section 3.7) made of the bytes that came in: nothing is parsed again, and each byte is
//! copied once at most.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use perisai_policy::Released;
use perisai_store::Entry;

/// Small objects are gathered into pieces of about this size.
const PIECE: usize = 64 * 1024;

/// Objects from this size on go out as they are, without a copy.
const LARGE: usize = 16 * 1024;

/// An envelope of released objects.
pub(super) fn envelope(objects: Vec<Released<Entry>>, next: Option<&str>) -> Body {
    let mut pieces = Pieces::default();
    if objects.is_empty() {
        pieces.text(b"{}");
        return pieces.finish();
    }
    pieces.text(b"{");
    if let Some(next) = next {
        // A cursor is of letters, digits, `-` and `_`.
        pieces.text(b"\"more\":true,\"next\":\"");
        pieces.text(next.as_bytes());
        pieces.text(b"\",");
    }
    let mut before: &[u8] = b"\"objects\":[";
    for object in objects {
        pieces.text(before);
        pieces.object(object);
        before = b",";
    }
    pieces.text(b"]}");
    pieces.finish()
}

/// The bytes of an object that goes out whole.
struct Raw(Released<Entry>);

impl AsRef<[u8]> for Raw {
    fn as_ref(&self) -> &[u8] {
        &self.0.get().raw
    }
}

#[derive(Default)]
struct Pieces {
    full: VecDeque<Bytes>,
    last: Vec<u8>,
}

impl Pieces {
    fn text(&mut self, text: &[u8]) {
        if self.last.len() + text.len() > PIECE {
            self.cut();
        }
        if self.last.capacity() == 0 {
            self.last.reserve(PIECE);
        }
        self.last.extend_from_slice(text);
    }

    fn object(&mut self, object: Released<Entry>) {
        let raw = &object.get().raw;
        if raw.len() < LARGE {
            return self.text(raw);
        }
        self.cut();
        self.full.push_back(Bytes::from_owner(Raw(object)));
    }

    fn cut(&mut self) {
        if !self.last.is_empty() {
            self.full.push_back(std::mem::take(&mut self.last).into());
        }
    }

    fn finish(mut self) -> Body {
        self.cut();
        let left = self.full.iter().map(|piece| piece.len() as u64).sum();
        Body::new(Whole {
            pieces: self.full,
            left,
        })
    }
}

/// A body whose length is known.
struct Whole {
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
