//! One connection, and whether it still moves.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;

use super::line::Flow;

/// A connection as the house sees it.
pub struct Conn {
    /// The other end.
    pub peer: SocketAddr,
    begun: Instant,
    /// Answers that are not sent to their end.
    busy: AtomicU32,
    /// Last time anything moved, in milliseconds since it began.
    moved: AtomicU64,
    /// Whether there is nothing to be moved.
    rests: AtomicBool,
    after: Mutex<Option<Flow>>,
    closed: AtomicBool,
    /// Those who go on with it after its last answer.
    held: AtomicU32,
    changed: Notify,
}

/// Goes on with a connection after its last answer, as a WebSocket does.
pub struct Held(Arc<Conn>);

impl Held {
    /// The connection.
    pub fn conn(&self) -> &Conn {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Conn {
    /// A connection that was just taken.
    pub fn new(peer: SocketAddr) -> Arc<Conn> {
        Arc::new(Conn {
            peer,
            begun: Instant::now(),
            busy: AtomicU32::new(0),
            moved: AtomicU64::new(0),
            rests: AtomicBool::new(false),
            after: Mutex::default(),
            closed: AtomicBool::new(false),
            held: AtomicU32::new(0),
            changed: Notify::new(),
        })
    }

    /// Closes it, whatever it is doing.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Ends when it is to be closed.
    pub async fn closing(&self) {
        self.wait(|| self.closed.load(Ordering::SeqCst)).await;
    }

    /// Keeps its place for who goes on with it after its last answer.
    pub fn hold(self: &Arc<Conn>) -> Held {
        self.held.fetch_add(1, Ordering::SeqCst);
        Held(self.clone())
    }

    /// Ends when nobody goes on with it.
    pub async fn let_go(&self) {
        self.wait(|| self.held.load(Ordering::SeqCst) == 0).await;
    }

    async fn wait(&self, until: impl Fn() -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if until() {
                return;
            }
            changed.await;
        }
    }

    /// Something moved.
    pub fn touch(&self) {
        self.moved.store(self.begun.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// How long nothing has moved, and whether an answer is on its way.
    pub fn still(&self) -> (Duration, bool) {
        if self.rests.load(Ordering::Relaxed) {
            return (Duration::ZERO, true);
        }
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        let busy = self.busy.load(Ordering::Relaxed) > 0;
        (self.begun.elapsed().saturating_sub(moved), busy)
    }

    /// Whether the other end is waiting for us and not we for it.
    pub fn rest(&self, rests: bool) {
        self.touch();
        self.rests.store(rests, Ordering::Relaxed);
    }

    /// What is sent on this connection after the answer to this request, which must be one that
    /// ends with the connection. So much the less is kept in memory for it than for an answer.
    pub fn follow_with(&self, flow: Flow) {
        *self.after.lock().unwrap_or_else(PoisonError::into_inner) = Some(flow);
    }

    /// What is sent after the answer, which is on its way from now on.
    pub fn take_flow(&self) -> Option<Flow> {
        let flow = self.after.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.busy.fetch_add(u32::from(flow.is_some()), Ordering::Relaxed);
        self.touch();
        flow
    }

    /// An answer that counts as on its way until it is sent or dropped.
    pub fn watch(self: &Arc<Conn>, body: Body) -> Body {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.touch();
        Body::new(Watched { body, conn: self.clone() })
    }
}

/// A body whose progress is noted.
struct Watched {
    body: Body,
    conn: Arc<Conn>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.conn.touch();
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.conn.touch();
        self.conn.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
