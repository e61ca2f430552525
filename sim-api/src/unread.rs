//! Bodies that nobody read to their end: those of requests that were refused before, and those that a handler has no use for.
//!
//! The rest of such a body stands where the next request would, so the connection ends with the answer, and the answer has to
//! say so (RFC 9112, 9.6): a client that is not told sends its next request into a connection that is about to close. What is
//! little is read and forgotten instead, so that the connection serves on. What is more is read for a while beside the answer:
//! closing over what a client still sends would reset the connection, and the answer could be lost with it.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// As many bytes are read and forgotten.
const LITTLE: u64 = 64 << 10;
/// As long is waited for them.
const PATIENCE: Duration = Duration::from_secs(1);
/// As many bytes are read beside an answer after which the connection ends.
const MUCH: u64 = 64 << 20;
/// As long they are read.
const LINGER: Duration = Duration::from_secs(2);

/// The body of a request, of which the handler has a second handle.
pub struct Watched {
    body: Shared,
    /// Whether the client waits for a word before it sends the body: it is not asked for one that nobody wants.
    expects: bool,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Inner>>);

struct Inner {
    body: Body,
    ended: bool,
}

impl hyper::body::Body for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut inner = self.0.lock();
        let frame = ready!(Pin::new(&mut inner.body).poll_frame(cx));
        inner.ended = frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().body.size_hint()
    }
}

impl Watched {
    /// Watches the body of a request. None where there is nothing to read, or where what is left of a body does no harm.
    pub fn of(request: &mut Request) -> Option<Watched> {
        if request.body().is_end_stream() || request.version() > Version::HTTP_11 {
            return None;
        }
        let expects = request.headers().contains_key(header::EXPECT);
        let inner = Inner { body: std::mem::take(request.body_mut()), ended: false };
        let body = Shared(Arc::new(Mutex::new(inner)));
        *request.body_mut() = Body::new(body.clone());
        Some(Watched { body, expects })
    }

    /// Reads what little is left of the body, or says in the answer that the connection ends with it.
    pub async fn settle(mut self, response: &mut Response) {
        let little = !self.expects && self.body.size_hint().exact().is_some_and(|left| left <= LITTLE);
        if little && !self.body.has_ended() {
            // Who does not send it in time is told below.
            let _ = tokio::time::timeout(PATIENCE, self.body.forget(LITTLE)).await;
        }
        if self.body.has_ended() {
            return;
        }
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        if !self.expects {
            tokio::spawn(async move { tokio::time::timeout(LINGER, self.body.forget(MUCH)).await });
        }
    }
}

impl Shared {
    fn has_ended(&self) -> bool {
        let inner = self.0.lock();
        inner.ended || inner.body.is_end_stream()
    }

    /// Reads to the end, or until there was more than this many bytes.
    async fn forget(&mut self, most: u64) {
        let mut count = 0;
        while count <= most {
            match std::future::poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await {
                Some(Ok(frame)) => count += frame.data_ref().map_or(0, Bytes::len) as u64,
                _ => return,
            }
        }
    }
}
