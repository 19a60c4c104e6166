//! What is told as it happens: server-sent events and WebSockets.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{interval, timeout};

use super::{endless, health, text};
use crate::net::{Conn, Held};
use crate::stream::station::Station;
use crate::stream::told::{Told, plain};

/// A watcher that does not take a message in this time is let go.
const PATIENCE: Duration = Duration::from_secs(10);
/// As in the original.
const MONITORED: Duration = Duration::from_millis(500);
/// How often it is looked whether the station is about to end.
const LOOK: Duration = Duration::from_millis(500);
/// A watcher hears something this often, so that one that is gone is known to be.
const BEAT: Duration = Duration::from_secs(5);
/// A watcher sends nothing but pings.
const LONGEST_MESSAGE: usize = 4 << 10;

/// Everything that happens, as server-sent events.
pub async fn events(
    State(station): State<Arc<Station>>,
    Extension(conn): Extension<Arc<Conn>>,
) -> Response {
    let first = Arc::new(Told::listeners(station.listeners().len()));
    let begin = (station.events(), Some(first), station);
    let stream = unfold(begin, |(mut events, first, station)| async move {
        let told = match first {
            Some(first) => first,
            // Who missed something is let go, and asks for everything again when it comes back.
            None => next(&station, &mut events).await?.ok()?,
        };
        let event = Event::default().event(told.name).data(&told.data);
        Some((Ok::<_, Infallible>(event), (events, None, station)))
    });
    let told = Sse::new(stream).keep_alive(KeepAlive::new().interval(BEAT)).into_response();
    // Not as an answer of its own: whoever says more behind the request and then hangs up would
    // not be missed, for while an answer is on its way nothing more is read.
    let (head, body) = told.into_parts();
    let pieces = body.into_data_stream().filter_map(async |piece| Some(vec![piece.ok()?]));
    let mut response = endless(&conn, Box::pin(pieces));
    response.headers_mut().extend(head.headers);
    response
}

/// `HEAD`: what there would be.
pub async fn look() -> Response {
    ([(CONTENT_TYPE, "text/event-stream")], ()).into_response()
}

/// What is told next; `None` once the station is about to end.
async fn next(
    station: &Station,
    events: &mut Receiver<Arc<Told>>,
) -> Option<Result<Arc<Told>, RecvError>> {
    while !station.is_draining() {
        if let Ok(told) = timeout(LOOK, events.recv()).await {
            return Some(told);
        }
    }
    None
}

/// The same over a WebSocket, as the original's clients know it.
pub async fn info(
    State(station): State<Arc<Station>>,
    Extension(conn): Extension<Arc<Conn>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgraded(upgrade, &conn, &headers, |watcher| tell_all(station, watcher))
}

/// How the station fares, twice a second.
pub async fn monitor(
    State(station): State<Arc<Station>>,
    Extension(conn): Extension<Arc<Conn>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgraded(upgrade, &conn, &headers, |watcher| tell_state(station, watcher))
}

/// Upgrades a connection of our own pages, or of no page: other pages have no business here.
fn upgraded<F>(
    upgrade: WebSocketUpgrade,
    conn: &Arc<Conn>,
    headers: &HeaderMap,
    serve: impl FnOnce(Watcher) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let (origin, host) = (text(headers, "origin"), text(headers, "host"));
    let page = origin.split_once("://").map(|(_, host)| host);
    if page.is_some_and(|page| page != host) || origin == "null" {
        return axum::http::StatusCode::FORBIDDEN.into_response();
    }
    let held = conn.hold();
    let serve = move |socket| serve(Watcher { socket, held });
    upgrade.max_message_size(LONGEST_MESSAGE).on_upgrade(serve)
}

/// One who watches over a WebSocket.
struct Watcher {
    socket: WebSocket,
    held: Held,
}

impl Watcher {
    /// Sends a message; `false` once nobody takes it.
    async fn send(&mut self, message: Message) -> bool {
        let sent = matches!(timeout(PATIENCE, self.socket.send(message)).await, Ok(Ok(())));
        self.held.conn().touch();
        sent
    }

    /// Ends when it says something that matters: nothing does but that it goes.
    async fn goes(&mut self) {
        while matches!(self.socket.recv().await, Some(Ok(_))) {}
    }
}

async fn tell_all(station: Arc<Station>, mut watcher: Watcher) {
    let mut events = station.events();
    let count = Told::listeners(station.listeners().len()).as_message();
    if !watcher.send(Message::Text(count.into())).await {
        return;
    }
    let mut beat = interval(BEAT);
    loop {
        let message = tokio::select! {
            told = next(&station, &mut events) => match told {
                Some(Ok(told)) => Message::Text(told.as_message().into()),
                // The pages ask for everything from time to time.
                Some(Err(RecvError::Lagged(_))) => continue,
                _ => return,
            },
            _ = beat.tick() => Message::Ping(Bytes::new()),
            () = watcher.goes() => return,
        };
        if !watcher.send(message).await {
            return;
        }
    }
}

async fn tell_state(station: Arc<Station>, mut watcher: Watcher) {
    let mut ticks = interval(MONITORED);
    while !station.is_draining() {
        tokio::select! {
            _ = ticks.tick() => {
                let record = plain(&health::record(&station));
                if !watcher.send(Message::Text(record.into())).await {
                    return;
                }
            }
            () = watcher.goes() => return,
        }
    }
}
