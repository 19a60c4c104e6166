//! Taking connections: not too many, none that says nothing, none that takes nothing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tower_service::Service as _;

use super::conn::Conn;
use super::line::{Line, follow};
use crate::base::{Error, ErrorKind, Result};

/// Descriptors the program itself needs beside those of connections.
const OWN_DESCRIPTORS: u64 = 64;
/// Connections the system keeps ready.
const BACKLOG: u32 = 1_024;

/// Bounds on connections.
#[derive(Clone, Debug)]
pub struct NetLimits {
    /// Most at a time.
    pub connections: usize,
    /// Most from one address.
    pub per_address: usize,
    /// Bytes of a request's head.
    pub head: usize,
    /// A connection on which no request is made in this time is closed.
    pub idle: Duration,
    /// An answer that does not move for this time is given up.
    pub stall: Duration,
    /// Bytes the system keeps for a connection that does not take them.
    pub send_buffer: u32,
    /// How long answers may take to end once the server is to stop.
    pub drain: Duration,
}

impl Default for NetLimits {
    fn default() -> Self {
        NetLimits {
            connections: 1_000,
            per_address: 64,
            head: 8 << 10,
            idle: Duration::from_secs(10),
            stall: Duration::from_secs(15),
            send_buffer: 64 << 10,
            drain: Duration::from_secs(4),
        }
    }
}

/// Takes an address for a server.
///
/// # Errors
/// `Usage` where the address is taken or cannot be had.
pub fn bind(address: SocketAddr, limits: &NetLimits) -> Result<TcpListener> {
    let take = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        // What is taken inherits it: the system shall not hide for minutes that nobody reads.
        socket.set_send_buffer_size(limits.send_buffer)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    take().map_err(|e: std::io::Error| {
        let kind = match e.kind() {
            std::io::ErrorKind::AddrInUse => ErrorKind::Busy,
            _ => ErrorKind::Usage,
        };
        let error = Error::new(kind, format!("cannot listen at {address}"))
            .because(e.to_string())
            .caused_by(e);
        let other = SocketAddr::new(address.ip(), address.port().wrapping_add(1));
        error.hint(format!("is it running already? Another address: --bind {other}"))
    })
}

/// Raises the number of descriptors this process may have, and gives the number of connections
/// there is room for, at most those wanted.
pub fn raise_descriptors(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let need = wanted as u64 + OWN_DESCRIPTORS;
    let most = before.maximum.unwrap_or(u64::MAX);
    let raised = before.current.unwrap_or(u64::MAX).max(need.min(most));
    let limit = Rlimit { current: Some(raised), maximum: before.maximum };
    let have = match setrlimit(Resource::Nofile, limit) {
        Ok(()) => raised,
        Err(_) => before.current.unwrap_or(u64::MAX),
    };
    wanted.min(have.saturating_sub(OWN_DESCRIPTORS) as usize)
}

/// The connections there are.
#[derive(Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<Conn>>,
    from: HashMap<IpAddr, usize>,
}

type Shared = Arc<Mutex<Open>>;

fn lock(open: &Shared) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Open {
    fn add(&mut self, conn: Arc<Conn>, limits: &NetLimits) -> Option<u64> {
        let from = self.from.get(&conn.peer.ip()).copied().unwrap_or(0);
        if self.all.len() >= limits.connections || from >= limits.per_address {
            return None;
        }
        self.from.insert(conn.peer.ip(), from + 1);
        self.next += 1;
        self.all.insert(self.next, conn);
        Some(self.next)
    }

    fn remove(&mut self, number: u64) {
        let Some(conn) = self.all.remove(&number) else { return };
        let ip = conn.peer.ip();
        let left = self.from.get(&ip).map_or(0, |n| n - 1);
        if left == 0 {
            self.from.remove(&ip);
        } else {
            self.from.insert(ip, left);
        }
    }
}

/// Serves `router` until `stop` says so; answers then have a moment to end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: NetLimits,
    mut stop: watch::Receiver<bool>,
) {
    let open = Shared::default();
    let sweeper = tokio::spawn(sweep(open.clone(), limits.clone()));
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, peer)) = taken else {
            // No descriptor is left, or the other end is gone already: others may fare better.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let conn = Conn::new(peer);
        // One too many is closed without a word: to speak would take what there is not.
        let Some(number) = lock(&open).add(conn.clone(), &limits) else { continue };
        let (router, open, head) = (router.clone(), open.clone(), limits.head);
        let stop = stop.clone();
        tokio::spawn(async move {
            // Sound comes in pieces that must not wait for each other.
            let _ = stream.set_nodelay(true);
            let stream = Arc::new(stream);
            // What requests need is gone while the flow runs: there may be thousands of them.
            Box::pin(talk(Line(stream.clone()), &conn, router, head, stop)).await;
            if let Some(flow) = conn.take_flow() {
                tokio::select! {
                    () = follow(&stream, &conn, flow) => {}
                    () = conn.closing() => {}
                }
            }
            lock(&open).remove(number);
        });
    }
    drop(listener);
    let patience = tokio::time::Instant::now() + limits.drain;
    while !lock(&open).all.is_empty() && tokio::time::Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    sweeper.abort();
    lock(&open).all.values().for_each(|conn| conn.close());
}

/// Answers the requests of one connection.
async fn talk(
    line: Line,
    conn: &Arc<Conn>,
    router: Router,
    head: usize,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (mut router, conn) = (router.clone(), conn.clone());
        async move {
            conn.touch();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(conn.clone());
            let answer: Result<_, Infallible> = router.call(request).await;
            answer.map(|answer| answer.map(|body| conn.watch(body)))
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).max_buf_size(head).half_close(false);
    let serving = server.serve_connection(TokioIo::new(line), service).with_upgrades();
    let mut serving = std::pin::pin!(serving);
    let mut asked = false;
    loop {
        tokio::select! {
            // How it ended is the other end's affair.
            _ = &mut serving => break,
            () = conn.closing() => return,
            _ = stop.wait_for(|stop| *stop), if !asked => {
                asked = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
    // A WebSocket is a connection still, and counts as one.
    tokio::select! {
        () = conn.let_go() => {}
        () = conn.closing() => {}
    }
}

/// Closes what does not move.
async fn sweep(open: Shared, limits: NetLimits) {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for conn in lock(&open).all.values() {
            let (still, busy) = conn.still();
            if still > if busy { limits.stall } else { limits.idle } {
                conn.close();
            }
        }
    }
}
